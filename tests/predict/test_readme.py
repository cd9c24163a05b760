"""The README's way to score a patient in Python runs as it is printed."""

import re
import shutil
from pathlib import Path

import pytest

from negspa_jax.predict.bundle import write_bundle
from tests.predict.tiny_model import make_model

README = Path(__file__).resolve().parents[2] / "README.md"


def test_ten_lines_of_python_score_a_patient(tmp_path, monkeypatch, capsys):
    if not README.is_file():
        pytest.skip("README.md is not there")
    fenced = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    (code,) = [block for block in fenced if "negspa_jax.load(" in block]
    model, patients = make_model(tmp_path)
    write_bundle(model, tmp_path / "model", card="", licence="")
    files = {"t1w": "t1w", "t2w": "t2w", "fs": "stir"}
    for name, written in files.items():
        shutil.copy(patients[0].images[name], tmp_path / f"{written}.nii.gz")
    shutil.copy(patients[0].rvoi["t1w"], tmp_path / "rvoi.nii.gz")
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(compile(code, "README.md", "exec"), found)
    assert found["result"].score == model.predict(patients[0]).score
    assert f"{found['result'].score}" in capsys.readouterr().out
    assert code.count("\n") <= 10
