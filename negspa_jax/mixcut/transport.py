"""Where the blocks of an image move, so that the mask shows the salient ones.

A block that moves pays for its way; blocks that the mask hides are free. The best plan
is an assignment, found exactly and for a whole batch at once: hidden blocks bid for the
places that the mask shows, at the prices of the shortest augmenting paths. All prices
are whole numbers, so that a plan is the same alone, in a batch, jitted or not.

Reference: Kim, Choo, Song, Puzzle Mix, ICML 2020, Section 3.2; Bertsekas, The auction
algorithm, Annals of Operations Research 14, 1988.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from negspa_jax.mixcut.layout import check_grid
from negspa_jax.shapes import Array, Bool, Float, Int, Shaped

# A fence: ten rounds are usual, a hundred where moving costs nothing.
MOST_ROUNDS = 1000


def plan_transport(
    masks: Float[Array, "b p q"],
    saliency_blocks: Float[Array, "b p q"],
    *,
    t_eps: float | Float[Array, ""] = 0.8,
) -> Int[Array, "b n"]:
    """Choose which block of an image goes where, at the least cost.

    Over the permutations s of the blocks, the wanted ones being those of mask above 0,

        minimise sum_(wanted j) [t_eps C(s_j, j) - g(s_j)],
        C(i, j) = ((r_i - r_j)^2 + (c_i - c_j)^2) / (max(p, q) - 1)^2

    Args:
        masks: in [0, 1], weight of the image that is transported: the mask for the
            first image of a pair, 1 - mask for the second.
        saliency_blocks: g, of sum 1, of that image. Where one of its blocks is not
            finite, all count alike and nothing moves.
        t_eps: not negative, cost of moving a block over the whole image.

    Returns:
        The row-major index of the block that each block receives, every index once.
        What no wanted block receives stays at home where its home is free.

    Example:
        >>> import jax.numpy as jnp
        >>> masks = jnp.array([[[1.0, 0.0], [1.0, 1.0]]])
        >>> saliency = jnp.array([[[0.0, 0.97], [0.02, 0.01]]])
        >>> plan_transport(masks, saliency).tolist()
        [[1, 0, 2, 3]]
    """
    return _plan(masks, lax.stop_gradient(saliency_blocks), t_eps)


def transport_blocks(
    images: Shaped[Array, "b *pixels c"],
    sources: Int[Array, "b n"],
    *,
    num_blocks: int,
) -> Shaped[Array, "b *pixels c"]:
    """Move whole blocks of pixels: block j of the result is block sources[j].

    Args:
        images: `b h w c` or `b m h w c`; all m sequences of a sample move alike.
        sources: row-major index of the block that each block receives.
        num_blocks: n of the grid n x n, divides height and width.

    Returns:
        The images in their dtype; differentiable.

    Raises:
        ValueError: the grid does not divide the images, or has another size than the
            plan.
    """
    check_grid(images, num_blocks=num_blocks)
    n, (h, w, c) = num_blocks, images.shape[-3:]
    if sources.shape[1] != n * n:
        raise ValueError(
            f"sources must have num_blocks^2 = {n * n} columns, got "
            f"{sources.shape[1]}: plan with masks of {n} x {n} blocks"
        )
    b, m = len(images), math.prod(images.shape[1:-3])
    blocks = images.reshape(b, m, n, h // n, n, w // n, c)
    moved = blocks[jnp.arange(b)[:, None], :, sources // n, :, sources % n]
    moved = moved.reshape(b, n, n, m, h // n, w // n, c)
    return moved.transpose(0, 3, 1, 4, 2, 5, 6).reshape(images.shape)


class _Market(NamedTuple):
    """A batch of problems in whole numbers; the batch is last, for speed on a CPU.

    Attributes:
        wanted: places that the mask shows.
        worth: of a block, from 0 to the most salient's, a power of 2.
        rows: what it costs to move from row to row; above the largest worth, all alike.
        columns: likewise; a way costs the sum of both.
    """

    wanted: Bool[Array, "p q b"]
    worth: Int[Array, "p q b"]
    rows: Int[Array, "p p b"]
    columns: Int[Array, "q q b"]


class _Sale(NamedTuple):
    """Who has which place, -1 where the mask hides it; where each block bid last."""

    owner: Int[Array, "n b"]
    place: Int[Array, "n b"]
    open: Bool[Array, ""]
    rounds: Int[Array, ""]


def _bits(size: int) -> tuple[int, int]:
    # An index and a price share 31 bits; sums reach four times the largest worth.
    index = max(1, (size - 1).bit_length())
    return index, 28 - index


def _open_market(masks: Array, saliency: Array, t_eps: float | Array) -> _Market:
    p, q = masks.shape[1:]
    most = 2.0 ** _bits(p * q)[1]
    saliency = jnp.moveaxis(saliency, 0, -1).astype(jnp.float32)
    finite = jnp.isfinite(saliency).all((0, 1), keepdims=True)
    # Every place receives a block: what all blocks are worth alike decides nothing.
    surplus = jnp.where(finite, saliency - saliency.min((0, 1), keepdims=True), 0.0)
    highest = surplus.max((0, 1), keepdims=True)
    highest = jnp.where(highest > 0, highest, 1.0)

    def ways(n: int) -> Int[Array, "n n b"]:
        squares = (jnp.arange(n)[:, None] - jnp.arange(n)[None]) ** 2
        cost = t_eps * squares[..., None] / max(p - 1, q - 1, 1) ** 2 / highest
        return jnp.round(jnp.minimum(cost * most, most + 1)).astype(jnp.int32)

    worth = jnp.round(surplus / highest * most).astype(jnp.int32)
    return _Market(jnp.moveaxis(masks > 0, 0, -1), worth, ways(p), ways(q))


@jax.jit
def _plan(masks: Array, saliency: Array, t_eps: float | Array) -> Int[Array, "b n"]:
    return _fill(_sell(_open_market(masks, saliency, t_eps))).T


def _sell(market: _Market) -> _Sale:
    # All blocks start at home, the best plan for the blocks that the mask shows now;
    # each round lets in blocks that are worth more for those that are missed least.
    p, q, b = market.worth.shape
    home = jnp.broadcast_to(_count(p * q), (p * q, b))
    owner = jnp.where(market.wanted.reshape(-1, b), home, -1)
    return lax.while_loop(
        lambda sale: sale.open & (sale.rounds < MOST_ROUNDS),
        lambda sale: _bid(market, sale),
        _Sale(owner, home, jnp.array(True), jnp.array(0)),
    )


def _bid(market: _Market, sale: _Sale) -> _Sale:
    # Blocks without a place bid for the one that is cheapest to them, if they are worth
    # it; of those who bid for a place the one that gains most receives it.
    size, b = sale.owner.shape
    bits, index = _bits(size)[0], _count(size)
    outlay, best = _price(market, sale.owner)
    gain = market.worth.reshape(size, b) - outlay
    bids = (_take(sale.owner, sale.place) != index) & (gain > 0)
    place = jnp.where(bids, best, sale.place)
    offers = jnp.where(bids, (gain << bits) | index, -1)
    highest = jnp.full_like(offers, -1).at[place, jnp.arange(b)[None]].max(offers)
    owner = jnp.where(highest >= 0, highest & ((1 << bits) - 1), sale.owner)
    return _Sale(owner, place, bids.any(), sale.rounds + 1)


def _price(market: _Market, owner: Array) -> tuple[Array, Array]:
    # The price of a place is what its owner loses by leaving: all it is worth there, or
    # the difference to another place at that place's price (Bellman and Ford). One
    # unit for each step makes the shorter of equal paths the cheaper; without it two
    # blocks could take a place from each other for ever.
    p, q, b = market.worth.shape
    here, index = jnp.maximum(owner, 0), _count(p * q)
    way = _take(market.rows[0], abs(here // q - index // q))
    way = way + _take(market.columns[0], abs(here % q - index % q))
    leaves = _take(market.worth.reshape(-1, b), here) - way
    prices = jnp.where(owner < 0, 2 << _bits(p * q)[1], leaves)

    def relax(state: tuple[Array, ...]) -> tuple[Array, ...]:
        prices, outlay, _, _ = state
        moves = _take(outlay, here) + 1 - way
        prices = jnp.where(owner < 0, prices, jnp.minimum(prices, moves))
        lower, best = _cheapest(market, prices)
        return prices, lower, best, (lower != outlay).any()

    state: tuple[Array, ...] = (prices, *_cheapest(market, prices), jnp.array(True))
    _, outlay, best, _ = lax.while_loop(lambda state: state[3], relax, state)
    return outlay, best


def _cheapest(market: _Market, prices: Array) -> tuple[Array, Array]:
    # For each block the least sum of a place's price and the way there, and the place.
    shape, (bits, _) = market.worth.shape, _bits(len(prices))
    packed = ((prices << bits) | _count(len(prices))).reshape(shape)
    ways = (market.rows << bits, market.columns << bits)
    # A CPU is fastest in steps, which a GPU would launch one by one.
    least = lax.platform_dependent(packed, *ways, cpu=_in_steps, default=_at_once)
    least = least.reshape(prices.shape)
    return least >> bits, least & ((1 << bits) - 1)


def _at_once(prices: Array, rows: Array, columns: Array) -> Int[Array, "p q b"]:
    # Squared distances are sums over the axes: n^3 sums instead of n^4.
    prices = (prices[None] + rows[:, :, None]).min(1)
    return (prices[:, None] + columns[None]).min(2)


def _in_steps(prices: Array, rows: Array, columns: Array) -> Int[Array, "p q b"]:
    def from_row(k: Array, least: Array) -> Array:
        return jnp.minimum(least, prices[k][None] + rows[k][:, None])

    def from_column(k: Array, least: Array) -> Array:
        return jnp.minimum(least, by_row[:, k][:, None] + columns[k][None])

    start = jnp.full_like(prices, jnp.iinfo(jnp.int32).max)
    by_row = lax.fori_loop(0, len(rows), from_row, start)
    return lax.fori_loop(0, len(columns), from_column, start)


def _fill(sale: _Sale) -> Int[Array, "n b"]:
    # Hidden places receive the blocks that are left: their own, or else in their order.
    (size, b), index = sale.owner.shape, _count(len(sale.owner))
    left = _take(sale.owner, sale.place) != index
    owner = jnp.where((sale.owner < 0) & left, index, sale.owner)
    left, empty = left & (owner != index), owner < 0
    turn = jnp.where(left, jnp.cumsum(left, 0) - 1, size)
    lanes, blocks = jnp.arange(b)[None], jnp.broadcast_to(index, (size, b))
    queue = jnp.zeros_like(owner).at[turn, lanes].set(blocks, mode="drop")
    return jnp.where(empty, _take(queue, jnp.cumsum(empty, 0) - 1), owner)


def _count(size: int) -> Int[Array, "n 1"]:
    return jnp.arange(size, dtype=jnp.int32)[:, None]


def _take(values: Array, indices: Array) -> Array:
    return jnp.take_along_axis(values, indices, axis=0)
