"""Folds: stratified, the same for any order of the table, and free of leakage."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspa_jax.data.cohort import Cohort, Patient
from negspa_jax.data.folds import (
    LeakageError,
    assign_folds,
    check_held_out,
    check_leakage,
    format_folds,
    read_folds,
)

PAPER = {f"P{i:03d}": int(i < 138) for i in range(328)}  # 138 axSpA, 190 not


def cohort(*rows: tuple) -> tuple[Cohort, dict[Path, str]]:
    """Rows of (patient id, split, bytes of each image) and the images' hashes."""
    patients, hashes = [], {}
    for number, (name, split, *images) in enumerate(rows):
        paths = {f"m{m}": Path(f"{number}/{m}.nii") for m in range(len(images))}
        hashes |= dict(zip(paths.values(), images, strict=True))
        patients.append(Patient(name, split, 0, paths))
    return Cohort(Path("cohort.csv"), ("m0",), tuple(patients)), hashes


def leak(*rows: tuple) -> str:
    """What is said of a cohort that leaks."""
    with pytest.raises(LeakageError) as caught:
        check_leakage(*cohort(*rows))
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- assigned -------------------------------------------------------------------------


def test_every_patient_is_held_out_once():
    folds = assign_folds(PAPER, num_folds=5, seed=0)
    assert folds.keys() == PAPER.keys()
    assert set(folds.values()) == set(range(5))


@pytest.mark.parametrize("label", [0, 1])
def test_each_class_is_spread_evenly(label):
    folds = assign_folds(PAPER, num_folds=5, seed=0)
    held_out = [folds[name] for name in PAPER if PAPER[name] == label]
    counts = [held_out.count(fold) for fold in range(5)]
    assert max(counts) - min(counts) <= 1


def test_folds_are_of_nearly_equal_size():
    folds = list(assign_folds(PAPER, num_folds=5, seed=0).values())
    assert {folds.count(fold) for fold in range(5)} <= {65, 66}


@settings(max_examples=20, deadline=None)
@given(st.permutations(list(PAPER)[120:160]))
def test_the_order_of_the_table_plays_no_part(names):
    labels = {name: PAPER[name] for name in sorted(names)}
    shuffled = {name: PAPER[name] for name in names}
    first, second = (assign_folds(x, num_folds=4, seed=1) for x in (labels, shuffled))
    assert list(first.items()) == list(second.items())


def test_another_seed_gives_other_folds_and_the_same_seed_the_same():
    first, again, other = (assign_folds(PAPER, num_folds=5, seed=s) for s in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(("label", "labels"), [(1, [0] * 9 + [1] * 4), (0, [1] * 9)])
def test_too_few_patients_of_a_class_are_refused_with_the_remedy(label, labels):
    patients = {f"P{i}": value for i, value in enumerate(labels)}
    count = labels.count(label)
    told = rf"at least 5 training patients with label {label}, got {count}: add"
    with pytest.raises(ValueError, match=told):
        assign_folds(patients, num_folds=5, seed=0)


def test_as_many_patients_of_each_class_as_folds_suffice():
    patients = {f"P{i}": i % 2 for i in range(6)}
    folds = assign_folds(patients, num_folds=3, seed=0)
    for fold in range(3):
        assert {patients[n] for n in folds if folds[n] == fold} == {0, 1}


# --- saved ----------------------------------------------------------------------------

LABELS = {f"P{i}": i % 2 for i in range(8)}
FOLDS = {f"P{i}": i // 4 for i in range(8)}


@pytest.fixture
def read(tmp_path):
    """Read a text as folds.csv of the eight patients."""

    def parse(text: str, encoding: str = "utf-8"):
        (tmp_path / "folds.csv").write_text(text, encoding=encoding)
        return read_folds(tmp_path / "folds.csv", labels=LABELS, num_folds=2)

    return parse


def problems(read, text: str) -> str:
    with pytest.raises(ValueError, match=r"folds\.csv must give each .* fold: ") as e:
        read(text)
    return str(e.value).split("a fold: ", 1)[1]


def test_folds_that_were_written_can_be_read(read):
    assert read(format_folds(FOLDS)) == FOLDS


def test_ids_with_commas_quotes_and_umlauts_can_be_read(tmp_path):
    labels = {'a,"b"': 0, "ä": 1, "c d": 0, "e\nf": 1}
    folds = {name: index // 2 for index, name in enumerate(labels)}
    path = tmp_path / "folds.csv"
    path.write_text(format_folds(folds), encoding="utf-8")
    assert read_folds(path, labels=labels, num_folds=2) == folds


def test_a_table_that_a_spreadsheet_saved_can_be_read(read):
    assert read(format_folds(FOLDS).replace("\n", "\r\n"), "utf-8-sig") == FOLDS


def test_every_problem_of_the_file_is_told_once(read):
    text = format_folds(FOLDS)
    text = text.replace("P1,0\n", "").replace("P2,0", "P2,5").replace("P3,0", "P3,x")
    told = problems(read, text + "P4,1\nQ,1\nP2,0\n")
    assert told.split("; ") == [
        "row 3: fold must be 0 to 1, got '5'",
        "row 4: fold must be 0 to 1, got 'x'",
        "row 9: patient 'P4' is given twice",
        "row 11: patient 'P2' is given twice",
        "patient 'P1' is missing",
        "patient 'Q' is no training patient",
    ]


@pytest.mark.parametrize("fold", ["-1", "2", "1.0", "", "²", "one"])
def test_a_fold_out_of_range_is_told_with_its_row(read, fold):
    told = problems(read, format_folds(FOLDS).replace("P3,0", f"P3,{fold}"))
    assert told == f"row 5: fold must be 0 to 1, got {fold!r}"


def test_every_fold_without_both_classes_is_told(read):
    told = problems(read, format_folds({name: LABELS[name] for name in LABELS}))
    assert told == (
        "fold 0 must hold out patients of both classes; "
        "fold 1 must hold out patients of both classes"
    )


@pytest.mark.parametrize("text", ["", "patient_id,fold\n", "id;fold\nP0;1\n"])
def test_an_empty_or_strange_table_misses_every_patient(read, text):
    told = problems(read, text)
    assert all(f"patient 'P{i}' is missing" in told for i in range(8))


# --- leakage --------------------------------------------------------------------------


def test_different_patients_are_no_leak():
    check_leakage(
        *cohort(
            ("P1", "train", "a", "b"), ("P2", "train", "c", "d"), ("P10", "test", "e")
        )
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [("P7", "p7"), ("P7", " P-007 "), ("P7", "P_7"), ("P 7", "P\uff17"), ("7", "007")],
)
@pytest.mark.parametrize("split", ["train", "external"])
def test_one_patient_in_two_spellings_is_refused(first, second, split):
    told = leak((first, "train", "a"), (second, split, "b"))
    assert f"patients {first!r}, {second!r} look like one patient's id" in told


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("P7_L", "P7_R"),
        ("P7-left", "P7-right"),
        ("P7 Left", "p7 RIGHT"),
        ("P7L", "P7R"),
        ("P7", "P7.r"),
        ("12 lt", "12 rt"),
    ],
)
@pytest.mark.parametrize("split", ["train", "internal"])
def test_the_two_sides_of_a_patient_as_two_rows_are_refused(first, second, split):
    told = leak((first, "train", "a"), (second, split, "b"))
    assert "one row must be one patient, with both sides in it" in told
    assert repr(second) in told


@pytest.mark.parametrize(
    ("first", "second"), [("P7", "P8"), ("P1", "P11"), ("AL", "AR"), ("L1", "R1")]
)
def test_ids_that_differ_in_more_than_spelling_are_two_patients(first, second):
    check_leakage(*cohort((first, "train", "a"), (second, "train", "b")))


@pytest.mark.parametrize("split", ["train", "prospective"])
def test_the_same_image_under_another_name_is_refused(split):
    told = leak(("A", "train", "x", "y"), ("B", split, "z", "x"))
    assert "patients 'A', 'B' have an image of the same bytes" in told


def test_every_leak_is_told():
    told = leak(
        ("A", "train", "x"), ("a", "test", "y"), ("B", "test", "x"), ("C", "t", "y")
    )
    assert told.count("look like one patient's id") == 1
    assert told.count("have an image of the same bytes") == 2


def test_many_leaking_patients_are_counted_rather_than_listed():
    told = leak(*((f"P{i}", "train", "same") for i in range(25)))
    assert "and 15 more have an image of the same bytes" in told


def test_a_patient_on_both_sides_of_a_fold_is_refused():
    with pytest.raises(
        LeakageError, match="fold 3 trains on and validates patients 'B'"
    ):
        check_held_out(["A", "B", "B"], ["C", "B"], fold=3)


def test_a_fold_without_common_patients_passes():
    check_held_out(["A", "A"], ["B"], fold=0)
