"""Batch normalization: safe variance, torch's running statistics, several devices."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from negspa_jax.models.batch_norm import EPSILON, BatchNorm


def run(features, *, axis_name=None, dtype=None, variables=None):
    """Result and statistics of one training step."""
    norm = BatchNorm(dtype, axis_name)
    start = norm.init(jax.random.key(0), features, train=False)
    return norm.apply(variables or start, features, train=True, mutable="batch_stats")


@pytest.fixture
def features():
    values = np.random.default_rng(0).normal(3, 2, size=(4, 5, 6, 7))
    return jnp.asarray(values, jnp.float32)


def test_a_training_step_normalizes_by_the_biased_variance(features):
    result, _ = run(features)
    values = np.asarray(features)
    mean, var = values.mean((0, 1, 2)), values.var((0, 1, 2))
    wanted = (values - mean) / np.sqrt(var + EPSILON)
    np.testing.assert_allclose(result, wanted, atol=1e-5)


def test_the_running_variance_takes_the_unbiased_one(features):
    _, updates = run(features)
    stats = updates["batch_stats"]
    unbiased = np.var(features, (0, 1, 2), ddof=1)
    np.testing.assert_allclose(stats["var"], 0.9 + 0.1 * unbiased, rtol=1e-5)
    np.testing.assert_allclose(stats["mean"], 0.1 * features.mean((0, 1, 2)), rtol=1e-5)


def test_evaluation_uses_the_running_statistics(features):
    norm = BatchNorm()
    variables = {
        "params": {"scale": np.full(7, 2.0, "f4"), "bias": np.full(7, 1.0, "f4")},
        "batch_stats": {"mean": np.full(7, 3.0, "f4"), "var": np.full(7, 4.0, "f4")},
    }
    result = norm.apply(variables, features, train=False)
    wanted = 2 * (np.asarray(features) - 3) / np.sqrt(4 + EPSILON) + 1
    np.testing.assert_allclose(result, wanted, atol=1e-5)


def test_features_without_pixels_are_normalized_as_maps_of_one(features):
    flat = features[:, 0, 0]
    result, updates = run(flat)
    wanted, of_maps = run(flat[:, None, None])
    np.testing.assert_allclose(result, wanted[:, 0, 0], rtol=1e-6)
    for name, values in updates["batch_stats"].items():
        np.testing.assert_allclose(values, of_maps["batch_stats"][name], rtol=1e-6)


@pytest.mark.parametrize("offset", [1e3, -1e5])
def test_the_variance_does_not_cancel_far_from_zero(features, offset):
    far = features + offset
    _, updates = run(far)
    unbiased = np.var(np.asarray(far, np.float64), (0, 1, 2), ddof=1)
    np.testing.assert_allclose(
        updates["batch_stats"]["var"], 0.9 + 0.1 * unbiased, rtol=1e-4
    )


def test_statistics_stay_float32_under_bfloat16(features):
    result, updates = run(jnp.asarray(features, jnp.bfloat16), dtype=jnp.bfloat16)
    assert result.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(updates)} == {np.dtype(np.float32)}


def test_one_value_per_channel_is_refused():
    with pytest.raises(ValueError, match="more than one value per channel, got 1"):
        run(jnp.ones((1, 1, 1, 3)))


def test_two_devices_give_what_one_gives_in_float64():
    with jax.enable_x64(True):
        generator = np.random.default_rng(0)
        halves = generator.normal(size=(2, 3, 4, 4, 5))
        halves[1] += 9  # the devices' means differ
        weights = generator.normal(size=halves.shape)
        whole, whole_weights = (
            jnp.asarray(array.reshape(6, 4, 4, 5)) for array in (halves, weights)
        )
        variables = {
            "params": {"scale": generator.normal(size=5), "bias": np.zeros(5)},
            "batch_stats": {"mean": np.zeros(5), "var": np.ones(5)},
        }

        def objective(features, weights, axis_name):
            result, updates = run(features, axis_name=axis_name, variables=variables)
            return (result * weights).sum(), updates["batch_stats"]

        one = partial(objective, axis_name=None)
        two = partial(objective, axis_name="devices")
        gradient, stats = jax.grad(one, has_aux=True)(whole, whole_weights)
        # The loss is the sum over devices: its gradient flows through the statistics.
        step = jax.pmap(jax.grad(two, has_aux=True), axis_name="devices")
        gradients, both = step(halves, weights)
    np.testing.assert_allclose(gradients.reshape(whole.shape), gradient, atol=1e-10)
    for name, value in stats.items():
        np.testing.assert_allclose(both[name][0], value, atol=1e-10)
        np.testing.assert_array_equal(both[name][0], both[name][1])
