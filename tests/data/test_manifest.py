"""Inputs are known by their bytes from the first run on."""

import shutil
from pathlib import Path

import pytest

from negspa_jax.data.cohort import Cohort
from negspa_jax.data.errors import CohortError
from negspa_jax.data.manifest import file_sha256, hash_inputs, record_inputs
from negspa_jax.data.patient import Patient


def make_cohort(folder: Path, *names: str) -> Cohort:
    folder.mkdir(exist_ok=True)
    patients = []
    for name in names:
        files = {role: folder / f"{name}_{role}.nii" for role in ("t1w", "fs", "rvoi")}
        for role, path in files.items():
            if not path.exists():
                path.write_text(f"{name} {role}")
        images = {role: files[role] for role in ("t1w", "fs")}
        rvoi = dict.fromkeys(images, files["rvoi"])
        patients.append(Patient(name, "train", 1, images, rvoi))
    return Cohort(folder / "cohort.csv", ("t1w", "fs"), tuple(patients))


def problems(cohort, manifest, **options):
    with pytest.raises(CohortError) as caught:
        record_inputs(cohort, manifest=manifest, **options)
    return caught.value.problems


def test_the_first_run_writes_and_the_next_compares(tmp_path):
    cohort, manifest = make_cohort(tmp_path / "data", "A", "B"), tmp_path / "in.csv"
    hashes = record_inputs(cohort, manifest=manifest)
    assert hashes == hash_inputs(cohort)
    assert hashes[tmp_path / "data" / "A_t1w.nii"] == file_sha256(
        tmp_path / "data" / "A_t1w.nii"
    )
    assert len(hashes) == 6
    written = manifest.read_text()
    lines = written.splitlines()
    assert lines[0] == "patient_id,role,path,bytes,sha256"
    assert lines[1].startswith("A,t1w,A_t1w.nii,5,")
    assert len(lines) == 1 + 2 * 4
    assert record_inputs(cohort, manifest=manifest) == hashes
    assert manifest.read_text() == written
    assert [path.name for path in tmp_path.iterdir()] == ["data", "in.csv"] or len(
        list(tmp_path.iterdir())
    ) == 2


def test_every_changed_and_missing_file_is_listed(tmp_path):
    cohort, manifest = make_cohort(tmp_path / "data", "A", "B"), tmp_path / "in.csv"
    record_inputs(cohort, manifest=manifest)
    (tmp_path / "data" / "A_fs.nii").write_text("a fs")
    (tmp_path / "data" / "B_rvoi.nii").write_text("longer than before")
    (tmp_path / "data" / "B_t1w.nii").unlink()
    found = problems(cohort, manifest)
    assert len(found) == 4
    assert found[0].startswith("patient B, file")
    assert "cannot be read" in found[0]
    assert found[1].startswith("patient A, file A_fs.nii (fs): must be 4 bytes")
    assert [("rvoi:t1w" in found[2]), ("rvoi:fs" in found[3])] == [True, True]


def test_new_patients_come_in_only_when_told_so(tmp_path):
    manifest = tmp_path / "in.csv"
    record_inputs(make_cohort(tmp_path / "data", "A"), manifest=manifest)
    both = make_cohort(tmp_path / "data", "A", "B")
    assert all("patient B" in problem for problem in problems(both, manifest))
    record_inputs(both, manifest=manifest, accept_new=True)
    record_inputs(both, manifest=manifest)
    (tmp_path / "data" / "A_fs.nii").write_text("changed")
    assert len(problems(both, manifest, accept_new=True)) == 1


def test_a_cohort_may_move_and_lose_patients(tmp_path):
    manifest = tmp_path / "in.csv"
    record_inputs(make_cohort(tmp_path / "data", "A", "B"), manifest=manifest)
    shutil.move(tmp_path / "data", tmp_path / "moved")
    record_inputs(make_cohort(tmp_path / "moved", "A"), manifest=manifest)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "patient_id,role\n", "\0"])
def test_a_damaged_manifest_is_refused(tmp_path, content):
    (tmp_path / "in.csv").write_text(content)
    found = problems(make_cohort(tmp_path / "data", "A"), tmp_path / "in.csv")
    assert "damaged" in found[0]


def test_a_missing_file_at_first_sight_writes_no_manifest(tmp_path):
    cohort = make_cohort(tmp_path / "data", "A")
    (tmp_path / "data" / "A_fs.nii").unlink()
    assert len(problems(cohort, tmp_path / "in.csv")) == 1
    assert not (tmp_path / "in.csv").exists()
