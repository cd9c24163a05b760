"""Common augmentation against scipy's affine_transform, and its distributions."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import affine_transform, rotate, shift

from negspa_jax import augment as module
from tests.augment import affine_maps

# Jitted: op by op, every operation would be compiled for every shape.
resample = jax.jit(affine_maps.resample)
RANGES = ("rotation_degrees", "flip_probability", "shift")
LATER = ("zoom", "warp", "brightness", "contrast", "probability")
SWITCHES = ("border", "quarter_turns", "independent")
augment = jax.jit(module.augment, static_argnames=(*RANGES, *LATER, *SWITCHES))
random_affine = jax.jit(
    affine_maps.random_affine, static_argnums=1, static_argnames=RANGES
)

KEY = jax.random.key(3)
NOTHING = {"rotation_degrees": 0.0, "flip_probability": 0.0, "shift": 0.0}
# fastai's default augmentation, of radiographs
RADIOGRAPH = {
    **{"rotation_degrees": 10.0, "flip_probability": 0.5, "shift": 0.0},
    **{"zoom": 1.1, "warp": 0.2, "brightness": 0.2, "contrast": 0.2},
    **{"probability": 0.75, "border": "reflect"},
}
# (m, h, w, c); not square, one even and one odd side
SHAPE = (3, 24, 31, 3)


def noise(*shape: int, dtype="float32"):
    """Images without any symmetry."""
    return jnp.asarray(np.random.default_rng(0).random(shape), dtype)


@cache
def draws(count: int = 4000, shape=(40, 60), **options) -> np.ndarray:
    """Many random maps, (count, 2, 3)."""
    settings = {"rotation_degrees": 20.0, "flip_probability": 0.5, "shift": 0.1}
    keys = jax.random.split(KEY, count)
    draw = jax.jit(
        jax.vmap(lambda k: affine_maps.random_affine(k, shape, **(settings | options)))
    )
    return np.asarray(draw(keys), np.float64)


def scipy_resample(image, affine) -> np.ndarray:
    """The same map by scipy, zero outside.

    scipy's "constant" takes a point between the last pixel and the border for
    outside; "grid-constant" blends it with the zeros beyond, as ours does.
    """
    image, affine = np.asarray(image, np.float64), np.asarray(affine, np.float64)
    channels = [
        affine_transform(
            image[..., c],
            affine[:, :2],
            affine[:, 2],
            order=1,
            mode="grid-constant",
            cval=0.0,
        )
        for c in range(image.shape[-1])
    ]
    return np.stack(channels, -1)


# --- interpolation --------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_resampling_equals_scipys_affine_transform(seed):
    image = noise(24, 31, 3)
    affine = random_affine(
        jax.random.key(seed),
        (24, 31),
        rotation_degrees=180.0,
        flip_probability=0.5,
        shift=0.5,
    )
    ours = np.asarray(resample(image, affine))
    np.testing.assert_allclose(ours, scipy_resample(image, affine), atol=2e-5)


def test_a_map_with_shear_and_scale_equals_scipys_too():
    image, affine = noise(24, 31, 3), jnp.array([[0.7, 0.3, -4.2], [-0.2, 1.6, 2.3]])
    ours = np.asarray(resample(image, affine))
    np.testing.assert_allclose(ours, scipy_resample(image, affine), atol=2e-5)


def test_a_rotation_is_about_the_images_centre_as_scipys_rotate():
    image = noise(25, 25, 1)
    maps = draws(1, shape=(25, 25), flip_probability=0.0, shift=0.0)
    degrees = np.rad2deg(np.arctan2(maps[0, 1, 0], maps[0, 0, 0]))
    ours = resample(image, jnp.asarray(maps[0], jnp.float32))
    expected = rotate(
        np.asarray(image, np.float64),
        -degrees,
        reshape=False,
        order=1,
        mode="grid-constant",
    )
    np.testing.assert_allclose(np.asarray(ours), expected, atol=2e-5)


def test_a_shift_moves_the_image_by_the_drawn_part_of_its_size():
    image = noise(20, 30, 1)
    (affine,) = draws(
        1, shape=(20, 30), rotation_degrees=0.0, flip_probability=0.0, shift=0.2
    )
    moved = -affine[:, 2]
    expected = shift(
        np.asarray(image, np.float64), (*moved, 0), order=1, mode="grid-constant"
    )
    ours = resample(image, jnp.asarray(affine, jnp.float32))
    np.testing.assert_allclose(np.asarray(ours), expected, atol=2e-5)


def test_what_comes_from_outside_is_zero():
    affine = jnp.array([[1.0, 0.0, 100.0], [0.0, 1.0, 0.0]])
    assert not np.any(resample(noise(8, 8, 1), affine))


def test_values_stay_in_their_range():
    images = jax.vmap(lambda key: augment(key, noise(*SHAPE)))(
        jax.random.split(KEY, 20)
    )
    assert images.min() >= 0
    assert images.max() <= 1 + 1e-6


# --- exact cases ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("independent", [False, True])
def test_without_ranges_an_image_comes_back_bit_identical(dtype, independent):
    images = noise(*SHAPE, dtype=dtype)
    moved = augment(KEY, images, **NOTHING, independent=independent)
    np.testing.assert_array_equal(np.asarray(moved), np.asarray(images))


@pytest.mark.parametrize("shape", [(2, 8, 8, 3), (2, 7, 9, 1), (1, 224, 224, 3)])
def test_a_flip_alone_is_exact(shape):
    images = noise(*shape)
    moved = augment(KEY, images, **(NOTHING | {"flip_probability": 1.0}))
    np.testing.assert_array_equal(np.asarray(moved), np.asarray(images)[:, :, ::-1])


@cache
def turned(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    """An image, and what nothing but quarter turns makes of it for 40 keys."""
    image = noise(1, *shape)
    turn = partial(augment, **NOTHING, quarter_turns=True)
    keys = jax.random.split(KEY, 40)
    moved = jax.jit(jax.vmap(turn, in_axes=(0, None)))(keys, image)
    return np.asarray(image)[0], np.asarray(moved)[:, 0]


@pytest.mark.parametrize("size", [8, 9])
def test_quarter_turns_alone_are_exact_on_a_square(size):
    image, found = turned(size, size, 2)
    expected = [np.rot90(image, turns) for turns in range(4)]
    which = [[np.array_equal(one, turn) for turn in expected] for one in found]
    np.testing.assert_array_equal(np.sum(which, axis=1), 1)
    assert np.all(np.sum(which, axis=0) >= 3)


def test_half_a_turn_alone_is_exact_on_any_rectangle():
    image, found = turned(6, 10, 2)
    half = np.rot90(image, 2)
    unturned = [np.array_equal(one, image) for one in found]
    assert sum(np.array_equal(one, half) for one in found) >= 3
    assert sum(unturned) >= 3


def test_a_quarter_turn_of_a_rectangle_keeps_its_middle_and_fills_with_zeros():
    image, found = turned(6, 10, 2)
    middle = image[:, 2:8]
    expected = np.zeros((2, *image.shape))
    expected[:, :, 2:8] = np.rot90(middle), np.rot90(middle, 3)
    for wanted in expected.astype(np.float32):
        assert any(np.array_equal(one, wanted) for one in found)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_shape_and_dtype_stay(dtype):
    images = noise(*SHAPE, dtype=dtype)
    moved = augment(KEY, images)
    assert (moved.shape, moved.dtype) == (images.shape, images.dtype)


def test_double_precision_stays_double():
    with jax.enable_x64(True):
        images = noise(*SHAPE, dtype="float64")
        moved = augment(KEY, images)
        still = augment(KEY, images, **NOTHING)
    assert moved.dtype == np.float64
    np.testing.assert_array_equal(np.asarray(still), np.asarray(images))


# --- who shares a draw ----------------------------------------------------------------


def same_image(m: int = 3):
    """One image as all sequences of a sample."""
    return jnp.broadcast_to(noise(24, 31, 3), (m, 24, 31, 3))


def test_the_sequences_of_a_sample_share_one_draw():
    moved = np.asarray(augment(KEY, same_image()))
    np.testing.assert_array_equal(moved[0], moved[1])
    np.testing.assert_array_equal(moved[0], moved[2])


def test_independent_sequences_have_draws_of_their_own():
    moved = np.asarray(augment(KEY, same_image(), independent=True))
    assert not np.allclose(moved[0], moved[1])
    assert not np.allclose(moved[1], moved[2])


def test_a_sequence_moves_alike_whether_alone_or_with_others():
    images = noise(*SHAPE)
    together, alone = augment(KEY, images), augment(KEY, images[1:2])
    np.testing.assert_array_equal(np.asarray(together)[1], np.asarray(alone)[0])


def test_another_key_is_another_draw():
    first, second = (augment(jax.random.key(k), noise(*SHAPE)) for k in (0, 1))
    assert not np.allclose(first, second)


def test_the_same_key_gives_the_same_bytes():
    first, second = (augment(KEY, noise(*SHAPE)) for _ in range(2))
    assert np.asarray(first).tobytes() == np.asarray(second).tobytes()


@pytest.mark.parametrize("independent", [False, True])
def test_jitted_and_vmapped_agree(independent):
    keys, images = jax.random.split(KEY, 3), noise(3, *SHAPE)
    one = partial(augment, independent=independent)
    alone = [one(key, sample) for key, sample in zip(keys, images, strict=True)]
    together = jax.jit(jax.vmap(one))(keys, images)
    np.testing.assert_allclose(together, np.stack(alone), atol=1e-5)


def test_eager_and_jitted_agree():
    images = noise(1, 8, 9, 1)
    np.testing.assert_allclose(
        module.augment(KEY, images), augment(KEY, images), atol=1e-5
    )


# --- distributions --------------------------------------------------------------------


def angles(maps: np.ndarray) -> np.ndarray:
    """The first row is (cos, -sin), flipped or not."""
    return np.rad2deg(np.arctan2(-maps[:, 0, 1], maps[:, 0, 0]))


def flips(maps: np.ndarray) -> np.ndarray:
    """A flipped map has determinant -1."""
    return np.linalg.det(maps[:, :, :2]) < 0


def shifts(maps: np.ndarray, shape) -> np.ndarray:
    """The place that the image's centre goes to, as a share of the size."""
    centre = (np.array(shape) - 1) / 2
    inverse = np.linalg.inv(maps[:, :, :2])
    target = np.einsum("nij,nj->ni", inverse, centre - maps[:, :, 2])
    return (target - centre) / shape


def assert_uniform(values: np.ndarray, half_width: float) -> None:
    """Ends, mean and spread of U(-a, a), within five standard errors."""
    assert np.abs(values).max() <= half_width * (1 + 1e-4)
    assert np.abs(values).max() > 0.99 * half_width
    error = half_width / np.sqrt(3 * len(values))
    assert abs(values.mean()) < 5 * error
    assert abs(np.mean(values**2) / half_width**2 * 3 - 1) < 5 * np.sqrt(
        0.8 / len(values)
    )


def test_every_map_is_a_rigid_motion():
    linear = draws()[:, :, :2]
    products = linear @ linear.transpose(0, 2, 1)
    np.testing.assert_allclose(
        products, np.broadcast_to(np.eye(2), products.shape), atol=1e-6
    )


def test_angles_are_uniform():
    assert_uniform(angles(draws()), 20.0)


def test_shifts_are_uniform_in_both_directions_and_relative_to_the_size():
    found = shifts(draws(shape=(40, 60)), (40, 60))
    assert_uniform(found[:, 0], 0.1)
    assert_uniform(found[:, 1], 0.1)


def test_quarter_turns_are_equally_likely_and_add_to_the_angle():
    found = draws(quarter_turns=True)
    turns = np.round(angles(found) / 90)
    shares = [np.mean(turns % 4 == turn) for turn in range(4)]
    np.testing.assert_allclose(shares, 0.25, atol=5 * np.sqrt(0.25 * 0.75 / 4000))
    assert_uniform(angles(found) - 90 * turns, 20.0)
    np.testing.assert_allclose(np.abs(np.linalg.det(found[:, :, :2])), 1, atol=1e-6)


def test_quarter_turns_leave_the_other_draws_as_they_are():
    plain, found = draws(), draws(quarter_turns=True)
    still = np.round(angles(found) / 90) == 0
    np.testing.assert_allclose(found[still], plain[still], atol=1e-5)


@pytest.mark.parametrize("probability", [0.2, 0.5])
def test_flips_have_their_probability(probability):
    share = flips(draws(flip_probability=probability)).mean()
    error = np.sqrt(probability * (1 - probability) / 4000)
    assert abs(share - probability) <= 5 * error


def test_angle_shift_and_flip_are_drawn_independently():
    maps = draws()
    moved = shifts(maps, (40, 60))
    found = np.stack([angles(maps), moved[:, 0], moved[:, 1], flips(maps)])
    correlations = np.corrcoef(found)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(4000)


# --- the radiographs' options ---------------------------------------------------------


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("border", ["zero", "reflect"])
@pytest.mark.parametrize("shape", [SHAPE, (1, 32, 32, 1)])
def test_all_options_change_no_bit_with_probability_zero(shape, border, independent):
    options = RADIOGRAPH | {"flip_probability": 0.0, "probability": 0.0, "shift": 0.1}
    options |= {"border": border, "independent": independent}
    images = noise(*shape)
    moved = augment(KEY, images, **options)
    assert np.asarray(moved).tobytes() == np.asarray(images).tobytes()


@cache
def radiographs(independent: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The same sequence three times, and what 60 keys make of it."""
    images = same_image()
    change = partial(module.augment, **RADIOGRAPH, independent=independent)
    keys = jax.random.split(KEY, 60)
    changed = jax.jit(jax.vmap(change, in_axes=(0, None)))(keys, images)
    return np.asarray(images), np.asarray(changed)


@pytest.mark.parametrize("independent", [False, True])
def test_radiographs_stay_between_black_and_white(independent):
    _, changed = radiographs(independent)
    assert 0 <= changed.min() <= changed.max() <= 1


def test_radiographs_are_the_drawn_motion_then_the_drawn_lighting():
    images, changed = radiographs()
    motion = {name: RADIOGRAPH[name] for name in (*RANGES, "zoom", "warp")}
    lighting = {name: RADIOGRAPH[name] for name in ("brightness", "contrast")}

    @jax.jit
    def by_hand(key, image):
        moved = module.move(
            image,
            module.draw_motion(key, image.shape[:2], **motion, probability=0.75),
            border="reflect",
        )
        drawn = module.draw_lighting(key, **lighting, probability=0.75)
        return module.relight(moved, drawn)

    for key, found in zip(jax.random.split(KEY, 60)[:5], changed, strict=False):
        np.testing.assert_allclose(found[0], by_hand(key, images[0]), atol=1e-5)


def test_the_sequences_of_a_radiographs_sample_share_motion_and_lighting():
    _, changed = radiographs()
    np.testing.assert_array_equal(changed[:, 0], changed[:, 1])
    np.testing.assert_array_equal(changed[:, 0], changed[:, 2])


def test_independent_sequences_have_motion_and_lighting_of_their_own():
    # A key's chance to change nothing in two sequences alike is below one in 100.
    _, changed = radiographs(independent=True)
    equal = [np.allclose(one[0], one[1]) for one in changed]
    assert np.mean(equal) < 0.1
    lights = RADIOGRAPH | {"rotation_degrees": 0.0, "flip_probability": 0.0}
    lights |= {"zoom": 1.0, "warp": 0.0, "probability": 1.0}
    lit = np.asarray(augment(KEY, same_image(), **lights, independent=True))
    assert not np.allclose(lit[0], lit[1], atol=1e-3)


def test_grey_in_one_channel_and_in_three_give_the_same_greys():
    grey = noise(1, 24, 31, 1)
    one = np.asarray(augment(KEY, grey, **RADIOGRAPH))
    three = augment(KEY, jnp.repeat(grey, 3, axis=3), **RADIOGRAPH)
    np.testing.assert_allclose(three, np.repeat(one, 3, axis=3), atol=1e-6)


def test_radiographs_eager_jitted_and_vmapped_agree():
    keys, images = jax.random.split(KEY, 2), noise(2, 1, 12, 15, 3)
    change = partial(module.augment, **RADIOGRAPH)
    together = np.asarray(jax.jit(jax.vmap(change))(keys, images))
    for key, sample, found in zip(keys, images, together, strict=True):
        np.testing.assert_allclose(change(key, sample), found, atol=1e-5)
        jitted = augment(key, sample, **RADIOGRAPH)
        np.testing.assert_allclose(jitted, found, atol=1e-5)


def test_the_flip_of_a_key_does_not_depend_on_the_other_options():
    alone = NOTHING | {"flip_probability": 0.5}
    image = noise(1, 8, 8, 1)
    mirrored = np.asarray(image)[:, :, ::-1]
    for key in jax.random.split(KEY, 6):
        flipped = np.array_equal(np.asarray(augment(key, image, **alone)), mirrored)
        maps = module.draw_motion(
            key, (8, 8), **alone, zoom=1.1, warp=0.2, probability=0.75
        )
        assert bool(maps.flipped) == flipped
