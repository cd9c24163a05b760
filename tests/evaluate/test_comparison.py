"""Comparisons of calls and scores, against scipy, by hand, and adjusted by hand."""

import doctest
import math

import numpy as np
import pytest
from scipy.stats import binomtest

from negspa_jax import stats
from negspa_jax.evaluate import comparison
from negspa_jax.evaluate.comparison import (
    adjust_calls,
    compare_calls,
    compare_scores,
)
from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.patients import Patients

# Positives: both right 4, first alone 5, second alone 1, none 2; negatives: 6, 0, 3, 1.
LABELS = np.repeat([1, 1, 1, 1, 0, 0, 0, 0], [4, 5, 1, 2, 6, 0, 3, 1])
FIRST = np.repeat([1, 1, 0, 0, 0, 0, 1, 1], [4, 5, 1, 2, 6, 0, 3, 1])
SECOND = np.repeat([1, 0, 1, 0, 0, 1, 0, 1], [4, 5, 1, 2, 6, 0, 3, 1])


def patients(split="internal", *, labels=None, seed=0, size=60, **scores):
    generator = np.random.default_rng(seed)
    if labels is None:
        labels = np.arange(size) % 2
    labels = np.asarray(labels, dtype=np.float64)
    made = {
        name: np.clip(generator.normal(0.4 + 0.2 * (labels == 1), 0.2), 0, 1)
        for name in ("image", "clinical", "fused")
    }
    return Patients(
        split=split,
        ids=tuple(f"P{place:03}" for place in range(len(labels))),
        labels=labels,
        scores=made | scores,
        folds=("mean",) * len(labels),
        columns={},
    )


PAIRS = [("fused", "image"), ("fused", "clinical")]


def point(score, cutoff, name="Youden"):
    return OperatingPoint(score, name, "youden", cutoff, "train", 328)


def test_the_examples_hold():
    found = doctest.testmod(comparison)
    assert found.attempted > 0
    assert found.failed == 0


# --- calls ----------------------------------------------------------------------------


def test_measures_are_compared_on_the_patients_they_speak_of():
    found = compare_calls(LABELS, FIRST, SECOND)
    told = [(c.measure, c.first, c.second, c.only_first, c.only_second) for c in found]
    assert told == [
        ("accuracy", 15 / 22, 14 / 22, 5, 4),
        ("sensitivity", 9 / 12, 5 / 12, 5, 1),
        ("specificity", 6 / 10, 9 / 10, 0, 3),
    ]


def test_p_values_are_scipys_binomial_test():
    p_values = [call.p_value for call in compare_calls(LABELS, FIRST, SECOND)]
    theirs = [binomtest(k, n).pvalue for k, n in ((5, 9), (5, 6), (0, 3))]
    np.testing.assert_allclose(p_values, theirs, rtol=0, atol=1e-15)


def test_calls_and_labels_may_be_numbers_or_truth_values():
    whole = compare_calls(LABELS, FIRST, SECOND)
    other = compare_calls(LABELS.astype(float), FIRST == 1, SECOND == 1)
    assert repr(whole) == repr(other)


def test_a_measure_without_patients_is_undefined():
    accuracy, sensitivity, specificity = compare_calls(
        np.ones(3), np.array([1, 0, 1]), np.array([1, 1, 1])
    )
    assert (accuracy.p_value, sensitivity.p_value) == (1.0, 1.0)
    assert math.isnan(specificity.first)
    assert math.isnan(specificity.p_value)


def test_nobody_at_all_leaves_everything_undefined():
    nobody = np.zeros(0)
    for call in compare_calls(nobody, nobody, nobody):
        assert np.isnan([call.first, call.second, call.p_value]).all()
        assert (call.only_first, call.only_second) == (0, 0)


def test_a_call_that_is_neither_is_refused():
    with pytest.raises(ValueError, match="decisions must be 0 or 1"):
        compare_calls(np.array([1, 0]), np.array([1, 0]), np.array([0.3, 0]))


def test_each_measure_is_adjusted_for_itself():
    pairs = [(FIRST, SECOND), (FIRST, 1 - FIRST), (SECOND, LABELS)]
    groups = [compare_calls(LABELS, *pair) for pair in pairs]
    adjusted = adjust_calls(groups, families=["all"] * len(groups))
    for place in range(3):
        p_values = np.array([group[place].p_value for group in groups])
        found = [group[place].p_adjusted for group in adjusted]
        assert found == stats.holm(p_values).tolist()
    assert [len(group) for group in adjusted] == [3, 3, 3]


def test_families_are_adjusted_apart():
    pairs = [(FIRST, SECOND), (FIRST, 1 - FIRST), (SECOND, LABELS)]
    groups = [compare_calls(LABELS, *pair) for pair in pairs]
    apart = adjust_calls(groups, families=["a", "b", "a"])
    first, second = adjust_calls(groups[::2], families=["a", "a"])
    assert apart == (
        first,
        *adjust_calls(groups[1:2], families=["b"]),
        second,
    )


def test_an_undefined_test_counts_as_none():
    positives = LABELS == 1
    groups = [
        compare_calls(LABELS, FIRST, SECOND),
        compare_calls(LABELS[positives], FIRST[positives], SECOND[positives]),
    ]
    first, second = adjust_calls(groups, families=["all"] * len(groups))
    assert first[2].p_adjusted == first[2].p_value
    assert math.isnan(second[2].p_adjusted)


def test_nothing_to_adjust_is_nothing():
    assert adjust_calls([], families=[]) == ()
    assert adjust_calls([()], families=[""]) == ((),)


# --- scores ---------------------------------------------------------------------------


def test_every_pair_meets_in_every_split():
    splits = {name: patients(name) for name in ("train", "external")}
    found = compare_scores(splits, pairs=PAIRS, points=())
    assert [(c.split, c.first, c.second) for c in found] == [
        ("train", "fused", "image"),
        ("train", "fused", "clinical"),
        ("external", "fused", "image"),
        ("external", "fused", "clinical"),
    ]


def test_areas_are_compared_by_delongs_paired_test():
    one = patients(seed=3)
    found = compare_scores({"internal": one}, pairs=PAIRS, points=())
    for result in found:
        theirs = stats.delong_test(
            one.labels, one.scores["fused"], one.scores[result.second]
        )
        assert result.auc == theirs
        assert result.num_patients == 60


def test_areas_p_values_are_adjusted_over_the_pairs_of_a_split():
    splits = {"train": patients("train", seed=1), "b": patients("b", seed=2, size=40)}
    found = compare_scores(splits, pairs=PAIRS, points=())
    assert len(found) == 4
    for pair in (found[:2], found[2:]):
        p_values = np.array([result.auc.p_value for result in pair])
        assert [c.p_adjusted for c in pair] == stats.holm(p_values).tolist()
    assert any(c.p_adjusted != c.auc.p_value for c in found)


def test_patients_without_a_label_are_left_out():
    labels = np.array([0, 1, 0, 1, 0, 1, np.nan, np.nan])
    whole = patients(labels=labels)
    (found, _) = compare_scores({"x": whole}, pairs=PAIRS, points=())
    (known, _) = compare_scores({"x": whole.labelled()}, pairs=PAIRS, points=())
    assert found == known
    assert found.num_patients == 6


@pytest.mark.parametrize("labels", [[1, 1, np.nan], [np.nan, np.nan], []])
def test_a_split_without_both_classes_has_no_comparison(labels):
    splits = {"x": patients(labels=labels), "y": patients("y")}
    found = compare_scores(splits, pairs=PAIRS, points=())
    assert {c.split for c in found} == {"y"}


def test_calls_are_compared_at_each_scores_own_point():
    one = patients()
    points = (point("image", 0.45), point("fused", 0.55), point("clinical", 0.5))
    (found, _) = compare_scores({"x": one}, pairs=PAIRS, points=points)
    fused, image = one.scores["fused"] >= 0.55, one.scores["image"] >= 0.45
    calls = compare_calls(one.labels, fused, image)
    assert found.point == "Youden"
    assert [c.p_value for c in found.calls] == [c.p_value for c in calls]
    assert [c.only_first for c in found.calls] == [c.only_first for c in calls]


def test_calls_are_adjusted_over_the_pairs_of_a_split():
    splits = {"a": patients("a", seed=5), "b": patients("b", seed=6)}
    points = [point(score, 0.5) for score in ("image", "clinical", "fused")]
    found = compare_scores(splits, pairs=PAIRS, points=points)
    for pair in (found[:2], found[2:]):
        for place in range(3):
            p_values = np.array([c.calls[place].p_value for c in pair])
            adjusted = [c.calls[place].p_adjusted for c in pair]
            assert adjusted == stats.holm(p_values).tolist()


def test_calls_take_the_first_point_that_both_scores_have():
    points = (
        point("fused", 0.5),
        point("fused", 0.9, "high specificity"),
        point("image", 0.8, "high specificity"),
    )
    image, clinical = compare_scores({"x": patients()}, pairs=PAIRS, points=points)
    assert image.point == "high specificity"
    assert (clinical.point, clinical.calls) == ("", ())


def test_scores_that_are_equal_differ_by_nothing():
    one = patients()
    same = patients(image=one.scores["fused"])
    points = [point("image", 0.5), point("fused", 0.5)]
    (image, _) = compare_scores({"x": same}, pairs=PAIRS, points=points)
    assert (image.auc.difference, image.auc.p_value) == (0.0, 1.0)
    assert all(call.p_value == 1.0 for call in image.calls)


def test_one_patient_of_each_class_has_no_p_value():
    one = patients(labels=[0, 1], image=np.array([0.9, 0.1]))
    (image, _) = compare_scores(
        {"x": one}, pairs=PAIRS, points=[point("image", 0.5), point("fused", 0.5)]
    )
    assert image.auc.difference != 0
    assert math.isnan(image.auc.p_value)
    assert math.isnan(image.p_adjusted)
    assert image.calls[1].p_value == 1.0


def test_a_score_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"scores image, clinical.* got learned"):
        compare_scores({"x": patients()}, pairs=[("fused", "learned")], points=())
