"""Precision, recall and F1 against scikit-learn, pROC and the papers' tables."""

import math
import re

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given

from negspa_jax.stats import (
    average_precision,
    average_precision_interval,
    bootstrap_interval,
    f1,
    ppv,
    pr_curve,
    sensitivity,
)
from tests.stats.strategies import samples
from tests.stats.tables import patients_of


@given(sample=samples())
def test_the_curve_is_scikit_learns(sample):
    ours = pr_curve(*sample)
    precision, recall, cutoffs = sklearn.metrics.precision_recall_curve(*sample)
    # Theirs ascends, and ends in a point that no cut-off reaches: recall 0.
    np.testing.assert_array_equal(ours.cutoffs, cutoffs[::-1])
    np.testing.assert_allclose(ours.precision, precision[-2::-1], atol=1e-15)
    np.testing.assert_allclose(ours.recall, recall[-2::-1], atol=1e-15)


@given(sample=samples())
def test_average_precision_is_scikit_learns(sample):
    theirs = sklearn.metrics.average_precision_score(*sample)
    assert average_precision(*sample) == pytest.approx(theirs, abs=1e-12)


def test_points_of_the_curve_are_procs(asah):
    curve = pr_curve(asah["outcome_poor"], asah["s100b"])
    # pROC's own tests (helper-coords-expected.R): threshold, precision, recall.
    for cutoff, precision, recall in [
        (0.205, 0.65, 0.634146341463415),
        (0.475, 0.823529411764706, 0.341463414634146),
        (0.51, 1.0, 0.292682926829268),
    ]:
        # Theirs lie in the middle of the gaps, ours are observed.
        point = np.flatnonzero(curve.cutoffs > cutoff)[-1]
        assert curve.precision[point] == pytest.approx(precision, abs=1e-14)
        assert curve.recall[point] == pytest.approx(recall, abs=1e-14)


@given(sample=samples())
def test_points_of_the_curve_are_the_rates_at_its_cutoffs(sample):
    labels, scores = sample
    curve = pr_curve(*sample)
    for recall, precision, cutoff in zip(*curve, strict=True):
        assert recall == sensitivity(labels, scores >= cutoff).value
        assert precision == ppv(labels, scores >= cutoff).value


@given(sample=samples())
def test_a_monotone_transform_changes_nothing(sample):
    labels, scores = sample
    moved = average_precision(labels, np.exp(scores / 3) - 7)
    assert moved == average_precision(labels, scores)


def test_equal_scores_give_the_share_of_positives():
    assert average_precision(np.array([1, 0, 0, 0]), np.full(4, 0.3)) == 0.25


def test_without_negatives_it_is_one_and_without_positives_undefined():
    scores = np.arange(3.0)
    assert average_precision(np.ones(3), scores) == 1.0
    assert math.isnan(average_precision(np.zeros(3), scores))
    assert np.isnan(pr_curve(np.zeros(3), scores).recall).all()
    assert pr_curve(np.zeros(3), scores).precision.tolist() == [0.0, 0.0, 0.0]


def test_one_patient_has_a_value_only_if_positive():
    assert average_precision(np.array([1]), np.array([0.2])) == 1.0
    assert math.isnan(average_precision(np.array([0]), np.array([0.2])))


def test_nobody_has_no_curve():
    nobody = np.array([])
    assert len(pr_curve(nobody, nobody).recall) == 0
    assert math.isnan(average_precision(nobody, nobody))


def test_the_interval_is_the_bootstraps_by_class(patients):
    labels, scores = patients
    options = {"method": "bca", "level": 0.9, "num_resamples": 100, "seed": 5}
    found = average_precision_interval(labels, scores, **options)
    assert found == bootstrap_interval(
        labels, scores, statistic=average_precision, strata=labels, **options
    )
    assert found.low < found.value < found.high


# --- F1 -----------------------------------------------------------------------------


@given(sample=samples())
def test_f1_is_scikit_learns(sample):
    labels, called = sample[0], sample[1] > 0
    theirs = sklearn.metrics.f1_score(labels, called, zero_division=np.nan)
    found = f1(labels, called, num_resamples=2)
    assert found.value == pytest.approx(theirs, abs=1e-15, nan_ok=True)


def test_f1_has_an_interval_drawn_by_class(patients):
    labels, scores = patients
    found = f1(labels, scores > 0.5)
    assert found.low < found.value < found.high
    assert found == f1(labels, scores > 0.5, seed=0)
    assert found != f1(labels, scores > 0.5, seed=1)


def test_f1_is_zero_if_all_calls_are_wrong_and_undefined_without_any():
    assert f1(np.array([1, 1, 0, 0]), np.array([0, 0, 1, 0])).value == 0.0
    assert f1(np.array([1, 1, 0, 0]), np.zeros(4)).value == 0.0
    assert math.isnan(f1(np.zeros(4), np.zeros(4)).value)
    assert math.isnan(f1(np.array([]), np.array([])).value)


def test_f1_of_one_positive_has_no_interval():
    found = f1(np.array([1, 0, 0]), np.array([1, 1, 0]))
    assert found.value == pytest.approx(2 / 3)
    assert math.isnan(found.low)


@pytest.fixture
def printed_f1(paper_rows):
    """Of each row of Tables S5 and S6: its key, the print, ours, and the verdict."""
    specificities = {
        (row["table"], row["row"]): row["count"]
        for row in paper_rows
        if row["quantity"] == "spec"
    }
    found = []
    for row in paper_rows:
        if row["quantity"] == "F1":
            key = (row["table"], row["row"])
            right, wrong, missed = map(int, re.findall(r"\d+", row["count"]))
            negatives = int(specificities[key].split("/")[0])
            labels, called = patients_of([[negatives, wrong], [missed, right]])
            ours = f1(labels, called, num_resamples=1).value
            found.append((key, row["printed"], f"{ours:.3f}", row["consistent"]))
    return found


def test_consistent_f1_of_the_tables_are_reproduced(printed_f1):
    pairs = [
        (theirs, ours) for _, theirs, ours, verdict in printed_f1 if verdict == "yes"
    ]
    assert len(pairs) == 19
    assert all(theirs == ours for theirs, ours in pairs)


def test_misprinted_f1_are_those_of_other_rows_or_of_none(printed_f1):
    wrong = {
        (table, row.split()[0]): (theirs, ours)
        for (table, row), theirs, ours, verdict in printed_f1
        if verdict == "NO"
    }
    assert wrong == {
        # The first three rows of S5 are those of S6.
        ("S5", "1"): ("0.667", "0.719"),
        ("S5", "2"): ("0.667", "0.684"),
        ("S5", "3"): ("0.605", "0.692"),
        # Row 4 of S6 bears the next row's, and that one a stranger.
        ("S6", "4"): ("0.681", "0.667"),
        ("S6", "5"): ("0.694", "0.681"),
    }
    ours = {(t, r.split()[0]): value for (t, r), _, value, _ in printed_f1}
    assert [ours["S6", row] for row in "123"] == ["0.667", "0.667", "0.605"]
