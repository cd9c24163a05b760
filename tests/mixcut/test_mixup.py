"""Interpolation of images and labels against numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from negspa_jax.mixcut import mix_labels, mix_pixels
from negspa_jax.mixcut.mixup import constant_weights

RANDOM = np.random.default_rng(0)
FIRST, SECOND = RANDOM.random((2, 4, 6, 5, 3)).astype(np.float32)
WEIGHTS = RANDOM.random((4, 6, 5)).astype(np.float32)


def test_pixels_are_blended_by_their_weights():
    mixed = mix_pixels(*map(jnp.asarray, (FIRST, SECOND, WEIGHTS)))
    expected = WEIGHTS[..., None] * FIRST + (1 - WEIGHTS[..., None]) * SECOND
    np.testing.assert_allclose(mixed, expected, atol=1e-6)


@pytest.mark.parametrize(("weight", "image"), [(1.0, FIRST), (0.0, SECOND)])
def test_weight_one_keeps_the_first_image_and_zero_the_second(weight, image):
    weights = jnp.full((4, 6, 5), weight)
    mixed = mix_pixels(jnp.asarray(FIRST), jnp.asarray(SECOND), weights)
    np.testing.assert_array_equal(np.asarray(mixed), image)


def test_all_sequences_of_a_sample_share_the_weights():
    first, second = (
        jnp.stack([x, x * 0.5], 1) for x in map(jnp.asarray, (FIRST, SECOND))
    )
    mixed = mix_pixels(first, second, jnp.asarray(WEIGHTS))
    assert mixed.shape == (4, 2, 6, 5, 3)
    np.testing.assert_allclose(mixed[:, 1], mixed[:, 0] * 0.5, atol=1e-6)


def test_double_images_are_not_rounded_by_single_weights():
    with jax.enable_x64(True):
        image = jnp.asarray(FIRST, "float64") / 3
        mixed = mix_pixels(image, image, jnp.full((4, 6, 5), 0.5, "float32"))
        np.testing.assert_array_equal(np.asarray(mixed), np.asarray(image))


def test_half_precision_images_are_blended_in_single_precision():
    first, second = (jnp.asarray(x, "bfloat16") for x in (FIRST, SECOND))
    mixed = mix_pixels(first, second, jnp.asarray(WEIGHTS))
    wide = [np.asarray(x, np.float32) for x in (first, second)]
    expected = WEIGHTS[..., None] * wide[0] + (1 - WEIGHTS[..., None]) * wide[1]
    assert mixed.dtype == jnp.bfloat16
    # half a unit in the last of bfloat16's eight places
    np.testing.assert_allclose(np.asarray(mixed, np.float32), expected, rtol=2**-8)


def test_labels_are_blended_by_one_weight_a_sample():
    labels = [jnp.array([[1.0, 0.0]]), jnp.array([[0.0, 1.0]])]
    mixed = mix_labels(*labels, jnp.array([0.25]))
    np.testing.assert_array_equal(np.asarray(mixed), [[0.25, 0.75]])


def test_constant_weights_are_the_same_at_every_pixel():
    weights = constant_weights((2, 3), jnp.array([0.25, 0.5]))
    np.testing.assert_array_equal(
        np.asarray(weights), np.array([0.25, 0.5])[:, None, None] * np.ones((2, 2, 3))
    )


def test_the_gradient_of_a_blend_is_its_weights():
    weights = jnp.asarray(WEIGHTS)
    second = jnp.asarray(SECOND)
    slope = jax.grad(lambda x: mix_pixels(x, second, weights).sum())(jnp.asarray(FIRST))
    np.testing.assert_allclose(slope, WEIGHTS[..., None] * np.ones(3), atol=1e-6)
