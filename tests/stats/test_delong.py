"""DeLong against pROC's published results and an independent slow implementation."""

import math
import time
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given

from negspa_jax.stats import delong_interval, delong_test
from tests.stats.strategies import samples

# pROC's own tests (test-ci.auc.R, aSAH data); s100b: Stata's roctab, as pROC's rounded.
PROC_INTERVALS = {
    "wfns": (None, 0.8236788617886179, None),
    "s100b": (0.63012, 0.7313685636856369, 0.83262),
    "ndka": (0.501244999271703, 0.611957994579946, 0.722670989888189),
}
PROC_VARIANCE_S100B = 0.002668682
PROC_TESTS = {
    ("wfns", "s100b"): (2.20898359144091, 0.0271757822291882),
    ("ndka", "s100b"): (-1.39077002573558, 0.164295175223054),
}
PROC_DIFFERENCE = (0.0104061769564846, 0.174214419249478)


def slow_components(labels, scores):
    """V10 and V01 by a double loop over pairs, from the paper's definition."""
    positives = [s for s, label in zip(scores, labels, strict=True) if label == 1]
    negatives = [s for s, label in zip(scores, labels, strict=True) if label == 0]

    def psi(x, y):
        return 1.0 if x > y else 0.5 if x == y else 0.0

    above = [sum(psi(x, y) for y in negatives) / len(negatives) for x in positives]
    below = [sum(psi(x, y) for x in positives) / len(positives) for y in negatives]
    return above, below


def slow_covariance(a, b):
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    pairs = zip(a, b, strict=True)
    return math.fsum((x - mean_a) * (y - mean_b) for x, y in pairs) / (len(a) - 1)


def slow_cov_of_aucs(labels, scores_a, scores_b):
    above_a, below_a = slow_components(labels, scores_a)
    above_b, below_b = slow_components(labels, scores_b)
    return slow_covariance(above_a, above_b) / len(above_a) + slow_covariance(
        below_a, below_b
    ) / len(below_a)


@pytest.mark.parametrize("marker", PROC_INTERVALS)
def test_intervals_are_the_published_ones(asah, marker):
    found = delong_interval(asah["outcome_poor"], asah[marker])
    low, value, high = PROC_INTERVALS[marker]
    assert found.value == pytest.approx(value, abs=1e-14)
    if low is not None:
        digits = 1e-14 if marker == "ndka" else 5e-6
        assert (found.low, found.high) == pytest.approx((low, high), abs=digits)


def test_the_variance_is_the_published_one(asah):
    found = delong_interval(asah["outcome_poor"], asah["s100b"])
    error = (found.high - found.low) / 2 / NormalDist().inv_cdf(0.975)
    assert error**2 == pytest.approx(PROC_VARIANCE_S100B, abs=5e-10)


@pytest.mark.parametrize(("a", "b"), PROC_TESTS)
def test_the_test_is_the_published_one(asah, a, b):
    found = delong_test(asah["outcome_poor"], asah[a], asah[b])
    statistic, p_value = PROC_TESTS[a, b]
    assert found.statistic == pytest.approx(statistic, abs=1e-12)
    assert found.p_value == pytest.approx(p_value, abs=1e-12)


def test_the_interval_of_the_difference_is_the_published_one(asah):
    found = delong_test(asah["outcome_poor"], asah["wfns"], asah["s100b"])
    assert (found.low, found.high) == pytest.approx(PROC_DIFFERENCE, abs=1e-13)


def test_the_interval_is_the_double_loops(patients):
    labels, scores = patients
    found = delong_interval(labels, scores, level=0.9)
    above, _ = slow_components(labels, scores)
    error = math.sqrt(slow_cov_of_aucs(labels, scores, scores))
    value, margin = math.fsum(above) / len(above), NormalDist().inv_cdf(0.95) * error
    assert found.value == pytest.approx(value, abs=1e-12)
    assert found.low == pytest.approx(value - margin, abs=1e-12)
    assert found.high == pytest.approx(value + margin, abs=1e-12)


@given(sample=samples(min_per_class=2))
def test_the_test_is_the_double_loops(sample):
    labels, scores = sample
    other = scores[::-1].copy()
    found = delong_test(labels, scores, other)
    variance = (
        slow_cov_of_aucs(labels, scores, scores)
        + slow_cov_of_aucs(labels, other, other)
        - 2 * slow_cov_of_aucs(labels, scores, other)
    )
    if variance > 1e-9:
        expected = found.difference / math.sqrt(variance)
        assert found.statistic == pytest.approx(expected, abs=1e-6)
        p_value = 2 * NormalDist().cdf(-abs(expected))
        assert found.p_value == pytest.approx(p_value, abs=1e-6)


@given(sample=samples(min_per_class=2))
def test_a_monotone_transform_changes_nothing(sample):
    labels, scores = sample
    assert delong_interval(labels, scores) == delong_interval(labels, scores**3 + 1)


@given(sample=samples(min_per_class=2))
def test_flipping_labels_and_scores_changes_nothing(sample):
    labels, scores = sample
    found, flipped = (
        delong_interval(labels, scores),
        delong_interval(1 - labels, -scores),
    )
    assert (flipped.value, flipped.low, flipped.high) == pytest.approx(
        (found.value, found.low, found.high), abs=1e-12
    )


@given(sample=samples(min_per_class=2))
def test_exchanging_the_scores_turns_the_sign(sample):
    labels, scores = sample
    other = scores[::-1].copy()
    forward = delong_test(labels, scores, other)
    backward = delong_test(labels, other, scores)
    assert backward.difference == -forward.difference
    assert (backward.low, backward.high) == (-forward.high, -forward.low)
    np.testing.assert_equal(backward.p_value, forward.p_value)


@given(sample=samples(min_per_class=2))
def test_both_scales_hold_the_value_and_stay_in_the_unit_interval(sample):
    for scale in ("wald", "logit"):
        found = delong_interval(*sample, scale=scale)
        assert 0 <= found.low <= found.value + 1e-12
        assert found.value - 1e-12 <= found.high <= 1


def test_the_difference_of_the_aucs_is_delongs():
    labels = np.array([0, 0, 1, 1, 1])
    a, b = np.array([1.0, 2, 3, 4, 0]), np.array([3.0, 1, 2, 2, 5])
    values = [delong_interval(labels, scores).value for scores in (a, b)]
    found = delong_test(labels, a, b)
    assert found.difference == pytest.approx(values[0] - values[1], abs=1e-15)


def test_scores_that_rank_alike_do_not_differ(patients):
    labels, scores = patients
    found = delong_test(labels, scores, np.exp(scores))
    assert (found.difference, found.statistic, found.p_value) == (0.0, 0.0, 1.0)


def test_a_difference_without_variance_has_no_p_value():
    labels = np.array([0, 0, 1, 1])
    found = delong_test(labels, labels.astype(float), np.zeros(4))
    assert found.difference == 0.5
    assert math.isnan(found.p_value)


@pytest.mark.parametrize("scale", ["wald", "logit"])
@pytest.mark.parametrize(
    ("scores", "value"), [([0, 0, 1, 1], 1.0), ([1, 1, 0, 0], 0.0), ([5] * 4, 0.5)]
)
def test_without_variance_the_interval_is_the_value(scores, value, scale):
    labels = np.array([0, 0, 1, 1])
    found = delong_interval(labels, np.array(scores, dtype=float), scale=scale)
    assert (found.value, found.low, found.high) == (value, value, value)


@pytest.mark.parametrize("scale", ["wald", "logit"])
def test_a_class_of_one_patient_has_a_value_without_interval(scale):
    labels, scores = np.array([0, 0, 1]), np.array([0.1, 0.9, 0.5])
    found = delong_interval(labels, scores, scale=scale)
    assert found.value == 0.5
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(delong_test(labels, scores, scores[::-1].copy()).p_value)


@pytest.mark.parametrize("labels", [[], [1], [0, 0], [1, 1, 1]])
def test_one_class_has_neither_value_nor_interval(labels):
    labels, scores = np.array(labels), np.arange(float(len(labels)))
    found = delong_interval(labels, scores)
    assert all(map(math.isnan, (found.value, found.low, found.high)))
    assert str(found) == "undefined"
    assert math.isnan(delong_test(labels, scores, scores).difference)


@pytest.mark.parametrize("level", [0.0, 1.0, 95, math.nan])
def test_a_level_is_a_share(patients, level):
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        delong_interval(*patients, level=float(level))


def coverage(scale, num_positive, num_negative, num_trials=2000, area=0.87):
    """Share of binormal samples whose interval holds the true area."""
    shift = math.sqrt(2) * NormalDist().inv_cdf(area)
    labels = np.repeat([1, 0], [num_positive, num_negative])
    draws = np.random.default_rng(0).normal(size=(num_trials, len(labels)))
    intervals = (
        delong_interval(labels, row, scale=scale) for row in draws + shift * labels
    )
    return np.mean([found.low <= area <= found.high for found in intervals])


@pytest.mark.parametrize(
    ("scale", "sizes", "low", "high"),
    [
        ("wald", (45, 27), 0.90, 0.94),
        ("logit", (45, 27), 0.93, 0.97),
        ("wald", (450, 270), 0.935, 0.965),
        ("logit", (450, 270), 0.935, 0.965),
    ],
)
def test_coverage_is_what_the_docstring_says(scale, sizes, low, high):
    assert low <= coverage(scale, *sizes) <= high


def test_a_million_patients_take_seconds():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 1_000_000)
    scores = generator.normal(labels, 1.0)
    start = time.perf_counter()
    found = delong_interval(labels, scores)
    assert time.perf_counter() - start < 10
    assert found.value == pytest.approx(NormalDist().cdf(1 / math.sqrt(2)), abs=2e-3)
