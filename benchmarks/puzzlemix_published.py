"""The published way of Puzzle Mix, written from its description; `mixcut`'s rival.

    block costs       on the batch
    mask              alpha-beta swap by the package gco-wrapper, a call for each pair
    transport plan    n rounds on dense costs, on the batch
    pixels            dense product of the plans with the images' blocks, in chunks

gco-wrapper (`pip install -e ".[benchmark]"`) wraps code whose licence allows research
only: it is needed here and nowhere in the package. It computes with C integers, and
the published scale is kept: a unary cost above 2^31 / (1e8 n^2), 8.4 % of the saliency
at n = 16, overflows, and that block silently goes to the wrong image.

Reference: Kim, Choo, Song, Puzzle Mix, ICML 2020, Section 3.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import avg_pool2d

BETA, GAMMA, ETA, T_EPS, NEIGH_SIZE, NUM_LABELS = 1.2, 0.5, 0.2, 0.8, 4, 3
# The expanded product takes this much at a time.
CHUNK_BYTES = 2**30
# Published: costs times 1000 n^2, which gco-wrapper multiplies by 1e5 once more.
SCALE, WRAPPER_SCALE = 1000, 100_000


class PublishedCosts(NamedTuple):
    """Costs of the first and of the second image, weights of the edges."""

    first: torch.Tensor
    second: torch.Tensor
    vertical: torch.Tensor
    horizontal: torch.Tensor


def pool_saliency(saliency: torch.Tensor, *, num_blocks: int) -> torch.Tensor:
    """Average of each block, divided by the sum."""
    height, width = (side // num_blocks for side in saliency.shape[-2:])
    pooled = avg_pool2d(saliency[:, None], (height, width))[:, 0]
    return pooled / pooled.sum((1, 2), keepdim=True)


def price_blocks(
    first: torch.Tensor,
    second: torch.Tensor,
    blocks_first: torch.Tensor,
    blocks_second: torch.Tensor,
    *,
    neigh_size: int = NEIGH_SIZE,
) -> PublishedCosts:
    """Return the costs of images (b, channels, h, w) with these block saliencies."""
    n = blocks_first.shape[-1]
    scale = BETA / (16 * n)
    block = first.shape[-1] // n
    # The published code fails where its cell does not divide the block.
    cell = max(r for r in range(1, neigh_size + 1) if block % r == 0)
    pair = [avg_pool2d(images, cell) for images in (first, second)]
    rows = _edge_costs(pair, n)
    columns = _edge_costs([images.transpose(2, 3) for images in pair], n)
    columns = {name: phi.transpose(1, 2) for name, phi in columns.items()}
    costs = []
    for other, own, mixed in ((blocks_second, "11", "10"), (blocks_first, "00", "01")):
        total = torch.zeros_like(other)
        total[:, :-1] += rows[own] + rows[mixed]
        total[:, 1:] += rows[own] + rows[mixed[::-1]]
        total[:, :, :-1] += columns[own] + columns[mixed]
        total[:, :, 1:] += columns[own] + columns[mixed[::-1]]
        costs.append(other + scale * GAMMA / 2 * total)
    edges = (
        scale * (1 + GAMMA / 2 * (phi["10"] + phi["01"] - phi["11"] - phi["00"]))
        for phi in (rows, columns)
    )
    return PublishedCosts(*costs, *edges)


def _edge_costs(pair: list[torch.Tensor], n: int) -> dict[str, torch.Tensor]:
    # phi(a, c) along the edges between rows of blocks; 1 is the first image.
    cells = pair[0].shape[2] // n
    before = [images[:, :, cells - 1 : -1 : cells] for images in pair]
    after = [images[:, :, cells::cells] for images in pair]
    return {
        f"{1 - a}{1 - c}": (before[a] - after[c])
        .abs()
        .mean(1)
        .unflatten(-1, (n, -1))
        .mean(-1)
        for a in (0, 1)
        for c in (0, 1)
    }


def swap_mask(
    first: np.ndarray,
    second: np.ndarray,
    vertical: np.ndarray,
    horizontal: np.ndarray,
    lam: float,
    *,
    num_labels: int = NUM_LABELS,
) -> np.ndarray:
    """Return one pair's weights of the first image, by alpha-beta swap."""
    import gco  # not needed where only training is measured

    top, scale = num_labels - 1, SCALE * first.size
    weights = 1 - np.arange(num_labels) / top  # label 0 is the first image
    unary = (
        np.multiply.outer(first, weights)
        + np.multiply.outer(second, 1 - weights)
        + ETA / first.size * price_shares(lam, num_labels)[::-1]
    )
    smooth = np.subtract.outer(weights, weights) ** 2
    labels = gco.cut_grid_graph(
        (scale * unary).astype(np.int32),
        smooth.astype(np.float32),
        (scale * vertical).astype(np.int32),
        (scale * horizontal).astype(np.int32),
        n_iter=-1,
        algorithm="swap",
    )
    return weights[labels].reshape(first.shape).astype(np.float32)


def swap_masks(
    costs: PublishedCosts, lam: np.ndarray, *, num_labels: int = NUM_LABELS
) -> torch.Tensor:
    """Return a batch of masks: to the host, a call for each pair, and back."""
    cut = partial(swap_mask, num_labels=num_labels)
    masks = list(map(cut, *(array.cpu().numpy() for array in costs), lam))
    return torch.from_numpy(np.stack(masks)).to(costs.first.device)


def overflows(costs: PublishedCosts) -> np.ndarray:
    """Return which pairs' costs the published integers cannot hold."""
    largest = torch.maximum(costs.first, costs.second).amax((1, 2)).cpu().numpy()
    size = costs.first[0].numel()
    return largest * SCALE * WRAPPER_SCALE * size >= 2**31


def price_shares(lam: float, num_labels: int) -> np.ndarray:
    """Return P(k/(L-1)), k = 0 ... L-1: minus the logarithm of the binomial."""
    top, lam = num_labels - 1, min(max(lam, 1e-4), 1 - 1e-4)
    k = np.arange(num_labels)
    choices = np.log([math.comb(top, i) for i in k])
    return -(choices + k * math.log(lam) + (top - k) * math.log1p(-lam))


def masks_energy(
    masks: np.ndarray, costs: Sequence[Any], lam: np.ndarray, num_labels: int = 3
) -> np.ndarray:
    """Return each pair's energy E(m), in float64."""
    m = np.asarray(masks, float)
    first, second, vertical, horizontal = (np.asarray(c, float) for c in costs)
    labels = np.rint(m * (num_labels - 1)).astype(int)
    prices = np.stack([price_shares(float(share), num_labels) for share in lam])
    prior = ETA * np.stack([p[k].mean() for p, k in zip(prices, labels, strict=True)])
    shown = (m * first + (1 - m) * second).sum((1, 2))
    down = (vertical * np.diff(m, axis=1) ** 2).sum((1, 2))
    right = (horizontal * np.diff(m, axis=2) ** 2).sum((1, 2))
    return shown + down + right + prior


def plan_rounds(masks: torch.Tensor, blocks: torch.Tensor) -> torch.Tensor:
    """Return the dense plan (b, sources, targets) of 0 and 1.

    In each of n rounds every source claims its cheapest target; of the claimants the
    cheapest wins, and to the losers that target costs 1 more. The wins of the last
    round are the plan: not every source or target is in it.
    """
    n = masks.shape[-1]
    wanted = (masks > 0).float().flatten(1)
    costs = (
        T_EPS * distances(n).to(masks)
        - blocks.reshape(len(masks), -1, 1) * (wanted[:, None])
    )
    won = torch.zeros_like(costs)
    for _ in range(n):
        claims = torch.zeros_like(costs)
        claims.scatter_(2, costs.argmin(2, keepdim=True), 1.0)
        fought = torch.where(claims > 0, costs, math.inf)
        won = torch.zeros_like(costs)
        won.scatter_(1, fought.argmin(1, keepdim=True), 1.0)
        won *= claims
        costs += claims - won
    return won


def distances(n: int) -> torch.Tensor:
    """Return C, squared distance of two blocks as a share of the grid's side."""
    row, column = torch.meshgrid(torch.arange(n), torch.arange(n), indexing="ij")
    place = torch.stack([row, column], -1).reshape(-1, 2).float()
    return (place[:, None] - place[None]).square().sum(-1) / (n - 1) ** 2


def move_blocks(images: torch.Tensor, plan: torch.Tensor) -> torch.Tensor:
    """Move the blocks of images (b, channels, h, w) by the product with a dense plan.

    The plan is expanded over channels and the pixels of a block, in chunks of samples.
    """
    n = math.isqrt(plan.shape[-1])
    channels, h, w = images.shape[1:]
    expanded = plan[0].numel() * channels * (h // n) * (w // n) * 4
    size = max(1, CHUNK_BYTES // expanded)
    chunks = zip(images.split(size), plan.split(size), strict=True)
    return torch.cat([_move_chunk(some, its, n) for some, its in chunks])


def _move_chunk(images: torch.Tensor, plan: torch.Tensor, n: int) -> torch.Tensor:
    blocks = images.unflatten(3, (n, -1)).unflatten(2, (n, -1))  # b c p y q x
    vectors = blocks.permute(0, 1, 3, 5, 2, 4).flatten(4)[..., None]
    moved = torch.matmul(plan.transpose(1, 2)[:, None, None, None], vectors)[..., 0]
    return moved.unflatten(4, (n, n)).permute(0, 1, 4, 2, 5, 3).reshape(images.shape)


def move_blocks_product(images: torch.Tensor, plan: torch.Tensor) -> torch.Tensor:
    """Do the same without expanding: a matrix product for each sample."""
    n = math.isqrt(plan.shape[-1])
    blocks = images.unflatten(3, (n, -1)).unflatten(2, (n, -1))
    matrix = blocks.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
    moved = torch.bmm(plan.transpose(1, 2), matrix)
    shape = (n, n, images.shape[1], images.shape[2] // n, images.shape[3] // n)
    moved = moved.unflatten(2, shape[2:]).unflatten(1, (n, n))
    return moved.permute(0, 3, 1, 4, 2, 5).reshape(images.shape)


def blend(
    first: torch.Tensor, second: torch.Tensor, masks: torch.Tensor
) -> torch.Tensor:
    """Return m x_i + (1 - m) x_j, for a mask of blocks."""
    height, width = (
        side // n for side, n in zip(first.shape[2:], masks.shape[1:], strict=True)
    )
    weights = masks.repeat_interleave(height, 1).repeat_interleave(width, 2)[:, None]
    return weights * first + (1 - weights) * second


def puzzle_mix(
    images: torch.Tensor,
    saliency: torch.Tensor,
    partner: torch.Tensor,
    lam: np.ndarray,
    *,
    num_blocks: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix a batch (b, channels, h, w) with its partners: all of the above in turn."""
    blocks = pool_saliency(saliency, num_blocks=num_blocks)
    second, blocks_second = images[partner], blocks[partner]
    masks = swap_masks(price_blocks(images, second, blocks, blocks_second), lam)
    first = move_blocks(images, plan_rounds(masks, blocks))
    second = move_blocks(second, plan_rounds(1 - masks, blocks_second))
    return blend(first, second, masks), masks.mean((1, 2))
