"""The synthetic cohort: from one seed, files and a table that the project reads."""

import nibabel as nib
import numpy as np
import pytest

from negspa_jax.data.cohort import read_cohort
from negspa_jax.data.phantom import PRESETS, Preset, plan_rows, write_phantom
from negspa_jax.data.phantom_anatomy import SEQUENCES

TINY = Preset({"train": (4, 4), "external": (2, 2)}, (48, 64), (8, 10))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantom")
    write_phantom(out, preset=TINY, seed=3, num_processes=1)
    return out


def contents(out):
    return {
        path.relative_to(out): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def images(folder, name):
    return [nib.load(path) for path in sorted(folder.glob(f"P*/{name}.nii.gz"))]


def test_same_seed_gives_the_same_bytes_with_any_number_of_processes(folder, tmp_path):
    write_phantom(tmp_path, preset=TINY, seed=3, num_processes=2)
    assert contents(tmp_path) == contents(folder)


def test_another_seed_gives_other_volumes(folder, tmp_path):
    write_phantom(tmp_path, preset=TINY, seed=4, num_patients=1, num_processes=1)
    for name in SEQUENCES:
        path = f"P0001/{name}.nii.gz"
        assert (tmp_path / path).read_bytes() != (folder / path).read_bytes()


def test_the_first_patients_do_not_depend_on_how_many_follow(folder, tmp_path):
    write_phantom(tmp_path, preset=TINY, seed=3, num_patients=2, num_processes=1)
    whole, part = contents(folder), contents(tmp_path)
    table = part.pop(next(path for path in part if path.name == "cohort.csv"))
    assert len(part) == 2 * 5
    assert all(whole[path] == content for path, content in part.items())
    assert whole[next(p for p in whole if p.name == "cohort.csv")].startswith(table)


def test_paper_preset_has_the_papers_cohort_sizes():
    rows = plan_rows(PRESETS["paper"], seed=0)
    counts = {
        (split, label): sum(row[1:] == (split, label) for row in rows)
        for _, split, label in rows
    }
    assert counts == {
        ("train", 1): 138,
        ("train", 0): 190,
        ("internal", 1): 45,
        ("internal", 0): 27,
        ("external", 1): 25,
        ("external", 0): 29,
        ("prospective", 1): 53,
        ("prospective", 0): 34,
    }
    assert [number for number, _, _ in rows] == list(range(1, 542))


def test_the_table_is_a_valid_cohort(folder):
    cohort = read_cohort(folder / "cohort.csv", sequences=SEQUENCES)
    assert len(cohort.patients) == 12
    for patient in cohort.patients:
        assert set(patient.features.values()) <= {0, 1}
        assert all(value is not None for value in patient.covariates.values())
        assert len(patient.readers) == len(patient.readers_ai) == 4
        assert patient.extra["lesions"] == f"{patient.patient_id}/lesions.nii.gz"


def test_sequences_lie_on_different_grids(folder):
    for scans in zip(*(images(folder, name) for name in SEQUENCES), strict=True):
        affines = [scan.affine for scan in scans]
        assert not np.allclose(affines[0], affines[1], atol=0.01)
        assert not np.allclose(affines[1], affines[2], atol=0.01)


def test_orientations_and_headers_vary(folder):
    scans = [scan for name in SEQUENCES for scan in images(folder, name)]
    assert len({nib.aff2axcodes(scan.affine) for scan in scans}) > 3
    assert len({scan.shape for scan in scans}) > 3
    assert {type(scan.header) for scan in scans} == {
        nib.Nifti1Header,
        nib.Nifti2Header,
    }
    assert {scan.header.endianness for scan in scans} == {"<", ">"}


def test_volumes_are_int16_with_a_slope_and_oblique(folder):
    for scan in images(folder, "t1w"):
        assert scan.get_data_dtype().newbyteorder("=") == np.int16
        assert scan.dataobj.slope not in (0, 1)
        assert np.max(nib.affines.obliquity(scan.affine)) > 0.2
        assert np.allclose(scan.get_qform(), scan.get_sform(), atol=1e-3)


def test_stacks_are_semicoronal(folder):
    for name in SEQUENCES:
        for scan in images(folder, name):
            spacing = np.linalg.norm(scan.affine[:3, :3], axis=0)
            normal = scan.affine[:3, np.argmax(spacing)] / spacing.max()
            assert spacing.max() > 1.25 * np.sort(spacing)[1]
            assert abs(normal[0]) < 0.3  # neither sagittal
            assert normal[1] * normal[2] < 0  # up along the sacrum is also forwards


def test_masks_lie_on_the_grid_of_a_sequence(folder):
    for masks, wanted in (("rvoi", SEQUENCES), ("lesions", ("fs",))):
        for number, mask in enumerate(images(folder, masks)):
            scans = [images(folder, name)[number] for name in wanted]
            assert any(
                mask.shape == scan.shape and np.allclose(mask.affine, scan.affine)
                for scan in scans
            )


def test_an_unknown_preset_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"preset must be one of .*, got 'big'"):
        write_phantom(tmp_path, preset="big")
