"""Whether `mixcut`'s rival is the published one, and how good both solutions are."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from benchmarks import puzzlemix_published as published
from benchmarks.mixcut_problems import Problems, to_published, to_torch
from negspa_jax import mixcut

EXACT = 1e-5  # relative gap of an energy that counts as the minimum


def check_published(vectors: str | None) -> Iterator[dict[str, Any]]:
    """Compare the rival with kept inputs and outputs of the original code.

    Raises:
        ValueError: no file, or a difference above 1e-6.
    """
    if vectors is None:
        raise ValueError("--vectors must name puzzlemix_reference.npz, got none")
    with np.load(vectors) as kept:
        names = sorted({key.rsplit("_L")[0] + "_L" + key[-1] for key in _heads(kept)})
        largest = {name: _compare(kept, name) for name in names}
    worst = {
        part: float(f"{max(found[part] for found in largest.values()):.2g}")
        for part in largest[names[0]]
    }
    if max(worst.values()) > 1e-6:
        raise ValueError(f"the rival must be the published one, got {worst}")
    yield {"cases": len(names), "largest_differences": worst}


def _heads(kept: Any) -> Iterator[str]:
    suffix = "_images"
    return (key.removesuffix(suffix) for key in kept if key.endswith(suffix))


def _compare(kept: Any, name: str) -> dict[str, float]:
    n, num_labels = (int(part[1:]) for part in name.split("_"))
    original = {key: kept[f"{name}_{key}"] for key in _KEPT}
    images = torch.from_numpy(original["images"]).permute(0, 3, 1, 2)
    partner = torch.from_numpy(original["partner"]).long()
    lam = np.full(len(images), float(original["lam"]))
    saliency = torch.from_numpy(original["saliency"])
    blocks = published.pool_saliency(saliency, num_blocks=n)
    costs = published.price_blocks(
        images,
        images[partner],
        blocks,
        blocks[partner],
        neigh_size=int(original["neigh"]),
    )
    swapped = published.swap_masks(costs, lam, num_labels=num_labels).numpy()
    energy = published.masks_energy(swapped, costs, lam, num_labels)
    masks = torch.from_numpy(original["mask_swap"])
    plans = {
        "first": (masks, blocks, published.plan_rounds(masks, blocks)),
        "second": (
            1 - masks,
            blocks[partner],
            published.plan_rounds(1 - masks, blocks[partner]),
        ),
    }
    mixed = published.blend(
        published.move_blocks(images, plans["first"][2]),
        published.move_blocks(images[partner], plans["second"][2]),
        masks,
    )
    pairs: dict[str, tuple[Any, np.ndarray]] = {
        "cost_first": (costs.first, original["cost_first"]),
        "cost_second": (costs.second, original["cost_second"]),
        "w_vertical": (costs.vertical, original["w_vertical"]),
        "w_horizontal": (costs.horizontal, original["w_horizontal"]),
        "energy_swap": (energy, original["energy_swap"]),
        "mixed": (mixed.permute(0, 2, 3, 1), original["mixed"]),
    }
    for side, (wanted, share, plan) in plans.items():
        cost = dense_plan_cost(plan.numpy(), wanted.numpy(), share.numpy())
        pairs[f"transport_{side}"] = cost, original[f"transport_rounds_{side}"]
    return {
        part: float(np.abs(np.asarray(found) - known).max())
        for part, (found, known) in pairs.items()
    }


_KEPT = (
    *("images", "saliency", "partner", "lam", "neigh", "mixed", "mask_swap"),
    *("cost_first", "cost_second", "w_vertical", "w_horizontal", "energy_swap"),
    *("transport_rounds_first", "transport_rounds_second"),
)


def measure_masks(costs: mixcut.Costs, lam: np.ndarray) -> dict[str, Any]:
    """Return the gaps of both masks' energies to the proved bound."""
    solution = jax.jit(mixcut.solve_masks)(costs, lam)
    rival = to_published(costs)
    arrays = [np.asarray(array) for array in costs]
    energies = {
        name: published.masks_energy(np.asarray(masks), arrays, lam)
        for name, masks in {
            "ours": solution.masks,
            "swap": published.swap_masks(rival, lam).cpu(),
        }.items()
    }
    # The bound is computed in float32; no energy found is below the minimum.
    bound = np.minimum(solution.bound, np.minimum(*energies.values()))
    overflown = published.overflows(rival)
    above = (energies["ours"] - energies["swap"]) / np.abs(bound)
    found: dict[str, Any] = {"overflown": int(overflown.sum())}
    for name, energy in energies.items():
        gaps = (energy - bound) / np.abs(bound)
        found[name] = {
            "exact": round(float((gaps <= EXACT).mean()), 4),
            "mean_gap": float(f"{gaps.mean():.2g}"),
            "largest_gap": float(f"{gaps.max():.2g}"),
        }
    found["largest_above_swap"] = float(f"{above.max():.2g}")
    return found


def measure_plans(
    costs: mixcut.Costs, blocks: jax.Array, problems: Problems
) -> dict[str, Any]:
    """Return the share of the exact assignment's gain that both plans reach."""
    masks = np.asarray(jax.jit(mixcut.optimize_masks)(costs, problems.lam))
    wanted = np.concatenate([masks, 1 - masks])
    of_all = np.asarray(blocks)
    shares = np.concatenate([of_all, of_all[problems.partner]])
    sources = np.asarray(jax.jit(mixcut.plan_transport)(wanted, shares))
    eye = np.eye(sources.shape[1], dtype=np.float32)
    plans = {
        "identity": np.broadcast_to(eye, (len(sources), *eye.shape)),
        "ours": eye[sources].transpose(0, 2, 1),
        "rounds": published.plan_rounds(to_torch(wanted), to_torch(shares))
        .cpu()
        .numpy(),
    }
    totals = {
        name: dense_plan_cost(plan, wanted, shares) for name, plan in plans.items()
    }
    exact = exact_plan_cost(wanted, shares)
    gain = totals["identity"] - exact
    movable = gain > 1e-6
    found: dict[str, Any] = {"problems": len(gain), "with_a_gain": int(movable.sum())}
    for name in ("ours", "rounds") if movable.any() else ():
        reached = (totals["identity"] - totals[name])[movable] / gain[movable]
        found[name] = {
            "mean_gain": round(float(reached.mean()), 4),
            "least_gain": round(float(reached.min()), 4),
        }
    above = float((totals["ours"] - totals["rounds"]).max())
    return {**found, "largest_above_rounds": float(f"{above:.2g}")}


def dense_plan_cost(
    plans: np.ndarray, wanted: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Return the total cost over the wanted targets of dense plans."""
    costs = plan_costs(wanted, shares)
    asked = (wanted > 0).reshape(len(wanted), 1, -1)
    return (plans * costs * asked).sum((1, 2))


def exact_plan_cost(wanted: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the least total cost over the wanted targets."""
    totals = []
    for cost, asked in zip(plan_costs(wanted, shares), wanted > 0, strict=True):
        columns = cost[:, asked.ravel()]
        totals.append(columns[linear_sum_assignment(columns)].sum())
    return np.array(totals)


def plan_costs(wanted: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return t_eps C_ij - g_i z_j from every source to every target, in float64."""
    b, n, _ = wanted.shape
    asked = (wanted > 0).reshape(b, 1, -1)
    moving = published.T_EPS * published.distances(n).double().numpy()
    return moving - shares.astype(np.float64).reshape(b, -1, 1) * asked
