"""Calibration slope and intercepts against statsmodels' logistic regression."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit

from negspa_jax.stats import fit_recalibration


def of_statsmodels(labels, design, offset, level):
    """Estimates and bounds, one row per column of the design."""
    model = sm.GLM(labels, design, family=sm.families.Binomial(), offset=offset)
    fit = model.fit(maxiter=200, tol=1e-14, tol_criterion="params")
    return np.column_stack([fit.params, fit.conf_int(1 - level)])


def triple(estimate):
    return estimate.value, estimate.low, estimate.high


def is_undefined(estimate):
    return all(map(math.isnan, triple(estimate)))


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_slope_and_intercepts_are_statsmodels(predictions, level):
    labels, probabilities = predictions
    found = fit_recalibration(labels, probabilities, level=level)
    logits = logit(probabilities)
    ones = np.ones((len(labels), 1))
    slope, intercept = of_statsmodels(
        labels, np.column_stack([logits, ones]), np.zeros(len(labels)), level
    )
    (in_the_large,) = of_statsmodels(labels, ones, logits, level)
    assert triple(found.slope) == pytest.approx(slope, abs=1e-12)
    assert triple(found.intercept) == pytest.approx(intercept, abs=1e-12)
    large = found.intercept_in_the_large
    assert triple(large) == pytest.approx(in_the_large, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_small_and_steep_samples_are_statsmodels_too(seed):
    generator = np.random.default_rng(seed)
    size, steepness = generator.integers(20, 80), generator.uniform(0.2, 3)
    logits = generator.normal(0, 2, size)
    labels = (generator.random(size) < expit(steepness * logits + 1)).astype(int)
    found = fit_recalibration(labels, expit(logits))
    design = np.column_stack([logits, np.ones(size)])
    slope, intercept = of_statsmodels(labels, design, np.zeros(size), 0.95)
    assert triple(found.slope) == pytest.approx(slope, rel=1e-9)
    assert triple(found.intercept) == pytest.approx(intercept, rel=1e-9, abs=1e-9)


def test_the_fit_reaches_the_maximum_itself():
    generator = np.random.default_rng(5)
    for size in range(50, 3000, 50):
        logits = generator.normal(0, 2, size)
        labels = (generator.random(size) < expit(0.7 * logits + 0.4)).astype(int)
        found = fit_recalibration(labels, expit(logits))
        predicted = expit(found.slope.value * logits + found.intercept.value)
        # There the likelihood's slope is zero: sums of residuals, plain and weighted.
        assert np.sum(labels - predicted) == pytest.approx(0, abs=1e-11)
        assert logits @ (labels - predicted) == pytest.approx(0, abs=1e-11)


def test_what_made_the_predictions_wrong_is_found_again():
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, 20_000)
    labels = (generator.random(20_000) < expit(0.5 * logits + 0.7)).astype(int)
    found = fit_recalibration(labels, expit(logits))
    assert found.slope.low < 0.5 < found.slope.high
    assert found.intercept.low < 0.7 < found.intercept.high
    assert found.slope.high - found.slope.low < 0.05


def test_recalibrated_predictions_have_slope_one_and_intercept_zero(predictions):
    labels, probabilities = predictions
    first = fit_recalibration(labels, probabilities)
    logits = first.slope.value * logit(probabilities) + first.intercept.value
    second = fit_recalibration(labels, expit(logits))
    assert second.slope.value == pytest.approx(1, abs=1e-9)
    assert second.intercept.value == pytest.approx(0, abs=1e-9)
    assert second.intercept_in_the_large.value == pytest.approx(0, abs=1e-9)


def test_the_other_class_has_the_same_slope_and_the_opposite_intercept(predictions):
    labels, probabilities = predictions
    found = fit_recalibration(labels, probabilities)
    mirrored = fit_recalibration(1 - labels, 1 - probabilities)
    assert mirrored.slope.value == pytest.approx(found.slope.value, abs=1e-10)
    assert mirrored.intercept.value == pytest.approx(-found.intercept.value, abs=1e-10)


# --- where it is undefined ------------------------------------------------------------


@pytest.mark.parametrize("labels", [[], [1], [0, 0], [1, 1, 1]])
def test_one_class_has_no_fit(labels):
    found = fit_recalibration(np.array(labels), np.linspace(0.2, 0.7, len(labels)))
    assert all(map(is_undefined, found))


@pytest.mark.parametrize(
    "probabilities",
    [
        [0.1, 0.2, 0.8, 0.9],
        [0.9, 0.8, 0.2, 0.1],
        [0.1, 0.5, 0.5, 0.9],
        [0.9, 0.5, 0.5, 0.1],
        [0.0, 0.0, 1.0, 1.0],
    ],
)
def test_separated_classes_have_no_slope_but_an_intercept_in_the_large(probabilities):
    found = fit_recalibration(np.array([0, 0, 1, 1]), np.array(probabilities))
    assert is_undefined(found.slope)
    assert is_undefined(found.intercept)
    assert found.intercept_in_the_large.value == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("same", [0.3, 0.0, 1.0])
def test_equal_predictions_have_no_slope_but_an_intercept_in_the_large(same):
    found = fit_recalibration(np.array([0, 1, 1, 1]), np.full(4, same))
    assert is_undefined(found.slope)
    expected = logit(0.75) - logit(np.clip(same, 1e-7, 1 - 1e-7))
    assert found.intercept_in_the_large.value == pytest.approx(expected, abs=1e-9)


def test_predictions_that_differ_by_rounding_are_equal():
    labels = np.array([0, 1, 0, 1, 1])
    found = fit_recalibration(labels, 0.3 + 1e-12 * np.array([1, 0, 2, 3, 1]))
    assert is_undefined(found.slope)


def test_predictions_of_exactly_zero_and_one_are_moved_inside(predictions):
    labels, probabilities = (x.copy() for x in predictions)
    probabilities[:2], labels[:2] = [0.0, 1.0], [0, 1]
    found = fit_recalibration(labels, probabilities)
    probabilities[:2] = 1e-7, 1 - 1e-7
    assert found == fit_recalibration(labels, probabilities)
    assert math.isfinite(found.slope.value)


def test_nearly_separated_classes_end_in_a_number_or_none():
    labels = np.repeat([0, 1], 50)
    logits = np.r_[np.linspace(-3, 0, 50), np.linspace(-1e-6, 3, 50)]
    slope = fit_recalibration(labels, expit(logits)).slope
    assert is_undefined(slope) or slope.low < 0 < slope.value


@pytest.mark.parametrize("probability", [-0.1, 1.1, np.nan])
def test_numbers_that_are_no_probability_are_refused(probability):
    with pytest.raises(ValueError, match="turn logits into probabilities first"):
        fit_recalibration(np.array([0, 1]), np.array([0.5, probability]))
