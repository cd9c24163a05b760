"""Precision and recall: the curve, the area under it, and F1 at one cut-off.

Precision is the positive predictive value, recall the sensitivity. Unlike the ROC
curve, all of these depend on the share of positives among the patients.
"""

from typing import NamedTuple

import numpy as np

from negspa_jax.shapes import Float, Shaped
from negspa_jax.stats.arrays import as_binary, as_scores, check_same_length
from negspa_jax.stats.bootstrap import Method, bootstrap_interval
from negspa_jax.stats.proportion import confusion
from negspa_jax.stats.result import Estimate
from negspa_jax.stats.roc import counts_at_cutoffs


class PrecisionRecallCurve(NamedTuple):
    """One point for each distinct score as cut-off, from the highest to the lowest."""

    recall: Float[np.ndarray, " points"]
    precision: Float[np.ndarray, " points"]
    cutoffs: Float[np.ndarray, " points"]


def pr_curve(
    labels: Shaped[np.ndarray, " n"], scores: Shaped[np.ndarray, " n"]
) -> PrecisionRecallCurve:
    """Precision and recall at every cut-off, where score >= cut-off is called positive.

    Args:
        labels: 0 or 1.
        scores: any finite numbers, higher for the positive class.

    Returns:
        Points for each distinct score, descending. Nobody is called positive above the
        highest, where precision is undefined: that point is left out. Recall is NaN
        without positives.

    Example:
        >>> curve = pr_curve(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
        >>> curve.recall.tolist()
        [0.5, 1.0, 1.0]
        >>> curve.precision.round(3).tolist()
        [1.0, 0.667, 0.5]
        >>> curve.cutoffs.tolist()
        [0.8, 0.4, 0.1]
    """
    positive, values = as_binary(labels, name="labels"), as_scores(scores)
    check_same_length(labels=positive, scores=values)
    cutoffs, true_positives, false_positives = (
        counts[1:] for counts in counts_at_cutoffs(positive, values)
    )
    total = np.sum(positive)
    return PrecisionRecallCurve(
        true_positives / total if total else np.full(len(cutoffs), np.nan),
        true_positives / (true_positives + false_positives),
        cutoffs,
    )


def average_precision(
    labels: Shaped[np.ndarray, " n"], scores: Shaped[np.ndarray, " n"]
) -> float:
    """Area under the precision-recall curve by steps (AUPRC), without interpolation.

    Over the cut-offs k in descending order: sum of (R_k - R_{k-1}) P_k, with R_0 = 0.

    Args:
        labels: 0 or 1.
        scores: any finite numbers, higher for the positive class.

    Returns:
        The area; the share of positives if all scores are equal, 1 without negatives,
        NaN without positives.

    Reference:
        Boyd K, Eng KH, Page CD. ECML PKDD 2013:451-466.

    Example:
        >>> labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8])
        >>> round(average_precision(labels, scores), 4)
        0.8333
    """
    curve = pr_curve(labels, scores)
    if not len(curve.recall):
        return float("nan")
    return float(np.sum(np.diff(curve.recall, prepend=0.0) * curve.precision))


def average_precision_interval(
    labels: Shaped[np.ndarray, " n"],
    scores: Shaped[np.ndarray, " n"],
    *,
    method: Method = "percentile",
    level: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """The average precision with its bootstrap interval, patients drawn by class.

    Args:
        labels: 0 or 1.
        scores: any finite numbers, higher for the positive class.
        method: `percentile` or `bca`.
        level: confidence level, between 0 and 1.
        num_resamples: how often the patients are drawn, at least 1.
        seed: the same seed gives the same bytes.

    Returns:
        The estimate. A class of one patient: the interval is NaN; no positives: all is.

    Example:
        >>> labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
        >>> scores = np.array([0.1, 0.3, 0.2, 0.6, 0.4, 0.7, 0.3, 0.9])
        >>> print(average_precision_interval(labels, scores))
        0.854 (0.600-1.000)
    """
    return bootstrap_interval(
        labels,
        scores,
        statistic=average_precision,
        strata=labels,
        method=method,
        level=level,
        num_resamples=num_resamples,
        seed=seed,
    )


def f1(
    labels: Shaped[np.ndarray, " n"],
    decisions: Shaped[np.ndarray, " n"],
    *,
    method: Method = "percentile",
    level: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """F1 of the positive class with its bootstrap interval, patients drawn by class.

    F1 = 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall.

    Args:
        labels: 0 or 1.
        decisions: 0 or 1.
        method: `percentile` or `bca`.
        level: confidence level, between 0 and 1.
        num_resamples: how often the patients are drawn, at least 1.
        seed: the same seed gives the same bytes.

    Returns:
        The estimate; all NaN if nobody is positive and nobody is called so. A class of
        one patient: the interval is NaN.

    Reference:
        Van Rijsbergen CJ. Information retrieval. 1979; chapter 7.

    Example:
        >>> labels = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0])
        >>> print(f1(labels, np.array([1, 1, 1, 1, 0, 0, 0, 0, 1])))
        0.800 (0.500-1.000)
    """
    return bootstrap_interval(
        labels,
        decisions,
        statistic=_f1,
        strata=labels,
        method=method,
        level=level,
        num_resamples=num_resamples,
        seed=seed,
    )


def _f1(labels: np.ndarray, decisions: np.ndarray) -> float:
    counts = confusion(labels, decisions)
    wrong = counts.false_positives + counts.false_negatives
    twice = 2 * counts.true_positives
    return twice / (twice + wrong) if twice + wrong else float("nan")
