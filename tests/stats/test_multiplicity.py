"""Holm's adjustment against statsmodels, and by its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from negspa_jax.stats import holm

p_values = st.lists(
    st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.02, 0.5, 1.0])),
    min_size=1,
    max_size=12,
).map(np.array)


@pytest.mark.parametrize("size", [1, 4, 30])
def test_adjusted_p_values_are_statsmodels(size):
    generator = np.random.default_rng(size)
    # Small ones that are not cut off at 1, and rounded ones with ties.
    for p in (generator.random(size) ** 6, np.round(generator.random(size), 1)):
        theirs = multipletests(p, method="holm")[1]
        np.testing.assert_allclose(holm(p), theirs, atol=1e-12)


@given(p=p_values)
def test_no_p_value_falls_and_their_order_stays(p):
    adjusted = holm(p)
    assert np.all(adjusted >= p)
    assert np.all(np.diff(adjusted[np.argsort(p)]) >= 0)


@given(p=p_values)
def test_the_smallest_is_bonferronis(p):
    assert holm(p).min() == min(1.0, len(p) * p.min())


def test_a_single_test_is_not_adjusted():
    assert holm(np.array([0.04])).tolist() == [0.04]


def test_equal_p_values_stay_equal():
    assert holm(np.full(3, 0.02)).tolist() == [0.06, 0.06, 0.06]


def test_a_test_that_could_not_be_done_is_no_test():
    adjusted = holm(np.array([np.nan, 0.03, 0.01]))
    assert np.isnan(adjusted[0])
    assert adjusted[1:].tolist() == [0.03, 0.02]


def test_no_tests_are_no_p_values():
    assert len(holm(np.array([]))) == 0
    assert np.isnan(holm(np.array([np.nan]))).all()


@pytest.mark.parametrize("p", [-0.1, 1.1, np.inf])
def test_numbers_that_are_no_probability_are_refused(p):
    with pytest.raises(ValueError, match="p_values must lie between 0 and 1, got"):
        holm(np.array([0.5, p]))
