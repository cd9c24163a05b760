"""Patients of train without a score: described and counted, and judged by nothing."""

import csv
import math
from dataclasses import replace

import numpy as np
import pytest

from negspa_jax.evaluate import Options, load_study
from negspa_jax.evaluate.study import Flow
from negspa_jax.evaluate.unscored import add_unscored, read_unscored
from tests.evaluate.cohorts import make_patients
from tests.evaluate.radiograph_run import SMALL, radiograph_config, write_run

FEW = Options(num_resamples=10)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("run") / "radiograph")


@pytest.fixture(scope="module")
def study(run):
    return load_study(run=run, options=FEW)


def read_rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_rows(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


# --- validation chooses, the others test ----------------------------------------------


def test_cut_offs_are_chosen_on_validation_and_carried_to_the_test(study):
    assert study.reference == study.selection == "validation"
    assert {point.source for point in study.operating_points} == {"validation"}
    chosen = [point.cutoff for point in study.operating_points]
    assert len(chosen) == 3
    for row in study.performances:
        assert [calls.point.cutoff for calls in row.calls] == chosen


def test_cut_offs_are_derived_anew_on_the_test_set_alone(study):
    found = {row.split: row.rederived for row in study.performances}
    assert found["validation"] == ()
    assert {calls.point.source for calls in found["external"]} == {"external"}
    assert len(found["external"]) == 3


def test_validation_is_called_optimistic_for_epoch_and_cut_offs(study):
    said = [text for text in study.warnings if text.startswith("validation: ")]
    assert len(said) == 1
    assert "the epoch of the model was chosen by the AUC" in said[0]
    assert "and so were the operating points" in said[0]
    assert not [text for text in study.warnings if "out of fold" in text]


def test_another_reference_leaves_validation_its_epoch(run):
    options = replace(FEW, reference="external")
    warned = " ".join(load_study(run=run, options=options).warnings)
    assert "these patients, so that all its numbers are optimistic" in warned
    assert "external: the operating points were chosen on these patients" in warned


def test_a_table_without_its_run_does_not_tell_who_chose_the_epoch(run):
    study = load_study(predictions=[run / "predictions.csv"], options=FEW)
    assert (study.reference, study.selection) == ("validation", "")
    assert study.unscored_train is None


def test_a_validation_split_beside_folds_chose_nothing(tmp_path):
    config = radiograph_config(num_folds=5)
    run = write_run(tmp_path / "folds", config=config)
    assert load_study(run=run, options=FEW).selection == ""


def test_labels_by_agreement_are_called_easier(tmp_path):
    config = radiograph_config(reference="agreement")
    run = write_run(tmp_path / "agreed", config=config)
    warned = " ".join(load_study(run=run, options=FEW).warnings)
    assert "only where two readers agree" in warned


# --- whom the model learned from ------------------------------------------------------


def test_those_learned_from_are_counted_and_described(study):
    positive, negative = SMALL["train"]
    size = positive + negative
    assert study.unscored_train == Flow("train", size, 0, positive, negative)
    assert study.num_learned == size
    assert [flow.split for flow in study.flow] == ["external", "validation"]
    assert [flow.split for flow in study.everybody] == [
        *("train", "external", "validation"),
    ]
    ages = {row.split: row.positive.num_known for row in study.numeric}
    assert ages["train"] == positive
    assert {row.split for row in study.categories} == {*SMALL}
    assert {pair.split for pair in study.reader_pairs} == {*SMALL}


def test_thresholds_are_medians_of_those_learned_from(run, study):
    (grouping,) = [g for g in study.groupings if g.covariate == "age"]
    ages = [float(row["age"]) for row in read_rows(run / "unscored.csv")]
    assert grouping.threshold == np.median(ages)
    assert grouping.source == "median of train"


def test_those_learned_from_are_in_no_number_of_performance(study):
    judged = (
        *(study.performances, study.subgroups, study.readings, study.rescues),
        *(study.cases, study.comparisons),
    )
    assert {row.split for rows in judged for row in rows} == {"external", "validation"}


def test_a_run_without_the_file_says_that_it_is_not_known(tmp_path):
    run = write_run(tmp_path / "older", unscored=False)
    study = load_study(run=run, options=FEW)
    assert (study.unscored_train, study.num_learned) == (None, 0)
    assert any("How many patients the model learned from" in w for w in study.warnings)


def test_the_file_is_a_source_with_its_hash(study):
    found = {source.name: source.role for source in study.provenance.sources}
    assert list(found) == ["predictions.csv", "unscored.csv", "manifest.json"]
    assert found["unscored.csv"] == "patients of train without a score"


@pytest.mark.parametrize("num_folds", [1, 5])
def test_a_patient_both_scored_and_without_a_score_is_refused(tmp_path, num_folds):
    config = radiograph_config(num_folds=num_folds, reference="agreement")
    run = write_run(tmp_path / "leak", config=config)
    rows = read_rows(run / "unscored.csv")
    rows[0]["patient_id"] = "VA0003"
    write_rows(run / "unscored.csv", rows)
    with pytest.raises(ValueError, match=r"must have no score, got scores of VA0003"):
        load_study(run=run, options=FEW)


def test_scores_of_train_are_refused_where_one_model_learned_from_all(tmp_path):
    run = write_run(tmp_path / "train")
    rows = read_rows(run / "predictions.csv")
    extra = dict(rows[0], patient_id="NEW", split="train")
    write_rows(run / "predictions.csv", [extra | {"side": "both"}, *rows])
    with pytest.raises(ValueError, match=r"split train must have no score .* of NEW"):
        load_study(run=run, options=FEW)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("patient_id,age\n1,30\n", "column label must be there"),
        ("patient_id,label\n1,1\n1,0\n", "one row, got more of 1"),
        ("patient_id,label\n1,2\n", "row 2, column label: must be 0, 1 or empty"),
    ],
)
def test_a_strange_file_is_refused_in_a_sentence(tmp_path, text, said):
    (tmp_path / "unscored.csv").write_text(text)
    with pytest.raises(ValueError, match=said):
        read_unscored(tmp_path)


def test_an_unknown_label_is_unknown(tmp_path):
    (tmp_path / "unscored.csv").write_text("patient_id,label\n1,\n2,1\n")
    patients = read_unscored(tmp_path)
    assert math.isnan(patients.labels[0])
    assert patients.labelled().ids == ("2",)


def test_columns_are_those_of_the_splits():
    splits = {"external": make_patients([1, 0], age=[30, 40])}
    taught = replace(make_patients([1], split="train", sex=["F"]), scores={}, folds=())
    everybody = add_unscored(splits, taught)
    assert list(everybody) == ["train", "external"]
    assert everybody["train"].columns == {"age": ("",)}
    assert add_unscored(splits, None) == splits


def test_the_split_is_those_with_a_score_and_those_without():
    scored = make_patients([1, 0], split="train", ids=("1", "2"), age=[30, 40])
    absent = replace(
        make_patients([None], split="train", ids=("3",), age=[50]), scores={}, folds=()
    )
    splits = {"external": make_patients([1], age=[20]), "train": scored}
    everybody = add_unscored(splits, absent)
    assert list(everybody) == ["train", "external"]
    train = everybody["train"]
    assert (train.ids, train.columns["age"]) == (("1", "2", "3"), ("30", "40", "50"))
    np.testing.assert_array_equal(train.labels, [1, 0, np.nan])
    assert (dict(train.scores), train.folds) == ({}, ())


# --- whom the rule of the labels left without one -------------------------------------


@pytest.fixture(scope="module", params=[1, 5])
def agreed(request, tmp_path_factory):
    """A run of one model and one of folds, where labels are made by agreement."""
    config = radiograph_config(num_folds=request.param, reference="agreement")
    run = write_run(tmp_path_factory.mktemp("run") / "agreed", config=config)
    return request.param, run, load_study(run=run, options=FEW)


def test_those_without_a_label_are_patients_whom_nobody_learned_from(agreed):
    num_folds, run, study = agreed
    rows = read_rows(run / "unscored.csv")
    absent = sum(row["label"] == "" for row in rows)
    assert absent > 0
    assert study.unscored_train.num_unlabelled == absent
    assert study.num_learned == (len(rows) - absent if num_folds == 1 else 0)
    assert study.everybody[0].split == "train"
    assert study.everybody[0].num_patients == sum(SMALL["train"])
    assert study.everybody[0].num_unlabelled == absent
    assert [flow.split for flow in study.everybody] == [
        *("train", "external", "validation")
    ]
    said = "train: without a label by the rule, neither learned from nor scored: "
    assert f"{said}{absent} patients." in study.warnings


def test_readers_agree_on_all_of_train_with_a_label_or_without(agreed):
    _, _, study = agreed
    pair = {(p.split, p.first, p.second): p for p in study.reader_pairs}
    both = pair["train", "local", "central"]
    assert both.num_patients == sum(SMALL["train"])
    assert both.num_disagreements == study.unscored_train.num_unlabelled
    labelled = both.num_patients - both.num_disagreements
    assert pair["train", "local", ""].num_patients == labelled
    assert pair["train", "local", ""].num_disagreements == 0


def test_table_1_is_of_the_labelled_and_thresholds_of_the_whole_split(agreed):
    _, run, study = agreed
    rows = [*read_rows(run / "unscored.csv"), *read_rows(run / "predictions.csv")]
    train = {r["patient_id"]: r for r in rows if r.get("split", "train") == "train"}
    (grouping,) = [g for g in study.groupings if g.covariate == "age"]
    assert grouping.threshold == np.median([float(r["age"]) for r in train.values()])
    (ages,) = [r for r in study.numeric if (r.split, r.name) == ("train", "age")]
    for label, summary in (("1", ages.positive), ("0", ages.negative)):
        assert summary.num_known == sum(r["label"] == label for r in train.values())


def test_with_folds_the_labelled_are_judged_out_of_fold(tmp_path):
    config = radiograph_config(num_folds=5, reference="agreement")
    study = load_study(run=write_run(tmp_path / "a", config=config), options=FEW)
    assert (study.reference, study.out_of_fold) == ("train", True)
    (train,) = [row for row in study.performances if row.split == "train"]
    assert train.num_patients == study.everybody[0].num_patients - (
        study.unscored_train.num_unlabelled
    )


def test_with_folds_a_labelled_patient_without_a_score_is_refused(tmp_path):
    config = radiograph_config(num_folds=5, reference="agreement")
    run = write_run(tmp_path / "lost", config=config)
    rows = read_rows(run / "unscored.csv")
    rows[0]["label"] = "1"
    write_rows(run / "unscored.csv", rows)
    name = rows[0]["patient_id"]
    with pytest.raises(ValueError, match=f"score out of fold .* holds {name}"):
        load_study(run=run, options=FEW)


# --- a cohort table beside the run ----------------------------------------------------


@pytest.fixture
def cohort(run, tmp_path):
    """The table that the run was trained on, where `validation` is part of train."""
    rows = {
        row["patient_id"]: {
            "patient_id": row["patient_id"],
            "split": row.get("split", "train").replace("validation", "train"),
            "scanner": "AB"[len(row["patient_id"] + row["age"]) % 2],
        }
        for name in ("unscored.csv", "predictions.csv")
        for row in read_rows(run / name)
    }
    extra = {"patient_id": "NEVER", "split": "train", "scanner": "A"}
    return write_rows(tmp_path / "cohort.csv", [*rows.values(), extra])


def test_those_learned_from_are_not_called_unscored(run, cohort):
    study = load_study(run=run, cohort=cohort, options=FEW)
    assert study.unscored == ("NEVER",)


def test_those_learned_from_take_the_cohorts_columns(run, cohort):
    options = replace(FEW, subgroups=("scanner",))
    study = load_study(run=run, cohort=cohort, options=options)
    known = [
        row.positive_known
        for row in study.categories
        if (row.split, row.name) == ("train", "scanner")
    ]
    assert set(known) == {SMALL["train"][0]}


def test_a_cohort_of_the_tested_alone_leaves_the_others_empty(run, tmp_path):
    tested = {row["patient_id"]: row for row in read_rows(run / "predictions.csv")}
    rows = [{"patient_id": name, "scanner": "A"} for name in tested]
    cohort = write_rows(tmp_path / "tested.csv", rows)
    study = load_study(run=run, cohort=cohort, options=FEW)
    assert study.unscored_train.num_patients == sum(SMALL["train"])
    assert study.unscored == ()


def test_an_empty_cell_of_the_cohort_replaces_nothing(run, tmp_path):
    ids = {
        row["patient_id"]: row["age"]
        for name in ("unscored.csv", "predictions.csv")
        for row in read_rows(run / name)
    }
    rows = [
        {"patient_id": name, "age": age if number % 2 else "", "reader:local": ""}
        for number, (name, age) in enumerate(ids.items())
    ]
    cohort = write_rows(tmp_path / "gaps.csv", rows)
    alone = load_study(run=run, options=FEW)
    joined = load_study(run=run, cohort=cohort, options=FEW)
    assert joined.reader_pairs == alone.reader_pairs
    assert joined.numeric == alone.numeric
