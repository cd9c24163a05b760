"""The waist: what a predictions table may hold, and that it survives the file."""

import dataclasses
import doctest
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import negspa_jax.predictions.table
from negspa_jax.predictions import (
    Prediction,
    bilateral,
    join_columns,
    merge_folds,
    patient_scores,
    read_predictions,
    write_predictions,
)


def row(patient_id="007", split="internal", label=1, fold=0, side="both", score=0.5):
    return Prediction(patient_id, split, label, fold, side, score)


def read(tmp_path, text):
    path = tmp_path / "predictions.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_predictions(path)


def problems(tmp_path, text):
    with pytest.raises(ValueError, match="problem") as caught:
        read(tmp_path, text)
    return str(caught.value).split("\n  ")[1:]


def test_the_docstrings_examples_hold():
    assert doctest.testmod(negspa_jax.predictions.table).failed == 0


# --- the file -------------------------------------------------------------------


names = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8
)
tables = st.lists(
    st.builds(
        row,
        patient_id=names,
        fold=st.one_of(st.integers(0, 9), st.just("mean")),
        side=st.sampled_from(["left", "right", "both"]),
        score=st.floats(0, 1),
    ),
    min_size=1,
    unique_by=lambda r: (r.patient_id, r.fold, r.side),
)


@given(table=tables)
def test_every_table_comes_back_bit_for_bit_and_sorted(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("waist") / "predictions.csv"
    write_predictions(path, table)
    back = read_predictions(path)
    assert set(map(repr, back)) == set(map(repr, table))
    first = path.read_bytes()
    write_predictions(path, table[::-1])
    assert path.read_bytes() == first


def test_a_file_of_known_rows_has_known_bytes(tmp_path):
    path = tmp_path / "predictions.csv"
    fold_row = dataclasses.replace(row(score=0.1), extra={"age": "41", "note": "a,b"})
    mean = row(label=None, patient_id="x", fold="mean", side="both", score=1 / 3)
    write_predictions(path, [mean, fold_row, dataclasses.replace(fold_row, fold=10)])
    assert path.read_text() == (
        "patient_id,split,label,fold,side,score,age,note\n"
        '007,internal,1,0,both,0.1,41,"a,b"\n'
        '007,internal,1,10,both,0.1,41,"a,b"\n'
        "x,internal,,mean,both,0.3333333333333333,,\n"
    )


def test_a_written_file_leaves_nothing_beside_it(tmp_path):
    write_predictions(tmp_path / "predictions.csv", [row()])
    assert os.listdir(tmp_path) == ["predictions.csv"]


def test_a_refused_table_leaves_the_old_file_untouched(tmp_path):
    path = tmp_path / "predictions.csv"
    write_predictions(path, [row()])
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"column score: must be .* got 'nan'"):
        write_predictions(path, [row(score=float("nan"))])
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["predictions.csv"]


def test_a_crash_before_the_rename_leaves_the_old_file_untouched(tmp_path, monkeypatch):
    path = tmp_path / "predictions.csv"
    write_predictions(path, [row()])

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write_predictions(path, [row(score=0.9)])
    assert read_predictions(path) == (row(),)
    assert os.listdir(tmp_path) == ["predictions.csv"]


def test_a_table_from_elsewhere_needs_three_columns(tmp_path):
    (found,) = read(tmp_path, "score,patient_id,label\r\n0.25,007,1.0\r\n")
    assert found == Prediction("007", "all", 1, "mean", "both", 0.25)


def test_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path):
    text = "\ufeffpatient_id,label,score\n1,,0\n\n2,0,1\n\n"
    assert [r.label for r in read(tmp_path, text)] == [None, 0]


def test_further_columns_are_kept_as_text(tmp_path):
    (found,) = read(tmp_path, "patient_id,label,reader:A,score\n7,1,01,0.5\n")
    assert found.extra == {"reader:A": "01"}


def test_every_problem_of_every_row_is_listed(tmp_path):
    text = (
        "patient_id,split,label,fold,side,score\n"
        "1,train,2,0,both,0.5\n"
        "2\t2,,1,-1,both,1.5\n"
        "3,train,1,0,up,\n"
        "4,train,1,0,both\n"
    )
    assert problems(tmp_path, text) == [
        "row 5: must have 6 cells as the header has, got 5 (delimiter ',')",
        "row 2, column label: must be 0, 1 (the positive class) or empty, got '2'",
        r"row 3, column patient_id: must be printable text, got '2\t2'",
        "row 3, column split: must be printable text, got ''",
        "row 3, column fold: must be a whole number from 0, or mean, got '-1'",
        "row 3, column score: must be a number from 0 to 1 (percent / 100), got '1.5'",
        "row 4, column score: must be a number from 0 to 1 (percent / 100), got ''",
        "row 4, column side: must be left, right, whole or both, got 'up'",
    ]


def test_a_mistake_of_every_row_is_told_a_few_times_and_counted(tmp_path):
    rows = "".join(f"{number},yes,0.5\n" for number in range(2, 122))
    found = problems(tmp_path, "patient_id,label,score\n" + rows)
    assert len(found) == 6
    assert found[0].startswith("row 2, column label: must be 0, 1 (the positive class)")
    assert found[-1] == "and 115 more of column label"


def test_a_huge_or_unprintable_cell_is_shown_in_part_and_on_one_line(tmp_path):
    text = "patient_id,label,score\nP1,1," + "x" * 100_000 + '\nP2,"\x1b\n",0.5\n'
    found = problems(tmp_path, text)
    assert len(found) == 2
    assert all(problem.isprintable() and len(problem) < 400 for problem in found)


def test_a_decimal_comma_is_read(tmp_path):
    (found,) = read(tmp_path, "patient_id;label;score\n1;1;0,25\n")
    assert found.score == 0.25


def test_rows_that_contradict_each_other_are_listed(tmp_path):
    text = (
        "patient_id,split,label,fold,score\n"
        "1,a,1,0,0.5\n"
        "1,a,1,0,0.6\n"
        "1,b,1,1,0.5\n"
        "1,a,,2,0.5\n"
    )
    assert problems(tmp_path, text) == [
        "row 3: patient 1, fold 0, side both, must occur once, got it in row 2 too",
        "row 4, column split: patient 1 must have one split, got 'b', and 'a' in row 2",
        "row 5, column label: patient 1 must have one label, got None, and 1 in row 2",
    ]


def test_missing_and_repeated_columns_are_named(tmp_path):
    assert problems(tmp_path, "patient_id,Label,age,age\n") == [
        "column label must be written like this, got 'Label'",
        "column score must be there, got the columns 'patient_id, Label, age, age'",
        "column 'age' must appear once, got it 2 times",
    ]


@pytest.mark.parametrize("text", ["", "patient_id,label,score\n"])
def test_a_table_without_rows_is_refused(tmp_path, text):
    assert problems(tmp_path, text)


@pytest.mark.parametrize(
    "content", [b"patient_id,label,score\n\xff,1,0.5\n", b'patient_id,label,score\n"1']
)
def test_what_is_no_csv_is_refused_by_name(tmp_path, content):
    with pytest.raises(ValueError, match=r"predictions\.csv has 1 problem"):
        read(tmp_path, content)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_tables_of_other_delimiters_are_read(tmp_path, delimiter):
    text = delimiter.join(("patient_id", "label", "score")) + "\n"
    text += delimiter.join((" 007 ", "1", "0.5")) + "\n"
    (found,) = read(tmp_path, text)
    assert (found.patient_id, found.label, found.score) == ("007", 1, 0.5)


@pytest.mark.parametrize(
    "cell", ["nan", "inf", "-0.1", "1.0000001", "half", "0,5,1", "85"]
)
def test_a_score_is_a_number_from_0_to_1(tmp_path, cell):
    (found,) = problems(tmp_path, f'patient_id,label,score\n1,1,"{cell}"\n')
    assert found.startswith("row 2, column score: must be a number from 0 to 1")


# --- sides ----------------------------------------------------------------------


def test_the_bilateral_score_is_the_mean_of_the_sides():
    rows = [row(side="left", score=0.2), row(side="right", score=0.6)]
    assert bilateral(rows) == (row(side="both", score=0.4),)


def test_one_window_gives_the_patients_score_as_it_is():
    assert bilateral([row(side="whole", score=0.3)]) == (row(score=0.3),)


def test_a_missing_side_is_refused():
    rows = [row(side="left"), row(side="right"), row("8", side="left")]
    with pytest.raises(ValueError, match=r"patient 8, fold 0, must be \['left', 'righ"):
        bilateral(rows)


# --- folds ----------------------------------------------------------------------


def fold_table(fold, held_out):
    train = [row(name, "train", fold=fold, score=0.1 * fold) for name in held_out]
    return [*train, row("t", fold=fold, score=0.25 * fold)]


def test_merging_keeps_held_out_rows_and_adds_the_mean_of_the_others():
    merged = merge_folds([fold_table(0, ["1", "2"]), fold_table(1, ["3"])])
    assert [(r.patient_id, r.fold, r.score) for r in merged] == [
        ("t", 0, 0.0),
        ("t", 1, 0.25),
        ("t", "mean", 0.125),
        ("1", 0, 0.0),
        ("2", 0, 0.0),
        ("3", 1, 0.1),
    ]


def test_a_training_patient_scored_twice_is_refused():
    with pytest.raises(ValueError, match=r"patient 2 must be scored by the one model"):
        merge_folds([fold_table(0, ["1", "2"]), fold_table(1, ["2"])])


def test_a_training_patient_never_held_out_is_refused():
    tables = [fold_table(0, ["1"]), fold_table(1, ["2"])]
    with pytest.raises(ValueError, match=r"patient 3 .* got folds \[\]"):
        merge_folds(tables, train_ids=["1", "2", "3"])


def test_a_stranger_among_the_training_patients_is_refused():
    tables = [fold_table(0, ["1"]), fold_table(1, ["2"])]
    with pytest.raises(ValueError, match="patient 2 must be one of the training"):
        merge_folds(tables, train_ids=["1"])


def test_a_test_patient_that_a_model_did_not_score_is_refused():
    with pytest.raises(ValueError, match=r"each of the 2 folds, got folds \[0\]"):
        merge_folds([fold_table(0, ["1"]), fold_table(1, ["2"])[:1]])


def test_a_table_of_another_fold_is_refused():
    with pytest.raises(ValueError, match="table 1 must hold fold 1 only"):
        merge_folds([fold_table(0, ["1"]), fold_table(0, ["2"])])


def test_a_patient_with_two_labels_in_two_folds_is_refused():
    tables = [[row("t", fold=0, label=1)], [row("t", fold=1, label=0)]]
    with pytest.raises(ValueError, match="must have one label"):
        merge_folds(tables)


# --- arrays for the statistician -------------------------------------------------


def test_the_final_score_is_held_out_for_training_and_the_mean_elsewhere():
    merged = merge_folds([fold_table(0, ["1", "2"]), fold_table(1, ["3"])])
    train = patient_scores(merged, split="train")
    assert train.patient_ids == ("1", "2", "3")
    np.testing.assert_array_equal(train.scores, [0.0, 0.0, 0.1])
    np.testing.assert_array_equal(
        patient_scores(merged, split="internal").scores, 1 / 8
    )


def test_one_models_scores_can_be_asked_for():
    merged = merge_folds([fold_table(0, ["1", "2"]), fold_table(1, ["3"])])
    assert patient_scores(merged, split="internal", fold=1).scores == [0.25]
    assert patient_scores(merged, split="train", fold=1).patient_ids == ("3",)


def test_single_sides_are_no_patient_scores():
    assert len(patient_scores([row(side="left")], split="internal").scores) == 0


def test_several_folds_without_a_mean_have_no_final_score():
    with pytest.raises(ValueError, match=r"patient 007 must have one score or a mean"):
        patient_scores([row(fold=0), row(fold=1)], split="internal")


def test_unlabelled_patients_are_nan_and_can_be_left_out():
    table = [row("a", label=None), row("b", label=0, score=0.25)]
    found = patient_scores(table, split="internal")
    assert np.isnan(found.labels[0])
    assert found.labelled().patient_ids == ("b",)
    np.testing.assert_array_equal(found.labelled().labels, [0.0])
    np.testing.assert_array_equal(found.labelled().scores, [0.25])


# --- a cohort table beside it ---------------------------------------------------


def join(tmp_path, table, text):
    path = tmp_path / "cohort.csv"
    path.write_text(text)
    return join_columns(table, path)


def test_columns_of_a_cohort_table_are_added_to_every_row(tmp_path):
    table = [row(fold=0), row(fold="mean"), row("8", label=0)]
    text = "patient_id;label;age;sex\n8;0;31;F\n007;1;;M\n"
    joined, unscored = join(tmp_path, table, text)
    assert [r.extra for r in joined] == [
        {"age": "", "sex": "M"},
        {"age": "", "sex": "M"},
        {"age": "31", "sex": "F"},
    ]
    assert unscored == ()


def test_a_cohort_tables_columns_win_over_those_that_are_there(tmp_path):
    table = [dataclasses.replace(row(), extra={"age": "30", "site": "A"})]
    ((found,), _) = join(tmp_path, table, "patient_id,age\n007,31\n")
    assert found.extra == {"age": "31", "site": "A"}


def test_an_empty_cell_of_the_cohort_table_replaces_no_filled_one(tmp_path):
    table = [dataclasses.replace(row(), extra={"reader:A": "1", "site": "A"})]
    text = "patient_id,reader:A,site,sex\n007, ,B,\n"
    ((found,), _) = join(tmp_path, table, text)
    assert found.extra == {"reader:A": "1", "site": "B", "sex": ""}


@pytest.mark.parametrize("label", [None, 1])
@pytest.mark.parametrize("cell", ["0", "1", "", "doubtful"])
def test_another_label_than_the_predictions_is_not_read(tmp_path, label, cell):
    path = tmp_path / "cohort.csv"
    path.write_text(f"patient_id,label,age\n007,{cell},31\n")
    ((found,), _) = join_columns([row(label=label)], path, labels=False)
    assert (found.label, found.extra) == (label, {"age": "31"})


def test_patients_of_the_cohort_without_a_score_are_named(tmp_path):
    _, unscored = join(tmp_path, [row()], "patient_id\n9\n007\n8\n")
    assert unscored == ("9", "8")


def test_a_label_that_came_later_is_taken_from_the_cohort_table(tmp_path):
    ((found,), _) = join(tmp_path, [row(label=None)], "patient_id,label\n007,1\n")
    assert found.label == 1


def test_a_table_without_splits_takes_the_cohort_tables(tmp_path):
    ((found,), _) = join(
        tmp_path, [row(split="all")], "patient_id,split\n007,external\n"
    )
    assert found.split == "external"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("patient_id\n8\n", "patient 007 has a score, so must have a row"),
        ("patient_id\n007\n007\n", "row 3: patient 007 must have one row"),
        (
            "patient_id,label\n007,0\n",
            "row 2: patient 007 must have the label 1 of the predictions, got '0'",
        ),
        (
            "patient_id,split\n007,train\n",
            "row 2: patient 007 must have the split internal of the predictions, "
            "got 'train'",
        ),
        ("id,label\n007,1\n", "column patient_id must be there, got the columns "),
        ("patient_id,label\n007,2\n", "row 2, column label: must be 0, 1 or empty"),
    ],
)
def test_a_cohort_table_that_contradicts_the_scores_is_refused(tmp_path, text, problem):
    with pytest.raises(ValueError, match="problem") as caught:
        join(tmp_path, [row()], text)
    assert problem in str(caught.value)
