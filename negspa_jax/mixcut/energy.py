"""The energy whose minimum is the mask of Puzzle Mix.

    E(m) = sum_i [m_i A_i + (1 - m_i) B_i] + sum_edges w_ij (m_i - m_j)^2
           + eta / (p q) sum_i P(m_i)

over the blocks of a grid p x q, where the mask weight m_i of the first image takes the
values k/(L-1), A and B price the two images, w makes neighbours agree, and P is the
negative logarithm of a binomial whose mean is the share lambda asked for.

Reference: Kim, Choo, Song, Puzzle Mix, ICML 2020, Equations 3 to 5; supplement of doi
10.21037/qims-24-729, Equation 1.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp

from negspa_jax.mixcut.saliency import block_saliency
from negspa_jax.shapes import Array, Float

# The prior alone reads lambda inside these bounds, where its logarithm is finite.
SMALLEST_LAM = 1e-4


class Costs(NamedTuple):
    """What the blocks of a grid cost; of a batch of pairs.

    Attributes:
        first: A, the cost of showing the first image in a block.
        second: B, the cost of showing the second.
        vertical: w between a block and the one below it, not negative.
        horizontal: w between a block and the one to its right, not negative.
    """

    first: Float[Array, "b p q"]
    second: Float[Array, "b p q"]
    vertical: Float[Array, "b p-1 q"]
    horizontal: Float[Array, "b p q-1"]


def block_costs(
    first: Float[Array, "b *pixels c"],
    second: Float[Array, "b *pixels c"],
    saliency_first: Float[Array, "b h w"],
    saliency_second: Float[Array, "b h w"],
    *,
    num_blocks: int,
    beta: float = 1.2,
    gamma: float = 0.5,
    neigh_size: int = 4,
) -> Costs:
    """Price every block of a grid n x n, and every pair of neighbours.

    With b = beta / (16 n), block saliencies g of sum 1, and phi(a, c) the mean absolute
    difference of the pixels along a border, of image a on one side of it and image c
    on the other (1 the first image, 0 the second; this block's image comes first):

        A_i  = g2_i + (b gamma / 2) sum_neighbours [phi(1,0) + phi(1,1)]
        B_i  = g1_i + (b gamma / 2) sum_neighbours [phi(0,1) + phi(0,0)]
        w_ij = b (1 + gamma (phi(1,0) + phi(0,1) - phi(1,1) - phi(0,0)) / 2)

    Args:
        first: images i, `b h w c` or `b m h w c`, in [0, 1].
        second: images j, of the same shape.
        saliency_first: what the pixels of the first matter, not negative; of any
            height and width that the grid divides.
        saliency_second: of the second.
        num_blocks: n, divides height and width.
        beta: weight of neighbours that differ.
        gamma: in [0, 1], weight of their pixels.
        neigh_size: pixels; borders are compared in cells whose sides are the largest
            divisors of the block's sides not above it.

    Returns:
        The costs in float32. With pixels outside [0, 1] a weight could be negative;
        such a weight is 0.

    Raises:
        ValueError: the grid does not divide the images.

    Example:
        >>> import jax.numpy as jnp
        >>> x, s = jnp.zeros((1, 8, 8, 3)), jnp.ones((1, 8, 8))
        >>> costs = block_costs(x, x, s, s, num_blocks=2)
        >>> float(costs.first[0, 0, 0]), costs.vertical.shape
        (0.25, (1, 1, 2))
    """
    b = beta / (16 * num_blocks)
    borders = [_borders(x, num_blocks, neigh_size) for x in (first, second)]
    rows, columns = (_compare(i, j) for i, j in zip(*borders, strict=True))
    g1, g2 = (
        block_saliency(s, num_blocks=num_blocks)
        for s in (saliency_first, saliency_second)
    )
    return Costs(
        first=g2 + b * gamma / 2 * _over_neighbours(rows.first, columns.first),
        second=g1 + b * gamma / 2 * _over_neighbours(rows.second, columns.second),
        vertical=jnp.maximum(b * (1 + gamma / 2 * rows.contrast), 0),
        horizontal=jnp.maximum(b * (1 + gamma / 2 * columns.contrast), 0),
    )


def mask_energy(
    masks: Float[Array, "b p q"],
    costs: Costs,
    lam: float | Float[Array, ""] | Float[Array, " b"],
    *,
    num_labels: int = 3,
    eta: float = 0.2,
) -> Float[Array, " b"]:
    """Return E(m), the energy of the module's docstring, for each pair.

    Args:
        masks: weight of the first image in each block, k / (num_labels - 1).
        costs: of the blocks.
        lam: in [0, 1], the share of the first image that is asked for; a scalar or
            one for each pair.
        num_labels: L.
        eta: weight of the prior.

    Example:
        >>> import jax.numpy as jnp
        >>> costs = Costs(*(jnp.ones(s) for s in [(1, 2, 2)] * 2 + [(1, 1, 2)] * 2))
        >>> float(mask_energy(jnp.ones((1, 2, 2)), costs, 1.0)[0].round(3))
        4.0
    """
    count = masks.shape[1] * masks.shape[2]
    shares = jnp.broadcast_to(jnp.asarray(lam, jnp.float32), masks.shape[:1])
    labels = jnp.round(masks * (num_labels - 1)).astype(jnp.int32)
    prior = prior_costs(shares, num_labels=num_labels)
    chosen = jnp.take_along_axis(prior, labels.reshape(len(masks), -1), axis=1)
    shown = masks * costs.first + (1 - masks) * costs.second
    vertical = costs.vertical * jnp.diff(masks, axis=1) ** 2
    horizontal = costs.horizontal * jnp.diff(masks, axis=2) ** 2
    return (
        shown.sum((1, 2))
        + vertical.sum((1, 2))
        + horizontal.sum((1, 2))
        + eta / count * chosen.sum(1)
    )


def prior_costs(
    lam: Float[Array, " b"], *, num_labels: int = 3
) -> Float[Array, "b labels"]:
    """Return P(k / (L-1)) = -log(C(L-1, k) lam^k (1-lam)^(L-1-k)) for k = 0 .. L-1.

    Args:
        lam: in [0, 1], clipped to [1e-4, 1 - 1e-4].
        num_labels: L.

    Example:
        >>> import jax.numpy as jnp
        >>> prior_costs(jnp.array([0.25])).round(4).tolist()
        [[0.5753999948501587, 0.9807999730110168, 2.7725999355316162]]
    """
    top = num_labels - 1
    k = jnp.arange(num_labels, dtype=jnp.float32)[None, :]
    choices = jnp.array(
        [[math.log(math.comb(top, i)) for i in range(num_labels)]], jnp.float32
    )
    share = lam.astype(jnp.float32)[:, None]
    first, second = (
        jnp.log(jnp.clip(x, SMALLEST_LAM, 1 - SMALLEST_LAM)) for x in (share, 1 - share)
    )
    return -(choices + k * first + (top - k) * second)


class _Edges(NamedTuple):
    """What the pixels say about the edges of one direction.

    `first` and `second` hold, for a block that shows that image, the sum of phi over
    what its neighbour may show: for the block before the edge, and the one after it.
    """

    first: tuple[Array, Array]
    second: tuple[Array, Array]
    contrast: Array  # phi(1,0) + phi(0,1) - phi(1,1) - phi(0,0)


def _compare(first: tuple[Array, Array], second: tuple[Array, Array]) -> _Edges:
    def phi(before: tuple[Array, Array], after: tuple[Array, Array]) -> Array:
        # Mean over sequences, cells along the border, and channels.
        return jnp.abs(before[0] - after[1]).mean((1, 4, 5))

    phi11, phi10 = phi(first, first), phi(first, second)
    phi01, phi00 = phi(second, first), phi(second, second)
    return _Edges(
        first=(phi10 + phi11, phi01 + phi11),
        second=(phi01 + phi00, phi10 + phi00),
        contrast=phi10 + phi01 - phi11 - phi00,
    )


def _over_neighbours(rows: tuple[Array, Array], columns: tuple[Array, Array]) -> Array:
    above, left = ((0, 0), (0, 1), (0, 0)), ((0, 0), (0, 0), (0, 1))
    below, right = ((0, 0), (1, 0), (0, 0)), ((0, 0), (0, 0), (1, 0))
    return (
        jnp.pad(rows[0], above)
        + jnp.pad(rows[1], below)
        + jnp.pad(columns[0], left)
        + jnp.pad(columns[1], right)
    )


def _borders(
    images: Array, n: int, neigh_size: int
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    # For edges between rows of blocks, then between columns of blocks: the line of
    # cells before each edge and the one after it, (b, m, p, q, cells, c).
    h, w, c = images.shape[-3:]
    if h % n or w % n:
        raise ValueError(
            f"num_blocks must divide height and width, got {n} blocks for {h} x {w}: "
            "take another grid or resize the images"
        )
    height, width = (_largest_divisor(side // n, neigh_size) for side in (h, w))
    blocks = images.reshape(len(images), -1, n, h // n, n, w // n, c)
    rows = blocks[:, :, :-1, -height:], blocks[:, :, 1:, :height]
    columns = blocks[..., :-1, -width:, :], blocks[..., 1:, :width, :]

    def pool(lines: Array, across: int, size: int) -> Array:
        line = lines.astype(jnp.float32).mean(across)
        line = line if across == 3 else jnp.moveaxis(line, 3, 4)
        return line.reshape(*line.shape[:4], -1, size, c).mean(5)

    return (
        (pool(rows[0], 3, width), pool(rows[1], 3, width)),
        (pool(columns[0], 5, height), pool(columns[1], 5, height)),
    )


def _largest_divisor(size: int, limit: int) -> int:
    return max(r for r in range(1, min(size, limit) + 1) if size % r == 0)
