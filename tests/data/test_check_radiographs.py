"""`check` on radiographs: every file opened, every doubt told, labels explained."""

import csv

import numpy as np
import pydicom
import pytest
from PIL import Image

from negspa_jax.data.__main__ import main
from negspa_jax.data.pelvis import PelvisPreset, write_pelvis

TINY = PelvisPreset({"train": (2, 2), "validation": (1, 1)}, (64, 80), cropped=True)


@pytest.fixture
def table(tmp_path):
    return write_pelvis(tmp_path, preset=TINY, seed=1, num_processes=1)


def edit(table, change) -> None:
    """Rewrite the rows of a table."""
    with table.open(newline="") as file:
        rows = [change(row) for row in csv.DictReader(file)]
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def check(table, *words) -> int:
    return main(["check", "--kind=radiograph", f"--cohort={table}", *words])


def test_a_sound_cohort_is_summarised_and_passes(table, capsys):
    assert check(table) == 0
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert lines[1].split() == ["train", "4", "2", "2", "0"]
    assert lines[4].split()[:2] == ["view", "images"]
    assert "about 100 x 100 (6)" in said
    assert lines[-1].endswith("6 patients read, all can be used.")


def test_the_sheet_shows_what_the_crop_box_keeps(table, tmp_path):
    for name in ("whole", "cropped"):
        if name == "whole":
            edit(table, lambda row: row | {"crop": ""})
        assert check(table, f"--contact_sheet={tmp_path / name}.png") == 0
    whole, cropped = (
        np.asarray(Image.open(tmp_path / f"{name}.png"))
        for name in ("whole", "cropped")
    )
    assert whole.shape == cropped.shape


def test_bad_files_and_boxes_are_listed_by_patient_in_one_run(table, capsys):
    (table.parent / "images" / "P0001.dcm").write_bytes(b"nothing")
    (table.parent / "images" / "P0002.dcm").unlink()
    outside = {"P0003": "0,0,9999,9999", "P0004": "1,2"}
    edit(table, lambda r: r | {"crop": outside.get(r["patient_id"], r["crop"])})
    assert check(table) == 2
    said = capsys.readouterr().out
    assert "patient P0001, file" in said
    assert "must be a DICOM, PNG or TIFF file" in said
    assert "row 3 (patient P0002), column image: must be the path of a file" in said
    assert "patient P0003, file" in said
    assert "must have a crop box" in said
    assert "row 5 (patient P0004), column crop: must be" in said
    assert "not all can be used" in said


def test_labels_by_another_rule_are_explained(table, capsys):
    assert check(table, "--reference=grades") == 0
    assert "Labels are taken from the grades" in capsys.readouterr().out
    assert check(table, "--reference=readers") == 0
    assert "what two of them say" in capsys.readouterr().out


def test_a_label_against_the_grades_is_a_warning(table, capsys):
    edit(table, lambda row: row | {"label": str(1 - int(row["label"]))})
    assert check(table) == 0
    assert "is not what the grades make it in 6 patients" in capsys.readouterr().out


def test_the_validation_split_needs_labels_as_in_training(table, capsys):
    unlabelled = {"validation": {"label": ""}}
    edit(table, lambda row: row | unlabelled.get(row["split"], {}))
    assert check(table) == 2
    assert "must be 0 or 1 in the split validation" in capsys.readouterr().out
    assert check(table, "--labelled=train") == 0


def test_radiographs_without_their_kind_are_named(table, capsys):
    words = ["check", f"--cohort={table}", "--sequences=image"]
    assert main(words) == 2
    said = capsys.readouterr().out
    assert "column rvoi" in said
    assert "(check: --kind=radiograph)" in said


def test_a_split_that_nothing_is_learned_from_is_a_warning(table, capsys):
    edit(table, lambda row: row | {"split": row["split"].title()})
    assert check(table) == 0
    assert "no patient is of the split 'train'" in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["--modalities=", "--radiograph_window="])
def test_an_empty_option_is_refused(table, capsys, flag):
    assert check(table, flag) == 2
    assert "must not be empty" in capsys.readouterr().err


def test_modalities_may_be_spelt_small(table):
    assert check(table, "--modalities=cr,dx") == 0


def test_a_window_that_no_file_has_is_a_problem_of_every_patient(table, capsys):
    assert check(table, "--radiograph_window=LUNG") == 2
    assert capsys.readouterr().out.count("patient P000") >= 1


def test_the_same_image_under_two_ids_is_a_leak(table, capsys):
    images = table.parent / "images"
    (images / "P0002.dcm").write_bytes((images / "P0001.dcm").read_bytes())
    assert check(table) == 2
    assert "have an image of the same bytes" in capsys.readouterr().out


def test_files_are_described_as_they_are_shown(table, capsys):
    assert check(table, "--radiograph_window=percentiles") == 0
    assert "percentiles (6)" in capsys.readouterr().out


def test_a_file_is_refused_for_what_is_wrong_with_it_as_used(table, capsys):
    for path in table.parent.glob("images/*.dcm"):
        elements = pydicom.dcmread(path)
        elements.Modality = "MG"
        elements.save_as(path)
    edit(table, lambda r: r | {"crop": "0,0,9999,9999"} if "1" in r["crop"][:3] else r)
    check(table, "--modalities=MG")
    said = capsys.readouterr().out
    assert "must have a modality" not in said


@pytest.mark.parametrize("flag", ["--sides=left", "--window_mm=80", "--plane=axial"])
def test_options_of_mri_are_refused(table, capsys, flag):
    assert check(table, flag) == 2
    assert "is of MRI" in capsys.readouterr().err
