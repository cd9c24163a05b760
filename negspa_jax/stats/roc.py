"""The receiver operating characteristic (ROC) curve and the area under it."""

from typing import NamedTuple

import numpy as np

from negspa_jax.shapes import Float, Shaped
from negspa_jax.stats.arrays import as_binary, as_scores, check_same_length


class RocCurve(NamedTuple):
    """One point for each cut-off, from "nobody is positive" to "everybody is"."""

    false_positive_rate: Float[np.ndarray, " points"]
    true_positive_rate: Float[np.ndarray, " points"]
    cutoffs: Float[np.ndarray, " points"]


def roc_curve(
    labels: Shaped[np.ndarray, " n"], scores: Shaped[np.ndarray, " n"]
) -> RocCurve:
    """Both rates at every cut-off, where score >= cut-off is called positive.

    Args:
        labels: 0 or 1.
        scores: any finite numbers, higher for the positive class.

    Returns:
        Points for the cut-offs +inf and each distinct score, descending. The rate of
        a class that has no patients is NaN.

    Example:
        >>> curve = roc_curve(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
        >>> curve.true_positive_rate.tolist()
        [0.0, 0.5, 1.0, 1.0]
        >>> curve.false_positive_rate.tolist()
        [0.0, 0.0, 0.5, 1.0]
        >>> curve.cutoffs.tolist()
        [inf, 0.8, 0.4, 0.1]
    """
    positive, values = as_binary(labels, name="labels"), as_scores(scores)
    check_same_length(labels=positive, scores=values)
    cutoffs, true_positives, false_positives = counts_at_cutoffs(positive, values)
    return RocCurve(
        _rate(false_positives, np.sum(~positive)),
        _rate(true_positives, np.sum(positive)),
        cutoffs,
    )


def auc(labels: Shaped[np.ndarray, " n"], scores: Shaped[np.ndarray, " n"]) -> float:
    """Area under the ROC curve: P(positive's score > negative's) + P(equal) / 2.

    Args:
        labels: 0 or 1.
        scores: any finite numbers, higher for the positive class.

    Returns:
        The area; 0.5 if all scores are equal, NaN if a class has no patients.

    Reference:
        Hanley JA, McNeil BJ. Radiology 1982;143:29-36.

    Example:
        >>> auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
        0.875
    """
    positive, values = as_binary(labels, name="labels"), as_scores(scores)
    check_same_length(labels=positive, scores=values)
    num_positive, num_negative = int(positive.sum()), int((~positive).sum())
    if not num_positive or not num_negative:
        return float("nan")
    surplus = midranks(values)[positive].sum() - num_positive * (num_positive + 1) / 2
    return float(surplus / num_positive / num_negative)


def midranks(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Ranks from 1; equal values share the mean of their ranks. O(n log n)."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def counts_at_cutoffs(
    positive: Shaped[np.ndarray, " n"], scores: Float[np.ndarray, " n"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut-offs (+inf, then distinct scores, descending), true and false positives."""
    cutoffs, place = np.unique(scores, return_inverse=True)
    size = len(cutoffs)
    true = np.bincount(place[positive], minlength=size)[::-1].cumsum()
    false = np.bincount(place[~positive], minlength=size)[::-1].cumsum()
    return (
        np.concatenate([[np.inf], cutoffs[::-1]]),
        np.concatenate([[0], true]),
        np.concatenate([[0], false]),
    )


def _rate(counts: np.ndarray, total: np.integer) -> np.ndarray:
    return counts / total if total else np.full(len(counts), np.nan)
