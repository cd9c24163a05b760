"""The table of radiographs: no region, crop boxes, labels by any rule."""

from pathlib import Path

import pytest

from negspa_jax.data.cohort import read_cohort
from negspa_jax.data.doubts import (
    describe_labels,
    find_contradictions,
    find_odd_splits,
    find_unread_columns,
)
from negspa_jax.data.errors import CohortError
from tests.data.test_cohort import write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(6):
        (tmp_path / f"{number}.dcm").touch()
    return tmp_path


def row(number: int, split: str = "train", **cells: str) -> dict[str, str]:
    return {"patient_id": f"P{number}", "split": split, "image": f"{number}.dcm"} | (
        cells
    )


def read(path: Path, **options):
    return read_cohort(path, sequences=["image"], kind="radiograph", **options)


def problems(path: Path, **options) -> str:
    with pytest.raises(CohortError) as caught:
        read(path, **options)
    return "\n".join(caught.value.problems)


def labels(cohort) -> list[int | None]:
    return [patient.label for patient in cohort.patients]


def test_a_radiograph_needs_no_region(folder):
    cohort = read(write(folder, row(0, label="1"), row(1, label="0")))
    assert labels(cohort) == [1, 0]
    assert cohort.reference == "label"
    assert cohort.patients[0].rvoi == {}
    assert cohort.patients[0].images == {"image": folder / "0.dcm"}


def test_each_view_has_its_own_crop_box(folder):
    cells = {"other": "5.dcm", "crop:image": "1,2,30,40", "crop:other": "0,0,5,5"}
    table = write(folder, row(0, label="1", **cells))
    views = ["image", "other"]
    found = read_cohort(table, sequences=views, kind="radiograph").patients[0]
    assert found.boxes == {"image": (1, 2, 30, 40), "other": (0, 0, 5, 5)}
    assert found.extra == {}


def test_one_view_needs_no_name_at_its_crop_box(folder):
    found = read(write(folder, row(0, label="1", crop="1,2,30,40"))).patients[0]
    assert found.boxes == {"image": (1, 2, 30, 40)}
    assert read(write(folder, row(0, label="1", crop=""))).patients[0].boxes == {}


def test_one_crop_box_for_several_views_is_refused(folder):
    table = write(folder, row(0, label="1", other="5.dcm", crop="1,2,30,40"))
    with pytest.raises(CohortError, match="must be crop:image and crop:other"):
        read_cohort(table, sequences=["image", "other"], kind="radiograph")


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "5,5,5,9", "1,9,5,9", "-1,0,5,5"])
def test_a_crop_box_that_is_none_is_refused_by_name(folder, box):
    said = problems(write(folder, row(0, label="1", crop=box)))
    assert "row 2 (patient P0), column crop: must be" in said
    assert repr(box) in said


def test_numbers_of_thousands_of_digits_are_problems_and_no_crash(folder):
    long = "9" * 5000
    cells = {"grade_right": long, "grade_left": "1", "crop": f"{long},0,1,1"}
    said = problems(write(folder, row(0, label="1", **cells)), reference="label")
    assert "column grade_right: must be a grade from 0 to 4" in said
    assert "column crop: must be" in said
    assert len(said) < 1000


def test_grades_make_the_label(folder):
    pairs = [("2", "2"), ("0", "3"), ("1", "2"), ("2.0", "2.0"), ("", "4")]
    rows = [
        row(i, grade_right=right, grade_left=left)
        for i, (right, left) in enumerate(pairs)
    ]
    cohort = read(write(folder, *rows))
    assert cohort.reference == "grades"
    assert labels(cohort) == [1, 1, 0, 1, 1]
    assert cohort.patients[1].clinical["grade_left"] == "3"
    assert "Labels are taken from the grades" in describe_labels(cohort)[0]


@pytest.mark.parametrize("bad", ["II", "-1", "5", "2.5", "3+"])
def test_a_grade_that_is_none_is_one_problem(folder, bad):
    for reference, columns in (
        ("grades", ("grade_right", "grade_left")),
        ("label", ("grade_right:A", "grade_left:A")),
    ):
        cells = {"label": "1", columns[0]: bad, columns[1]: "1"}
        table = write(folder, row(0, **cells))
        assert problems(table, reference=reference).count("\n") == 0


@pytest.mark.parametrize(
    ("right", "left", "words"),
    [
        ("5", "1", "column grade_right: must be a grade from 0 to 4 or empty, got '5'"),
        ("x", "1", "column grade_right: must be a grade from 0 to 4 or empty, got 'x'"),
        ("", "2", "column grade_right: must be filled where the other side is below 3"),
        ("1", "", "column grade_left: must be filled where the other side is below 3"),
        ("", "", "column grade_right: must be a grade in the split train"),
    ],
)
def test_grades_that_make_no_label_are_refused_by_name(folder, right, left, words):
    rows = [row(0, grade_right=right, grade_left=left)]
    said = problems(write(folder, *rows), reference="grades")
    assert f"row 2 (patient P0), {words}" in said


def test_nobody_graded_is_unlabelled_where_no_label_is_needed(folder):
    rows = [row(0, "external", grade_right="", grade_left="")]
    cohort = read(write(folder, row(1, grade_right="2", grade_left="2"), *rows))
    assert labels(cohort) == [1, None]


def readers(local, central, third="") -> dict[str, str]:
    names = ("local", "central", "third")
    calls = (local, central, third)
    return {f"reader:{name}": call for name, call in zip(names, calls, strict=True)}


def test_the_third_reader_decides_where_two_disagree(folder):
    calls = [("1", "1", ""), ("0", "0", ""), ("0", "1", "1"), ("1", "0", "0")]
    cohort = read(write(folder, *(row(i, **readers(*c)) for i, c in enumerate(calls))))
    assert cohort.reference == "readers"
    assert labels(cohort) == [1, 0, 1, 0]


def test_in_training_somebody_must_decide(folder):
    said = problems(write(folder, row(0, **readers("0", "1"))))
    assert "row 2 (patient P0), column reader:local, central, third: must be" in said
    assert "local 0, central 1, third none" in said


def test_in_a_test_set_a_disagreement_has_no_label_and_is_counted(folder):
    rows = [row(0, **readers("1", "1")), row(1, "external", **readers("0", "1"))]
    cohort = read(write(folder, *rows, row(2, "external", **readers("0", "0"))))
    assert labels(cohort) == [1, None, 0]
    assert any("external: 1 of 2 patients" in s for s in describe_labels(cohort))


def test_agreement_keeps_only_images_on_which_two_agree(folder):
    calls = [("1", "1", ""), ("0", "1", "1"), ("0", "0", "1")]
    rows = [row(i, **readers(*c)) for i, c in enumerate(calls)]
    cohort = read(write(folder, *rows), reference="agreement")
    assert labels(cohort) == [1, None, 0]
    told = describe_labels(cohort)
    assert "train: 1 of 3 patients have no label by this rule and are not learned from"
    assert "(P1)" in told[1]


def test_a_readers_grades_are_his_call(folder):
    grades = {"grade_right:A": "2", "grade_left:A": "2", "reader:B": "1"}
    patient = read(write(folder, row(0, **grades))).patients[0]
    assert patient.readers == {"A": 1, "B": 1}
    assert patient.label == 1


def test_a_call_against_the_readers_own_grades_is_refused(folder):
    cells = {"reader:A": "0", "grade_right:A": "2", "grade_left:A": "2"}
    said = problems(write(folder, row(0, label="1", **cells)))
    assert "column reader:A: must be 1, as the grades of A make it, got '0'" in said


def test_labels_against_grades_or_readers_are_named(folder):
    cells = {"grade_right": "0", "grade_left": "1"} | readers("0", "0")
    cohort = read(write(folder, row(0, label="1", **cells), row(1, label="0", **cells)))
    doubts = find_contradictions(cohort)
    assert len(doubts) == 2
    assert "is not what the grades make it in 1 patient (P0)" in doubts[0]
    assert "is not what the readers make it in 1 patient (P0)" in doubts[1]


def test_the_validation_split_needs_labels_where_one_model_is_trained(folder):
    table = write(folder, row(0, label="1"), row(1, "validation", label=""))
    assert labels(read(table)) == [1, None]
    said = problems(table, labelled=("train", "validation"))
    assert "column label: must be 0 or 1 in the split validation" in said


def test_a_missing_column_names_those_that_look_like_images(folder):
    table = write(
        folder, {"patient_id": "P0", "split": "train", "label": "1"} | {"xray": "0.dcm"}
    )
    assert "--config.data.sequences=xray" in problems(table)


def test_readers_against_the_label_of_an_mri_are_no_doubt(folder):
    rows = [row(0, label="1", rvoi="5.dcm", **readers("0", "0"))]
    cohort = read_cohort(write(folder, *rows), sequences=["image"])
    assert find_contradictions(cohort) == []


def test_a_reader_with_half_a_grade_is_a_problem_beside_the_others(folder):
    grades = {"grade_right:A": "1", "grade_left:A": "", "reader:B": "x"}
    said = problems(write(folder, row(0, **grades)), reference="agreement")
    assert "column grade_left:A: must be filled where the other side is below" in said
    assert "column reader:B: must be 0, 1 or empty, got 'x'" in said


def test_an_mri_table_without_a_label_is_refused_whatever_its_readers_say(folder):
    rows = [row(0, rvoi="5.dcm", **readers("1", "1"))]
    with pytest.raises(CohortError, match="column label is missing"):
        read_cohort(write(folder, *rows), sequences=["image"])


def test_columns_spelt_like_others_are_doubted(folder):
    cells = {
        "Crop": "0,0,5,5",
        "crop:img": "0,0,5,5",
        "Reader: third": "1",
        "kind": "x",
    }
    doubts = find_unread_columns(read(write(folder, row(0, label="1", **cells))))
    assert doubts == [
        "the column 'Crop' is not read: must be 'crop'",
        "the column 'crop:img' is not read: must be of the views image",
        "the column 'Reader: third' is not read: must be 'reader:third'",
    ]


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        (["Train", "external"], "no patient is of the split 'train'"),
        (["train", "train", "Validation"], "got 'Validation'"),
        (["train", "external"], "'train' has no patients of both classes"),
        (["train", "train", "validation"], "'validation' has no patients of both"),
    ],
)
def test_splits_that_nothing_can_be_learned_from_are_doubted(folder, splits, words):
    rows = [row(i, split, label=str(i % 2)) for i, split in enumerate(splits)]
    assert words in "; ".join(
        find_odd_splits(read(write(folder, *rows)), one_model=True)
    )


def test_sound_splits_are_not_doubted(folder):
    splits = ["train", "train", "validation", "validation", "external"]
    rows = [row(i, split, label=str(i % 2)) for i, split in enumerate(splits)]
    assert find_odd_splits(read(write(folder, *rows)), one_model=True) == []


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("mri", "0.dcm", "which need --config.data.kind=radiograph"),
        ("radiograph", "0.nii.gz", "which need --config.data.kind=mri"),
    ],
)
def test_files_of_the_other_kind_name_it(folder, kind, name, words):
    (folder / "0.nii.gz").touch()
    cells = {"patient_id": "P0", "split": "train", "label": "1", "file": name}
    with pytest.raises(CohortError) as caught:
        read_cohort(write(folder, cells), sequences=["t1w"], kind=kind)
    assert words in str(caught.value)
