"""Operating points: the score from which a patient is called positive."""

import re

import numpy as np

from negspa_jax.shapes import Shaped
from negspa_jax.stats.arrays import as_binary, as_scores, check_same_length
from negspa_jax.stats.roc import counts_at_cutoffs


def choose_cutoff(
    labels: Shaped[np.ndarray, " n"],
    scores: Shaped[np.ndarray, " n"],
    *,
    rule: str = "youden",
) -> float:
    """Choose the cut-off; score >= cut-off is called positive.

    Candidates are the observed scores and +inf (nobody is positive); the answer is one
    of them, unrounded, so that it can be carried to other patients unchanged.

    Args:
        labels: 0 or 1, both classes present.
        scores: any finite numbers, higher for the positive class.
        rule: `youden`: largest sensitivity + specificity, of several the lowest;
            `sensitivity>=x`: the highest cut-off with at least this sensitivity;
            `specificity>=x`: the lowest with at least this specificity; x in [0, 1].

    Returns:
        The cut-off. If all scores are equal, Youden's is that score.

    Raises:
        ValueError: if a class has no patients, or the rule is none of these.

    Reference:
        Youden WJ. Cancer 1950;3:32-35.

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1])
        >>> scores = np.array([0.1, 0.3, 0.6, 0.4, 0.9])
        >>> choose_cutoff(labels, scores)
        0.4
        >>> choose_cutoff(labels, scores, rule="sensitivity>=0.5")
        0.9
        >>> choose_cutoff(labels, scores, rule="specificity>=0.6")
        0.4
    """
    positive, values = as_binary(labels, name="labels"), as_scores(scores)
    check_same_length(labels=positive, scores=values)
    num_positive, num_negative = int(positive.sum()), int((~positive).sum())
    if not num_positive or not num_negative:
        raise ValueError(
            "labels must hold both classes for a cut-off, "
            f"got {num_positive} positive and {num_negative} negative"
        )
    cutoffs, true_positives, false_positives = counts_at_cutoffs(positive, values)
    true_negatives = num_negative - false_positives
    quantity, wanted = _parse(rule)
    # Candidates descend, so the lowest is the last and the highest the first.
    if quantity == "sensitivity":
        return float(cutoffs[true_positives / num_positive >= wanted][0])
    if quantity == "specificity":
        return float(cutoffs[true_negatives / num_negative >= wanted][-1])
    # Both over a common denominator: whole numbers tie exactly, fractions do not.
    youden = true_positives * num_negative + true_negatives * num_positive
    return float(cutoffs[youden == youden.max()][-1])


def _parse(rule: str) -> tuple[str, float]:
    if rule == "youden":
        return rule, 0.0
    quantity, _, share = rule.partition(">=")
    known = quantity in ("sensitivity", "specificity")
    if not known or not re.fullmatch(r"0?\.\d+|0|1(\.0+)?", share):
        raise ValueError(
            "rule must be youden, sensitivity>=x or specificity>=x with x from 0 to 1, "
            f"got {rule!r}"
        )
    return quantity, float(share)
