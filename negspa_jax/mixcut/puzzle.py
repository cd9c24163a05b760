"""Step 1, Puzzle Mix: a grid, its mask, and where the salient blocks are moved.

Reference: Kim, Choo, Song, Puzzle Mix, ICML 2020; supplement of doi
10.21037/qims-24-729, Equations 1 to 4.
"""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from negspa_jax.mixcut.costs import price_blocks, read_borders
from negspa_jax.mixcut.layout import over_pixels
from negspa_jax.mixcut.mask import optimize_masks
from negspa_jax.mixcut.options import Options
from negspa_jax.mixcut.saliency import block_saliency
from negspa_jax.mixcut.transport import plan_transport
from negspa_jax.shapes import Array, Float, Int, Key


class Puzzle(NamedTuple):
    """Masks and moves of a batch of pairs, stated on a grid that all grids divide.

    Attributes:
        num_blocks: n, the grid that was drawn; 1 where there is no puzzle.
        lam: share of the first image that was asked for.
        masks: weight of the first image in each block.
        sources_first: row-major index of the block of the first image that is shown
            in each block.
        sources_second: the same of the second image.
    """

    num_blocks: Int[Array, ""]
    lam: Float[Array, " b"]
    masks: Float[Array, "b p q"]
    sources_first: Int[Array, "b pq"]
    sources_second: Int[Array, "b pq"]


def draw_puzzle(
    key: Key,
    images: Float[Array, "b *pixels c"],
    partner: Int[Array, " b"],
    saliency: Float[Array, "b h w"],
    lam: Float[Array, " b"],
    *,
    options: Options,
) -> Puzzle:
    """Draw a grid for the batch and solve every pair on it.

    Args:
        key: a JAX key, for the grid.
        images: `b h w c` or `b m h w c`, in [0, 1].
        partner: index of each sample's second image; a sample that is its own is left
            as it is.
        saliency: what the pixels matter, not negative; the grids divide its sides.
        lam: in [0, 1], share of the first image that is asked for.
        options: which grids, energy and transport.

    Raises:
        ValueError: no grid divides the images, or one does not divide the saliency.
    """
    h, w = images.shape[-3:-1]
    sizes = [n for n in options.num_blocks if h % n == 0 and w % n == 0]
    if not sizes:
        raise ValueError(
            f"num_blocks must hold a divisor of height and width, {h} x {w}, got "
            f"{options.num_blocks}: resize the images or choose other grids"
        )
    finest = math.lcm(*sizes)
    grids = [partial(_solve, n=n, finest=finest, options=options) for n in sizes]
    drawn = jax.random.randint(key, (), 0, len(sizes))
    masks, *sources = lax.switch(drawn, grids, images, partner, saliency, lam)
    # A sample that is its own partner is no puzzle.
    alone = partner == jnp.arange(len(partner))
    masks = jnp.where(alone[:, None, None], 1.0, masks)
    stay = jnp.arange(finest**2)[None, :]
    first, second = (jnp.where(alone[:, None], stay, source) for source in sources)
    return Puzzle(jnp.asarray(sizes)[drawn], lam, masks, first, second)


def no_puzzle(lam: Float[Array, " b"]) -> Puzzle:
    """Return the puzzle of one block, which is the first image's."""
    stay = jnp.zeros((len(lam), 1), jnp.int32)
    return Puzzle(jnp.array(1), lam, jnp.ones((len(lam), 1, 1)), stay, stay)


def _solve(
    images: Array,
    partner: Array,
    saliency: Array,
    lam: Array,
    *,
    n: int,
    finest: int,
    options: Options,
) -> tuple[Array, Array, Array]:
    # Read once for the whole batch, then taken for the partners too.
    borders = read_borders(images, num_blocks=n, neigh_size=options.neigh_size)
    shares = block_saliency(saliency, num_blocks=n)
    others = jax.tree.map(lambda x: x[partner], (borders, shares))
    costs = price_blocks(
        borders, others[0], shares, others[1], beta=options.beta, gamma=options.gamma
    )
    masks = optimize_masks(costs, lam, num_labels=options.num_labels, eta=options.eta)
    b = len(partner)
    sources = jnp.broadcast_to(jnp.arange(n * n)[None, :], (2 * b, n * n))
    if options.transport:
        # Both images at once: the batch is what the planner is fast along.
        sources = plan_transport(
            jnp.concatenate([masks, 1 - masks]),
            jnp.concatenate([shares, others[1]]),
            t_eps=options.t_eps,
        )
    fine = refine_sources(sources, num_blocks=n, finest=finest)
    times = finest // n
    return over_pixels(masks, height=times, width=times), fine[:b], fine[b:]


def refine_sources(
    sources: Int[Array, "b n"], *, num_blocks: int, finest: int
) -> Int[Array, "b m"]:
    """State the moves of a grid's blocks on a finer grid.

    A block that moves takes its finer blocks along, in their places within it.

    Args:
        sources: row-major index of the block that each block receives.
        num_blocks: n of its grid.
        finest: blocks along each axis of the finer grid, a multiple of n.
    """
    n, times = num_blocks, finest // num_blocks
    coarse = over_pixels(sources.reshape(-1, n, n), height=times, width=times)
    within = jnp.arange(finest) % times
    row = coarse // n * times + within[None, :, None]
    column = coarse % n * times + within[None, None, :]
    return (row * finest + column).reshape(len(sources), -1).astype(jnp.int32)
