"""A predictions table becomes columns of patients; contradictions are refused."""

import doctest
from dataclasses import replace

import numpy as np
import pytest

from negspa_jax.evaluate import patients as room
from negspa_jax.evaluate.patients import gather_patients, list_names
from negspa_jax.predictions import Prediction, bilateral, merge_folds, patient_scores


def row(patient_id, split="external", label=1, fold="mean", side="both", **more):
    return Prediction(
        patient_id, split, label, fold, side, more.pop("score", 0.5), dict(more)
    )


def run_table():
    """Two folds' models: four training patients, two of a test set, both sides."""
    generator = np.random.default_rng(0)
    tables = []
    for fold in (0, 1):
        ids = [(f"T{k}", "train", k // 2) for k in (fold, fold + 2)]
        ids += [("E1", "external", 1), ("E2", "external", None)]
        tables.append(
            [
                replace(
                    row(name, split, label, fold, side, age="30"),
                    score=float(generator.random()),
                )
                for name, split, label in ids
                for side in ("left", "right")
            ]
        )
    return merge_folds([[*table, *bilateral(table)] for table in tables])


def test_the_examples_hold():
    found = doctest.testmod(room)
    assert found.attempted > 0
    assert found.failed == 0


def test_train_comes_first_and_the_others_by_name():
    table = [row("1", "internal"), row("2", "train", fold=0), row("3", "external")]
    assert list(gather_patients(table, name="x")) == ["train", "external", "internal"]


def test_scores_are_the_final_ones_of_the_predictions_room():
    table = run_table()
    splits = gather_patients(table, name="image")
    for split, patients in splits.items():
        final = patient_scores(table, split=split)
        assert patients.ids == final.patient_ids
        np.testing.assert_array_equal(patients.scores["image"], final.scores)
        np.testing.assert_array_equal(patients.labels, final.labels)


def test_folds_say_whose_model_gave_the_score():
    splits = gather_patients(run_table(), name="image")
    assert dict(zip(splits["train"].ids, splits["train"].folds, strict=True)) == {
        "T0": 0,
        "T1": 1,
        "T2": 0,
        "T3": 1,
    }
    assert splits["external"].folds == ("mean", "mean")


def test_unknown_labels_are_nan():
    external = gather_patients(run_table(), name="image")["external"]
    assert external.labels[0] == 1
    assert np.isnan(external.labels[1])
    assert external.labelled().ids == ("E1",)


def test_every_column_is_there_for_every_patient():
    table = [row("1", sex="F"), row("2", age=" 31 ")]
    external = gather_patients(table, name="x")["external"]
    assert external.columns == {"sex": ("F", ""), "age": ("", "31")}


def test_a_cell_filled_in_one_row_holds_for_the_patient():
    table = [row("1", sex=""), row("1", side="left", sex="F")]
    assert gather_patients(table, name="x")["external"].columns["sex"] == ("F",)


@pytest.mark.parametrize("column", ["sex", "uveitis", "reader:A", "reader_ai:A"])
def test_rows_that_contradict_each_other_are_refused(column):
    table = [row("007", **{column: "0"}), row("007", side="left", **{column: "1"})]
    with pytest.raises(ValueError, match=f"patient 007, column {column}.* got 0, 1"):
        gather_patients(table, name="x")


def test_a_column_of_rows_is_the_final_scores():
    table = [
        row("1", fold="mean", logit="2"),
        row("1", fold=0, logit="1"),
        row("1", side="left", logit="3"),
    ]
    assert gather_patients(table, name="x")["external"].columns["logit"] == ("2",)


def test_a_patient_without_a_score_is_named():
    table = [row("1"), row("2", side="left"), row("2", side="right")]
    with pytest.raises(ValueError, match=r"row of side both, got none for 2; add"):
        gather_patients(table, name="x")


# --- other models ---------------------------------------------------------------------


def test_other_tables_scores_stand_beside_in_the_same_order():
    table = run_table()
    scores = {name: place / 10 for place, name in enumerate(["E2", "T3", "E1", "T0"])}
    other = [
        replace(one, score=scores.get(one.patient_id, 1.0))
        for one in reversed(table)
        if one.side == "both"
    ]
    splits = gather_patients(table, name="image", others={"b": other})
    assert list(splits["train"].scores) == ["image", "b"]
    assert splits["train"].ids == ("T0", "T1", "T2", "T3")
    assert splits["train"].scores["b"].tolist() == [0.3, 1.0, 1.0, 0.1]
    assert splits["external"].scores["b"].tolist() == [0.2, 0.0]


def test_other_patients_labels_and_splits_are_all_named_at_once():
    table = [row("1"), row("2"), row("3"), row("4")]
    other = [row("1"), row("2", label=0), row("3", "internal"), row("5")]
    with pytest.raises(ValueError, match="the table of b must score") as found:
        gather_patients(table, name="x", others={"b": other})
    assert str(found.value).endswith(
        "but it lacks 4; it adds 5; it has another label for 2; "
        "it has another split for 3"
    )


def test_two_scores_of_one_name_are_refused():
    with pytest.raises(ValueError, match="different names, got 'image' twice"):
        gather_patients([row("1")], name="image", others={"image": [row("1")]})


def test_long_lists_of_names_are_cut():
    assert list_names([str(k) for k in range(10)]).endswith("8, 9")
    assert list_names([str(k) for k in range(12)]).endswith("8, 9 and 2 more")
