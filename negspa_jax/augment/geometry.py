"""Where each pixel comes from: rotation, flip, shift, zoom and perspective as one map.

About the image's centre c, the position p of an output pixel is taken from

    p_in = W(c + F R (s (p - c - t) + o)),

with the shift t, the zoom 1/s onto a view whose centre is o away from the image's, the
rotation R, the flip F of columns and the perspective W.

Reference: supplement of doi 10.21037/qims-24-729, Appendix 2 (rotation, flip, shift);
fastai 2.8, vision.augment, Zoom and Warp, in fastai's order.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from negspa_jax.augment.chance import draw_between, happen
from negspa_jax.augment.sampling import over_grid, sample
from negspa_jax.shapes import Array, Bool, Float, Int, Key

# A split's keys are fold_in's of 0 to 3; what came later is drawn from another stream,
# so that an old key still draws what it drew.
STREAM = 4
# Least divisor of the perspective, at positions on the line where it is 0. Only tilts
# of |r| + |c| above 0.7 or so bring this line, and what lies beyond, into the image.
HORIZON = 1e-3


class Motion(NamedTuple):
    """How an image is moved; None is what was not asked for.

    Attributes:
        angle: radians.
        flipped: left to right.
        shift: pixels, down and right.
        turns: quarter turns beside the angle, 0 to 3.
        zoom: magnification, at least 1.
        view: where the magnified view lies between the top and the bottom, and
            between the left and the right border, both in [0, 1].
        tilt: (r, c) with |r| + |c| < 1. The upper edge is seen 1 + r times as long
            and the lower 1 - r times, the left one 1 + c and the right 1 - c times.
    """

    angle: Float[Array, ""]
    flipped: Bool[Array, ""]
    shift: Float[Array, "2"]
    turns: Int[Array, ""] | None = None
    zoom: Float[Array, ""] | None = None
    view: Float[Array, "2"] | None = None
    tilt: Float[Array, "2"] | None = None


def move(
    image: Float[Array, "h w c"], motion: Motion, *, border: str = "zero"
) -> Float[Array, "h w c"]:
    """Move an image, in one interpolation; no motion changes no bit.

    Args:
        image: all its channels are moved alike.
        motion: from `draw_motion`, or made by hand.
        border: as for `sample`.
    """
    shape = (image.shape[0], image.shape[1])
    row, column = over_grid(affine_map(motion, shape), shape)
    if motion.tilt is not None:
        warp = perspective_map(motion.tilt, shape)
        row, column = _project(warp, row, column, shape)
    return sample(image, row, column, border=border)


def draw_motion(
    key: Key,
    shape: tuple[int, int],
    *,
    rotation_degrees: float,
    flip_probability: float,
    shift: float,
    quarter_turns: bool = False,
    zoom: float = 1.0,
    warp: float = 0.0,
    probability: float = 1.0,
) -> Motion:
    """Draw a motion; the keywords are those of `augment`.

    Args:
        key: a JAX key.
        shape: height and width of the image, pixels.
    """
    key_angle, key_flip, key_shift, key_turn = jax.random.split(key, 4)
    keys = jax.random.split(jax.random.fold_in(key, STREAM), 5)
    angle = jnp.deg2rad(rotation_degrees) * jax.random.uniform(
        key_angle, minval=-1, maxval=1
    )
    size = jnp.array(shape, jnp.float32)
    moved = shift * size * jax.random.uniform(key_shift, (2,), minval=-1, maxval=1)
    motion = Motion(
        happen(keys[0], angle, neutral=0.0, probability=probability),
        jax.random.bernoulli(key_flip, flip_probability),
        happen(keys[1], moved, neutral=0.0, probability=probability),
    )
    if quarter_turns:
        motion = motion._replace(turns=jax.random.randint(key_turn, (), 0, 4))
    if zoom != 1:
        motion = motion._replace(
            zoom=draw_between(keys[2], 1.0, zoom, neutral=1.0, probability=probability),
            view=jax.random.uniform(keys[3], (2,)),
        )
    if warp != 0:
        tilt = draw_between(
            keys[4], -warp, warp, shape=(2,), neutral=0.0, probability=probability
        )
        motion = motion._replace(tilt=tilt)
    return motion


def affine_map(motion: Motion, shape: tuple[int, int]) -> Float[Array, "2 3"]:
    """Return all but the perspective: output pixels (row, column, 1) to input pixels.

    Rotations are rigid in pixels, also where an image is not square.
    """
    cos, sin = jnp.cos(motion.angle), jnp.sin(motion.angle)
    if motion.turns is not None:
        # cos(pi/2) is not 0 in floating point: whole turns are looked up.
        turns = jnp.array([[1.0, 0, -1, 0], [0, 1, 0, -1]])[:, motion.turns]
        turn_cos, turn_sin = turns
        cos, sin = cos * turn_cos - sin * turn_sin, sin * turn_cos + cos * turn_sin
    sign = jnp.where(motion.flipped, -1.0, 1.0)
    turned = jnp.array([[cos, -sin], [sign * sin, sign * cos]])
    centre = (jnp.array(shape, jnp.float32) - 1) / 2
    linear = turned if motion.zoom is None else turned / motion.zoom
    # On a GPU a product of matrices would be rounded to TF32: 0.05 pixels.
    offset = centre - jnp.matmul(linear, centre + motion.shift, precision="highest")
    if motion.zoom is not None and motion.view is not None:
        aside = (1 - 1 / motion.zoom) * (2 * motion.view - 1) * centre
        offset = offset + jnp.matmul(turned, aside, precision="highest")
    return jnp.concatenate([linear, offset[:, None]], axis=1)


def perspective_map(
    tilt: Float[Array, "2"], shape: tuple[int, int]
) -> Float[Array, "3 3"]:
    """Return the perspective, in pixels from the centre, homogeneous.

    With half the height and half the width as units, the corner (e_r, e_c), whose
    entries are 1 or -1, is seen at (e_r (1 - c e_c), e_c (1 - r e_r)). The map that
    takes it there, and up to a factor its inverse, which says where a pixel comes from:

        [1 - c^2   -r c      r]      [       d           2 r c    -r (d + 2 c^2)]
        [ -r c    1 - r^2    c]      [     2 r c           d      -c (d + 2 r^2)]
        [   r        c       1]      [-r (d + 2 c^2) -c (d + 2 r^2)       d     ]

    with d = 1 - r^2 - c^2.

    Args:
        tilt: (r, c).
        shape: height and width of the image, pixels.
    """
    r, c = tilt
    d = 1 - r**2 - c**2
    across, down, right = 2 * r * c, -r * (d + 2 * c**2), -c * (d + 2 * r**2)
    inverse = jnp.array([[d, across, down], [across, d, right], [down, right, d]])
    # A single row has no half; any other number does.
    half = jnp.array([max(side - 1, 1) / 2 for side in shape] + [1.0])
    return inverse / d * half[:, None] / half[None]


def _project(
    warp: Array, row: Array, column: Array, shape: tuple[int, int]
) -> tuple[Array, Array]:
    middle_row, middle_column = (shape[0] - 1) / 2, (shape[1] - 1) / 2
    y, x = row - middle_row, column - middle_column
    up, along, scale = (line[0] * y + line[1] * x + line[2] for line in warp)
    scale = jnp.where(jnp.abs(scale) < HORIZON, HORIZON, scale)
    return up / scale + middle_row, along / scale + middle_column
