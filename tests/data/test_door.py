"""The room's door: every mistake is one sentence and exit code 2."""

import os
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from negspa_jax.data.__main__ import main
from negspa_jax.data.pelvis import PRESETS, PelvisPreset
from negspa_jax.data.volume import read_mask

CORNERS = "2,2; 8,2; 8,7; 2,7"
NOTHING = ["--image=x", "--first=1", "--last=2", "--out=m.nii"]


@pytest.fixture
def image(tmp_path):
    values = np.arange(12 * 10 * 5, dtype="int16").reshape(12, 10, 5)
    path = tmp_path / "t1w.nii.gz"
    nib.save(nib.Nifti1Image(values, np.diag([1.0, 1, 3, 1])), path)
    return path


def test_rvoi_writes_a_mask(image, tmp_path, capsys):
    flags = [f"--image={image}", f"--corners={CORNERS}", f"--out={tmp_path}/m.nii.gz"]
    assert main(["rvoi", *flags, "--first=1", "--last=3"]) == 0
    assert "126 voxels in 3 slices" in capsys.readouterr().out
    assert read_mask(tmp_path / "m.nii.gz", patient_id="").data.sum() == 7 * 6 * 3
    assert main(["rvoi", *flags, "--first=1", "--last=3"]) == 2
    assert main(["rvoi", *flags, "--first=2", "--last=2", "--overwrite"]) == 0
    assert read_mask(tmp_path / "m.nii.gz", patient_id="").data.sum() == 7 * 6


def test_rvoi_counts_from_one_as_itk_snap_does(image, tmp_path):
    out = tmp_path / "m.nii"
    flags = [f"--image={image}", "--corners=3,3; 9,3; 9,8; 3,8", f"--out={out}"]
    assert main(["rvoi", *flags, "--first=2", "--last=4", "--index_base=1"]) == 0
    assert read_mask(out, patient_id="").data[2:9, 2:8, 1:4].all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chek"], "check, rvoi, phantom"),
        (["check"], "--cohort must be given"),
        (["check", "--chort=x"], "Did you mean: cohort"),
        (["check", "--cohort=x", "--window_mm=wide"], "--window_mm=wide"),
        (["check", "--cohort=x", "--window_mm=-3"], "window_mm"),
        (["check", "--cohort=x", "--sides=top"], "--sides=top"),
        (["check", "cohort.csv"], "must be a --flag"),
        (["check", "--cohort=x", "--sequences="], "sequences must be"),
        (["rvoi", "--image=x"], "--corners, --first, --last, --out must be given"),
        (["rvoi", *NOTHING, "--corners=1"], "four points"),
        (["rvoi", *NOTHING, f"--corners={CORNERS}"], "file x: must exist"),
        (["phantom"], "--out must be given"),
        (["phantom", "--out=x", "--seed=-1"], "--seed=-1"),
        (["phantom", "--out=x", "--kind=ct"], "--kind=ct"),
        (["phantom", "--out=x", "--kind=radiograph", "--preset=big"], "got 'big'"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, words, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "command", [[], ["--help"], ["check", "--help"], ["rvoi", "-h"]]
)
def test_help_explains_the_commands(command, capsys):
    assert main(command) in (0, 2)
    out = capsys.readouterr().out
    assert "check" in out or "rvoi" in out
    assert "/negspa_jax/" not in out


def test_the_door_opens_from_the_shell_without_a_traceback():
    command = [sys.executable, "-m", "negspa_jax.data", "check", "--cohort=/none.csv"]
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert run.returncode == 2
    assert "No such file" in run.stdout
    assert "Traceback" not in run.stderr


def test_the_room_opens_without_an_imaging_library():
    code = "import sys, negspa_jax.data as d; dir(d); d.CaseError; "
    code += (
        "sys.exit(any(m in sys.modules for m in ('nibabel', 'jax', 'PIL', 'grain')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_public_name_exists():
    import negspa_jax.data

    for name in negspa_jax.data.__all__:
        assert getattr(negspa_jax.data, name) is not None


def test_phantom_writes_radiographs_where_asked(tmp_path, monkeypatch, capsys):
    tiny = PelvisPreset({"train": (1, 1)}, (64, 64))
    monkeypatch.setitem(PRESETS, "small", tiny)
    assert main(["phantom", f"--out={tmp_path}", "--kind=radiograph", "--seed=2"]) == 0
    assert "cohort.csv" in capsys.readouterr().out
    names = sorted(path.name for path in tmp_path.glob("images/*"))
    assert names == ["P0001.dcm", "P0002.dcm"]
