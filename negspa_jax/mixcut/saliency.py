"""How much each pixel matters: by a loss's gradient, or by the spectrum alone.

Reference: Kim, Choo, Song, Puzzle Mix, ICML 2020, Section 3; supplement of doi
10.21037/qims-24-729, Appendix 2; Hou and Zhang, Saliency Detection: A Spectral Residual
Approach, CVPR 2007.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from negspa_jax.mixcut.layout import check_floating
from negspa_jax.shapes import Array, Float, Shaped

# Of the residual's map, as a share of its side: 2.5 pixels of 64.
SMOOTHING = 2.5 / 64
# Of the largest amplitude; what lies below is the rounding of a float32 transform.
SMALLEST_AMPLITUDE = 1e-6
# Between this and its inverse a division may become a product by the reciprocal, as
# compilers have it, without leaving float32.
SMALLEST_DIVISOR = float(jnp.finfo(jnp.float32).tiny)


def input_saliency(
    loss_fn: Callable[[Array, Array], Array],
    images: Shaped[Array, "b *pixels c"],
    labels: Shaped[Array, "b *classes"],
    *,
    size: int | None = None,
) -> Float[Array, "b h w"]:
    """Return the norm of the loss's gradient at each pixel.

    s = sqrt(sum over sequences and channels of (d loss / d x)^2)

    It can be differentiated in its turn, also where the gradient is 0: the derivative
    of the norm is taken as 0 there.

    Args:
        loss_fn: of images and labels, a scalar: the sum or mean over the batch. It is
            called with images in float32 (float64 stays).
        images: `b h w c` or `b m h w c`, in [0, 1].
        labels: what `loss_fn` reads.
        size: pixels; if given, the gradient is taken on images that are averaged to
            size x size first, which costs less. Divides height and width.

    Returns:
        The saliency in float32, of the images' height and width, or size x size.

    Raises:
        ValueError: images that are not floating point, a size that does not divide.

    Example:
        >>> import jax.numpy as jnp
        >>> x, y = jnp.ones((1, 2, 2, 3)), jnp.ones((1, 1))
        >>> input_saliency(lambda x, y: (y[0, 0] * 2 * x[:, 0, :, :1]).sum(), x, y)
        Array([[[2., 2.],
                [0., 0.]]], dtype=float32)
    """
    wide = _widen(images)
    if size is not None:
        wide = _average(wide, size, name="size")
    gradient = jax.grad(lambda x: loss_fn(x, labels))(wide)
    return _norm(gradient, axes=(*range(1, images.ndim - 3), -1))


def spectral_residual(
    images: Shaped[Array, "b *pixels c"], *, size: int = 64
) -> Float[Array, "b h w"]:
    """Return a saliency map that needs no network: what is unexpected in the spectrum.

    With A and P the amplitude and phase of the Fourier transform of the grey image
    (Equations 3 to 6 of Hou and Zhang):

        R = log A - (3 x 3 mean of log A),    s = gaussian * |inverse(exp(R + i P))|^2

    The grey image is the mean over channels. Sequences differ in contrast, which would
    cancel in a common grey image: the map is the mean of the maps of each. No
    derivative passes through it.

    Args:
        images: `b h w c` or `b m h w c`, in [0, 1].
        size: pixels, largest height and width of the image that is transformed; larger
            ones are reduced to it, and the map is enlarged back.

    Returns:
        The saliency in float32, not negative, of the images' height and width. A
        constant image has a constant one.

    Raises:
        ValueError: images that are not floating point.

    Example:
        >>> import jax.numpy as jnp
        >>> x = jnp.zeros((1, 64, 48, 1)).at[0, 30, 20].set(1)
        >>> s = spectral_residual(x)[0]
        >>> divmod(int(s.argmax()), 48)
        (30, 20)
    """
    grey = jax.lax.stop_gradient(_widen(images).mean(-1))
    h, w = grey.shape[-2:]
    small = (*grey.shape[:-2], min(size, h), min(size, w))
    reduced = jax.image.resize(grey, small, "linear")
    spectrum = jnp.fft.fft2(reduced)
    amplitude = jnp.abs(spectrum)
    largest = amplitude.max((-2, -1), keepdims=True)
    floor = jnp.where(largest > 0, SMALLEST_AMPLITUDE * largest, 1)
    amplitude = jnp.maximum(amplitude, floor)
    residual = jnp.log(amplitude) - _mean_of_nine(jnp.log(amplitude))
    # exp(i P) as spectrum / amplitude, because an amplitude of 0 has no phase.
    back = jnp.fft.ifft2(jnp.exp(residual) * spectrum / amplitude)
    smoothed = _smooth(back.real**2 + back.imag**2)
    sequences = tuple(range(1, grey.ndim - 2))
    return jax.image.resize(smoothed, grey.shape, "linear").mean(sequences)


def block_saliency(
    saliency: Float[Array, "b h w"], *, num_blocks: int
) -> Float[Array, "b p q"]:
    """Return each block's share of the saliency: its mean, over the sum of all means.

    Args:
        saliency: what the pixels matter, not negative, on any scale.
        num_blocks: n, blocks along each axis; divides height and width.

    Returns:
        Shares in float32, of sum 1. They are uniform, 1 / n^2, for a map that is 0
        (below 1e-38) everywhere, or that is negative or not finite (above 8e37)
        anywhere.

    Raises:
        ValueError: num_blocks does not divide height and width.

    Example:
        >>> import jax.numpy as jnp
        >>> s = jnp.zeros((2, 4, 4)).at[0, 0].set(1.0)
        >>> block_saliency(s, num_blocks=2).tolist()
        [[[0.5, 0.5], [0.0, 0.0]], [[0.25, 0.25], [0.25, 0.25]]]
    """
    wide = saliency.astype(jnp.promote_types(saliency.dtype, jnp.float32))
    smallest, largest = (f(wide, (1, 2), keepdims=True) for f in (jnp.min, jnp.max))
    # A comparison with NaN is False.
    sound = (smallest >= 0) & (largest >= SMALLEST_DIVISOR)
    sound &= largest <= 1 / SMALLEST_DIVISOR
    scaled = jnp.where(sound, wide / jnp.where(sound, largest, 1), 1)
    means = _average(scaled[..., None], num_blocks, name="num_blocks")[..., 0]
    return means / means.sum((1, 2), keepdims=True)


def _widen(images: Array) -> Array:
    """Return the images in float32 at least."""
    check_floating(images)
    return images.astype(jnp.promote_types(images.dtype, jnp.float32))


def _average(images: Array, size: int, *, name: str) -> Array:
    """Reduce `... h w c` to `... size size c` by means over equal cells."""
    *lead, h, w, c = images.shape
    if size < 1 or h % size or w % size:
        raise ValueError(
            f"{name} must divide height and width, {h} x {w}, got {size}: choose a "
            "common divisor, or resize the images"
        )
    cells = images.reshape(*lead, size, h // size, size, w // size, c)
    return cells.mean((-4, -2))


def _norm(x: Array, *, axes: tuple[int, ...]) -> Array:
    """Return the l2 norm, with derivative 0 at 0, safe from under- and overflow."""
    largest = jax.lax.stop_gradient(jnp.abs(x).max(axes, keepdims=True))
    zero = largest < SMALLEST_DIVISOR
    square = (x / jnp.where(zero, 1, largest)) ** 2
    total = jnp.where(zero, 1, square.sum(axes, keepdims=True))
    return (largest * jnp.sqrt(total)).squeeze(axes)


def _mean_of_nine(x: Array) -> Array:
    """Average over 3 x 3; a discrete spectrum is periodic, so the mean wraps."""
    for axis in (-2, -1):
        x = (jnp.roll(x, -1, axis) + x + jnp.roll(x, 1, axis)) / 3
    return x


def _smooth(x: Array) -> Array:
    """Average with Gaussian weights, which sum to 1 at the border too."""
    rows, columns = (_gaussian(length, x.dtype) for length in x.shape[-2:])
    return jnp.einsum("ij,...jk,lk->...il", rows, x, columns, precision="highest")


def _gaussian(length: int, dtype: jnp.dtype) -> Array:
    at = jnp.arange(length, dtype=dtype)
    distance = (at[:, None] - at[None, :]) / (SMOOTHING * length)
    weights = jnp.exp(-(distance**2) / 2)
    return weights / weights.sum(1, keepdims=True)
