"""How images lie in memory: what all steps share about axes, blocks and types.

Images are `b h w c`, or `b m h w c` with m sequences, which share what is stated for
the pixels, `b h w`, or for the blocks of a grid, `b p q`.
"""

import jax.numpy as jnp

from negspa_jax.shapes import Array, Shaped


def over_channels(
    pixels: Shaped[Array, "b h w"], images: Shaped[Array, "b *pixels c"]
) -> Shaped[Array, "b *axes 1"]:
    """Give what is stated for the pixels the axes of images, to be broadcast."""
    b, *shape = pixels.shape
    return pixels.reshape(b, *(1,) * (images.ndim - 4), *shape, 1)


def over_pixels(
    blocks: Shaped[Array, "b p q"], *, height: int, width: int
) -> Shaped[Array, "b h w"]:
    """Repeat what is stated for a block over its height x width pixels."""
    return jnp.repeat(jnp.repeat(blocks, height, axis=1), width, axis=2)


def check_floating(images: Array) -> None:
    """Refuse images of whole numbers.

    Raises:
        ValueError: they are not floating point.
    """
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise ValueError(
            f"images must be floating point in [0, 1], got {images.dtype}: convert "
            "them, 8-bit ones by images.astype('float32') / 255"
        )


def check_grid(images: Array, *, num_blocks: int) -> None:
    """Refuse a grid that cuts through pixels.

    Raises:
        ValueError: num_blocks does not divide height and width.
    """
    h, w = images.shape[-3:-1]
    if h % num_blocks or w % num_blocks:
        raise ValueError(
            f"num_blocks must divide height and width, got {num_blocks} blocks for "
            f"{h} x {w}: use another grid or resize the images"
        )
