"""What each block of a grid costs, and each pair of neighbours.

The terms of the energy in `energy.py`.

Reference: Kim, Choo, Song, Puzzle Mix, ICML 2020, Equations 3 to 5; supplement of doi
10.21037/qims-24-729, Equation 1.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from negspa_jax.mixcut.layout import check_grid
from negspa_jax.mixcut.saliency import block_saliency
from negspa_jax.shapes import Array, Float


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


class Borders(NamedTuple):
    """The pixels on both sides of every edge, averaged to cells.

    Attributes:
        above: last line of the block above an edge between rows.
        below: first line of the block below it.
        left: last line of the block left of an edge between columns, columns first.
        right: first line of the block to the right of it.
    """

    above: Float[Array, "b m p-1 q cells c"]
    below: Float[Array, "b m p-1 q cells c"]
    left: Float[Array, "b m q-1 p cells_v c"]
    right: Float[Array, "b m q-1 p cells_v c"]


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
    return price_blocks(
        read_borders(first, num_blocks=num_blocks, neigh_size=neigh_size),
        read_borders(second, num_blocks=num_blocks, neigh_size=neigh_size),
        block_saliency(saliency_first, num_blocks=num_blocks),
        block_saliency(saliency_second, num_blocks=num_blocks),
        beta=beta,
        gamma=gamma,
    )


def read_borders(
    images: Float[Array, "b *pixels c"], *, num_blocks: int, neigh_size: int = 4
) -> Borders:
    """Average the pixels along the blocks' borders.

    Args:
        images: `b h w c` or `b m h w c`, in [0, 1].
        num_blocks: n, divides height and width.
        neigh_size: pixels, largest side of a cell.

    Raises:
        ValueError: the grid does not divide the images.
    """
    check_grid(images, num_blocks=num_blocks)
    n, (h, w, c) = num_blocks, images.shape[-3:]
    sides = [_largest_divisor(side // n, neigh_size) for side in (h, w)]
    cells = _average(images.reshape(len(images), -1, h, w, c), *sides)
    p, q = h // n // sides[0], w // n // sides[1]  # cells of a block
    above, below = cells[:, :, p - 1 : -1 : p], cells[:, :, p::p]
    left, right = cells[:, :, :, q - 1 : -1 : q], cells[:, :, :, q::q]
    lead = cells.shape[:2]
    return Borders(
        *(x.reshape(*lead, n - 1, n, q, c) for x in (above, below)),
        *(x.swapaxes(2, 3).reshape(*lead, n - 1, n, p, c) for x in (left, right)),
    )


def price_blocks(
    first: Borders,
    second: Borders,
    share_first: Float[Array, "b p q"],
    share_second: Float[Array, "b p q"],
    *,
    beta: float = 1.2,
    gamma: float = 0.5,
) -> Costs:
    """Return the costs of `block_costs` from borders and block saliencies."""
    b = beta / (16 * share_first.shape[1])
    rows = _compare(first.above, first.below, second.above, second.below)
    columns = _compare(first.left, first.right, second.left, second.right)
    columns = jax.tree.map(lambda x: x.swapaxes(1, 2), columns)
    return Costs(
        first=share_second + b * gamma / 2 * _gather(rows.first, columns.first),
        second=share_first + b * gamma / 2 * _gather(rows.second, columns.second),
        vertical=jnp.maximum(b * (1 + gamma / 2 * rows.contrast), 0),
        horizontal=jnp.maximum(b * (1 + gamma / 2 * columns.contrast), 0),
    )


class _Edges(NamedTuple):
    """What the pixels say about the edges of one direction.

    `first` and `second` hold, for a block that shows that image, the sum of phi over
    what its neighbour may show: for the block before the edge, and the one after it.
    """

    first: tuple[Array, Array]
    second: tuple[Array, Array]
    contrast: Array  # phi(1,0) + phi(0,1) - phi(1,1) - phi(0,0)


def _compare(
    before_1: Array, after_1: Array, before_0: Array, after_0: Array
) -> _Edges:
    def phi(before: Array, after: Array) -> Array:
        # Mean over sequences, cells along the border, and channels.
        return jnp.abs(before - after).mean((1, 4, 5))

    phi11, phi10 = phi(before_1, after_1), phi(before_1, after_0)
    phi01, phi00 = phi(before_0, after_1), phi(before_0, after_0)
    return _Edges(
        first=(phi10 + phi11, phi01 + phi11),
        second=(phi01 + phi00, phi10 + phi00),
        contrast=phi10 + phi01 - phi11 - phi00,
    )


def _gather(rows: tuple[Array, Array], columns: tuple[Array, Array]) -> Array:
    # A block stands before the edges below and right of it, after those above and left.
    below, right = ((0, 0), (0, 1), (0, 0)), ((0, 0), (0, 0), (0, 1))
    above, left = ((0, 0), (1, 0), (0, 0)), ((0, 0), (0, 0), (1, 0))
    return (
        jnp.pad(rows[0], below)
        + jnp.pad(rows[1], above)
        + jnp.pad(columns[0], right)
        + jnp.pad(columns[1], left)
    )


def _average(images: Array, height: int, width: int) -> Array:
    # As a sum of strided images, which XLA reads in one pass on a CPU.
    strided = [
        images[:, :, i::height, j::width].astype(jnp.float32)
        for i, j in np.ndindex(height, width)
    ]
    return sum(strided[1:], strided[0]) / (height * width)


def _largest_divisor(size: int, limit: int) -> int:
    return max(r for r in range(1, min(size, limit) + 1) if size % r == 0)
