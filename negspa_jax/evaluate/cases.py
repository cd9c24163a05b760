"""Every labelled patient with scores and calls: who was called wrongly, and how."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median, stdev

import numpy as np

from negspa_jax.columns import READER, READER_AI
from negspa_jax.evaluate.covariates import read_calls
from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.patients import Patients
from negspa_jax.predictions import SIDES, Prediction, patient_scores

# By label, and whether score >= cut-off.
OUTCOMES = {
    (1, True): "true positive",
    (0, True): "false positive",
    (1, False): "false negative",
    (0, False): "true negative",
}


@dataclass(frozen=True)
class Case:
    """One labelled patient at the primary score's Youden point.

    `outcome`: "true positive", "false positive", "false negative", "true negative".
    `scores`: every score by name. `sides`: the image score of each side. `fold_sd`:
    standard deviation of the folds' image scores, NaN if there is but one. `calls`:
    readers' calls by column (`reader:A`, `reader_ai:A`), where there are any.
    """

    split: str
    patient_id: str
    label: int
    outcome: str
    scores: Mapping[str, float]
    sides: Mapping[str, float]
    fold_sd: float
    calls: Mapping[str, int]


def list_cases(
    splits: Mapping[str, Patients],
    table: Sequence[Prediction],
    *,
    score: str,
    point: OperatingPoint | None,
) -> tuple[Case, ...]:
    """Every labelled patient with the outcome of score >= cut-off.

    Args:
        splits: the patients of each split; those without a label are left out.
        table: the predictions that these patients were gathered from.
        score: name of the primary score.
        point: the operating point that makes calls of it; None: there is no outcome,
            so no case is listed.

    Returns:
        The cases of each split, in the patients' order.

    Raises:
        ValueError: naming the patients, if a reader's cell is not 0, 1 or empty, or if
            a side has several folds' scores without their mean.
    """
    if point is None:
        return ()
    return tuple(
        case
        for patients in splits.values()
        for case in _list_split(patients, table, score, point)
    )


def choose_examples(
    cases: Sequence[Case], *, point: OperatingPoint, typical: int = 3, wrong: int = 6
) -> tuple[Case, ...]:
    """Typical and wrong cases of each split, to be looked at.

    Args:
        cases: of `list_cases`.
        point: the operating point that made their outcomes.
        typical: how many true positives, and how many true negatives: those nearest to
            the median score of all with this outcome.
        wrong: how many false positives and false negatives together: those farthest
            from the cut-off, where the model was surest.

    Returns:
        For each split true positives, true negatives, wrong cases, the most typical
        and the surest first; of equal ones the first by patient id.
    """
    # No score lies above 1: a cut-off that calls nobody positive is as good as 1.
    cutoff = min(point.cutoff, 1.0)
    chosen: list[Case] = []
    for split in dict.fromkeys(case.split for case in cases):
        outcomes: dict[str, list[Case]] = defaultdict(list)
        for case in cases:
            if case.split == split:
                outcomes[case.outcome].append(case)
        for outcome in ("true positive", "true negative"):
            right = outcomes[outcome]
            middle = median(c.scores[point.score] for c in right) if right else 0.0
            chosen += _nearest(right, point.score, middle)[:typical]
        mistaken = outcomes["false positive"] + outcomes["false negative"]
        chosen += _farthest(mistaken, point.score, cutoff)[:wrong]
    return tuple(chosen)


def _nearest(cases: Sequence[Case], score: str, value: float) -> list[Case]:
    return sorted(cases, key=lambda c: (abs(c.scores[score] - value), c.patient_id))


def _farthest(cases: Sequence[Case], score: str, value: float) -> list[Case]:
    return sorted(cases, key=lambda c: (-abs(c.scores[score] - value), c.patient_id))


def _list_split(
    patients: Patients,
    table: Sequence[Prediction],
    score: str,
    point: OperatingPoint,
) -> Iterator[Case]:
    rows = [row for row in table if row.split == patients.split]
    sides = {side: _side_scores(rows, side) for side in SIDES if side != "both"}
    deviations = _fold_deviations(rows)
    calls = {
        column: read_calls(patients, column)
        for column in patients.columns
        if column.startswith((READER, READER_AI))
    }
    for i in np.flatnonzero(~np.isnan(patients.labels)):
        name, label = patients.ids[i], int(patients.labels[i])
        positive = bool(patients.scores[score][i] >= point.cutoff)
        yield Case(
            split=patients.split,
            patient_id=name,
            label=label,
            outcome=OUTCOMES[label, positive],
            scores={kind: float(found[i]) for kind, found in patients.scores.items()},
            sides={side: of[name] for side, of in sides.items() if name in of},
            fold_sd=deviations.get(name, math.nan),
            calls={
                column: int(found[i])
                for column, found in calls.items()
                if not np.isnan(found[i])
            },
        )


def _side_scores(rows: Sequence[Prediction], side: str) -> dict[str, float]:
    """Each patient's final score of one side."""
    found = [replace(row, side="both") for row in rows if row.side == side]
    if not found:
        return {}
    final = patient_scores(found, split=found[0].split)
    return dict(zip(final.patient_ids, final.scores.tolist(), strict=True))


def _fold_deviations(rows: Sequence[Prediction]) -> dict[str, float]:
    """Sample deviation (divisor k - 1) of each patient's scores by k > 1 folds."""
    folds: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.side == "both" and row.fold != "mean":
            folds[row.patient_id].append(row.score)
    return {name: stdev(scores) for name, scores in folds.items() if len(scores) > 1}
