"""Which patients a reader should see: the typical ones, and those called wrongly."""

from collections.abc import Sequence

import numpy as np

from negspa_jax.predictions import (
    TRAIN,
    PatientScores,
    Prediction,
    patient_scores,
)
from negspa_jax.shapes import Bool, Float

NUM_TYPICAL = 3
NUM_WRONG = 6


def find_patients(
    table: Sequence[Prediction],
    *,
    splits: Sequence[str] | None = None,
    patient_ids: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """Return the patients that a person named, or those worth showing.

    Args:
        table: a finished run's predictions.
        splits: whose typical and wrong cases are chosen; None for all splits.
        patient_ids: these patients instead.

    Raises:
        ValueError: if a split or a patient is not in the table.
    """
    known = {row.patient_id: row.split for row in table}
    if patient_ids:
        _check_names("patients", patient_ids, list(known))
        return tuple(dict.fromkeys(patient_ids))
    there = list(dict.fromkeys(known.values()))
    _check_names("split", splits or there, there)
    return choose_patients(table, splits=list(dict.fromkeys(splits or there)))


def choose_patients(
    table: Sequence[Prediction], *, splits: Sequence[str]
) -> tuple[str, ...]:
    """Choose typical right and worst wrong cases of each split.

    Score >= cut-off is called positive; the cut-off is Youden's of the out-of-fold
    scores. Of the right calls of a class those whose scores are nearest to these
    calls' median, of the wrong ones those farthest from the cut-off; patients without
    a label are not chosen.

    Args:
        table: a finished run's predictions.
        splits: names, in the order of the result.

    Returns:
        In each split up to three true positives and three true negatives, then up to
        six false positives and six false negatives; ties by the table's order.
    """
    cutoff = find_youden(patient_scores(table, split=TRAIN).labelled())
    chosen: list[str] = []
    for split in splits:
        found = patient_scores(table, split=split).labelled()
        positive, called = found.labels == 1, found.scores >= cutoff
        for right in (positive & called, ~positive & ~called):
            chosen += _nearest_to_median(found, right)
        for wrong in (~positive & called, positive & ~called):
            chosen += _farthest_from(found, wrong, cutoff)
    return tuple(chosen)


def find_youden(patients: PatientScores) -> float:
    """Return the observed score of largest sensitivity + specificity, ties: the lowest.

    Raises:
        ValueError: if a class has no patients.
    """
    positive = patients.labels == 1
    if positive.all() or not positive.any():
        raise ValueError(
            "training patients of both classes must have out-of-fold scores for a "
            f"cut-off, got {positive.sum()} positive and {(~positive).sum()} negative"
        )
    cutoffs = np.unique(patients.scores)
    called = patients.scores >= cutoffs[:, None]
    # Whole numbers over a common denominator tie exactly, fractions do not.
    hits = called[:, positive].sum(1) * (~positive).sum()
    errors = called[:, ~positive].sum(1) * positive.sum()
    return float(cutoffs[np.argmax(hits - errors)])


def _nearest_to_median(patients: PatientScores, group: Bool[np.ndarray, " n"]) -> list:
    if not group.any():
        return []
    distance = np.abs(patients.scores - np.median(patients.scores[group]))
    return _first(patients, group, distance, NUM_TYPICAL)


def _farthest_from(
    patients: PatientScores, group: Bool[np.ndarray, " n"], cutoff: float
) -> list:
    return _first(patients, group, -np.abs(patients.scores - cutoff), NUM_WRONG)


def _first(
    patients: PatientScores,
    group: Bool[np.ndarray, " n"],
    order: Float[np.ndarray, " n"],
    count: int,
) -> list[str]:
    ranked = np.argsort(order, kind="stable")
    return [patients.patient_ids[i] for i in ranked if group[i]][:count]


def _check_names(flag: str, names: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        examples = ", ".join(known[:4])
        raise ValueError(
            f"--{flag} must be in the run's predictions.csv ({examples}, ...), got "
            f"{', '.join(map(repr, unknown))}"
        )
