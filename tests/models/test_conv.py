"""Convolution and max-pooling pad as torch does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from negspa_jax.models.conv import convolve, max_pool


def random(*shape):
    return jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_1x1_convolution_equals_xlas(stride):
    features = random(2, 7, 6, 3)
    kernel = random(1, 1, 3, 5)
    wanted = lax.conv_general_dilated(
        features,
        kernel,
        (stride, stride),
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    np.testing.assert_allclose(
        convolve(features, kernel, stride=stride), wanted, atol=1e-5
    )


def test_both_sides_are_padded_alike_at_stride_2():
    # One bright pixel in the corner is met by the first window's centre only.
    features = jnp.zeros((1, 4, 4, 1)).at[0, 0, 0, 0].set(1)
    kernel = jnp.arange(9.0).reshape(3, 3, 1, 1)
    result = convolve(features, kernel, stride=2)
    np.testing.assert_array_equal(result[0, :, :, 0], [[4, 0], [0, 0]])


@pytest.mark.parametrize(("size", "stride", "pad"), [(3, 2, 1), (2, 2, 0)])
def test_max_pooling_equals_xlas_windowed_maximum(size, stride, pad):
    features = random(2, 9, 8, 3) - 9
    wanted = lax.reduce_window(
        features,
        -jnp.inf,
        lax.max,
        (1, size, size, 1),
        (1, stride, stride, 1),
        ((0, 0), (pad, pad), (pad, pad), (0, 0)),
    )
    result = max_pool(features, size=size, stride=stride, pad=pad)
    np.testing.assert_array_equal(result, wanted)


def test_the_first_of_equal_pixels_takes_the_gradient():
    features = jnp.ones((1, 2, 2, 1))
    gradient = jax.grad(lambda x: max_pool(x, size=2, stride=2).sum())(features)
    np.testing.assert_array_equal(gradient[0, :, :, 0], [[1, 0], [0, 0]])


@pytest.mark.parametrize("position", range(4))
def test_max_pooling_shows_a_nan(position):
    features = jnp.ones(4).at[position].set(jnp.nan).reshape(1, 2, 2, 1)
    assert np.isnan(max_pool(features, size=2, stride=2)).all()
