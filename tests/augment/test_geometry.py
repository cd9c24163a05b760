"""Zoom, perspective and the chance of each motion: their maps and distributions.

Rotation, flip and shift alone are tested with `augment`.
"""

from functools import cache, partial
from itertools import combinations, product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binomtest, kstest

from negspa_jax.augment import (
    Motion,
    affine_map,
    draw_motion,
    move,
    perspective_map,
)
from tests.augment.affine_maps import random_affine

SHAPE = (40, 60)
COUNT = 4000
RANGES = {
    "rotation_degrees": 10.0,
    "flip_probability": 0.5,
    "shift": 0.1,
    "zoom": 1.1,
    "warp": 0.2,
}
STILL = Motion(jnp.zeros(()), jnp.asarray(False), jnp.zeros(2))
IMAGE = np.random.default_rng(2).random((21, 16, 3)).astype(np.float32)
# Of keys 0 to 2, the last with quarter turns; written before zoom and perspective
# were added.
DRAWN_MAPS = (
    [[0.971580, -0.236712, 2.605744], [-0.236712, -0.971580, 35.236725]],
    [[0.990012, -0.140981, 1.713780], [-0.140981, -0.990012, 29.816797]],
    [[0.995477, -0.095007, 0.685703], [0.095007, 0.995477, 1.620343]],
)
move_jitted = jax.jit(move, static_argnames="border")


@cache
def draws(probability: float = 0.75) -> Motion:
    """Many motions, as arrays of numpy."""
    draw = partial(draw_motion, shape=SHAPE, probability=probability, **RANGES)
    keys = jax.random.split(jax.random.key(7), COUNT)
    return jax.device_get(jax.jit(jax.vmap(draw))(keys))


def happened(motion: Motion) -> dict[str, np.ndarray]:
    """Which of the motions were drawn at all."""
    return {
        "angle": motion.angle != 0,
        "shift": motion.shift[:, 0] != 0,
        "zoom": motion.zoom != 1,
        "tilt along rows": motion.tilt[:, 0] != 0,
        "tilt along columns": motion.tilt[:, 1] != 0,
        "flip": motion.flipped,
    }


# --- distributions --------------------------------------------------------------------

HAPPENED = [name for name in happened(draws()) if name != "flip"]


@pytest.mark.parametrize("name", HAPPENED)
def test_each_motion_happens_with_its_probability(name):
    count = int(happened(draws())[name].sum())
    assert binomtest(count, COUNT, 0.75).pvalue > 1e-3


def test_motions_happen_independently_of_each_other():
    found = happened(draws())
    for first, second in combinations(found, 2):
        both = np.corrcoef(found[first], found[second])[0, 1]
        assert abs(both) < 4 / np.sqrt(COUNT), (first, second)


def test_a_shift_happens_in_both_directions_or_in_none():
    rows, columns = (draws().shift != 0).T
    np.testing.assert_array_equal(rows, columns)


def test_all_happen_with_probability_one_and_none_with_zero():
    always, never = happened(draws(1.0)), happened(draws(0.0))
    for name in HAPPENED:
        assert always[name].all(), name
        assert not never[name].any(), name


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("angle", -np.deg2rad(10), np.deg2rad(10)),
        ("zoom", 1, 1.1),
        ("tilt along rows", -0.2, 0.2),
        ("tilt along columns", -0.2, 0.2),
    ],
)
def test_what_happens_is_uniform(name, low, high):
    motion = draws()
    values = {
        "angle": motion.angle,
        "zoom": motion.zoom,
        "tilt along rows": motion.tilt[:, 0],
        "tilt along columns": motion.tilt[:, 1],
    }[name][happened(motion)[name]]
    assert kstest(values, "uniform", (low, high - low)).pvalue > 1e-3


def test_the_views_place_is_uniform_and_independent_of_the_zoom():
    motion = draws()
    for place in motion.view.T:
        assert kstest(place, "uniform").pvalue > 1e-3
    found = np.corrcoef([*motion.view.T, motion.zoom])
    assert np.abs(found[np.triu_indices(3, 1)]).max() < 4 / np.sqrt(COUNT)


def test_the_old_draws_of_a_key_do_not_depend_on_the_new_ones():
    motion = draws()
    draw = jax.jit(
        jax.vmap(
            partial(
                random_affine,
                shape=SHAPE,
                rotation_degrees=10.0,
                flip_probability=0.5,
                shift=0.1,
            )
        )
    )
    maps = np.asarray(draw(jax.random.split(jax.random.key(7), COUNT)))
    np.testing.assert_array_equal(np.linalg.det(maps[:, :, :2]) < 0, motion.flipped)
    turned = happened(motion)["angle"]
    angle = np.arctan2(-maps[:, 0, 1], maps[:, 0, 0])
    np.testing.assert_allclose(motion.angle[turned], angle[turned], atol=1e-6)


def test_a_key_draws_the_map_that_it_always_drew():
    for seed, wanted in enumerate(DRAWN_MAPS):
        found = random_affine(
            jax.random.key(seed),
            (24, 31),
            rotation_degrees=20.0,
            flip_probability=0.5,
            shift=0.1,
            quarter_turns=seed == 2,
        )
        np.testing.assert_allclose(found, wanted, atol=2e-5)


# --- zoom -----------------------------------------------------------------------------


def corners_of(shape: tuple[int, int]) -> np.ndarray:
    """Rows, columns and ones of the corner pixels, 3 x 4."""
    ends = product(*((0, side - 1) for side in shape))
    return np.array([(*corner, 1) for corner in ends]).T


def test_a_zoomed_view_stays_within_the_image():
    motion = draws()._replace(angle=np.zeros(COUNT), shift=np.zeros((COUNT, 2)))
    find = jax.jit(jax.vmap(lambda one: affine_map(one, SHAPE)))
    seen = np.asarray(find(motion)) @ corners_of(SHAPE)
    assert seen.min() > -1e-4
    assert np.all(seen.max((0, 2)) < np.array(SHAPE) - 1 + 1e-4)


@pytest.mark.parametrize("view", [(0.0, 0.0), (0.0, 1.0), (0.3, 0.8)])
def test_the_view_is_a_zoomth_of_the_image_at_its_place(view):
    motion = STILL._replace(zoom=jnp.asarray(1.25), view=jnp.asarray(view))
    seen = np.asarray(affine_map(motion, SHAPE)) @ corners_of(SHAPE)
    sides = np.array(SHAPE) - 1
    np.testing.assert_allclose(np.ptp(seen, axis=1), sides / 1.25, rtol=1e-5)
    room = sides - sides / 1.25
    np.testing.assert_allclose(seen.min(1), room * view, atol=1e-4)


# --- perspective ----------------------------------------------------------------------


@pytest.mark.parametrize("tilt", [(0.2, 0.0), (0.0, -0.2), (0.13, -0.19), (0.4, 0.3)])
@pytest.mark.parametrize("shape", [(40, 60), (9, 9)])
def test_edges_are_seen_longer_and_shorter_by_the_tilt(tilt, shape):
    r, c = tilt
    half = np.array([(side - 1) / 2 for side in shape])
    warp = np.asarray(perspective_map(jnp.asarray(tilt), shape), np.float64)
    for e_r, e_c in product((-1, 1), repeat=2):
        seen = half * (e_r * (1 - c * e_c), e_c * (1 - r * e_r))
        row, column, scale = warp @ (*seen, 1)
        np.testing.assert_allclose(
            (row / scale, column / scale), half * (e_r, e_c), rtol=1e-5, atol=1e-4
        )


def test_the_perspective_is_the_map_of_its_four_corners():
    # An independent way to it: eight linear equations, as textbooks solve them.
    r, c = 0.17, -0.11
    rows, wanted = [], []
    for e_r, e_c in product((-1.0, 1.0), repeat=2):
        y, x = e_r * (1 - c * e_c), e_c * (1 - r * e_r)
        rows += [[y, x, 1, 0, 0, 0, -e_r * y, -e_r * x]]
        rows += [[0, 0, 0, y, x, 1, -e_c * y, -e_c * x]]
        wanted += [e_r, e_c]
    expected = np.append(np.linalg.solve(rows, wanted), 1).reshape(3, 3)
    found = perspective_map(jnp.array([r, c]), (3, 3))  # half a side is one pixel
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_no_tilt_is_no_perspective_to_the_bit():
    found = np.asarray(perspective_map(jnp.zeros(2), (37, 224)))
    np.testing.assert_array_equal(found, np.eye(3))


@pytest.mark.parametrize("border", ["zero", "reflect"])
def test_the_strongest_tilt_gives_numbers_of_the_images_range(border):
    motion = STILL._replace(tilt=jnp.array([0.5, 0.5]))
    found = np.asarray(move_jitted(jnp.asarray(IMAGE), motion, border=border))
    assert 0 <= found.min() <= found.max() <= 1 + 1e-6


# --- all together ---------------------------------------------------------------------


@pytest.mark.parametrize("border", ["zero", "reflect"])
@pytest.mark.parametrize("shape", [(21, 16, 3), (16, 16, 1), (224, 224, 1)])
def test_neutral_draws_change_no_bit(border, shape):
    image = np.random.default_rng(3).random(shape).astype(np.float32)
    motion = STILL._replace(
        zoom=jnp.ones(()), view=jnp.array([0.2, 0.9]), tilt=jnp.zeros(2)
    )
    moved = move_jitted(jnp.asarray(image), motion, border=border)
    assert np.asarray(moved).tobytes() == image.tobytes()


def test_what_is_not_asked_for_is_not_drawn():
    plain = RANGES | {"zoom": 1.0, "warp": 0.0}
    motion = draw_motion(jax.random.key(0), SHAPE, **plain)
    assert motion[3:] == (None,) * 4
