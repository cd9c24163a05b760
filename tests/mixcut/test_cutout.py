"""Rotated holes against slicing and an independent polygon in double precision."""

import doctest

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from negspa_jax.mixcut import cutout
from negspa_jax.mixcut.cutout import Holes, cut_out, draw_holes, hole_mask

KEY = jax.random.key(0)
SHAPE = (96, 80)
MIDDLE = (48, 40)

inside = jax.jit(hole_mask, static_argnames=("shape", "size"))
cut = jax.jit(cut_out, static_argnames="size")


def holes(centres, angles) -> Holes:
    return Holes(jnp.asarray(centres, "int32"), jnp.asarray(angles, "float32"))


def sliced(centre, shape, low: int, high: int) -> np.ndarray:
    """Rows and columns [centre - low, centre + high), clipped."""
    mask = np.zeros(shape, bool)
    rows, columns = (slice(max(c - low, 0), max(c + high, 0)) for c in centre)
    mask[rows, columns] = True
    return mask


# --- the axis-aligned hole ------------------------------------------------------------


def test_at_angle_zero_the_hole_is_the_slice_everywhere_on_the_image():
    rows, columns = np.meshgrid(np.r_[0:96:5, 95], np.r_[0:80:6, 79])
    centres = np.stack([rows.ravel(), columns.ravel()], 1)
    found = np.asarray(inside(holes(centres, np.zeros(len(centres))), shape=SHAPE))
    expected = np.stack([sliced(c, SHAPE, 16, 16) for c in centres])
    np.testing.assert_array_equal(found, expected)


def test_at_angle_zero_a_hole_off_the_border_has_1024_pixels():
    assert int(inside(holes([MIDDLE], [0.0]), shape=SHAPE).sum()) == 1024


def test_a_hole_of_odd_size_is_centred_on_its_pixel():
    found = np.asarray(inside(holes([MIDDLE], [0.0]), shape=SHAPE, size=5))[0]
    np.testing.assert_array_equal(found, sliced(MIDDLE, SHAPE, 2, 3))


def test_the_clipped_holes_cover_0_018976_of_an_image_of_224_pixels_on_average():
    # At angle 0 the hole is rows x columns: its mean area is the square of one axis's.
    centres = np.stack([np.arange(224), np.full(224, 112)], 1)
    mask = np.asarray(inside(holes(centres, np.zeros(224)), shape=(224, 224)))
    rows = mask.any(2).sum(1)
    np.testing.assert_array_equal(mask.sum((1, 2)), 32 * rows)
    assert (rows.mean() / 224) ** 2 == pytest.approx(0.018976, abs=5e-7)


# --- the rotated hole -----------------------------------------------------------------


def test_at_90_degrees_the_hole_is_the_slice_turned_about_its_centre():
    for angle in (np.pi / 2, -np.pi / 2, np.pi):
        found = np.asarray(inside(holes([MIDDLE], [angle]), shape=SHAPE))[0]
        cos, sin = round(np.cos(angle)), round(np.sin(angle))
        down, right = np.indices(SHAPE) - np.array(MIDDLE)[:, None, None]
        turned = cos * down + sin * right, cos * right - sin * down
        expected = np.all([(x >= -16) & (x < 16) for x in turned], axis=0)
        assert found.sum() == 1024
        np.testing.assert_array_equal(found, expected)


def outside_polygon(centre, angle, shape, size) -> np.ndarray:
    """Signed distance of each pixel to the square's nearest side line, outside > 0."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    square = size / 2 * np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]])
    corners = square @ turn.T + np.array(centre)
    points = np.stack(np.indices(shape), -1).astype(np.float64)
    distance = np.full(shape, -np.inf)
    for start, end in zip(corners, np.roll(corners, -1, 0), strict=True):
        along = (end - start) / size
        normal = np.array([-along[1], along[0]])
        # The square's own centre lies on the negative side.
        normal *= -np.sign((np.array(centre) - start) @ normal)
        distance = np.maximum(distance, (points - start) @ normal)
    return distance


@pytest.mark.parametrize("size", [32, 31])
def test_a_rotated_hole_is_the_polygon_of_its_corners(size):
    random = np.random.default_rng(1)
    centres = random.integers(0, SHAPE, (64, 2))
    angles = random.uniform(0, 2 * np.pi, 64).astype(np.float32)
    found = np.asarray(inside(holes(centres, angles), shape=SHAPE, size=size))
    for mask, centre, angle in zip(found, centres, angles, strict=True):
        distance = outside_polygon(centre, float(angle), SHAPE, size)
        clear = np.abs(distance) > 1e-3
        np.testing.assert_array_equal(mask[clear], (distance < 0)[clear])
        assert clear.mean() > 0.95


def test_a_rotated_hole_off_the_border_has_1009_to_1033_pixels():
    angles = np.deg2rad(np.linspace(0, 180, 512, endpoint=False))
    mask = inside(holes([MIDDLE] * 512, angles), shape=SHAPE)
    areas = np.asarray(mask.sum((1, 2)))
    assert 1009 <= areas.min() < 1024 < areas.max() <= 1033


# --- the draw -------------------------------------------------------------------------


def test_centres_are_uniform_over_all_pixels():
    centres = np.asarray(draw_holes(KEY, 30000, shape=(6, 10)).centres)
    counts = np.bincount(centres[:, 0] * 10 + centres[:, 1], minlength=60)
    assert len(counts) == 60
    assert chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("degrees", [180.0, 30, 360.0])
def test_angles_are_uniform_up_to_the_largest(degrees):
    angles = np.asarray(draw_holes(KEY, 30000, shape=(6, 10), degrees=degrees).angles)
    largest = np.deg2rad(degrees)
    assert angles.min() >= 0
    assert angles.max() < np.float32(largest)
    assert kstest(angles / largest, "uniform").pvalue > 1e-3


def test_centre_and_angle_are_independent():
    drawn = draw_holes(KEY, 30000, shape=(6, 10))
    values = np.column_stack([drawn.centres, drawn.angles]).astype(np.float64)
    away = np.corrcoef(values.T) - np.eye(3)
    assert np.abs(away).max() < 5 / np.sqrt(30000)


def test_zero_degrees_draw_axis_aligned_holes():
    angles = draw_holes(KEY, 100, shape=(6, 10), degrees=0).angles
    np.testing.assert_array_equal(np.asarray(angles), 0.0)


def test_each_sample_has_a_hole_of_its_own_and_the_same_key_the_same_ones():
    first, again = (draw_holes(KEY, 16, shape=SHAPE) for _ in range(2))
    other = draw_holes(jax.random.key(1), 16, shape=SHAPE)
    assert len(set(np.asarray(first.angles).tolist())) == 16
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
        assert not np.array_equal(np.asarray(a), np.asarray(c))


# --- the cut --------------------------------------------------------------------------

HOLES = holes([[3, 4], [40, 60], [95, 79]], [0.0, 0.7, 2.5])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("sequences", [(), (3,)], ids=["b h w c", "b m h w c"])
def test_the_hole_is_zero_in_every_sequence_and_the_rest_bit_identical(
    dtype, sequences
):
    random = np.random.default_rng(2).normal(size=(3, *sequences, *SHAPE, 2)) + 0.1
    images = jnp.asarray(random, dtype)
    found = cut(images, HOLES)
    assert (found.shape, found.dtype) == (images.shape, images.dtype)
    mask = np.asarray(inside(HOLES, shape=SHAPE)).reshape(
        3, *(1,) * len(sequences), *SHAPE, 1
    )
    before, after = np.asarray(images), np.asarray(found)
    expected = np.where(mask, np.zeros((), before.dtype), before)
    assert after.tobytes() == expected.tobytes()


def test_not_a_number_inside_the_hole_is_filled_too():
    images = jnp.full((3, *SHAPE, 1), np.nan).at[:, :, 40:].set(1.0)
    found = np.asarray(cut(images, HOLES))[0, :19, :20]
    np.testing.assert_array_equal(found, 0.0)


def test_the_hole_has_the_size_asked_for():
    images = jnp.ones((1, *SHAPE, 1))
    found = cut(images, holes([MIDDLE], [0.0]), size=8)
    assert int((found == 0).sum()) == 64


def test_no_gradient_comes_from_the_hole():
    slope = jax.grad(lambda x: cut_out(x, HOLES).sum())(jnp.ones((3, *SHAPE, 1)))
    visible = ~np.asarray(inside(HOLES, shape=SHAPE))
    np.testing.assert_array_equal(np.asarray(slope)[..., 0], visible)


def test_eager_jitted_and_vmapped_agree():
    images = jnp.ones((3, *SHAPE, 1))
    jitted = np.asarray(cut(images, HOLES))
    np.testing.assert_array_equal(np.asarray(cut_out(images, HOLES)), jitted)
    each = jax.tree.map(lambda x: x[:, None], HOLES)
    one_by_one = jax.vmap(cut_out)(images[:, None], each)[:, 0]
    np.testing.assert_array_equal(np.asarray(one_by_one), jitted)


def test_vmapped_over_keys_the_draw_is_the_same_as_one_by_one():
    keys = jax.random.split(KEY, 4)
    many = jax.jit(jax.vmap(lambda key: draw_holes(key, 2, shape=SHAPE)))
    together = many(keys)
    for i in range(4):
        alone = draw_holes(keys[i], 2, shape=SHAPE)
        np.testing.assert_array_equal(together.centres[i], alone.centres)
        np.testing.assert_allclose(together.angles[i], alone.angles, rtol=1e-6)


def test_the_examples_of_the_docstrings_run():
    found = doctest.testmod(cutout)
    assert (found.attempted, found.failed) == (9, 0)
