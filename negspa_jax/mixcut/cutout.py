"""A square hole at a random place and angle, filled with 0.

Reference: DeVries and Taylor, Improved Regularization of Convolutional Neural Networks
with Cutout, 2017; supplement of doi 10.21037/qims-24-729, Appendix 2, Equation 8.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from negspa_jax.mixcut.layout import over_channels
from negspa_jax.shapes import Array, Bool, Float, Int, Key


class Holes(NamedTuple):
    """Where the holes of a batch are.

    Attributes:
        centres: row and column of each, pixels.
        angles: radians, from the rows' axis towards the columns'.
    """

    centres: Int[Array, "b 2"]
    angles: Float[Array, " b"]


def draw_holes(
    key: Key, count: int, *, shape: tuple[int, int], degrees: float = 180.0
) -> Holes:
    """Draw holes: the centre uniform over the pixels, the angle over [0, degrees).

    Args:
        key: a JAX key.
        count: number of holes.
        shape: height and width of the images, pixels.
        degrees: in [0, 360]; 0 draws axis-aligned holes.

    Example:
        >>> import jax
        >>> holes = draw_holes(jax.random.key(0), 3, shape=(8, 4), degrees=0)
        >>> holes.centres.shape, holes.angles.tolist()
        ((3, 2), [0.0, 0.0, 0.0])
    """
    key_centre, key_angle = jax.random.split(key)
    low, high = jnp.zeros((1, 2), jnp.int32), jnp.array([shape], jnp.int32)
    centres = jax.random.randint(key_centre, (count, 2), low, high)
    turn = jnp.deg2rad(jnp.asarray(degrees, jnp.float32))
    return Holes(centres, turn * jax.random.uniform(key_angle, (count,), jnp.float32))


def hole_mask(
    holes: Holes, *, shape: tuple[int, int], size: int = 32
) -> Bool[Array, "b h w"]:
    """Return True at the pixels inside the hole, which the border clips.

    p is inside iff R(-angle) (p - c) is in [-size/2, size/2) x [-size/2, size/2).

    Args:
        holes: one for each sample.
        shape: height and width of the images, pixels.
        size: pixels, side of the hole.

    Example:
        >>> import jax.numpy as jnp
        >>> holes = Holes(jnp.array([[0, 2]]), jnp.array([0.0]))
        >>> hole_mask(holes, shape=(2, 4), size=2).astype(int).tolist()
        [[[0, 1, 1, 0], [0, 0, 0, 0]]]
    """
    row, column = (holes.centres[:, i, None, None] for i in (0, 1))
    down = (jnp.arange(shape[0])[None, :, None] - row).astype(jnp.float32)
    right = (jnp.arange(shape[1])[None, None, :] - column).astype(jnp.float32)
    angle = holes.angles[:, None, None]
    # In steps of 2^-16 (0.001 degrees) all below is exact: right angles are right, and
    # every device draws the same hole.
    cos, sin = (jnp.round(f(angle) * 2**16) / 2**16 for f in (jnp.cos, jnp.sin))
    turned = (cos * down + sin * right, cos * right - sin * down)
    inside = [(-size / 2 <= along) & (along < size / 2) for along in turned]
    return inside[0] & inside[1]


def cut_out(
    images: Float[Array, "b *pixels c"], holes: Holes, *, size: int = 32
) -> Float[Array, "b *pixels c"]:
    """Fill the hole with 0; all other pixels stay, bit for bit.

    Args:
        images: `b h w c` or `b m h w c`; the m sequences share the hole.
        holes: one for each sample.
        size: pixels, side of the hole.

    Returns:
        Images of the same shape and dtype.

    Example:
        >>> import jax.numpy as jnp
        >>> holes = Holes(jnp.array([[1, 1]]), jnp.array([0.0]))
        >>> cut_out(jnp.ones((1, 2, 4, 1)), holes, size=2)[..., 0].tolist()
        [[[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]]
    """
    h, w = images.shape[-3:-1]
    inside = hole_mask(holes, shape=(h, w), size=size)
    hidden = over_channels(inside, images)
    return jnp.where(hidden, jnp.zeros((), images.dtype), images)
