"""With the same draws, ours and fastai 2.8's augmentation give the same pixels."""

import json
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from negspa_jax.augment import Lighting, Motion, affine_map, move, relight, sample
from tests.augment.fastai_golden import CASES, GOLDEN

WRITTEN = json.loads(GOLDEN.read_text())
# fastai computes in float32, and so do we; the logits of black and white are steep.
TOLERANCE = 1e-5
OF_A_RECTANGLE = "rotation of a rectangle"
move_reflected = jax.jit(partial(move, border="reflect"))
relight_jitted = jax.jit(relight)
sample_reflected = jax.jit(partial(sample, border="reflect"))


def motion_of(case: dict) -> Motion:
    """The case's draws as ours."""
    return Motion(
        jnp.deg2rad(case.get("degrees", 0.0)),
        jnp.asarray(case.get("flip", False)),
        jnp.zeros(2),
        zoom=jnp.asarray(case.get("zoom", 1.0)),
        view=jnp.asarray(case.get("view", (0.5, 0.5))),
        tilt=jnp.asarray(case.get("tilt", (0.0, 0.0))),
    )


def image_of(case: dict) -> np.ndarray:
    return np.float32(WRITTEN["images"][case["image"]])[..., None]


def test_the_cases_are_those_of_the_generator():
    drawn = {
        name: {key: value for key, value in case.items() if key != "expected"}
        for name, case in WRITTEN["cases"].items()
    }
    assert drawn == CASES


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", [name for name in CASES if name != OF_A_RECTANGLE])
def test_the_same_draws_give_fastais_pixels(name, channels):
    case = WRITTEN["cases"][name]
    image = jnp.asarray(np.repeat(image_of(case), channels, 2))
    lighting = Lighting(
        jnp.asarray(case.get("brightness", 0.5)), jnp.asarray(case.get("contrast", 1.0))
    )
    found = relight_jitted(move_reflected(image, motion_of(case)), lighting)
    expected = np.repeat(np.array(case["expected"])[..., None], channels, 2)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_fastais_rotation_of_a_rectangle_is_not_rigid_and_ours_is():
    # fastai scales the sines by h/w, where its coordinates, from -1 at the first
    # pixel's centre to 1 at the last one's, would ask for (h - 1)/(w - 1).
    case = WRITTEN["cases"][OF_A_RECTANGLE]
    image = image_of(case)
    h, w, _ = image.shape
    ours = np.asarray(affine_map(motion_of(case), (h, w)))[:, :2]
    np.testing.assert_allclose(ours @ ours.T, np.eye(2), atol=1e-6)
    factor = h * (w - 1) / (w * (h - 1))
    theirs = ours * np.array([[1, 1 / factor], [factor, 1]])
    centre = (np.array([h, w]) - 1) / 2
    positions = np.moveaxis(np.indices((h, w)), 0, -1) - centre
    row, column = np.moveaxis(positions @ theirs.T + centre, -1, 0)
    found = np.asarray(sample_reflected(image, np.float32(row), np.float32(column)))
    np.testing.assert_allclose(found[..., 0], case["expected"], atol=TOLERANCE)
    assert not np.allclose(move_reflected(image, motion_of(case)), found, atol=1e-3)
