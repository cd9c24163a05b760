"""Which sequence an image looks like: linear discriminant analysis with shrinkage.

Each sequence's images have a mean of their own; all share one covariance, within
sequences, shrunk as Ledoit and Wolf have it (J Multivar Anal 2004;88:365-411). Twice
the logarithm of a ratio of likelihoods is then a difference of squared Mahalanobis
distances. The features are percentiles of the grey values, and the layout.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.covariance import ledoit_wolf

from negspa_jax.data.spans import Span, fit_span, round_number
from negspa_jax.data.traits import GREYS, GRID, Traits
from negspa_jax.shapes import Float

NUM_FEATURES = len(GREYS) + GRID**2
# What can be unusual by itself, whatever the other does.
PARTS = {"greys": slice(0, len(GREYS)), "layout": slice(len(GREYS), NUM_FEATURES)}
# How an image can lie otherwise than the training patients'.
TURNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "upside down": np.flipud,
    "on its side": np.rot90,
    "on its other side": lambda layout: np.rot90(layout, 3),
    "mirrored": np.fliplr,
}
# What is e^3 = 20 times as likely is said.
MARGIN = 3.0
# Distances of a cohort are measured from patients held out, in so many parts.
_FOLDS = 10
# Features of less spread count as if they had it: all of them are shares of 1.
_LEAST_SPREAD = 0.01
_LEAST_DEVIATION = 0.1  # of the logarithm of a distance


@dataclass(frozen=True)
class Signature:
    """What the images of each sequence look like.

    `means`: by sequence; `covariance`: of all, within sequences; `distances`: by
    sequence and part, squared Mahalanobis distances of patients held out.
    """

    means: Mapping[str, tuple[float, ...]]
    covariance: tuple[tuple[float, ...], ...]
    distances: Mapping[str, Mapping[str, Span]]


def list_features(traits: Traits) -> Float[np.ndarray, " d"]:
    """An image's grey values, then its cells, the mean of its sides.

    The right side is mirrored for that, so that medial comes to lie on medial.
    """
    cells = []
    for side, layout in traits.layout.items():
        grid = np.frombuffer(layout, np.uint8).reshape(GRID, GRID) / 255
        cells.append(grid[:, ::-1] if side == "right" else grid)
    greys = [traits.numbers[name] for name in GREYS]
    return np.concatenate([greys, np.mean(cells, axis=0).ravel()])


def fit_signature(cohort: Sequence[Mapping[str, Traits]]) -> Signature:
    """Describe the images of at least four patients who have the same sequences."""
    names = tuple(cohort[0])
    features = np.array(
        [[list_features(traits[name]) for name in names] for traits in cohort]
    )
    means, covariance = _fit_gaussians(features)
    held_out = _measure_held_out(features)
    distances: dict[str, dict[str, Span]] = {name: {} for name in names}
    for m, name in enumerate(names):
        for number, part in enumerate(PARTS):
            values = held_out[:, m, number].tolist()
            span = fit_span(values, by_ratio=True, least_deviation=_LEAST_DEVIATION)
            if span is not None:
                distances[name][part] = span
    return Signature(
        {name: _freeze(mean) for name, mean in zip(names, means, strict=True)},
        tuple(_freeze(row) for row in covariance),
        distances,
    )


def find_exchanged(
    signature: Signature, images: Mapping[str, Traits]
) -> tuple[dict[str, str], float]:
    """Which image is of which sequence, and the gain over them as they were given.

    Gains are of the logarithm of the likelihood; 0 where none is beyond `MARGIN`.
    """
    found = [_compare_sequences(signature, traits) for traits in images.values()]
    likely = np.array([[as_each[name] for name in images] for as_each in found])
    given, best = (
        np.arange(len(likely)),
        linear_sum_assignment(likely, maximize=True)[1],
    )
    gain = float(likely[given, best].sum() - likely[given, given].sum())
    names = list(images)
    if gain <= MARGIN:
        return dict(zip(names, names, strict=True)), 0.0
    return dict(zip(names, (names[other] for other in best), strict=True)), gain


def find_likeliest(
    signature: Signature, traits: Traits, *, sequence: str
) -> tuple[str, float]:
    """The sequence that one image looks like by itself, and the gain, as above."""
    likely = _compare_sequences(signature, traits)
    best = max(likely, key=lambda name: likely[name])
    gain = likely[best] - likely[sequence]
    return (best, gain) if gain > MARGIN else (sequence, 0.0)


def find_turn(signature: Signature, images: Mapping[str, Traits]) -> tuple[str, float]:
    """Which of `TURNS` all images of a patient seem to have made ("": none); the gain.

    All must agree: oedema alone can make one of them more likely upside down.
    """
    gains = [_compare_turns(signature, traits, name) for name, traits in images.items()]
    least = {turn: min(gain[turn] for gain in gains) for turn in gains[0]}
    best = max(least, key=lambda turn: least[turn])
    if least[best] <= MARGIN:
        return "", 0.0
    return best, sum(gain[best] for gain in gains)


def find_unusual(signature: Signature, traits: Traits, *, sequence: str) -> set[str]:
    """The `PARTS` in which an image is farther from a sequence than is usual."""
    offset = list_features(traits) - np.array(signature.means[sequence])
    covariance = np.array(signature.covariance)
    return {
        name
        for name, part in PARTS.items()
        if _measure(offset[None, part], covariance[part, part])[0]
        > signature.distances[sequence][name].limits[1]
    }


def _compare_sequences(signature: Signature, traits: Traits) -> dict[str, float]:
    """Logarithm of the likelihood, but for a constant, of an image as each sequence."""
    means = np.array(list(signature.means.values()))
    offset = list_features(traits) - means
    likely = -0.5 * _measure(offset, np.array(signature.covariance))
    return dict(zip(signature.means, likely.tolist(), strict=True))


def _compare_turns(
    signature: Signature, traits: Traits, sequence: str
) -> dict[str, float]:
    """By how much each turn makes an image's layout more likely, as logarithm.

    A whole pelvis is symmetric: whether it is mirrored is not asked.
    """
    part = PARTS["layout"]
    layout = list_features(traits)[part].reshape(GRID, GRID)
    turns = [
        name for name in TURNS if name != "mirrored" or "whole" not in traits.layout
    ]
    turned = np.array([layout, *(TURNS[name](layout) for name in turns)])
    offset = turned.reshape(len(turned), -1) - np.array(signature.means[sequence])[part]
    likely = -0.5 * _measure(offset, np.array(signature.covariance)[part, part])
    return dict(zip(turns, (likely[1:] - likely[0]).tolist(), strict=True))


def _fit_gaussians(
    features: Float[np.ndarray, "n m d"],
) -> tuple[Float[np.ndarray, "m d"], Float[np.ndarray, "d d"]]:
    count = len(features)
    means = features.mean(axis=0)
    rest = (features - means).reshape(-1, features.shape[-1])
    rest = rest * np.sqrt(count / (count - 1))
    spread = np.maximum(rest.std(axis=0), _LEAST_SPREAD)
    shrunk, _ = ledoit_wolf(rest / spread, assume_centered=True)
    return means, shrunk * np.outer(spread, spread)


def _measure_held_out(
    features: Float[np.ndarray, "n m d"],
) -> Float[np.ndarray, "n m p"]:
    """Distances, in every part, of patients from what the others look like."""
    count = len(features)
    fold = np.arange(count) % min(count, _FOLDS)
    found = np.empty((*features.shape[:2], len(PARTS)))
    for number in range(fold.max() + 1):
        out = fold == number
        means, covariance = _fit_gaussians(features[~out])
        offset = features[out] - means
        for p, part in enumerate(PARTS.values()):
            found[out, :, p] = _measure(offset[..., part], covariance[part, part])
    return found


def _measure(
    offset: Float[np.ndarray, "... d"], covariance: Float[np.ndarray, "d d"]
) -> Float[np.ndarray, "..."]:
    """Squared Mahalanobis distance."""
    solved = np.linalg.solve(covariance, offset[..., None])[..., 0]
    return np.sum(offset * solved, axis=-1)


def _freeze(row: Float[np.ndarray, " d"]) -> tuple[float, ...]:
    return tuple(round_number(value) for value in row.tolist())
