"""Bilinear interpolation of an image at any positions.

Two things are for speed, both measured on a CPU with the lighting that follows, at
three channels. Channels lie side by side in a row, so that the innermost loop runs over
all of it: over three channels it is not vectorized, and takes four times as long. Four
gathers of numbers are fused into one loop; one gather of 2 x 2 windows is written to
memory first, and takes 1.6 times as long.
"""

import jax.numpy as jnp

from negspa_jax.shapes import Array, Float


def over_grid(
    affine: Float[Array, "2 3"], shape: tuple[int, int]
) -> tuple[Float[Array, "h w"], Float[Array, "h w"]]:
    """Return the row and the column that the map gives for each pixel."""
    rows, columns = jnp.mgrid[: shape[0], : shape[1]].astype(jnp.float32)
    row = affine[0, 0] * rows + affine[0, 1] * columns + affine[0, 2]
    column = affine[1, 0] * rows + affine[1, 1] * columns + affine[1, 2]
    return row, column


def sample(
    image: Float[Array, "h w c"],
    row: Float[Array, "p q"],
    column: Float[Array, "p q"],
    *,
    border: str = "zero",
) -> Float[Array, "p q c"]:
    """Sample an image bilinearly.

    Args:
        image: all its channels are sampled alike.
        row: of the positions, 0 at the centres of the first pixels.
        column: likewise.
        border: what lies beyond the centres of the outermost pixels: "zero", or
            "reflect", the image mirrored there again and again, without repeating
            these pixels (torch's grid_sample with align_corners).

    Returns:
        The values at the positions, in the image's dtype.
    """
    if border not in ("zero", "reflect"):
        raise ValueError(f"border must be zero | reflect, got {border!r}")
    h, w, c = image.shape
    side_by_side, shape = image.reshape(h, w * c), (*row.shape, c)
    row, column, channel = (
        jnp.broadcast_to(x, shape).reshape(len(row), -1)
        for x in (row[..., None], column[..., None], jnp.arange(c))
    )
    if border == "reflect":
        row, column = _reflect(row, h), _reflect(column, w)
    top, left = jnp.floor(row), jnp.floor(column)
    down, right = row - top, column - left

    def corner(share: Array, i: Array, j: Array) -> Array:
        if border == "zero":
            inside = (i >= 0) & (i < h) & (j >= 0) & (j < w)
            share = jnp.where(inside, share, 0)
        i = jnp.clip(i, 0, h - 1).astype(jnp.int32)
        j = jnp.clip(j, 0, w - 1).astype(jnp.int32)
        value = side_by_side.at[i, j * c + channel].get(
            mode="promise_in_bounds", wrap_negative_indices=False
        )
        return share * value

    total = (
        corner((1 - down) * (1 - right), top, left)
        + corner((1 - down) * right, top, left + 1)
        + corner(down * (1 - right), top + 1, left)
        + corner(down * right, top + 1, left + 1)
    )
    return jnp.asarray(total, image.dtype).reshape(shape)


def _reflect(position: Array, size: int) -> Array:
    # A triangle wave between the centres of the first and of the last pixel.
    span = size - 1
    period = max(2 * span, 1)
    phase = position - period * jnp.floor(position / period)
    return jnp.clip(span - jnp.abs(phase - span), 0, span)
