"""Linear interpolation of two images and of their labels, everywhere or in a box.

Reference: Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018; Yun et
al., CutMix, ICCV 2019; supplement of doi 10.21037/qims-24-729, Equations 5 and 6.
"""

import jax
import jax.numpy as jnp

from negspa_jax.mixcut.layout import over_channels
from negspa_jax.shapes import Array, Bool, Float, Int, Key


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
    weight = over_channels(weights, first)
    return (weight * first + (1 - weight) * second).astype(first.dtype)


def mix_labels(
    first: Float[Array, "b k"],
    second: Float[Array, "b k"],
    weight: Float[Array, " b"],
) -> Float[Array, "b k"]:
    """Blend labels: y = w y_i + (1 - w) y_j (Equation 6), w one for each sample."""
    share = weight[:, None].astype(first.dtype)
    return (share * first + (1 - share) * second).astype(first.dtype)


def draw_boxes(
    key: Key, share: Float[Array, " b"], *, shape: tuple[int, int]
) -> Int[Array, "b 4"]:
    """Draw a box for each sample, of area 1 - share, clipped at the border.

    The centre is uniform over the pixels, the sides are the whole parts of
    h sqrt(1 - share) and w sqrt(1 - share)  (CutMix, Equation 3).

    Args:
        key: a JAX key.
        share: in [0, 1], of the image outside the box before it is clipped.
        shape: height and width h, w of the images, pixels.

    Returns:
        Top, bottom, left, right in pixels, half open: rows top to bottom - 1. With a
        share of 1 the box is empty.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> boxes = draw_boxes(jax.random.key(3), jnp.ones(1), shape=(8, 4))
        >>> int(boxes[0, 1] - boxes[0, 0])
        0
    """
    size = jnp.array([shape], jnp.int32)
    scale = jnp.sqrt(1 - share.astype(jnp.float32))[:, None]
    sides = (size * scale).astype(jnp.int32)
    centres = jax.random.randint(key, sides.shape, jnp.zeros_like(size), size)
    low = centres - sides // 2
    clipped = [jnp.clip(ends, 0, size) for ends in (low, low + sides)]
    return jnp.stack(clipped, 2).reshape(-1, 4)


def box_mask(
    boxes: Int[Array, "b 4"], *, shape: tuple[int, int]
) -> Bool[Array, "b h w"]:
    """Return True at the pixels inside the box.

    Args:
        boxes: top, bottom, left, right in pixels, half open.
        shape: height and width of the images, pixels.

    Example:
        >>> import jax.numpy as jnp
        >>> box_mask(jnp.array([[0, 1, 1, 3]]), shape=(2, 3)).astype(int).tolist()
        [[[0, 1, 1], [0, 0, 0]]]
    """
    top, bottom, left, right = (boxes[:, i, None, None] for i in range(4))
    row = jnp.arange(shape[0])[None, :, None]
    column = jnp.arange(shape[1])[None, None, :]
    return (top <= row) & (row < bottom) & (left <= column) & (column < right)


def local_mixup(
    images: Float[Array, "b *pixels c"],
    others: Float[Array, "b *pixels c"],
    boxes: Int[Array, "b 4"],
    lam: Float[Array, " b"],
) -> Float[Array, "b *pixels c"]:
    """Blend with another image inside a box; the rest stays, bit for bit.

    x <- lam x + (1 - lam) x_j inside the box  (Equation 5 there)

    Args:
        images: x, `b h w c` or `b m h w c`; the m sequences share the box.
        others: x_j, of the same shape.
        boxes: top, bottom, left, right in pixels, half open.
        lam: in [0, 1], weight of `images` inside the box; 1 changes no bit.

    Returns:
        The blended images in the dtype of `images`.

    Example:
        >>> import jax.numpy as jnp
        >>> x, box = jnp.ones((1, 1, 3, 1)), jnp.array([[0, 1, 1, 3]])
        >>> local_mixup(x, 5 * x, box, jnp.zeros(1)).ravel().tolist()
        [1.0, 5.0, 5.0]
    """
    h, w = images.shape[-3:-1]
    share = lam[:, None, None]
    blended = box_mask(boxes, shape=(h, w)) & (share < 1)
    mixed = mix_pixels(images, others, jnp.where(blended, share, 1))
    return jnp.where(over_channels(blended, images), mixed, images)
