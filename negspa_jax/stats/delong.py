"""Confidence interval of an AUC, and the paired comparison of two, after DeLong.

With m positives X and n negatives Y, psi(x, y) = [x > y] + [x = y] / 2:

    V10(X_i) = mean_j psi(X_i, Y_j)        V01(Y_j) = mean_i psi(X_i, Y_j)
    AUC = mean V10 = mean V01              Var(AUC) = S10 / m + S01 / n

with S the sample variances (divisor m - 1, n - 1). Midranks give all V in
O((m + n) log(m + n)) time and O(m + n) memory.

References:
    [1] DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837-845.
    [2] Sun X, Xu W. IEEE Signal Processing Letters 2014;21:1389-1393.
"""

import math
from typing import Literal

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from negspa_jax.shapes import Float, Shaped
from negspa_jax.stats.arrays import (
    as_binary,
    as_scores,
    check_level,
    check_same_length,
)
from negspa_jax.stats.result import Comparison, Estimate, Interval
from negspa_jax.stats.roc import midranks


def delong_interval(
    labels: Shaped[np.ndarray, " n"],
    scores: Shaped[np.ndarray, " n"],
    *,
    level: float = 0.95,
    scale: Literal["wald", "logit"] = "wald",
) -> Estimate:
    """The AUC with DeLong's confidence interval.

    Wald: AUC +- z SE, clipped to [0, 1], as most papers print it. It covers too rarely
    in small samples (about 92 % instead of 95 % at 45 against 27 patients and an AUC
    of 0.87). On the logit scale, logit(AUC) +- z SE / (AUC (1 - AUC)), the interval
    is closer to its level there.

    Args:
        labels: 0 or 1.
        scores: any finite numbers, higher for the positive class.
        level: confidence level, between 0 and 1.
        scale: `wald` or `logit`.

    Returns:
        The estimate. A class without patients: all NaN. A class of one patient: it has
        no variance, the interval is NaN. No overlap of the classes, or only ties: SE
        is 0 and the interval shrinks to the value, which is no proof of certainty.

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1, 1])
        >>> scores = np.array([0.1, 0.3, 0.6, 0.4, 0.7, 0.9])
        >>> print(delong_interval(labels, scores))
        0.889 (0.581-1.000)
        >>> print(delong_interval(labels, scores, scale="logit"))
        0.889 (0.261-0.995)
    """
    check_level(level)
    if scale not in ("wald", "logit"):
        raise ValueError(f"scale must be wald or logit, got {scale!r}")
    above, below = _placements(as_binary(labels, name="labels"), as_scores(scores))
    # The mean of an empty class is undefined, and numpy would warn.
    value = float(np.mean(above)) if len(above) and len(below) else math.nan
    error = _standard_error(above, below)
    if scale == "logit" and error > 0:
        bounds = _around(float(logit(value)), error / (value * (1 - value)), level)
        low, high = float(expit(bounds.low)), float(expit(bounds.high))
    else:
        bounds = _around(value, error, level)
        low, high = (float(np.clip(bound, 0.0, 1.0)) for bound in bounds)
    name = "Wald" if scale == "wald" else "logit scale"
    return Estimate(value, low, high, level, f"DeLong, {name}")


def delong_test(
    labels: Shaped[np.ndarray, " n"],
    scores_a: Shaped[np.ndarray, " n"],
    scores_b: Shaped[np.ndarray, " n"],
    *,
    level: float = 0.95,
) -> Comparison:
    """Compare the AUCs of two scores of the same patients, two-sided.

    Args:
        labels: 0 or 1.
        scores_a: any finite numbers, higher for the positive class.
        scores_b: the same patients' other scores.
        level: confidence level of the difference's interval, between 0 and 1.

    Returns:
        AUC a - AUC b with its Wald interval, clipped to [-1, 1], z and p. Scores that
        rank alike: difference 0, z 0, p 1. A difference without any variance, a class
        of one patient, or an empty class: z and p are NaN.

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1, 1])
        >>> result = delong_test(
        ...     labels,
        ...     np.array([0.1, 0.3, 0.6, 0.4, 0.7, 0.9]),
        ...     np.array([0.6, 0.1, 0.3, 0.4, 0.2, 0.9]),
        ... )
        >>> round(result.difference, 4), round(result.p_value, 4)
        (0.2222, 0.4795)
    """
    check_level(level)
    positive = as_binary(labels, name="labels")
    above_a, below_a = _placements(positive, as_scores(scores_a))
    above_b, below_b = _placements(positive, as_scores(scores_b))
    # The covariance enters through the placements' differences, which cancel exactly.
    above, below = above_a - above_b, below_a - below_b
    difference = float(np.mean(above)) if len(above) and len(below) else math.nan
    error = _standard_error(above, below)
    if error > 0:
        statistic = difference / error
    else:
        statistic = 0.0 if difference == 0 and error == 0 else math.nan
    low, high = (
        float(np.clip(b, -1.0, 1.0)) for b in _around(difference, error, level)
    )
    p_value = float(2 * ndtr(-abs(statistic)))
    return Comparison(
        difference, low, high, statistic, p_value, "DeLong, paired", level
    )


def _placements(
    positive: Shaped[np.ndarray, " n"], scores: Float[np.ndarray, " n"]
) -> tuple[np.ndarray, np.ndarray]:
    """V10 of the positives and V01 of the negatives, by [2], equation 5."""
    check_same_length(labels=positive, scores=scores)
    num_positive, num_negative = int(positive.sum()), int((~positive).sum())
    ranks = midranks(scores)
    among_positives = midranks(scores[positive])
    among_negatives = midranks(scores[~positive])
    above = (ranks[positive] - among_positives) / max(num_negative, 1)
    below = 1 - (ranks[~positive] - among_negatives) / max(num_positive, 1)
    return above, below


def _standard_error(above: np.ndarray, below: np.ndarray) -> float:
    if len(above) < 2 or len(below) < 2:
        return math.nan
    variance = np.var(above, ddof=1) / len(above) + np.var(below, ddof=1) / len(below)
    return math.sqrt(variance)


def _around(value: float, error: float, level: float) -> Interval:
    margin = float(ndtri((1 + level) / 2)) * error
    return Interval(value - margin, value + margin)
