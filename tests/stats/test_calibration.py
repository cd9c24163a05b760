"""Calibration curve and Brier score against scikit-learn."""

import math

import numpy as np
import pytest
import sklearn.calibration
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from negspa_jax.stats import (
    brier_score,
    calibration_curve,
    clopper_pearson,
    expected_calibration_error,
)

BINNINGS = ["uniform", "quantile"]
tenths = st.integers(0, 10).map(lambda k: k / 10)


@st.composite
def forecasts(draw):
    """Labels of 2 to 40 patients, both classes, and probabilities, many of an edge."""
    size = draw(st.integers(2, 40))
    probability = st.one_of(tenths, st.floats(0, 1))
    labels = [0, 1, *draw(st.lists(st.integers(0, 1), min_size=size - 2, max_size=38))]
    probabilities = [draw(probability) for _ in labels]
    return np.array(labels), np.array(probabilities)


@pytest.mark.parametrize("num_bins", [1, 5, 10])
@pytest.mark.parametrize("binning", BINNINGS)
def test_the_curve_is_scikit_learns(predictions, binning, num_bins):
    labels, probabilities = predictions
    observed, predicted = sklearn.calibration.calibration_curve(
        labels, probabilities, n_bins=num_bins, strategy=binning
    )
    ours = calibration_curve(labels, probabilities, num_bins=num_bins, binning=binning)
    np.testing.assert_allclose(ours.observed, observed, atol=1e-14)
    np.testing.assert_allclose(ours.predicted, predicted, atol=1e-14)


@given(forecast=forecasts(), binning=st.sampled_from(BINNINGS))
def test_edges_and_empty_bins_are_scikit_learns(forecast, binning):
    labels, probabilities = forecast
    observed, predicted = sklearn.calibration.calibration_curve(
        labels, probabilities, n_bins=10, strategy=binning
    )
    ours = calibration_curve(labels, probabilities, binning=binning)
    np.testing.assert_allclose(ours.observed, observed, atol=1e-14)
    np.testing.assert_allclose(ours.predicted, predicted, atol=1e-14)


@given(forecast=forecasts(), binning=st.sampled_from(BINNINGS))
def test_every_patient_is_in_one_bin(forecast, binning):
    labels, probabilities = forecast
    curve = calibration_curve(labels, probabilities, binning=binning)
    assert curve.counts.sum() == len(labels)
    assert curve.counts.min() > 0
    assert curve.counts @ curve.observed == pytest.approx(labels.sum())
    assert curve.counts @ curve.predicted == pytest.approx(probabilities.sum())


def test_shares_have_exact_intervals(predictions):
    curve = calibration_curve(*predictions, num_bins=4, level=0.9)
    for _, share, low, high, count in zip(*curve, strict=True):
        positives = round(share * count)
        theirs = clopper_pearson(successes=positives, trials=int(count), level=0.9)
        assert (low, high) == theirs


def test_quantile_bins_hold_equally_many(predictions):
    curve = calibration_curve(*predictions, num_bins=8, binning="quantile")
    assert curve.counts.tolist() == [25] * 8


def test_equal_predictions_fall_into_one_bin():
    labels, same = np.array([0, 1, 1]), np.full(3, 0.4)
    for binning in BINNINGS:
        curve = calibration_curve(labels, same, binning=binning)
        assert curve.counts.tolist() == [3]
        assert curve.observed.tolist() == [2 / 3]


def test_nobody_has_no_bins():
    nobody = np.array([])
    for binning in BINNINGS:
        assert len(calibration_curve(nobody, nobody, binning=binning).counts) == 0
    assert math.isnan(expected_calibration_error(nobody, nobody))
    assert math.isnan(brier_score(nobody, nobody))


# --- errors in one number -------------------------------------------------------------


@given(forecast=forecasts())
def test_brier_is_scikit_learns(forecast):
    theirs = sklearn.metrics.brier_score_loss(*forecast)
    assert brier_score(*forecast) == pytest.approx(theirs, abs=1e-14)


def test_brier_of_one_patient_is_defined():
    assert brier_score(np.array([1]), np.array([0.25])) == 0.5625
    assert brier_score(np.ones(2), np.ones(2)) == 0.0


def test_the_calibration_error_is_its_formula(predictions):
    labels, probabilities = predictions
    expected = 0.0
    for low in np.arange(10) / 10:
        inside = (probabilities > low) & (probabilities <= low + 0.1)
        if inside.any():
            gap = labels[inside].mean() - probabilities[inside].mean()
            expected += inside.mean() * abs(gap)
    found = expected_calibration_error(labels, probabilities)
    assert found == pytest.approx(expected, abs=1e-12)


@given(forecast=forecasts())
def test_the_calibration_error_of_one_bin_is_that_of_the_mean(forecast):
    labels, probabilities = forecast
    found = expected_calibration_error(labels, probabilities, num_bins=1)
    gap = abs(labels.mean() - probabilities.mean())
    assert found == pytest.approx(gap, abs=1e-12)


def test_right_and_certain_predictions_have_no_error():
    labels = np.array([0, 1, 1, 0])
    assert expected_calibration_error(labels, labels.astype(float)) == 0.0
    assert expected_calibration_error(labels, 1.0 - labels) == 1.0


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize("probability", [-0.1, 1.1, np.nan, np.inf])
def test_numbers_that_are_no_probability_are_refused(probability):
    with pytest.raises(ValueError, match="probabilities must lie between 0 and 1, got"):
        brier_score(np.array([0, 1]), np.array([0.5, probability]))


def test_a_curve_needs_a_bin(predictions):
    with pytest.raises(ValueError, match="num_bins must be at least 1, got 0"):
        calibration_curve(*predictions, num_bins=0)


def test_another_binning_is_refused(predictions):
    # The annotation check of the tests speaks first; without it a ValueError does.
    with pytest.raises((ValueError, TypeError), match="binning"):
        expected_calibration_error(*predictions, binning="deciles")
