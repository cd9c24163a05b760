"""Saliency against hand-computed gradients, finite differences, and scipy."""

import doctest

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from negspa_jax.mixcut import saliency
from negspa_jax.mixcut.saliency import (
    block_saliency,
    input_saliency,
    spectral_residual,
)

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((2, 6, 4, 3)).astype(np.float32)
SEQUENCES = RANDOM.random((2, 3, 6, 4, 2)).astype(np.float32)
LABELS = np.eye(2, dtype=np.float32)
SLOPES = RANDOM.normal(size=IMAGES.shape).astype(np.float32)

blocks = jax.jit(block_saliency, static_argnames="num_blocks")
residual = jax.jit(spectral_residual, static_argnames="size")


def linear(images, labels):
    """Its gradient is SLOPES."""
    return (jnp.asarray(SLOPES, images.dtype) * images).sum()


def quadratic(images, labels):
    """Its gradient is the images."""
    return 0.5 * (images**2).sum()


# --- by the gradient ------------------------------------------------------------------


def test_the_saliency_of_a_linear_loss_is_the_norm_of_its_slopes():
    found = input_saliency(linear, jnp.asarray(IMAGES), jnp.asarray(LABELS))
    np.testing.assert_allclose(found, np.linalg.norm(SLOPES, axis=-1), rtol=1e-6)


def test_the_saliency_of_a_quadratic_loss_is_the_norm_of_the_image():
    found = input_saliency(quadratic, jnp.asarray(IMAGES), jnp.asarray(LABELS))
    np.testing.assert_allclose(found, np.linalg.norm(IMAGES, axis=-1), rtol=1e-6)


def test_the_norm_runs_over_sequences_and_channels():
    found = input_saliency(quadratic, jnp.asarray(SEQUENCES), jnp.asarray(LABELS))
    expected = np.sqrt((SEQUENCES.astype(np.float64) ** 2).sum((1, 4)))
    assert found.shape == (2, 6, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_loss_sees_the_labels():
    labels = jnp.array([[2.0], [3.0]])
    found = input_saliency(
        lambda x, y: (y[:, :, None, None] * x).sum(),
        jnp.asarray(IMAGES),
        labels,
    )
    expected = np.sqrt(3) * np.array([2.0, 3.0])[:, None, None] * np.ones((2, 6, 4))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_loss_of_class_indices_is_served_too():
    labels = jnp.array([0, 1])
    found = input_saliency(
        lambda x, y: (y[:, None] * x.mean((1, 2))).sum(), jnp.asarray(IMAGES), labels
    )
    assert np.all(np.asarray(found[0]) == 0)
    assert np.all(np.asarray(found[1]) > 0)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_gradients_whose_squares_leave_single_precision_keep_their_norm(scale):
    images = jnp.asarray(IMAGES)
    found = input_saliency(lambda x, y: scale * linear(x, y), images, jnp.ones(2))
    expected = scale * np.linalg.norm(SLOPES.astype(np.float64), axis=-1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_gradient_of_bfloat16_images_is_taken_in_single_precision():
    seen = []

    def loss(images, labels):
        seen.append(images.dtype)
        return linear(images, labels)

    found = input_saliency(loss, jnp.asarray(IMAGES, "bfloat16"), jnp.asarray(LABELS))
    assert (found.dtype, seen) == (jnp.float32, [jnp.float32])
    np.testing.assert_allclose(found, np.linalg.norm(SLOPES, axis=-1), rtol=1e-6)


@pytest.mark.parametrize("images", [IMAGES, SEQUENCES], ids=["b h w c", "b m h w c"])
def test_a_reduced_saliency_is_the_gradient_on_averaged_images(images):
    found = input_saliency(quadratic, jnp.asarray(images), jnp.ones(2), size=2)
    cells = images.reshape(*images.shape[:-3], 2, 3, 2, 2, images.shape[-1])
    averaged = (
        cells.astype(np.float64).mean((-4, -2)).reshape(2, -1, 2, 2, cells[0].shape[-1])
    )
    expected = np.sqrt((averaged**2).sum((1, 4)))
    assert found.shape == (2, 2, 2)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("size", [4, 3, 0])
def test_a_size_that_does_not_divide_is_refused_with_the_remedy(size):
    sentence = rf"size must divide .*6 x 4, got {size}: choose a common divisor"
    with pytest.raises(ValueError, match=sentence):
        input_saliency(linear, jnp.asarray(IMAGES), jnp.asarray(LABELS), size=size)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
@pytest.mark.parametrize("find", [spectral_residual, saliency.input_saliency])
def test_images_that_are_not_floating_point_are_refused_with_the_remedy(find, dtype):
    given = [jnp.zeros((1, 4, 4, 1), dtype)]
    if find is not spectral_residual:
        given = [linear, *given, jnp.ones(1)]
    with pytest.raises(ValueError, match=rf"images must be .*got {dtype}: convert"):
        find(*given)


def test_jitted_and_vmapped_it_is_the_same():
    images, labels = jnp.asarray(SEQUENCES), jnp.asarray(LABELS)

    def find(images):
        return input_saliency(lambda x, y: jnp.sin(x * y[0, 0]).sum(), images, labels)

    eager = find(images)
    np.testing.assert_allclose(jax.jit(find)(images), eager, rtol=1e-6)
    both = jax.vmap(find)(jnp.stack([images, 2 * images]))
    np.testing.assert_allclose(both[0], eager, rtol=1e-6)
    np.testing.assert_allclose(both[1], find(2 * images), rtol=1e-6)


# --- its own derivative ---------------------------------------------------------------


def network(params, images, labels):
    """Cross-entropy of two smooth layers on the flattened images."""
    hidden = jnp.tanh(images.reshape(len(images), -1) @ params["first"])
    scores = jax.nn.log_softmax(hidden @ params["second"])
    return -(labels * scores).sum(1).mean()


def of_the_saliency(params, images, labels, dead=0.0):
    """A smooth number that depends on the saliency of every pixel but the dead ones."""
    found = input_saliency(lambda x, y: network(params, x, y), images, labels)
    return jnp.log(found + 0.1 + dead).sum() + (found**2).mean()


def parameters(dtype):
    random = np.random.default_rng(1)
    shapes = {"first": (72, 5), "second": (5, 2)}
    return {k: jnp.asarray(random.normal(size=s) / 3, dtype) for k, s in shapes.items()}


@pytest.mark.parametrize("images", [IMAGES, SEQUENCES[..., :1]], ids=["4d", "5d"])
def test_second_order_gradients_agree_with_finite_differences(images):
    with jax.enable_x64(True):
        params = parameters("float64")
        images, labels = jnp.asarray(images, "float64"), jnp.asarray(LABELS, "float64")
        function = jax.jit(lambda p: of_the_saliency(p, images, labels))
        slopes, step = jax.grad(function)(params), 1e-5
        for seed in range(3):
            random = np.random.default_rng(seed)
            way = jax.tree.map(lambda x, r=random: r.normal(size=x.shape), params)
            ends = [
                float(function(jax.tree.map(lambda x, d, s=s: x + s * d, params, way)))
                for s in (step, -step)
            ]
            along = sum(
                jax.tree.leaves(jax.tree.map(lambda g, d: (g * d).sum(), slopes, way))
            )
            assert float(along) == pytest.approx(
                (ends[0] - ends[1]) / (2 * step), rel=1e-6
            )


def test_where_the_gradient_is_zero_its_derivative_is_zero_and_nothing_is_nan():
    params = parameters("float32")
    # The network is blind to the first row: these rows of its weights never matter.
    blind = jnp.asarray((np.arange(72) >= 12).astype(np.float32))[:, None]

    def function(params):
        seeing = {**params, "first": params["first"] * blind}
        found = input_saliency(
            lambda x, y: network(seeing, x, y), jnp.asarray(IMAGES), jnp.asarray(LABELS)
        )
        return found[:, 0].sum() + 0 * found[:, 1:].sum(), found

    slopes, found = jax.jit(jax.grad(function, has_aux=True))(params)
    assert np.all(np.asarray(found[:, 0]) == 0)
    assert np.all(np.asarray(found[:, 1:]) > 0)
    for slope in jax.tree.leaves(slopes):
        np.testing.assert_array_equal(np.asarray(slope), 0.0)


def test_the_derivative_of_the_norm_is_the_unit_vector():
    weights = jnp.array([3.0, 4.0])

    def norm(weights):
        def loss(images, labels):
            return (images * weights[None, None, None, :]).sum()

        return input_saliency(loss, jnp.zeros((1, 1, 1, 2)), jnp.ones(1)).sum()

    np.testing.assert_allclose(jax.grad(norm)(weights), [0.6, 0.8], rtol=1e-6)
    curvature = np.array([[0.128, -0.096], [-0.096, 0.072]])  # (I - u u') / 5
    np.testing.assert_allclose(
        jax.jit(jax.hessian(norm))(weights), curvature, atol=1e-7
    )


# --- shares of the blocks -------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("shape", [(8, 8), (8, 12), (4, 16)])
def test_shares_are_the_blocks_means_over_their_sum(n, shape):
    found = np.random.default_rng(n).random((3, *shape)).astype(np.float32)
    rows, columns = shape[0] // n, shape[1] // n
    means = np.array(
        [
            [
                [
                    x[i * rows : (i + 1) * rows, j * columns : (j + 1) * columns].mean()
                    for j in range(n)
                ]
                for i in range(n)
            ]
            for x in found.astype(np.float64)
        ]
    )
    expected = means / means.sum((1, 2), keepdims=True)
    np.testing.assert_allclose(blocks(found, num_blocks=n), expected, rtol=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.floats(-30, 30), st.integers(0, 2**32 - 1))
def test_shares_do_not_change_with_the_scale_and_sum_to_one(exponent, seed):
    found = np.random.default_rng(seed).random((2, 8, 8)).astype(np.float32)
    expected = np.asarray(blocks(found, num_blocks=4))
    scaled = (found * 10.0**exponent).astype(np.float32)
    shares = np.asarray(blocks(scaled, num_blocks=4))
    np.testing.assert_allclose(shares, expected, rtol=1e-5)
    np.testing.assert_allclose(shares.sum((1, 2)), 1, rtol=1e-6)


def test_the_ends_of_single_precision_do_not_overflow():
    for value in (8e37, 3e38, 1.2e-38, 1e-40):
        shares = blocks(np.full((1, 8, 8), value, np.float32), num_blocks=4)
        np.testing.assert_array_equal(np.asarray(shares), 1 / 16)


WRONG = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "negative": -1e-3}


@pytest.mark.parametrize("wrong", ["zero", *WRONG])
def test_one_unusable_map_becomes_uniform_and_leaves_the_others(wrong):
    found = np.random.default_rng(4).random((3, 8, 8)).astype(np.float32)
    expected = np.asarray(blocks(found, num_blocks=4))
    if wrong == "zero":
        found[1] = 0
    else:
        found[1, 5, 2] = WRONG[wrong]
    shares = np.asarray(blocks(found, num_blocks=4))
    np.testing.assert_array_equal(shares[1], 1 / 16)
    np.testing.assert_array_equal(shares[[0, 2]], expected[[0, 2]])


def test_one_block_may_hold_all_of_the_saliency():
    found = np.zeros((1, 8, 8), np.float32)
    found[0, 2:4, 4:6] = 1e-20
    shares = np.asarray(blocks(found, num_blocks=4))
    assert shares[0, 1, 2] == 1.0
    assert shares.sum() == 1.0


def test_shares_of_bfloat16_maps_are_in_single_precision():
    found = jnp.asarray(np.random.default_rng(5).random((2, 8, 8)), "bfloat16")
    shares = blocks(found, num_blocks=4)
    assert shares.dtype == jnp.float32
    np.testing.assert_array_equal(
        np.asarray(shares), blocks(found.astype("float32"), num_blocks=4)
    )


def test_shares_are_the_same_under_vmap():
    found = jnp.asarray(np.random.default_rng(6).random((2, 3, 8, 8)), "float32")
    together = jax.vmap(lambda x: block_saliency(x, num_blocks=4))(found)
    for i in range(2):
        np.testing.assert_allclose(
            together[i], blocks(found[i], num_blocks=4), rtol=1e-6
        )


@pytest.mark.parametrize("n", [3, 8, 0])
def test_a_grid_that_does_not_divide_is_refused_with_the_remedy(n):
    sentence = rf"num_blocks must divide .*8 x 12, got {n}: choose"
    with pytest.raises(ValueError, match=sentence):
        block_saliency(jnp.ones((1, 8, 12)), num_blocks=n)


# --- by the spectrum ------------------------------------------------------------------


def scipy_residual(grey: np.ndarray) -> np.ndarray:
    """Hou and Zhang's map of one grey image in float64, without a change of size."""
    spectrum = np.fft.fft2(grey.astype(np.float64))
    log_amplitude, phase = np.log(np.abs(spectrum)), np.angle(spectrum)
    rest = log_amplitude - ndimage.uniform_filter(log_amplitude, 3, mode="wrap")
    squared = np.abs(np.fft.ifft2(np.exp(rest + 1j * phase))) ** 2
    sigma = [2.5 / 64 * length for length in grey.shape]
    blurred, weight = (
        ndimage.gaussian_filter(x, sigma, mode="constant", truncate=40.0)
        for x in (squared, np.ones_like(squared))
    )
    return blurred / weight


def texture(seed: int, shape: tuple[int, int]) -> np.ndarray:
    """A smooth random image in [0, 1]."""
    noise = np.random.default_rng(seed).random(shape)
    smooth = ndimage.gaussian_filter(noise, 3, mode="wrap")
    return (smooth - smooth.min()) / (smooth.max() - smooth.min())


@pytest.mark.parametrize("shape", [(64, 64), (48, 63)])
def test_the_spectral_residual_agrees_with_scipy(shape):
    grey = np.random.default_rng(7).random(shape)
    found = residual(grey[None, :, :, None].astype(np.float32))[0]
    np.testing.assert_allclose(found, scipy_residual(grey), rtol=2e-3)


def test_channels_are_averaged_to_grey_and_sequences_after_the_transform():
    channels = np.random.default_rng(8).random((1, 2, 64, 64, 3)).astype(np.float32)
    expected = np.mean([scipy_residual(x.mean(-1)) for x in channels[0]], 0)
    np.testing.assert_allclose(residual(channels)[0], expected, rtol=2e-3)


@pytest.mark.parametrize("shape", [(224, 224), (96, 160), (40, 30)])
def test_a_bright_blob_on_a_smooth_texture_is_the_most_salient(shape):
    rows, columns = np.indices(shape)
    row, column = int(0.7 * shape[0]), int(0.3 * shape[1])
    size = min(shape) / 40
    distance = ((rows - row) ** 2 + (columns - column) ** 2) / size**2
    image = 0.5 * texture(9, shape) + 0.5 * np.exp(-distance)
    found = np.asarray(residual(image[None, :, :, None].astype(np.float32))[0])
    assert found.shape == shape
    top = np.unravel_index(found.argmax(), shape)
    assert np.hypot(top[0] - row, top[1] - column) < 0.06 * min(shape)


@pytest.mark.parametrize("value", [0.0, 1e-20, 0.3, 1.0])
def test_a_constant_image_has_a_constant_map(value):
    found = np.asarray(residual(np.full((1, 64, 64, 1), value, np.float32)))
    assert np.all(np.isfinite(found))
    assert found.max() - found.min() <= 1e-3 * found.max()
    shares = np.asarray(blocks(found, num_blocks=4))
    np.testing.assert_allclose(shares, 1 / 16, rtol=1e-3)


def test_one_constant_image_leaves_the_others_as_they_are():
    images = np.random.default_rng(10).random((2, 64, 64, 1)).astype(np.float32)
    expected = np.asarray(residual(images))[0]
    images[1] = 0
    np.testing.assert_allclose(residual(images)[0], expected, rtol=1e-6)


def test_the_map_does_not_change_with_the_image_brightness_scale():
    image = texture(11, (64, 64))[None, :, :, None].astype(np.float32)
    np.testing.assert_allclose(residual(image / 1024), residual(image), rtol=1e-3)


@pytest.mark.parametrize("size", [16, 32])
def test_the_map_of_a_reduced_image_has_the_height_and_width_of_the_whole(size):
    images = jnp.asarray(SEQUENCES, "bfloat16").repeat(8, 2).repeat(9, 3)
    found = residual(images, size=size)
    assert (found.shape, found.dtype) == ((2, 48, 36), jnp.float32)
    assert np.all(np.asarray(found) >= 0)


def test_no_derivative_passes_through_the_spectral_residual():
    slope = jax.grad(lambda x: residual(x).sum())(jnp.zeros((1, 64, 64, 1)))
    np.testing.assert_array_equal(np.asarray(slope), 0.0)


def test_the_spectral_residual_is_the_same_under_vmap():
    images = np.random.default_rng(12).random((2, 1, 64, 64, 1)).astype(np.float32)
    together = jax.jit(jax.vmap(spectral_residual))(images)
    np.testing.assert_allclose(together[1], residual(images[1]), rtol=1e-4)


def test_the_examples_of_the_docstrings_run():
    found = doctest.testmod(saliency)
    assert (found.attempted, found.failed) == (10, 0)
