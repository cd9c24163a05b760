"""Common augmentation on the device: rotation, horizontal flip and shift in one step.

Written for one sample and vmapped. All are composed into one affine map, so that an
image is interpolated once: bilinear, pixel centres, zero outside.

Reference: supplement of doi 10.21037/qims-24-729, Appendix 2, Image preprocessing
(it names the three operations; the ranges are choices).
"""

import jax
import jax.numpy as jnp

from negspa_jax.shapes import Array, Float, Key


def augment(
    key: Key,
    images: Float[Array, "m h w c"],
    *,
    rotation_degrees: float = 20.0,
    flip_probability: float = 0.5,
    shift: float = 0.1,
    quarter_turns: bool = False,
    independent: bool = False,
) -> Float[Array, "m h w c"]:
    """Rotate, flip and shift one sample, all its sequences alike.

    Args:
        key: a JAX key of this sample.
        images: the sample's sequences.
        rotation_degrees: the angle is uniform in plus or minus this.
        flip_probability: of a flip left to right.
        shift: uniform in plus or minus this share of height and of width.
        quarter_turns: turn by 0, 90, 180 or 270 degrees more, each as likely.
        independent: a draw of its own for each sequence, which no longer fit onto
            each other.

    Returns:
        Images of the same shape and dtype.
    """

    def draw(key: Key) -> Float[Array, "2 3"]:
        return random_affine(
            key,
            (images.shape[1], images.shape[2]),
            rotation_degrees=rotation_degrees,
            flip_probability=flip_probability,
            shift=shift,
            quarter_turns=quarter_turns,
        )

    if independent:
        maps = jax.vmap(draw)(jax.random.split(key, len(images)))
        return jax.vmap(resample)(images, maps)
    # One gather for all sequences: they are channels of one image.
    m, h, w, c = images.shape
    together = images.transpose(1, 2, 0, 3).reshape(h, w, m * c)
    moved = resample(together, draw(key))
    return moved.reshape(h, w, m, c).transpose(2, 0, 1, 3)


def random_affine(
    key: Key,
    shape: tuple[int, int],
    *,
    rotation_degrees: float,
    flip_probability: float,
    shift: float,
    quarter_turns: bool = False,
) -> Float[Array, "2 3"]:
    """Draw the map from output pixels (row, column, 1) to input pixels.

    About the image's centre c: p_in = F R (p_out - c - t) + c, with the rotation R,
    the flip F of columns and the shift t.
    """
    key_angle, key_flip, key_shift, key_turn = jax.random.split(key, 4)
    angle = jnp.deg2rad(rotation_degrees) * jax.random.uniform(
        key_angle, minval=-1, maxval=1
    )
    flipped = jax.random.bernoulli(key_flip, flip_probability)
    size = jnp.array(shape, jnp.float32)
    moved = shift * size * jax.random.uniform(key_shift, (2,), minval=-1, maxval=1)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    if quarter_turns:
        # cos(pi/2) is not 0 in floating point: whole turns are looked up.
        turn = jax.random.randint(key_turn, (), 0, 4)
        turn_cos, turn_sin = jnp.array([[1.0, 0, -1, 0], [0, 1, 0, -1]])[:, turn]
        cos, sin = cos * turn_cos - sin * turn_sin, sin * turn_cos + cos * turn_sin
    sign = jnp.where(flipped, -1.0, 1.0)
    linear = jnp.array([[cos, -sin], [sign * sin, sign * cos]])
    centre = (size - 1) / 2
    # On a GPU a product of matrices would be rounded to TF32: 0.05 pixels.
    offset = centre - jnp.matmul(linear, centre + moved, precision="highest")
    return jnp.concatenate([linear, offset[:, None]], axis=1)


def resample(
    image: Float[Array, "h w c"], affine: Float[Array, "2 3"]
) -> Float[Array, "h w c"]:
    """Sample an image bilinearly at affine @ (row, column, 1), zero outside it."""
    h, w, _ = image.shape
    rows, columns = jnp.mgrid[:h, :w].astype(jnp.float32)
    row = affine[0, 0] * rows + affine[0, 1] * columns + affine[0, 2]
    column = affine[1, 0] * rows + affine[1, 1] * columns + affine[1, 2]
    top, left = jnp.floor(row), jnp.floor(column)
    down, right = row - top, column - left

    def corner(i: Float[Array, "h w"], j: Float[Array, "h w"]) -> Array:
        inside = (i >= 0) & (i < h) & (j >= 0) & (j < w)
        i = jnp.clip(i, 0, h - 1).astype(jnp.int32)
        j = jnp.clip(j, 0, w - 1).astype(jnp.int32)
        return jnp.where(inside[..., None], image[i, j], 0)

    weights = (
        ((1 - down) * (1 - right), top, left),
        ((1 - down) * right, top, left + 1),
        (down * (1 - right), top + 1, left),
        (down * right, top + 1, left + 1),
    )
    total = sum(share[..., None] * corner(i, j) for share, i, j in weights)
    return jnp.asarray(total, image.dtype)
