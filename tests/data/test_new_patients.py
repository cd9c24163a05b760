"""Patients to be scored: the table's columns, with neither split nor label needed."""

import pytest

from negspa_jax.data.errors import CohortError
from negspa_jax.data.new_patients import read_new_patients, read_patient

SEQUENCES = ("t1w", "fs")
ASKED = {"sequences": SEQUENCES, "kind": "mri", "reference": "label"}


@pytest.fixture
def files(tmp_path):
    """Empty files by name: what they hold is not looked at here."""
    paths = {}
    for name in ("a_t1w", "a_fs", "a_rvoi", "b_t1w", "b_fs", "b_rvoi"):
        paths[name] = tmp_path / f"{name}.nii.gz"
        paths[name].touch()
    return paths


def write(folder, *lines):
    path = folder / "new.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


HEADER = "patient_id,t1w,fs,rvoi"
FIRST = "a,a_t1w.nii.gz,a_fs.nii.gz,a_rvoi.nii.gz"
SECOND = "b,b_t1w.nii.gz,b_fs.nii.gz,b_rvoi.nii.gz"


def test_neither_split_nor_label_is_needed(tmp_path, files):
    found = read_new_patients(write(tmp_path, HEADER, FIRST, SECOND), **ASKED)
    assert [p.patient_id for p in found.cohort.patients] == ["a", "b"]
    assert {(p.split, p.label) for p in found.cohort.patients} == {("all", None)}
    assert found.faults == ()


def test_split_and_label_are_kept_where_they_are_there(tmp_path, files):
    table = write(tmp_path, f"{HEADER},split,label", f"{FIRST},external,1")
    (patient,) = read_new_patients(table, **ASKED).cohort.patients
    assert (patient.split, patient.label) == ("external", 1)


@pytest.mark.parametrize("reference", ["grades", "readers", "agreement"])
def test_what_training_took_labels_from_need_not_be_there(tmp_path, reference):
    (tmp_path / "x.dcm").touch()
    table = write(tmp_path, "patient_id,image", "a,x.dcm")
    asked = {"sequences": ("image",), "kind": "radiograph", "reference": reference}
    (patient,) = read_new_patients(table, **asked).cohort.patients
    assert patient.label is None


def test_grades_make_the_label_where_training_took_it_from_them(tmp_path):
    (tmp_path / "x.dcm").touch()
    table = write(tmp_path, "patient_id,image,grade_right,grade_left", "a,x.dcm,2,3")
    asked = {"sequences": ("image",), "kind": "radiograph", "reference": "grades"}
    assert read_new_patients(table, **asked).cohort.patients[0].label == 1


def test_a_fault_of_a_row_is_that_patients_alone(tmp_path, files):
    files["a_fs"].unlink()
    found = read_new_patients(write(tmp_path, HEADER, FIRST, SECOND), **ASKED)
    assert [p.patient_id for p in found.cohort.patients] == ["b"]
    ((name, reason),) = found.faults
    assert name == "a"
    assert "column fs: must be the path of a file, but there is none" in reason


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (("patient_id,t1w,rvoi", "a,a_t1w.nii.gz,a_rvoi.nii.gz"), "column fs"),
        ((f"{HEADER},split", f"{FIRST},train"), "must not be train"),
        ((HEADER, FIRST, FIRST), "must have one row"),
        ((HEADER,), "at least one patient"),
        (("id,t1w,fs,rvoi", FIRST), "column patient_id is missing"),
    ],
)
def test_a_fault_of_the_table_is_told_before_anything_is_scored(
    tmp_path, files, lines, wanted
):
    with pytest.raises(CohortError, match=wanted):
        read_new_patients(write(tmp_path, *lines), **ASKED)


def test_a_patient_is_a_row_wherever_it_comes_from(tmp_path, files):
    cells = {name: str(files[f"a_{name}"]) for name in (*SEQUENCES, "rvoi")}
    patient = read_patient(
        {**cells, "age": "41", "ibd": "1"}, sequences=SEQUENCES, kind="mri"
    )
    assert patient.patient_id == "patient"
    assert patient.images == {name: files[f"a_{name}"] for name in SEQUENCES}
    assert patient.features["ibd"] == 1
    assert patient.covariates["age"] == 41.0


def test_one_patients_paths_are_relative_to_where_we_are(tmp_path, files, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = {name: f"a_{name}.nii.gz" for name in (*SEQUENCES, "rvoi")}
    patient = read_patient(cells, sequences=SEQUENCES, kind="mri")
    assert patient.images["fs"] == files["a_fs"]


def test_a_column_that_no_table_has_is_refused():
    with pytest.raises(CohortError, match="'flair' is none of these"):
        read_patient({"flair": "x"}, sequences=SEQUENCES, kind="mri")


def test_messages_of_one_patient_name_columns_and_no_row(tmp_path, files):
    cells = {name: str(files[f"a_{name}"]) for name in (*SEQUENCES, "rvoi")}
    with pytest.raises(CohortError) as caught:
        read_patient(
            {**cells, "sex": "f", "age": "-1"}, sequences=SEQUENCES, kind="mri"
        )
    (problem,) = caught.value.problems
    assert problem.startswith("column age: must be a number from 0 to 120")
