"""Brightness and contrast: what they do to greys, and their distributions."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest, kstest

from negspa_jax.augment import Lighting, draw_lighting, relight

COUNT = 4000
IMAGE = np.random.default_rng(4).random((6, 9, 3)).astype(np.float32)
relight_jitted = jax.jit(relight)


@cache
def draws(probability: float = 0.75, **ranges) -> Lighting:
    """Many draws, as arrays of numpy."""
    options = {"brightness": 0.2, "contrast": 0.2} | ranges
    draw = partial(draw_lighting, probability=probability, **options)
    keys = jax.random.split(jax.random.key(5), COUNT)
    return jax.device_get(jax.jit(jax.vmap(draw))(keys))


def lit(image, brightness: float = 0.5, contrast: float = 1.0) -> np.ndarray:
    lighting = Lighting(jnp.asarray(brightness), jnp.asarray(contrast))
    return np.asarray(relight_jitted(jnp.asarray(image), lighting))


# --- pixels ---------------------------------------------------------------------------


@pytest.mark.parametrize("brightness", [0.4, 0.5, 0.58])
@pytest.mark.parametrize("contrast", [0.8, 1.0, 1.25])
def test_brightness_adds_to_the_logits_and_contrast_multiplies_them(
    brightness, contrast
):
    expected = expit(contrast * (logit(IMAGE.astype(float)) + logit(brightness)))
    np.testing.assert_allclose(lit(IMAGE, brightness, contrast), expected, atol=1e-6)


def test_half_grey_becomes_the_brightness_and_stays_with_contrast():
    half = np.full((1, 1, 1), 0.5, np.float32)
    np.testing.assert_allclose(lit(half, brightness=0.41), 0.41, atol=1e-6)
    np.testing.assert_allclose(lit(half, contrast=1.25), 0.5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_neutral_lighting_changes_no_bit(dtype):
    # Black and white have no logit: they would come back as 1e-7 and 1 - 1e-7.
    image = np.asarray(jnp.asarray(np.concatenate([IMAGE, 0 * IMAGE, IMAGE**0]), dtype))
    assert lit(image).tobytes() == image.tobytes()


def test_black_and_white_stay_within_the_clamp_of_the_logits():
    ends = np.array([[[0.0, 1.0]]], np.float32)
    found = lit(ends, 0.6, 0.8)
    edge = expit(0.8 * (logit(1e-7) + logit(0.6)))
    assert 0 < found[0, 0, 0] < 1.1 * edge
    assert 1 - 1.1 * edge < found[0, 0, 1] <= 1


def test_greys_keep_their_order_and_their_range():
    greys = np.linspace(-0.1, 1.1, 400, dtype=np.float32).reshape(20, 20, 1)
    for brightness, contrast in ((0.4, 0.8), (0.6, 1.25), (0.1, 4.0)):
        found = lit(greys, brightness, contrast).ravel()
        assert 0 <= found.min() <= found.max() <= 1
        assert np.all(np.diff(found) >= -1e-7)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_shape_and_dtype_stay(dtype):
    image = jnp.asarray(IMAGE, dtype)
    found = lit(image, 0.45, 1.1)
    assert (found.shape, found.dtype) == (image.shape, image.dtype)


def test_double_precision_stays_double():
    with jax.enable_x64(True):
        found = relight(
            jnp.asarray(IMAGE, "float64"), Lighting(*map(jnp.asarray, (0.45, 1.1)))
        )
    assert found.dtype == np.float64
    expected = expit(1.1 * (logit(IMAGE.astype(float)) + logit(0.45)))
    np.testing.assert_allclose(found, expected, atol=1e-12)


# --- draws ----------------------------------------------------------------------------


def test_each_happens_with_its_probability_and_independently():
    bright, contrasted = draws().brightness != 0.5, draws().contrast != 1
    for found in (bright, contrasted):
        assert binomtest(int(found.sum()), COUNT, 0.75).pvalue > 1e-3
    assert abs(np.corrcoef(bright, contrasted)[0, 1]) < 4 / np.sqrt(COUNT)


@pytest.mark.parametrize("most", [0.2, 0.6])
def test_brightness_is_uniform_about_half(most):
    found = draws(brightness=most).brightness
    ends = 0.5 * (1 - most), most
    assert kstest(found[found != 0.5], "uniform", ends).pvalue > 1e-3


@pytest.mark.parametrize("most", [0.2, 0.6])
def test_the_logarithm_of_contrast_is_uniform_about_zero(most):
    found = np.log(draws(contrast=most).contrast)
    reach = -np.log(1 - most)
    assert kstest(found[found != 0], "uniform", (-reach, 2 * reach)).pvalue > 1e-3


def test_one_alone_leaves_the_other_neutral():
    np.testing.assert_array_equal(draws(contrast=0.0).contrast, 1)
    np.testing.assert_array_equal(draws(brightness=0.0).brightness, 0.5)


def test_probability_zero_is_neutral():
    np.testing.assert_array_equal(draws(0.0).contrast, 1)
    np.testing.assert_array_equal(draws(0.0).brightness, 0.5)


def test_without_ranges_nothing_is_drawn():
    assert draw_lighting(jax.random.key(0), brightness=0.0, contrast=0.0) is None
