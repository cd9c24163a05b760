"""The steps of Puzzle Mix, ours and the published way's, timed in turns."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import torch

from benchmarks import puzzlemix_published as published
from benchmarks.mixcut_problems import (
    Problems,
    price,
    round_all,
    time_candidates,
    to_published,
    to_torch,
)
from negspa_jax import mixcut


def time_steps(
    problems: Problems, n: int, *, rounds: int, slow_rounds: int
) -> dict[str, Any]:
    """Return the times of all steps in ms, and the ratios of the published way's.

    Args:
        problems: to be mixed.
        n: blocks along a side.
        rounds: measured.
        slow_rounds: of the published way's pixels and sum; 0: ours alone.
    """
    has_rival = slow_rounds > 0
    solvers = _solve(problems, n)
    solvers |= _solve_published(problems, n) if has_rival else {}
    times = time_candidates(solvers, rounds=rounds)
    times |= time_candidates(_mix(problems, n), rounds=rounds)
    if has_rival:
        times |= time_candidates(_mix_published(problems, n), rounds=slow_rounds)
    spent = {name: row["ms"] for name, row in times.items()}
    ratios = {"times_mixup": spent["pixels"] / spent["mixup"]}
    for name in list(spent):
        step, _, rival = name.rpartition("_")
        if rival in ("published", "product"):
            suffix = "" if rival == "published" else "_product"
            ratios[f"ratio_{step}{suffix}"] = spent[name] / spent[step]
    return {**round_all(ratios), **times}


def puzzle_options(n: int) -> mixcut.Options:
    """Return Puzzle Mix alone, on one grid."""
    return mixcut.find_options("puzzlemix", num_blocks=(n,))


def _solve(problems: Problems, n: int) -> dict[str, Callable[[], Any]]:
    # Ours, of mask and plan.
    costs, blocks = price(problems, n)
    lam, of_second = jnp.asarray(problems.lam), blocks[problems.partner]

    @jax.jit
    def find_plans(masks: jax.Array, first: jax.Array, second: jax.Array) -> Any:
        weights = jnp.concatenate([masks, 1 - masks])
        return mixcut.plan_transport(weights, jnp.concatenate([first, second]))

    @jax.jit
    def find_both(costs: mixcut.Costs, lam: jax.Array, *blocks: jax.Array) -> Any:
        masks = mixcut.optimize_masks(costs, lam)
        return masks, find_plans(masks, *blocks)

    find_masks = jax.jit(mixcut.optimize_masks)
    masks = find_masks(costs, lam)
    return {
        "mask": lambda: find_masks(costs, lam),
        "plan": lambda: find_plans(masks, blocks, of_second),
        "mask_plan": lambda: find_both(costs, lam, blocks, of_second),
    }


def _solve_published(problems: Problems, n: int) -> dict[str, Callable[[], Any]]:
    costs, blocks = price(problems, n)
    rival, first, lam = to_published(costs), to_torch(blocks), problems.lam
    second = first[to_torch(problems.partner)]
    masks = published.swap_masks(rival, lam)

    def plan(masks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return published.plan_rounds(masks, first), published.plan_rounds(
            1 - masks, second
        )

    return {
        "mask_published": lambda: published.swap_masks(rival, lam),
        "plan_published": lambda: plan(masks),
        "mask_plan_published": lambda: plan(published.swap_masks(rival, lam)),
    }


def _mix(problems: Problems, n: int) -> dict[str, Callable[[], Any]]:
    # Ours, of pixels and sum, and plain Mixup.
    images, saliency, partner, lam = map(jnp.asarray, problems)
    labels = jax.nn.one_hot(jnp.arange(len(images)) % 2, 2)
    key, options = jax.random.key(0), puzzle_options(n)
    plan = jax.jit(mixcut.draw_plan, static_argnames="options")(
        key, images, labels, saliency, options=options
    )
    apply = jax.jit(mixcut.apply_plan)
    whole = jax.jit(mixcut.mixcut, static_argnames="options")

    @jax.jit
    def find_costs(images: jax.Array, saliency: jax.Array, partner: jax.Array) -> Any:
        second, of_second = images[partner], saliency[partner]
        return mixcut.block_costs(images, second, saliency, of_second, num_blocks=n)

    @jax.jit
    def mix_up(images: jax.Array, partner: jax.Array, lam: jax.Array) -> jax.Array:
        share = lam.reshape(-1, *(1,) * (images.ndim - 1))
        return share * images + (1 - share) * images[partner]

    return {
        "mixup": lambda: mix_up(images, partner, lam),
        "costs": lambda: find_costs(images, saliency, partner),
        "pixels": lambda: apply(plan, images),
        "sum": lambda: whole(key, images, labels, saliency, options=options),
    }


def _mix_published(problems: Problems, n: int) -> dict[str, Callable[[], Any]]:
    # Channels first; the sequences are channels, because they share mask and plan.
    images = to_torch(problems.images.transpose(0, 1, 4, 2, 3)).flatten(1, 2)
    saliency, partner = to_torch(problems.saliency), to_torch(problems.partner)
    costs, _ = price(problems, n)
    blocks = published.pool_saliency(saliency, num_blocks=n)
    masks = published.swap_masks(to_published(costs), problems.lam)
    plans = [
        published.plan_rounds(masks, blocks),
        published.plan_rounds(1 - masks, blocks[partner]),
    ]

    def mix(move: Callable[..., torch.Tensor]) -> torch.Tensor:
        first, second = (
            move(x, plan)
            for x, plan in zip((images, images[partner]), plans, strict=True)
        )
        return published.blend(first, second, masks)

    def find_costs() -> published.PublishedCosts:
        blocks = published.pool_saliency(saliency, num_blocks=n)
        return published.price_blocks(images, images[partner], blocks, blocks[partner])

    return {
        "costs_published": find_costs,
        "pixels_published": lambda: mix(published.move_blocks),
        "pixels_product": lambda: mix(published.move_blocks_product),
        "sum_published": lambda: published.puzzle_mix(
            images, saliency, partner, problems.lam, num_blocks=n
        ),
    }
