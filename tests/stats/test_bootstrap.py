"""The bootstrap against scipy's on the same resamples, DeLong, and its own promises."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from negspa_jax.stats import (
    accuracy,
    auc,
    bootstrap_interval,
    delong_interval,
    ppv,
)
from tests.stats.strategies import samples

METHODS = ["percentile", "bca"]


def of_scipy(labels, scores, groups, method, level=0.95):
    """scipy's interval of the AUC; drawn one at a time it takes the same patients."""

    def area(*drawn):
        index = np.concatenate(drawn)
        return auc(labels[index], scores[index])

    return scipy_stats.bootstrap(
        groups,
        area,
        n_resamples=200,
        batch=1,
        vectorized=False,
        method=method,
        confidence_level=level,
        rng=np.random.default_rng(3),
    ).confidence_interval


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_drawing_by_label_is_scipys_bootstrap_of_several_samples(
    patients, method, level
):
    labels, scores = patients
    options = {"method": method, "level": level, "num_resamples": 200, "seed": 3}
    found = bootstrap_interval(labels, scores, statistic=auc, strata=labels, **options)
    groups = [np.flatnonzero(labels == label) for label in (0, 1)]
    theirs = of_scipy(labels, scores, groups, method, level)
    assert (found.low, found.high) == pytest.approx(tuple(theirs), abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_drawing_without_strata_is_scipys_bootstrap_of_one_sample(patients, method):
    labels, scores = patients
    options = {"method": method, "num_resamples": 200, "seed": 3}
    found = bootstrap_interval(labels, scores, statistic=auc, **options)
    theirs = of_scipy(labels, scores, [np.arange(200)], method)
    assert (found.low, found.high) == pytest.approx(tuple(theirs), abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_the_interval_of_an_area_is_near_delongs(asah, method):
    labels, scores = asah["outcome_poor"], asah["s100b"]
    found = bootstrap_interval(
        labels, scores, statistic=auc, strata=labels, method=method
    )
    theirs = delong_interval(labels, scores)
    assert found.value == pytest.approx(theirs.value, abs=1e-14)
    # DeLong's is 0.20 wide; a thousand resamples leave about 0.01 to chance.
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(patients):
    labels, scores = patients
    found = [
        bootstrap_interval(labels, scores, statistic=auc, seed=seed, num_resamples=50)
        for seed in (7, 7, 8)
    ]
    assert found[0] == found[1]
    assert found[0].low != found[2].low


@given(sample=samples(min_per_class=2), seed=st.integers(0, 2**31))
def test_strata_keep_their_sizes_and_patients_their_parts(sample, seed):
    labels, scores = sample
    numbers = np.arange(len(labels))
    sizes = set()

    def look(drawn_labels, drawn_scores, drawn_numbers):
        assert np.array_equal(drawn_labels, labels[drawn_numbers])
        assert np.array_equal(drawn_scores, scores[drawn_numbers])
        sizes.add((len(drawn_labels), int(drawn_labels.sum())))
        return 0.0

    bootstrap_interval(
        *sample, numbers, statistic=look, strata=labels, num_resamples=5, seed=seed
    )
    assert sizes == {(len(labels), int(labels.sum()))}


def test_without_strata_the_classes_sizes_vary(patients):
    shares = set()
    bootstrap_interval(
        patients[0],
        statistic=lambda labels: shares.add(labels.sum()) or 0.0,
        num_resamples=50,
    )
    assert len(shares) > 5


def test_a_statistic_may_return_an_estimate():
    labels, decisions = np.repeat([1, 0], 20), np.tile([1, 1, 1, 0, 0], 8)
    found = bootstrap_interval(labels, decisions, statistic=accuracy, num_resamples=50)
    assert found.value == accuracy(labels, decisions).value
    assert found.low < found.value < found.high


def test_a_wider_level_gives_a_wider_interval(patients):
    narrow, wide = (
        bootstrap_interval(*patients, statistic=auc, level=level, num_resamples=100)
        for level in (0.5, 0.99)
    )
    assert wide.low < narrow.low < narrow.high < wide.high


def test_bca_moves_the_interval_of_a_skewed_statistic():
    values = np.random.default_rng(0).exponential(size=40)
    plain, moved = (
        bootstrap_interval(values, statistic=np.mean, method=method)
        for method in METHODS
    )
    # The mean of a right-skewed variable is likelier much too low than much too high.
    assert moved.low > plain.low
    assert moved.high > plain.high


def test_coverage_is_near_the_level():
    draws = np.random.default_rng(0).normal(size=(100, 40))
    intervals = [
        bootstrap_interval(row, statistic=np.mean, num_resamples=200) for row in draws
    ]
    # A little short at n = 40: 93.7 % in 2,000 samples, 2.4 by chance in 100.
    share = np.mean([found.low <= 0 <= found.high for found in intervals])
    assert 0.86 <= share <= 0.99


# --- where it is undefined ------------------------------------------------------------


def bounds(found):
    return found.low, found.high


@pytest.mark.parametrize("method", METHODS)
def test_resamples_without_a_value_are_left_out_and_counted(method):
    # Four of 100 are called positive: now and then a resample holds none of them.
    decisions = np.repeat([1, 0], [4, 96])
    labels = np.tile([1, 0], 50)
    found = bootstrap_interval(labels, decisions, statistic=ppv, method=method, seed=1)
    assert found.method.endswith(" undefined")
    left_out = int(found.method.split()[-2])
    # Expected: 1000 (96 / 100)^100 = 17.
    assert 5 <= left_out <= 35
    assert found.low <= found.value <= found.high


def test_too_many_resamples_without_a_value_leave_no_interval():
    decisions, labels = np.repeat([1, 0], [1, 9]), np.tile([1, 0], 5)
    found = bootstrap_interval(labels, decisions, statistic=ppv)
    assert found.value == 1.0
    assert all(map(math.isnan, bounds(found)))
    # Expected: 1000 (9 / 10)^10 = 349.
    assert 290 <= int(found.method.split()[-2]) <= 410


def test_an_undefined_value_has_no_interval():
    found = bootstrap_interval(np.ones(5), np.arange(5.0), statistic=auc)
    assert str(found) == "undefined"
    assert all(map(math.isnan, bounds(found)))


def test_nobody_has_no_interval():
    nobody = np.array([])
    found = bootstrap_interval(nobody, nobody, statistic=auc, strata=nobody)
    assert math.isnan(found.value)
    assert math.isnan(bootstrap_interval(nobody, statistic=len).low)


@pytest.mark.parametrize("method", METHODS)
def test_a_stratum_of_one_patient_has_a_value_without_interval(method):
    labels, scores = np.array([0, 0, 0, 1]), np.array([0.1, 0.5, 0.2, 0.4])
    found = bootstrap_interval(
        labels, scores, statistic=auc, strata=labels, method=method
    )
    assert found.value == pytest.approx(2 / 3)
    assert all(map(math.isnan, bounds(found)))
    alone = bootstrap_interval(np.array([2.5]), statistic=np.mean, method=method)
    assert alone.value == 2.5
    assert math.isnan(alone.low)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("scores", "value"), [([0, 0, 1, 1], 1.0), ([5] * 4, 0.5)])
def test_what_never_varies_is_its_own_interval(scores, value, method):
    labels = np.array([0, 0, 1, 1])
    found = bootstrap_interval(
        labels,
        np.array(scores, dtype=float),
        statistic=auc,
        strata=labels,
        method=method,
    )
    assert (found.value, found.low, found.high) == (value, value, value)


def test_bca_is_undefined_where_no_resample_lies_on_one_side():
    values = np.arange(20.0)
    found = bootstrap_interval(
        values, statistic=lambda x: len(np.unique(x)), method="bca"
    )
    assert found.value == 20
    assert all(map(math.isnan, bounds(found)))


def test_bca_needs_the_statistic_without_each_patient():
    values = np.random.default_rng(0).normal(size=20)

    def mean_of_all(drawn):
        return np.mean(drawn) if len(drawn) == 20 else np.nan

    plain, moved = (
        bootstrap_interval(values, statistic=mean_of_all, method=method)
        for method in METHODS
    )
    assert plain.low < plain.value < plain.high
    assert all(map(math.isnan, bounds(moved)))


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"num_resamples": 0}, "num_resamples must be at least 1, got 0"),
        ({"level": 95.0}, "level must lie between 0 and 1"),
    ],
)
def test_an_option_out_of_range_is_refused(patients, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        bootstrap_interval(*patients, statistic=auc, **options)


def test_another_method_is_refused(patients):
    # The annotation check of the tests speaks first; without it a ValueError does.
    with pytest.raises((ValueError, TypeError), match="method"):
        bootstrap_interval(*patients, statistic=auc, method="basic")


def test_no_arrays_are_refused():
    with pytest.raises(ValueError, match="arrays must be given, got none"):
        bootstrap_interval(statistic=lambda: 0.0)


def test_strata_of_other_patients_are_refused(patients):
    with pytest.raises((ValueError, TypeError)):
        bootstrap_interval(*patients, statistic=auc, strata=np.zeros(3))
