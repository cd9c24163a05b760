"""Interpolation of images and labels against numpy; boxes and local Mixup."""

import doctest

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chisquare

from negspa_jax.mixcut import mixup
from negspa_jax.mixcut.mixup import (
    box_mask,
    draw_boxes,
    local_mixup,
    mix_labels,
    mix_pixels,
)

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


def test_the_gradient_of_a_blend_is_its_weights():
    weights = jnp.asarray(WEIGHTS)
    second = jnp.asarray(SECOND)
    slope = jax.grad(lambda x: mix_pixels(x, second, weights).sum())(jnp.asarray(FIRST))
    np.testing.assert_allclose(slope, WEIGHTS[..., None] * np.ones(3), atol=1e-6)


# --- boxes ----------------------------------------------------------------------------

draw = jax.jit(draw_boxes, static_argnames="shape")
COUNT = 20000


def drawn(share: float, shape: tuple[int, int]) -> np.ndarray:
    """Many boxes of one share."""
    return np.asarray(draw(jax.random.key(0), jnp.full(COUNT, share), shape=shape))


def centres_of_small_boxes() -> np.ndarray:
    """Of boxes of one row and column, which no border clips."""
    boxes = drawn(1 - 1 / 64, (8, 12))
    np.testing.assert_array_equal(boxes[:, [1, 3]] - boxes[:, [0, 2]], 1)
    return boxes[:, [0, 2]]


def test_the_centre_is_uniform_over_all_pixels():
    rows, columns = centres_of_small_boxes().T
    counts = np.bincount(rows * 12 + columns, minlength=96)
    assert len(counts) == 96
    assert chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("share", [0.0, 0.25, 0.51, 0.75])
def test_the_sides_are_the_roots_of_the_rest_and_the_border_clips_them(share):
    h, w = 64, 40
    sides = np.array([int(h * np.sqrt(1 - share)), int(w * np.sqrt(1 - share))])
    boxes = drawn(share, (h, w)).reshape(-1, 2, 2)
    low, high = boxes[:, :, 0], boxes[:, :, 1]
    assert low.min() >= 0
    assert np.all(high.max(0) <= [h, w])
    touches = (low == 0) | (high == [h, w])
    expected = np.broadcast_to(sides, low.shape)
    np.testing.assert_array_equal((high - low)[~touches], expected[~touches])
    assert np.all(high - low <= expected)
    np.testing.assert_array_equal((high - low).max(0), sides)


def test_the_mean_clipped_area_is_that_of_all_centres():
    boxes = drawn(0.75, (64, 40)).astype(np.float64)
    areas = (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])
    expected = 1.0
    for length in (64, 40):
        at, half = np.arange(length), length // 4
        expected *= (np.minimum(at + half, length) - np.maximum(at - half, 0)).mean()
    assert abs(areas.mean() - expected) < 5 * areas.std() / np.sqrt(COUNT)


def test_the_area_is_one_minus_the_share_of_each_sample():
    share = jnp.linspace(0, 1, COUNT)
    boxes = np.asarray(draw(jax.random.key(1), share, shape=(1000, 1000)))
    sides = np.stack([boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]])
    whole = np.all((boxes > 0) & (boxes < 1000), axis=1)
    area = np.prod(sides[:, whole] / 1000, axis=0)
    assert whole.sum() > 1000
    np.testing.assert_allclose(area, 1 - np.asarray(share)[whole], atol=2e-3)


def test_a_share_of_one_draws_empty_boxes():
    assert not np.asarray(
        box_mask(jnp.asarray(drawn(1.0, (8, 12))), shape=(8, 12))
    ).any()


def test_a_share_of_zero_draws_boxes_as_large_as_the_image_about_any_centre():
    boxes = drawn(0.0, (8, 12))
    rows, columns = np.indices((8, 12)).reshape(2, -1)
    clipped = {
        (max(r - 4, 0), min(r + 4, 8), max(c - 6, 0), min(c + 6, 12))
        for r, c in zip(rows, columns, strict=True)
    }
    assert {tuple(box) for box in boxes.tolist()} == clipped


def test_a_box_is_true_where_a_slice_is():
    boxes = drawn(0.3, (8, 12))[:32]
    found = np.asarray(box_mask(jnp.asarray(boxes), shape=(8, 12)))
    for mask, (top, bottom, left, right) in zip(found, boxes, strict=True):
        expected = np.zeros((8, 12), bool)
        expected[top:bottom, left:right] = True
        np.testing.assert_array_equal(mask, expected)


def test_vmapped_over_keys_boxes_are_the_same_as_one_by_one():
    keys, share = jax.random.split(jax.random.key(2), 3), jnp.array([0.2, 0.6])
    many = jax.jit(jax.vmap(lambda key: draw_boxes(key, share, shape=(8, 12))))
    together = many(keys)
    for boxes, key in zip(together, keys, strict=True):
        np.testing.assert_array_equal(boxes, draw(key, share, shape=(8, 12)))


# --- local Mixup ----------------------------------------------------------------------

BOXES = jnp.array([[0, 6, 0, 5], [1, 4, 2, 3], [3, 3, 1, 5], [5, 6, 0, 4]])
LAM = jnp.array([0.25, 0.5, 0.75, 0.1])
blend = jax.jit(local_mixup)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("sequences", [1, 3])
def test_inside_the_box_images_are_blended_and_outside_bit_identical(dtype, sequences):
    first, second = (
        jnp.stack([jnp.asarray(x - 0.5, dtype)] * sequences, 1) for x in (FIRST, SECOND)
    )
    mixed = blend(first, second, BOXES, LAM)
    assert (mixed.dtype, mixed.shape) == (first.dtype, first.shape)
    x, y, found = (np.asarray(z, np.float32) for z in (first, second, mixed))
    outside = np.ones(x.shape, bool)
    for i, (top, bottom, left, right) in enumerate(np.asarray(BOXES)):
        box = (i, slice(None), slice(top, bottom), slice(left, right))
        expected = LAM[i] * x[box] + (1 - LAM[i]) * y[box]
        tolerance = 2**-8 if dtype == "bfloat16" else 1e-6
        np.testing.assert_allclose(found[box], expected, rtol=tolerance, atol=1e-6)
        outside[i, :, top:bottom, left:right] = False
    assert found[outside].tobytes() == x[outside].tobytes()


def test_lambda_one_changes_no_bit():
    others = jnp.full_like(FIRST, jnp.nan)
    first = jnp.asarray(FIRST).at[:, 0, 0].set(-0.0)
    mixed = blend(first, others, BOXES, jnp.ones(4))
    assert np.asarray(mixed).tobytes() == np.asarray(first).tobytes()


def test_lambda_zero_pastes_the_other_image():
    mixed = blend(jnp.asarray(FIRST), jnp.asarray(SECOND), BOXES, jnp.zeros(4))
    inside = np.asarray(box_mask(BOXES, shape=(6, 5)))[..., None]
    np.testing.assert_array_equal(np.asarray(mixed), np.where(inside, SECOND, FIRST))


def test_an_empty_box_changes_no_bit():
    mixed = blend(jnp.asarray(FIRST), jnp.asarray(SECOND), 0 * BOXES, LAM)
    assert np.asarray(mixed).tobytes() == FIRST.tobytes()


def test_an_image_blended_with_itself_stays_within_rounding():
    mixed = blend(jnp.asarray(FIRST), jnp.asarray(FIRST), BOXES, LAM)
    np.testing.assert_allclose(mixed, FIRST, rtol=3e-7)


def test_eager_jitted_and_vmapped_local_mixup_agree():
    args = (jnp.asarray(FIRST), jnp.asarray(SECOND), BOXES, LAM)
    jitted = blend(*args)
    np.testing.assert_allclose(local_mixup(*args), jitted, atol=1e-6)
    each = jax.vmap(local_mixup)(*(x[:, None] for x in args))[:, 0]
    np.testing.assert_allclose(each, jitted, atol=1e-6)


def test_the_gradient_of_local_mixup_is_lambda_inside_and_one_outside():
    slope = jax.grad(lambda x: local_mixup(x, jnp.asarray(SECOND), BOXES, LAM).sum())
    inside = np.asarray(box_mask(BOXES, shape=(6, 5)))
    expected = np.where(inside, np.asarray(LAM)[:, None, None], 1)
    found = slope(jnp.asarray(FIRST))
    np.testing.assert_allclose(found, expected[..., None] * np.ones(3), atol=1e-6)


def test_the_examples_of_the_docstrings_run():
    found = doctest.testmod(mixup)
    assert (found.attempted, found.failed) == (8, 0)
