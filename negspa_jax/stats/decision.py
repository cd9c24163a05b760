"""What acting on a predicted probability would gain: net benefit and decision curve."""

from typing import NamedTuple

import numpy as np

from negspa_jax.shapes import Float, Shaped
from negspa_jax.stats.arrays import as_binary, as_probabilities, check_same_length


class DecisionCurve(NamedTuple):
    """Net benefit at each threshold; to treat nobody has a net benefit of 0."""

    thresholds: Float[np.ndarray, " t"]
    model: Float[np.ndarray, " t"]
    treat_all: Float[np.ndarray, " t"]


def decision_curve(
    labels: Shaped[np.ndarray, " n"],
    probabilities: Shaped[np.ndarray, " n"],
    *,
    thresholds: Shaped[np.ndarray, " t"] | None = None,
) -> DecisionCurve:
    """Net benefit of treating those whose probability reaches a threshold.

    A threshold t says how sure one must be to treat, and so how many wrongly treated
    weigh as much as one rightly treated:

        net benefit = TP / n - FP / n * t / (1 - t)

    Args:
        labels: 0 or 1.
        probabilities: predicted probability of the positive class, in [0, 1].
        thresholds: in [0, 1); by default 0.01, 0.02, ..., 0.99.

    Returns:
        Net benefits, in patients rightly treated per patient, of the model and of
        treating everybody; NaN without patients.

    Raises:
        ValueError: if a probability or a threshold is out of range.

    Reference:
        Vickers AJ, Elkin EB. Med Decis Making 2006;26:565-574.

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1])
        >>> probabilities = np.array([0.1, 0.2, 0.6, 0.7, 0.9])
        >>> curve = decision_curve(
        ...     labels, probabilities, thresholds=np.array([0.2, 0.5])
        ... )
        >>> curve.model.round(3).tolist(), curve.treat_all.round(3).tolist()
        ([0.3, 0.2], [0.25, -0.2])
    """
    positive = as_binary(labels, name="labels")
    predicted = as_probabilities(probabilities)
    check_same_length(labels=positive, probabilities=predicted)
    levels = _as_thresholds(thresholds)
    odds = levels / (1 - levels)
    true_positives = _at_least(predicted[positive], levels)
    false_positives = _at_least(predicted[~positive], levels)
    # Without patients there is no share of them.
    size = len(positive) or np.nan
    return DecisionCurve(
        levels,
        (true_positives - false_positives * odds) / size,
        (np.sum(positive) - np.sum(~positive) * odds) / size,
    )


def _at_least(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """How many values reach each level."""
    return len(values) - np.searchsorted(np.sort(values), levels, side="left")


def _as_thresholds(thresholds: np.ndarray | None) -> Float[np.ndarray, " t"]:
    if thresholds is None:
        return np.arange(1, 100) / 100
    levels = np.asarray(thresholds, dtype=np.float64)
    if not np.all((levels >= 0) & (levels < 1)):
        raise ValueError(
            f"thresholds must lie in [0, 1), got {levels.tolist()}; "
            "at 1 a patient treated wrongly would weigh infinitely"
        )
    return levels
