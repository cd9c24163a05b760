"""Cases: outcomes at the cut-off, what is told of a patient, and which to look at."""

import math

import numpy as np
import pytest

from negspa_jax.evaluate.cases import Case, choose_examples, list_cases
from negspa_jax.evaluate.patients import gather_patients
from negspa_jax.predictions import Prediction, bilateral, merge_folds
from tests.evaluate.cohorts import give_point, make_patients


def list_one(patients, table=(), *, cutoff=0.5):
    splits = {patients.split: patients}
    return list_cases(splits, table, score="image", point=give_point(cutoff))


# --- cases ----------------------------------------------------------------------------


def test_a_score_from_the_cut_off_upwards_is_positive():
    below = np.nextafter(0.5, 0)
    patients = make_patients([1, 0, 1, 0], scores=[0.5, 0.5, below, below])
    assert [case.outcome for case in list_one(patients)] == [
        "true positive",
        "false positive",
        "false negative",
        "true negative",
    ]


def test_an_infinite_cut_off_calls_nobody_positive():
    patients = make_patients([1, 0], scores=[1.0, 1.0])
    found = [case.outcome for case in list_one(patients, cutoff=math.inf)]
    assert found == ["false negative", "true negative"]


def test_every_labelled_patient_is_a_case():
    patients = make_patients([1, None, 0])
    found = [(case.patient_id, case.label) for case in list_one(patients)]
    assert found == [("P000", 1), ("P002", 0)]


def test_without_labels_there_is_no_case():
    assert list_one(make_patients([None])) == ()


def test_without_an_operating_point_there_is_no_outcome_and_no_case():
    splits = {"internal": make_patients([1, 0])}
    assert list_cases(splits, (), score="image", point=None) == ()


@pytest.fixture
def table():
    """One training patient, and one that two folds' models scored on both sides."""

    def score(name, split, fold, left, right):
        sides = zip(("left", "right"), (left, right), strict=True)
        return [Prediction(name, split, 1, fold, *side) for side in sides]

    folds = [
        [*score("T", "train", 0, 0.25, 0.75), *score("X", "external", 0, 0.5, 1.0)],
        score("X", "external", 1, 0.0, 0.5),
    ]
    return merge_folds([[*rows, *bilateral(rows)] for rows in folds])


@pytest.fixture
def by_name(table):
    splits = gather_patients(table, name="image")
    cases = list_cases(splits, table, score="image", point=give_point())
    return {case.patient_id: case for case in cases}


def test_sides_have_their_final_scores(by_name):
    assert by_name["T"].sides == {"left": 0.25, "right": 0.75}
    assert by_name["X"].sides == {"left": 0.25, "right": 0.75}


def test_folds_spread_by_the_sample_deviation_of_their_scores(by_name):
    assert by_name["X"].scores == {"image": 0.5}
    assert by_name["X"].fold_sd == pytest.approx(np.std([0.75, 0.25], ddof=1))


def test_one_folds_score_has_no_deviation(by_name):
    assert math.isnan(by_name["T"].fold_sd)


def test_a_table_from_elsewhere_has_neither_sides_nor_folds():
    table = [Prediction("P000", "internal", 1, "mean", "both", 0.5)]
    (case,) = list_one(make_patients([1]), table)
    assert case.sides == {}
    assert math.isnan(case.fold_sd)


def test_several_folds_of_a_side_without_their_mean_are_refused():
    table = [Prediction("P000", "internal", 1, fold, "left", 0.5) for fold in (0, 1)]
    with pytest.raises(ValueError, match="P000 must have one score or a mean"):
        list_one(make_patients([1]), table)


def test_readers_calls_stand_under_their_columns():
    columns = {"reader:A": ["1", ""], "reader_ai:A": ["1.0", "0"], "note": ["x", "y"]}
    first, second = list_one(make_patients([1, 0], **columns))
    assert first.calls == {"reader:A": 1, "reader_ai:A": 1}
    assert second.calls == {"reader_ai:A": 0}


# --- examples -------------------------------------------------------------------------


def make_case(name, label, score, *, split="internal", cutoff=0.5):
    right = "true" if (score >= cutoff) == label else "false"
    called = "positive" if score >= cutoff else "negative"
    outcome = f"{right} {called}"
    return Case(split, name, label, outcome, {"image": score}, {}, math.nan, {})


def choose(cases, *, cutoff=0.5, **options):
    found = choose_examples(cases, point=give_point(cutoff), **options)
    return [case.patient_id for case in found]


def test_typical_cases_are_nearest_to_the_median_of_their_outcome():
    scores = [0.55, 0.7, 0.72, 0.8, 0.99]
    cases = [make_case(f"p{s}", 1, s) for s in scores]
    cases += [make_case(f"n{s}", 0, round(1 - s, 2)) for s in scores]
    found = choose(cases, typical=2)
    assert found == ["p0.72", "p0.7", "n0.72", "n0.7"]


def test_wrong_cases_are_the_surest_of_both_kinds():
    scores = {"a": (0, 0.6), "b": (0, 0.95), "c": (1, 0.1), "d": (1, 0.4)}
    cases = [make_case(name, *case) for name, case in scores.items()]
    assert choose(cases, wrong=3) == ["b", "c", "a"]


def test_equal_cases_come_in_the_order_of_their_names():
    cases = [make_case(name, 1, 0.75) for name in "cab"]
    cases += [make_case(name, 0, 0.75) for name in "zyx"]
    assert choose(cases, typical=2, wrong=2) == ["a", "b", "x", "y"]


def test_the_order_of_cases_does_not_matter():
    draw = np.random.default_rng(0)
    cases = [make_case(f"P{i}", i % 2, round(draw.random(), 1)) for i in range(60)]
    shuffled = [cases[i] for i in draw.permutation(60)]
    assert choose(cases) == choose(shuffled)
    assert len(choose(cases)) == 12


def test_every_split_has_its_examples():
    cases = [make_case(f"{s}{i}", 1, 0.6, split=s) for s in "ab" for i in range(5)]
    assert choose(cases) == ["a0", "a1", "a2", "b0", "b1", "b2"]


def test_where_nobody_is_called_positive_the_lowest_is_farthest():
    cases = [
        make_case(name, 1, s, cutoff=math.inf) for name, s in (("a", 0.9), ("b", 0.2))
    ]
    assert choose(cases, cutoff=math.inf) == ["b", "a"]


def test_without_cases_there_are_no_examples():
    assert choose([]) == []
