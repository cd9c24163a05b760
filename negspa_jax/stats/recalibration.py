"""Calibration slope and intercept: the labels' logistic regression on the predictions.

    logit P(y = 1) = intercept + slope * logit(p)

Perfect predictions have slope 1 and intercept 0. A slope below 1 says that they are too
extreme, as after overfitting; the intercept in the large (with the slope held at 1)
above 0 that they are too low on average.

References:
    [1] Cox DR. Biometrika 1958;45:562-565.
    [2] Van Calster B et al. J Clin Epidemiol 2016;74:167-176.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_expit, logit, ndtri

from negspa_jax.shapes import Bool, Float, Shaped
from negspa_jax.stats.arrays import (
    as_binary,
    as_probabilities,
    check_level,
    check_same_length,
)
from negspa_jax.stats.result import Estimate

# A sigmoid in float32 rounds to exactly 0 or 1, whose logit is infinite.
CLOSEST = 1e-7
# Logits that differ by less differ by rounding: they say nothing about a slope.
NARROWEST = 1e-6
# The search ends with a step of this share of the standard error.
SMALLEST_STEP = 1e-11
MAX_STEPS = 100


class Recalibration(NamedTuple):
    """What the predictions' logits must be multiplied by, and what added."""

    slope: Estimate
    intercept: Estimate
    intercept_in_the_large: Estimate


def fit_recalibration(
    labels: Shaped[np.ndarray, " n"],
    probabilities: Shaped[np.ndarray, " n"],
    *,
    level: float = 0.95,
) -> Recalibration:
    """Calibration slope and intercepts by maximum likelihood, with Wald intervals.

    Args:
        labels: 0 or 1.
        probabilities: predicted probability of the positive class, in [0, 1]; those
            nearer to 0 or 1 than 1e-7 are moved there.
        level: confidence level, between 0 and 1.

    Returns:
        Slope and intercept of the common fit, and the intercept with the slope held at
        1. All NaN if a class has no patients. Slope and intercept are NaN if the
        predictions' logits are equal to 1e-6, and under separation, where a cut-off
        divides the classes but for ties at it: the likelihood then has no maximum, or
        nearly so, and 100 steps of the search do not reach it.

    Raises:
        ValueError: if a probability lies outside [0, 1].

    Example:
        >>> labels = np.array([0, 0, 1, 0, 1, 1])
        >>> probabilities = np.array([0.05, 0.2, 0.3, 0.6, 0.8, 0.95])
        >>> fit = fit_recalibration(labels, probabilities)
        >>> print(fit.slope)
        1.016 (-0.549-2.581)
        >>> print(fit.intercept_in_the_large)
        0.115 (-1.988-2.218)
    """
    check_level(level)
    positive = as_binary(labels, name="labels")
    predicted = as_probabilities(probabilities)
    check_same_length(labels=positive, probabilities=predicted)
    logits = finite_logits(predicted)
    ones, zeros = np.ones_like(logits), np.zeros_like(logits)
    slope = intercept = in_the_large = _wald(math.nan, math.nan, level)
    if positive.any() and not positive.all():
        (in_the_large,) = _fit(positive, ones[:, np.newaxis], logits, level)
        wide = np.ptp(logits) > NARROWEST
        if wide and _overlap(logits[positive], logits[~positive]):
            design = np.stack([logits, ones], axis=1)
            slope, intercept = _fit(positive, design, zeros, level)
    return Recalibration(slope, intercept, in_the_large)


def finite_logits(probabilities: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Logits of probabilities; those nearer to 0 or 1 than 1e-7 are moved there.

    Example:
        >>> finite_logits(np.array([0.0, 0.5, 1.0])).round(2).tolist()
        [-16.12, 0.0, 16.12]
    """
    return logit(np.clip(probabilities, CLOSEST, 1 - CLOSEST))


def _overlap(positives: np.ndarray, negatives: np.ndarray) -> bool:
    """Whether no cut-off separates the classes, in either direction."""
    return bool(positives.min() < negatives.max() and negatives.min() < positives.max())


def _fit(
    positive: Bool[np.ndarray, " n"],
    design: Float[np.ndarray, "n k"],
    offset: Float[np.ndarray, " n"],
    level: float,
) -> list[Estimate]:
    """Logistic regression by Newton's method; steps that gain too little are halved."""
    signs = np.where(positive, 1.0, -1.0)

    def log_likelihood(weights: np.ndarray) -> float:
        return float(np.sum(log_expit(signs * (offset + design @ weights))))

    weights = np.zeros(design.shape[1])
    for _ in range(MAX_STEPS):
        logits = offset + design @ weights
        variances = expit(logits) * expit(-logits)
        covariance = np.linalg.pinv((design.T * variances) @ design)
        gradient = design.T @ (positive - expit(logits))
        step = covariance @ gradient
        # Near the maximum the likelihood differs by rounding only: no loss.
        least = log_likelihood(weights) * (1 + 1e-9)
        while log_likelihood(weights + step) < least + gradient @ step / 4:
            step = step / 2
        weights = weights + step
        errors = np.sqrt(np.diag(covariance))
        if np.all(np.abs(step) <= SMALLEST_STEP * errors):
            return [_wald(*pair, level) for pair in zip(weights, errors, strict=True)]
    return [_wald(math.nan, math.nan, level)] * len(weights)


def _wald(value: float, error: float, level: float) -> Estimate:
    margin = float(ndtri((1 + level) / 2)) * float(error)
    value = float(value)
    return Estimate(value, value - margin, value + margin, level, "logistic, Wald")
