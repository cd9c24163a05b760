"""One patient's sides through one fold's network, or through all of them at once."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import jax
import numpy as np

from negspa_jax.predict.network import Steps, Variables
from negspa_jax.shapes import Float

# XLA leaves a part of each core idle between the layers of one sample; with more
# samples in flight than this only memory grows (2 cores: 31 images/s -> 35).
_IN_FLIGHT = min(4, os.cpu_count() or 1)


def explain_sides(
    steps: Steps, variables: Variables, images: Float[np.ndarray, "s m h w c"]
) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, "s m p q"]]:
    """Return the score and the Grad-CAM of every side by one fold's variables."""
    scores, maps = explain_folds(steps, [variables], images)
    return scores[0], maps[0]


def explain_folds(
    steps: Steps,
    folds: Sequence[Variables],
    images: Float[np.ndarray, "s m h w c"],
    *,
    with_maps: bool = True,
) -> tuple[Float[np.ndarray, "f s"], Float[np.ndarray, "f s m p q"]]:
    """Return the score and the Grad-CAM of every side by every fold.

    Args:
        steps: from `compile_steps`.
        folds: the variables of each.
        images: of one patient, in [0, 1].
        with_maps: otherwise the maps are all zero.

    Returns:
        Probabilities of the positive class in float64, and maps in logits.
    """

    def ask(place: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        fold, side = place
        score, features = steps.score(folds[fold], images[side : side + 1])
        if not with_maps:
            return jax.device_get(score), np.zeros((1, *features.shape[1:4]), "f4")
        return jax.device_get((score, steps.explain(folds[fold], features)))

    places = [*product(range(len(folds)), range(len(images)))]
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        found = [*pool.map(ask, places)]
    scores, maps = (np.concatenate(part) for part in zip(*found, strict=True))
    shape = (len(folds), len(images))
    return (
        scores.astype(np.float64).reshape(shape),
        maps.reshape(*shape, *maps.shape[1:]),
    )
