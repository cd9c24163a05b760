"""Linear interpolation of two images and of their labels.

Reference: Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018;
supplement of doi 10.21037/qims-24-729, Equations 5 and 6.
"""

import jax.numpy as jnp

from negspa_jax.shapes import Array, Float


def mix_pixels(
    first: Float[Array, "b *pixels c"],
    second: Float[Array, "b *pixels c"],
    weights: Float[Array, "b h w"],
) -> Float[Array, "b *pixels c"]:
    """Blend two batches of images pixel by pixel.

    x = W x_i + (1 - W) x_j  (Equation 5, with a weight for each pixel).

    Args:
        first: images i, `b h w c` or `b m h w c`; the m sequences share the weights.
        second: images j, of the same shape.
        weights: W in [0, 1], weight of the first image.

    Returns:
        The blended images in the first's dtype.
    """
    sequences = (1,) * (first.ndim - 4)
    b, h, w = weights.shape
    weight = weights.reshape(b, *sequences, h, w, 1)
    return (weight * first + (1 - weight) * second).astype(first.dtype)


def mix_labels(
    first: Float[Array, "b k"],
    second: Float[Array, "b k"],
    weight: Float[Array, " b"],
) -> Float[Array, "b k"]:
    """Blend labels: y = w y_i + (1 - w) y_j (Equation 6), w one for each sample."""
    share = weight[:, None].astype(first.dtype)
    return (share * first + (1 - share) * second).astype(first.dtype)


def constant_weights(
    shape: tuple[int, int], share: Float[Array, " b"]
) -> Float[Array, "b h w"]:
    """Return weights that are the same at every pixel: global Mixup."""
    return jnp.broadcast_to(share[:, None, None], (*share.shape, *shape))
