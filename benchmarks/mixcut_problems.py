"""Samples to be mixed, and how the candidates of `mixcut` are timed on them."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch
from scipy import ndimage

from benchmarks import puzzlemix_published as published
from benchmarks.record import summarize
from negspa_jax import mixcut

# A candidate is repeated within a round, until the round lasts about as long.
ROUND_SECONDS, MOST_REPEATS = 0.1, 200
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Problems(NamedTuple):
    """Samples and how they are paired."""

    images: np.ndarray  # b m h w c, in [0, 1]
    saliency: np.ndarray  # b h w
    partner: np.ndarray  # b
    lam: np.ndarray  # b


def draw_problems(pairs: int, *, inputs: int, size: int, seed: int = 0) -> Problems:
    """Draw smooth images with fine noise, and noisy saliency, from flat to peaked."""
    random = np.random.default_rng(seed)
    shape = (pairs, inputs, size, size, 3)
    images = np.empty(shape, np.float32)
    for image in images.reshape(-1, size, size, 3):
        smooth = draw_field(random, size, 8)[..., None] + 0.1 * random.normal(
            size=(size, size, 3)
        )
        image[:] = 1 / (1 + np.exp(-smooth))
    peaks = np.linspace(0.5, 2, pairs)
    fields = np.stack([peak * draw_field(random, size, 14) for peak in peaks])
    noise = np.abs(random.normal(size=fields.shape))
    return Problems(
        images,
        (np.exp(fields) * noise).astype(np.float32),
        random.permutation(pairs),
        random.uniform(size=pairs).astype(np.float32),
    )


def draw_field(random: np.random.Generator, size: int, cells: int) -> np.ndarray:
    """Draw a smooth field of variance about 1, size x size."""
    coarse = random.normal(size=(cells, cells))
    return ndimage.zoom(coarse, size / cells, order=1, grid_mode=True, mode="nearest")


def price(problems: Problems, num_blocks: int) -> tuple[mixcut.Costs, jax.Array]:
    """Return the costs of all pairs, and the block saliency of all samples."""
    blocks = jax.jit(mixcut.block_saliency, static_argnames="num_blocks")
    costs = jax.jit(mixcut.block_costs, static_argnames="num_blocks")
    images, saliency, partner, _ = map(jnp.asarray, problems)
    second, of_second = images[partner], saliency[partner]
    found = costs(images, second, saliency, of_second, num_blocks=num_blocks)
    return found, blocks(saliency, num_blocks=num_blocks)


def to_torch(array: Any) -> torch.Tensor:
    """Copy an array to the rival's device."""
    return torch.from_numpy(np.array(array)).to(DEVICE)


def to_published(costs: mixcut.Costs) -> published.PublishedCosts:
    """Copy costs to the rival's device."""
    return published.PublishedCosts(*map(to_torch, costs))


def time_candidates(
    candidates: Mapping[str, Callable[[], Any]], *, rounds: int
) -> dict[str, dict[str, float]]:
    """Return every candidate's median and interquartile range in ms."""
    runs = {name: _synchronize(run) for name, run in candidates.items()}
    for run in runs.values():
        run()  # compiles
    repeats = {
        name: int(np.clip(ROUND_SECONDS / _time(run), 1, MOST_REPEATS))
        for name, run in runs.items()
    }
    # Not `time_alternately`, which would run the slowest once more than it must.
    spans: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            spans[name].append(_time(run, repeats[name]))
    return {name: summarize(seconds) for name, seconds in spans.items()}


def round_all(values: Mapping[str, float]) -> dict[str, float]:
    """Round to four digits."""
    return {name: float(f"{value:.4g}") for name, value in values.items()}


def _synchronize(run: Callable[[], Any]) -> Callable[[], None]:
    def wait() -> None:
        jax.block_until_ready(run())
        if DEVICE == "cuda":
            torch.cuda.synchronize()

    return wait


def _time(run: Callable[[], None], count: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(count):
        run()
    return (time.perf_counter() - start) / count
