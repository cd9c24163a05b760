"""Proportions of patients with the exact interval of Clopper and Pearson."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv

from negspa_jax.shapes import Shaped
from negspa_jax.stats.arrays import as_binary, check_level, check_same_length
from negspa_jax.stats.result import Estimate, Interval


class Confusion(NamedTuple):
    """How many patients of each class were called what."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int


def clopper_pearson(*, successes: int, trials: int, level: float = 0.95) -> Interval:
    """The exact confidence interval of a proportion, from the binomial distribution.

    With a = 1 - level, k successes in n trials, and B(q; ., .) the beta quantile:
    low = B(a/2; k, n-k+1), high = B(1-a/2; k+1, n-k).

    Args:
        successes: from 0 to trials.
        trials: number of patients, at least 0.
        level: confidence level, between 0 and 1.

    Returns:
        Lower and upper bound. No successes: low is 0; successes only: high is 1; no
        trials at all: (0, 1), as nothing is known.

    Reference:
        Clopper CJ, Pearson ES. Biometrika 1934;26:404-413.

    Example:
        >>> low, high = clopper_pearson(successes=41, trials=50)
        >>> round(low, 4), round(high, 4)
        (0.6856, 0.9142)
    """
    check_level(level)
    if not 0 <= successes <= trials:
        raise ValueError(
            f"successes must lie between 0 and trials, got {successes} of {trials}"
        )
    tail = (1 - level) / 2
    failures = trials - successes
    low = betaincinv(successes, failures + 1, tail) if successes else 0.0
    high = betaincinv(successes + 1, failures, 1 - tail) if failures else 1.0
    return Interval(float(low), float(high))


def proportion_estimate(
    *, successes: int, trials: int, level: float = 0.95
) -> Estimate:
    """The proportion with its Clopper-Pearson interval; no trials: all NaN.

    Example:
        >>> print(proportion_estimate(successes=9, trials=10))
        0.900 (0.555-0.997)
    """
    low, high = clopper_pearson(successes=successes, trials=trials, level=level)
    if not trials:
        return Estimate(math.nan, math.nan, math.nan, level, "Clopper-Pearson")
    return Estimate(successes / trials, low, high, level, "Clopper-Pearson")


def confusion(
    labels: Shaped[np.ndarray, " n"], decisions: Shaped[np.ndarray, " n"]
) -> Confusion:
    """Count the patients by class and decision (both 0 or 1).

    Example:
        >>> confusion(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0])).true_positives
        2
    """
    positive = as_binary(labels, name="labels")
    called = as_binary(decisions, name="decisions")
    check_same_length(labels=positive, decisions=called)
    return Confusion(
        int(np.sum(positive & called)),
        int(np.sum(~positive & called)),
        int(np.sum(positive & ~called)),
        int(np.sum(~positive & ~called)),
    )


def accuracy(
    labels: Shaped[np.ndarray, " n"],
    decisions: Shaped[np.ndarray, " n"],
    *,
    level: float = 0.95,
) -> Estimate:
    """Share of patients called rightly; NaN without patients.

    Example:
        >>> print(accuracy(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0])))
        0.750 (0.194-0.994)
    """
    counts = confusion(labels, decisions)
    right = counts.true_positives + counts.true_negatives
    return proportion_estimate(successes=right, trials=sum(counts), level=level)


def sensitivity(
    labels: Shaped[np.ndarray, " n"],
    decisions: Shaped[np.ndarray, " n"],
    *,
    level: float = 0.95,
) -> Estimate:
    """Share of the positives called positive; NaN without positives.

    Example:
        >>> print(sensitivity(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0])))
        0.667 (0.094-0.992)
    """
    counts = confusion(labels, decisions)
    positives = counts.true_positives + counts.false_negatives
    return proportion_estimate(
        successes=counts.true_positives, trials=positives, level=level
    )


def specificity(
    labels: Shaped[np.ndarray, " n"],
    decisions: Shaped[np.ndarray, " n"],
    *,
    level: float = 0.95,
) -> Estimate:
    """Share of the negatives called negative; NaN without negatives.

    Example:
        >>> print(specificity(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0])))
        1.000 (0.025-1.000)
    """
    counts = confusion(labels, decisions)
    negatives = counts.true_negatives + counts.false_positives
    return proportion_estimate(
        successes=counts.true_negatives, trials=negatives, level=level
    )


def ppv(
    labels: Shaped[np.ndarray, " n"],
    decisions: Shaped[np.ndarray, " n"],
    *,
    level: float = 0.95,
) -> Estimate:
    """Positive predictive value: share of positives among those called positive.

    NaN if nobody is called positive. It holds for the share of positives in these
    patients only, and so does the negative predictive value.

    Example:
        >>> print(ppv(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0])))
        1.000 (0.158-1.000)
    """
    counts = confusion(labels, decisions)
    called = counts.true_positives + counts.false_positives
    return proportion_estimate(
        successes=counts.true_positives, trials=called, level=level
    )


def npv(
    labels: Shaped[np.ndarray, " n"],
    decisions: Shaped[np.ndarray, " n"],
    *,
    level: float = 0.95,
) -> Estimate:
    """Negative predictive value: share of negatives among those called negative.

    NaN if nobody is called negative.

    Example:
        >>> print(npv(np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0])))
        0.500 (0.013-0.987)
    """
    counts = confusion(labels, decisions)
    called = counts.true_negatives + counts.false_negatives
    return proportion_estimate(
        successes=counts.true_negatives, trials=called, level=level
    )
