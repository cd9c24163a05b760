"""A cohort table is read as people save it, or refused with every mistake at once."""

import csv
import io
from pathlib import Path

import pytest

from negspa_jax.columns import FEATURES
from negspa_jax.data.cohort import canonical_id, read_cohort, scan_cohort
from negspa_jax.data.errors import CohortError

BASE = {"split": "train", "label": "1", "rvoi": "m.nii.gz"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(4):
        for name in ("t1w", "t2w", "fs"):
            (tmp_path / f"{number}_{name}.nii.gz").touch()
    (tmp_path / "m.nii.gz").touch()
    return tmp_path


def row(number: int, patient_id: str | None = None, **cells: str) -> dict[str, str]:
    images = {name: f"{number}_{name}.nii.gz" for name in ("t1w", "t2w", "fs")}
    return {"patient_id": patient_id or f"P{number}", **BASE, **images, **cells}


def write(folder, *rows, delimiter=",", encoding="utf-8", end="\n") -> Path:
    columns = list(dict.fromkeys(name for cells in rows for name in cells))
    text = io.StringIO()
    writer = csv.DictWriter(
        text, columns, restval="", delimiter=delimiter, lineterminator=end
    )
    writer.writeheader()
    writer.writerows(rows)
    path = folder / "cohort.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def read(path, sequences=("t1w", "t2w", "fs"), **options):
    return read_cohort(path, sequences=sequences, **options)


def problems(path, *args, **options) -> tuple[str, ...]:
    with pytest.raises(CohortError) as caught:
        read(path, *args, **options)
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    return caught.value.problems


def one_problem(path, *args, **options) -> str:
    found = problems(path, *args, **options)
    assert len(found) == 1, found
    return found[0]


def test_a_whole_row_becomes_a_patient(folder):
    cells = {"uveitis": "1", "ibd": "0", "age": "41.5", "sex": "female"}
    cells |= {"disease_duration_months": "30", "structural_damage": "1"}
    cells |= {"reader:A": "1", "reader:B": "", "reader_ai:A": "0", "scanner": "X 3T"}
    cohort = read(write(folder, row(0, **cells), row(1, split="test", label="0")))
    first, second = cohort.patients
    assert (first.patient_id, first.split, first.label) == ("P0", "train", 1)
    assert first.images["fs"] == folder / "0_fs.nii.gz"
    assert set(first.rvoi.values()) == {folder / "m.nii.gz"}
    assert list(first.features) == list(FEATURES)
    assert (first.features["uveitis"], first.features["ibd"]) == (1, 0)
    assert first.features["arthritis"] is None
    assert first.covariates == {
        "age": 41.5,
        "sex": "female",
        "disease_duration_months": 30.0,
        "structural_damage": 1,
    }
    assert first.readers == {"A": 1, "B": None}
    assert first.readers_ai == {"A": 0}
    assert first.extra == {"scanner": "X 3T"}
    assert (second.split, second.label) == ("test", 0)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_delimiter_mark_and_line_end_is_read(folder, delimiter, encoding, end):
    rows = [row(0, note="a, b; c"), row(1, note='says "ja"\tü')]
    options = {"delimiter": delimiter, "encoding": encoding, "end": end}
    cohort = read(write(folder, *rows, **options))
    assert [p.extra["note"] for p in cohort.patients] == ["a, b; c", 'says "ja"\tü']


def test_a_patients_clinical_columns_are_text_as_the_table_had_them(folder):
    cells = {"uveitis": "1.0", "age": "41.5", "disease_duration_months": "30"}
    cells |= {"reader:A": "1", "reader:B": "", "reader_ai:A": "0", "scanner": "X 3T"}
    (patient,) = read(write(folder, row(0, **cells))).patients
    filled = {name: cell for name, cell in patient.clinical.items() if cell}
    assert filled == {
        "uveitis": "1",
        "age": "41.5",
        "disease_duration_months": "30",
        "reader:A": "1",
        "reader_ai:A": "0",
    }
    assert patient.clinical["reader:B"] == ""


def test_blank_rows_and_spaces_around_cells_do_not_matter(folder):
    path = write(folder, row(0), row(1))
    lines = path.read_text().splitlines()
    lines = ["", lines[0].replace(",", " , "), ",,,,,,", lines[1], "", lines[2], ""]
    path.write_text("\n".join(lines))
    assert [p.patient_id for p in read(path).patients] == ["P0", "P1"]


def test_every_mistake_of_every_row_is_listed_in_one_run(folder):
    path = write(
        folder,
        row(0, label="yes", arthritis="2", age="old"),
        row(1, label="", split="", t2w="gone.nii.gz"),
        row(2, patient_id="p-00", rvoi=""),
    )
    found = problems(path)
    assert found[0] == "row 2 (patient P0), column age: must be a number from 0 to " + (
        "120 (with a decimal point) or empty, got 'old'"
    )
    expected = [
        "row 2 (patient P0), column label: must be 0 or 1 in the split train, got "
        "'yes'",
        "row 2 (patient P0), column arthritis: must be 0, 1 or empty, got '2'",
        "row 3 (patient P1), column split: must be filled, got an empty cell",
        "row 3 (patient P1), column t2w: must be the path of a file, but there is "
        "none, got 'gone.nii.gz'",
    ]
    assert set(expected) <= set(found)
    assert sum("column rvoi: must be a mask" in problem for problem in found) == 3
    assert any("'P0' in row 2, 'p-00' in row 4" in problem for problem in found)
    assert len(found) == 9


def test_the_message_names_the_file_and_the_count(folder):
    path = write(folder, row(0, label="yes"))
    with pytest.raises(CohortError, match=r"cohort\.csv: 1 problem in the cohort"):
        read(path)


@pytest.mark.parametrize(
    ("cell", "value", "words"),
    [
        ("label", "2", "0 or 1"),
        ("label", "0,5", "0 or 1"),
        ("uveitis", "yes", "0, 1 or empty"),
        ("reader:A", "0.5", "0, 1 or empty"),
        ("reader_ai:A", "x", "0, 1 or empty"),
        ("structural_damage", "3", "0, 1 or empty"),
        ("age", "-1", "0 to 120"),
        ("age", "nan", "0 to 120"),
        ("age", "inf", "0 to 120"),
        ("age", "57,5", "decimal point"),
        ("disease_duration_months", "1e9", "0 to 1200"),
        ("split", "", "filled"),
        ("t1w", "", "filled"),
        ("fs", ".", "not of a folder"),
        ("patient_id", "a\nb", "printable"),
    ],
)
def test_a_wrong_cell_is_named_by_row_column_and_content(folder, cell, value, words):
    problem = one_problem(write(folder, row(0, **{cell: value})))
    assert problem.startswith("row ")
    assert f"column {cell}: must be" in problem
    assert words in problem


def test_whole_numbers_as_pandas_writes_them_are_read(folder):
    cohort = read(write(folder, row(0, label="1.0", ibd="0.0")))
    assert (cohort.patients[0].label, cohort.patients[0].features["ibd"]) == (1, 0)


def test_labels_may_be_empty_outside_the_split_train(folder):
    path = write(folder, row(0), row(1, split="external", label=""))
    assert [p.label for p in read(path).patients] == [1, None]
    path = write(folder, row(0, label=""))
    assert "column label: must be 0 or 1 in the split train" in one_problem(path)


def test_labels_may_be_empty_where_they_are_not_required(folder):
    path = write(folder, row(0, label=""), row(1, label="1"))
    assert [p.label for p in read(path, labelled=()).patients] == [None, 1]
    without = write(folder, {k: v for k, v in row(0).items() if k != "label"})
    assert read(without, labelled=()).patients[0].label is None
    assert "column label is missing" in one_problem(without)


@pytest.mark.parametrize(
    ("one", "two"),
    [("P1", "p1"), ("007", "7"), ("P-007", "P 7"), ("a_1", "A1"), ("é1", "É-01")],
)
def test_a_patient_under_two_spellings_is_refused(folder, one, two):
    path = write(folder, row(0, patient_id=one), row(1, patient_id=two))
    assert "a patient must have one row" in one_problem(path)


@pytest.mark.parametrize(
    ("one", "two"), [("1", "10"), ("1-12", "11-2"), ("A1", "B1"), ("12", "1 2")]
)
def test_ids_that_only_look_alike_stay_apart(one, two):
    assert canonical_id(one) != canonical_id(two)


def test_one_image_for_two_patients_or_sequences_is_refused(folder):
    path = write(folder, row(0), row(1, fs="./0_fs.nii.gz"))
    assert "row 2 (fs), row 3 (fs)" in one_problem(path)
    path = write(folder, row(0, fs="0_t1w.nii.gz"))
    assert "row 2 (t1w), row 2 (fs)" in one_problem(path)


def test_a_split_in_two_spellings_is_refused(folder):
    path = write(folder, row(0), row(1, split="Train"))
    assert "['Train', 'train']" in one_problem(path)


def test_sequences_have_any_names_and_number(folder):
    cells = {"patient_id": "1", **BASE, "DWI b800": "0_t1w.nii.gz"}
    cohort = read(write(folder, cells), ["DWI b800"])
    assert cohort.sequences == ("DWI b800",)
    assert list(cohort.patients[0].images) == ["DWI b800"]


def test_a_missing_sequence_says_what_there_is_and_what_to_write(folder):
    problem = one_problem(write(folder, row(0)), ("t1w", "t2w", "stir"))
    assert "column stir of the sequences is missing" in problem
    assert "--config.data.sequences=t1w,t2w,fs" in problem
    assert "the columns are patient_id, split, label" in problem


@pytest.mark.parametrize("names", [(), ("t1w", "t1w"), ("label",), ("rvoi:x",), ("",)])
def test_impossible_names_of_sequences_are_refused(folder, names):
    with pytest.raises(ValueError, match="sequences must"):
        read(write(folder, row(0)), names)


def test_missing_columns_are_named_once(folder):
    path = write(folder, {"patient_id": "1", "t1w": "0_t1w.nii.gz"})
    found = problems(path, ["t1w"])
    assert [p.split(";")[0] for p in found] == [
        "column split is missing",
        "column label is missing",
        "column rvoi (or rvoi:<sequence> each, or rvoi_corners) is missing",
    ]


def test_each_sequence_may_have_its_own_mask(folder):
    (folder / "own.nii.gz").touch()
    cohort = read(write(folder, row(0, **{"rvoi:fs": "own.nii.gz"})))
    assert cohort.patients[0].rvoi == {
        "t1w": folder / "m.nii.gz",
        "t2w": folder / "m.nii.gz",
        "fs": folder / "own.nii.gz",
    }


CLICKS = {
    "rvoi": "",
    "rvoi_corners": "5,6; 20,6; 20,16; 5,16",
    "rvoi_first": "3",
    "rvoi_last": "9",
    "rvoi_sequence": "t1w",
}


def test_six_clicks_stand_for_a_mask(folder):
    patient = read(write(folder, row(0, **CLICKS), row(1))).patients[0]
    assert patient.rvoi == {}
    assert patient.clicks is not None
    assert patient.clicks.image == folder / "0_t1w.nii.gz"
    assert patient.clicks.corners[1] == (20.0, 6.0)
    assert (patient.clicks.first, patient.clicks.last) == (3, 9)
    assert list(patient.files) == ["t1w", "t2w", "fs"]


def test_clicks_may_lie_on_a_sequence_that_is_not_used(folder):
    patient = read(write(folder, row(0, **CLICKS)), ["fs"]).patients[0]
    assert patient.files == {
        "fs": folder / "0_fs.nii.gz",
        "rvoi_image": folder / "0_t1w.nii.gz",
    }


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"rvoi_corners": "1,2;3,4"}, "four points"),
        ({"rvoi_corners": "a"}, "must be numbers"),
        ({"rvoi_first": "three"}, "whole number"),
        ({"rvoi_last": ""}, "filled"),
        ({"rvoi_sequence": "pd"}, "must name the column"),
        ({"rvoi_sequence": "rvoi_first"}, "must name the column"),
        ({"rvoi_units": "inch"}, "units"),
        ({"rvoi_index_base": "2"}, "index base"),
        ({"rvoi": "m.nii.gz"}, "must be empty where a mask is given"),
    ],
)
def test_wrong_clicks_are_named(folder, cells, words):
    assert words in one_problem(write(folder, row(0, **{**CLICKS, **cells})))


def test_paths_may_be_absolute_or_start_at_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    cells = {"t1w": str(folder / "0_t1w.nii.gz"), "fs": "~/0_fs.nii.gz"}
    images = read(write(folder, row(0, **cells))).patients[0].images
    assert images["t1w"] == images["t1w"].absolute() == folder / "0_t1w.nii.gz"
    assert images["fs"] == folder / "0_fs.nii.gz"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"\n\n", "empty file"),
        ("patient_id,name\n1,Müller\n".encode("latin-1"), "byte 0xfc in line 2"),
        ("patient_id\n1\n".encode("utf-16"), "must be UTF-8"),
        (b"patient_id\0,x\n", "zero bytes"),
        (b"PK\x03\x04 rest", "Excel workbook"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_a_sentence(tmp_path, content, words):
    (tmp_path / "cohort.csv").write_bytes(content)
    assert words in one_problem(tmp_path / "cohort.csv")


def test_missing_tables_and_folders_are_refused(tmp_path):
    assert "No such file" in one_problem(tmp_path / "none.csv")
    assert "got a directory" in one_problem(tmp_path)


def test_a_header_alone_is_refused(folder):
    path = write(folder, row(0))
    path.write_text(path.read_text().splitlines()[0])
    assert "at least one patient" in one_problem(path)


def test_columns_named_twice_or_not_at_all_are_refused(folder):
    path = write(folder, row(0, one="a", two="b"))
    path.write_text(path.read_text().replace("one", "fs").replace("two", ""))
    found = problems(path)
    assert "column 'fs' must appear once, got it 2 times" in found
    assert any("every column must have a name" in problem for problem in found)


def test_a_row_of_another_length_is_refused_with_its_line(folder):
    path = write(folder, row(0), row(1))
    path.write_text(path.read_text().rstrip("\n") + ",extra\n")
    assert one_problem(path).startswith("row 3: must have 7 cells")


def test_a_scan_gives_the_sound_patients_beside_the_problems(folder):
    path = write(folder, row(0), row(1, label="x"))
    scan = scan_cohort(path, sequences=("t1w", "t2w", "fs"))
    assert [patient.patient_id for patient in scan.cohort.patients] == ["P0"]
    assert len(scan.problems) == 1
    assert scan.rows[1] == (scan.rows[1][0], scan.problems)
    assert scan.rows[1][0].patient_id == "P1"


def test_a_cell_longer_than_csv_allows_is_a_problem_in_header_and_rows(folder):
    path = folder / "cohort.csv"
    for text in ("patient_id," + "x" * 200_000, "patient_id\n" + "x" * 200_000):
        path.write_text(text)
        assert "field larger than field limit" in " ".join(problems(path))


def test_a_header_that_is_long_by_another_delimiter_is_read(folder):
    path = folder / "cohort.csv"
    path.write_text(",".join(f"column_{i}" for i in range(12_000)) + "\nx\n")
    assert "must have 12000 cells as the header has" in " ".join(problems(path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patient_id\n" + "x" * 2_000_000, "line 2 has over 1,048,576 characters"),
        ("\n" * 300_000, "at most 262,144 lines, got 300,000"),
        ("patient_id" + ",a" * 17_000, "at most 16,384 columns"),
        (
            "patient_id" + ",a" * 1000 + "\n1" * 5000,
            "4,194,304 cells, got 1,001 columns",
        ),
    ],
)
def test_a_table_beyond_all_measure_is_refused_at_once(folder, text, words):
    path = folder / "cohort.csv"
    path.write_text(text)
    assert words in one_problem(path)


def test_problems_show_names_and_cells_printable_and_short(folder):
    odd = row(1, age="9" * 5000, **{"reader:a\nb": "\x1b[31m"})
    found = problems(write(folder, {**odd, "patient_id": "P\n1"}))
    assert all(problem.isprintable() and len(problem) < 500 for problem in found)
    assert any("column reader:a\\nb" in problem for problem in found)
    (path,) = folder.glob("cohort.csv")
    path.write_text("\x01," * 3000 + "split\n")
    assert all(p.isprintable() and len(p) < 3000 for p in problems(path))


def test_a_path_of_a_thousand_folders_is_not_looked_for(folder):
    path = write(folder, row(1, t1w="a/" * 50_000))
    assert "a path of at most 4,096 characters" in " ".join(problems(path))
