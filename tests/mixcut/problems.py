"""Pairs of images with saliencies, from flat to a single peak."""

import jax.numpy as jnp
import numpy as np
from scipy.ndimage import gaussian_filter

from negspa_jax.mixcut.costs import Costs, block_costs

KINDS = ("flat", "noise", "gradient", "peaks", "dominant", "dark")
SIDE = 64


def draw_pairs(kind: str, seed: int, count: int):
    """Images b h w c in [0, 1], saliencies b h w, partners, shares lambda."""
    random = np.random.default_rng((seed, KINDS.index(kind)))

    def noise(*channels):
        return random.random((count, SIDE, SIDE, *channels))

    saliency = noise()
    images = noise(3)
    if kind not in ("flat", "noise"):
        images = stretch(blur(images, 3))
    if kind == "flat":
        saliency = np.ones_like(saliency)
    if kind == "gradient":  # an envelope times what looks like a gradient
        saliency = np.exp(6 * stretch(blur(saliency, 8))) * np.abs(noise() - 0.5)
    if kind == "peaks":
        saliency = blur(saliency**20, 1)
    if kind == "dominant":
        saliency = np.full_like(saliency, 1e-4)
        place = random.integers(0, SIDE, (2, count))
        saliency[np.arange(count), place[0], place[1]] = 1e3
    if kind == "dark":
        images *= stretch(blur(noise(1), 6)) > 0.5
        saliency = blur(saliency, 4) * images.mean(-1) + 1e-9
    arrays = (images, saliency, random.permutation(count), random.beta(1, 1, count))
    return tuple(jnp.asarray(a, a.dtype.name.replace("64", "32")) for a in arrays)


def draw_costs(kind: str, seed: int, count: int, *, num_blocks: int):
    """The costs of such pairs, and their lambdas."""
    images, saliency, partner, lam = draw_pairs(kind, seed, count)
    second, other = images[partner], saliency[partner]
    return block_costs(images, second, saliency, other, num_blocks=num_blocks), lam


def draw_random_costs(seed: int, count: int, shape: tuple[int, int]) -> Costs:
    """Costs without any images behind them, of the same order of size."""
    random = np.random.default_rng(seed)
    (p, q), mean = shape, 1 / (shape[0] * shape[1])
    shapes = ((p, q), (p, q), (p - 1, q), (p, q - 1))
    draws = (2 * mean * random.random((count, *s)) for s in shapes)
    return Costs(*(jnp.asarray(d, jnp.float32) for d in draws))


def blur(x, width):
    """Blur rows and columns."""
    return gaussian_filter(x, (0, width, width) + (0,) * (x.ndim - 3))


def stretch(x):
    """Stretch each image to [0, 1]."""
    axes = tuple(range(1, x.ndim))
    low, high = x.min(axes, keepdims=True), x.max(axes, keepdims=True)
    return (x - low) / (high - low)
