"""Whether predicted probabilities come true: curve, slope, intercept, Brier score."""

import math
from typing import Literal, NamedTuple

import numpy as np

from negspa_jax.shapes import Float, Int, Shaped
from negspa_jax.stats.arrays import as_binary, as_probabilities, check_same_length
from negspa_jax.stats.proportion import clopper_pearson

Binning = Literal["uniform", "quantile"]


class CalibrationCurve(NamedTuple):
    """Bins of patients with similar predictions, in ascending order."""

    predicted: Float[np.ndarray, " bins"]
    observed: Float[np.ndarray, " bins"]
    low: Float[np.ndarray, " bins"]
    high: Float[np.ndarray, " bins"]
    counts: Int[np.ndarray, " bins"]


def calibration_curve(
    labels: Shaped[np.ndarray, " n"],
    probabilities: Shaped[np.ndarray, " n"],
    *,
    num_bins: int = 10,
    binning: Binning = "uniform",
    level: float = 0.95,
) -> CalibrationCurve:
    """Mean prediction and share of positives in bins of the predictions.

    Args:
        labels: 0 or 1.
        probabilities: predicted probability of the positive class, in [0, 1].
        num_bins: at least 1.
        binning: `uniform`: bins of equal width, open at their lower end except the
            first; `quantile`: bins of about equal size.
        level: confidence level of the shares' Clopper-Pearson intervals.

    Returns:
        Of each bin that holds patients: mean prediction, share of positives with its
        interval, and how many patients it holds. No patients: no bins.

    Raises:
        ValueError: if a probability lies outside [0, 1], or an option is none of these.

    Example:
        >>> labels = np.array([0, 0, 1, 1, 1])
        >>> probabilities = np.array([0.1, 0.2, 0.3, 0.8, 0.9])
        >>> curve = calibration_curve(labels, probabilities, num_bins=2)
        >>> curve.predicted.round(3).tolist(), curve.observed.round(3).tolist()
        ([0.2, 0.85], [0.333, 1.0])
        >>> curve.counts.tolist()
        [3, 2]
    """
    positive, predicted = _checked(labels, probabilities)
    place = _bins(predicted, num_bins, binning)
    counts = np.bincount(place, minlength=num_bins)
    filled = counts > 0
    counts, positives, total = (
        np.bincount(place, weights, num_bins)[filled]
        for weights in (None, positive.astype(np.float64), predicted)
    )
    bounds = np.array(
        [
            clopper_pearson(successes=int(k), trials=int(n), level=level)
            for k, n in zip(positives, counts, strict=True)
        ]
    ).reshape(-1, 2)
    return CalibrationCurve(
        total / counts, positives / counts, bounds[:, 0], bounds[:, 1], counts
    )


def expected_calibration_error(
    labels: Shaped[np.ndarray, " n"],
    probabilities: Shaped[np.ndarray, " n"],
    *,
    num_bins: int = 10,
    binning: Binning = "uniform",
) -> float:
    """Mean distance of the calibration curve from the diagonal, weighted by patients.

    ECE = sum over bins of n_bin / n |observed - predicted|. It depends on the bins, and
    in small samples it is far from zero for perfect predictions, too.

    Args:
        labels: 0 or 1.
        probabilities: predicted probability of the positive class, in [0, 1].
        num_bins: at least 1.
        binning: `uniform` or `quantile`, as for the curve.

    Returns:
        The error, from 0 to 1; NaN without patients.

    Reference:
        Naeini MP, Cooper GF, Hauskrecht M. AAAI 2015:2901-2907.

    Example:
        >>> labels = np.array([0, 0, 1, 1, 1])
        >>> probabilities = np.array([0.1, 0.2, 0.3, 0.8, 0.9])
        >>> round(expected_calibration_error(labels, probabilities, num_bins=2), 4)
        0.14
    """
    curve = calibration_curve(labels, probabilities, num_bins=num_bins, binning=binning)
    if not len(curve.counts):
        return math.nan
    distance = np.abs(curve.observed - curve.predicted)
    return float(np.average(distance, weights=curve.counts))


def brier_score(
    labels: Shaped[np.ndarray, " n"], probabilities: Shaped[np.ndarray, " n"]
) -> float:
    """Mean squared distance of the prediction from what happened, 0 at best.

    Brier = 1/n sum (p_i - y_i)^2. Predicting the share of positives s for everybody
    gives s (1 - s).

    Args:
        labels: 0 or 1.
        probabilities: predicted probability of the positive class, in [0, 1].

    Returns:
        The score, from 0 to 1; NaN without patients.

    Reference:
        Brier GW. Mon Weather Rev 1950;78:1-3.

    Example:
        >>> round(brier_score(np.array([0, 1, 1]), np.array([0.1, 0.6, 0.9])), 4)
        0.06
    """
    positive, predicted = _checked(labels, probabilities)
    return float(np.mean((predicted - positive) ** 2)) if len(positive) else math.nan


def _checked(
    labels: np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    positive = as_binary(labels, name="labels")
    predicted = as_probabilities(probabilities)
    check_same_length(labels=positive, probabilities=predicted)
    return positive, predicted


def _bins(
    predicted: Float[np.ndarray, " n"], num_bins: int, binning: str
) -> Int[np.ndarray, " n"]:
    """The bin of each patient, from 0; a value on an edge belongs to the lower bin."""
    if num_bins < 1:
        raise ValueError(f"num_bins must be at least 1, got {num_bins}")
    if binning not in ("uniform", "quantile"):
        raise ValueError(f"binning must be uniform or quantile, got {binning!r}")
    edges = np.linspace(0.0, 1.0, num_bins + 1)
    if binning == "quantile" and len(predicted):
        edges = np.quantile(predicted, edges)
    return np.searchsorted(edges[1:-1], predicted, side="left")
