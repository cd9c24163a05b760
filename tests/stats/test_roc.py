"""The ROC curve and its area against scikit-learn and against their definitions."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from scipy import stats as scipy_stats

from negspa_jax.stats import auc, roc_curve
from negspa_jax.stats.roc import midranks
from tests.stats.strategies import samples

ONE_CLASS = [(np.ones(3), np.arange(3.0)), (np.zeros(3), np.arange(3.0))]


def test_the_curve_is_scikit_learns(patients):
    ours = roc_curve(*patients)
    theirs = sklearn.metrics.roc_curve(*patients, drop_intermediate=False)
    for mine, reference in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, reference)


def test_the_area_is_scikit_learns(patients):
    assert auc(*patients) == pytest.approx(
        sklearn.metrics.roc_auc_score(*patients), abs=1e-14
    )


def test_the_area_is_mann_whitneys_u(patients):
    labels, scores = patients
    result = scipy_stats.mannwhitneyu(scores[labels == 1], scores[labels == 0])
    pairs = labels.sum() * (1 - labels).sum()
    assert auc(labels, scores) == pytest.approx(result.statistic / pairs, abs=1e-14)


@given(sample=samples())
def test_the_area_counts_pairs(sample):
    labels, scores = sample
    gaps = scores[labels == 1][:, np.newaxis] - scores[labels == 0]
    assert auc(labels, scores) == pytest.approx(np.mean((np.sign(gaps) + 1) / 2))


@given(sample=samples())
def test_the_area_is_the_curves_trapezoids(sample):
    curve = roc_curve(*sample)
    area = np.trapezoid(curve.true_positive_rate, curve.false_positive_rate)
    assert auc(*sample) == pytest.approx(area)


@given(sample=samples())
def test_a_monotone_transform_changes_nothing(sample):
    labels, scores = sample
    assert auc(labels, np.exp(scores / 3) - 7) == auc(labels, scores)


@given(sample=samples())
def test_flipping_the_labels_mirrors_the_area(sample):
    labels, scores = sample
    assert auc(1 - labels, scores) == pytest.approx(1 - auc(labels, scores))


@given(sample=samples())
def test_midranks_are_scipys(sample):
    np.testing.assert_array_equal(midranks(sample[1]), scipy_stats.rankdata(sample[1]))


def test_equal_scores_give_one_half():
    assert auc(np.array([0, 1, 1]), np.full(3, 0.7)) == 0.5


@pytest.mark.parametrize(("labels", "scores"), ONE_CLASS)
def test_one_class_has_no_area(labels, scores):
    assert np.isnan(auc(labels, scores))


def test_nobody_has_no_area():
    assert np.isnan(auc(np.array([]), np.array([])))


def test_the_rate_of_an_absent_class_is_undefined():
    curve = roc_curve(np.ones(2), np.array([0.2, 0.1]))
    assert np.isnan(curve.false_positive_rate).all()
    assert curve.true_positive_rate.tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("label", [2, -1, 0.5, np.nan])
def test_labels_other_than_0_and_1_are_refused(label):
    with pytest.raises(ValueError, match="labels must be 0 or 1, got"):
        auc(np.array([0, 1, label]), np.arange(3.0))


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_number_are_refused(score):
    with pytest.raises(ValueError, match="scores must be finite"):
        auc(np.array([0, 1]), np.array([score, 0.5]))


@pytest.mark.parametrize("dtype", [bool, np.int64, np.float32])
def test_labels_may_have_any_dtype(dtype):
    assert auc(np.array([0, 1], dtype=dtype), np.array([0.1, 0.2])) == 1.0


def test_arrays_of_different_patients_are_refused():
    # The shape check of the tests speaks first; without it a ValueError does.
    with pytest.raises((ValueError, TypeError)):
        auc(np.array([0, 1]), np.arange(3.0))
