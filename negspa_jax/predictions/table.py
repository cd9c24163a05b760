"""Rows of scores, and what is done with them: sides, folds, selection, checks."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, Literal

import numpy as np

from negspa_jax.shapes import Float

Fold = int | Literal["mean"]

TRAIN = "train"
# Chooses the best epoch of a run of one model, whose training patients have no score.
VALIDATION = "validation"
SIDES = ("left", "right", "whole", "both")


@dataclass(frozen=True)
class Prediction:
    """One row: the score that one model (or the mean of all) gives to one side."""

    patient_id: str
    split: str
    label: int | None
    fold: Fold
    side: str
    score: float
    extra: Mapping[str, str] = field(default_factory=dict)


Table = tuple[Prediction, ...]


@dataclass(frozen=True, eq=False)
class PatientScores:
    """One score a patient, as arrays in the same order; label NaN where unknown."""

    patient_ids: tuple[str, ...]
    labels: Float[np.ndarray, " n"]
    scores: Float[np.ndarray, " n"]

    def labelled(self) -> "PatientScores":
        """The patients whose label is known."""
        known = ~np.isnan(self.labels)
        ids = tuple(
            name for name, keep in zip(self.patient_ids, known, strict=True) if keep
        )
        return PatientScores(ids, self.labels[known], self.scores[known])


def bilateral(sides: Sequence[Prediction]) -> Table:
    """The rows `both`: for each patient and fold the mean of the sides' scores.

    Args:
        sides: rows of the sides `left`, `right` or `whole`, of any patients and folds.

    Returns:
        The new rows only, one for each patient and fold.

    Raises:
        ValueError: if a patient lacks a side that another patient has.

    Example:
        >>> left = Prediction("007", "internal", 1, "mean", "left", 0.5)
        >>> right = Prediction("007", "internal", 1, "mean", "right", 0.75)
        >>> bilateral([left, right])[0].score
        0.625
    """
    groups = defaultdict(list)
    for row in sides:
        groups[row.patient_id, row.fold].append(row)
    wanted = sorted({row.side for row in sides})
    for (patient_id, fold), rows in groups.items():
        got = sorted(row.side for row in rows)
        if got != wanted:
            raise ValueError(
                f"the sides of patient {patient_id}, fold {fold}, must be {wanted} "
                f"once each, as for the other patients, got {got}"
            )
    return tuple(
        replace(rows[0], side="both", score=fmean(row.score for row in rows))
        for rows in groups.values()
    )


def merge_folds(
    tables: Sequence[Sequence[Prediction]],
    *,
    train_ids: Collection[str] | None = None,
) -> Table:
    """One table from the tables of all folds, with the rows `mean` added.

    Args:
        tables: table k holds what the model of fold k scored, with `fold` k: of the
            split `train` the patients held out from it, of other splits everybody.
        train_ids: the training patients, all of whom must have been held out once;
            None: whoever is found.

    Returns:
        All rows, and for each patient and side outside `train` the mean over folds.

    Raises:
        ValueError: if a training patient is not scored by exactly one model, or
            another patient not by every model.
    """
    rows = [row for table in tables for row in table]
    for fold, table in enumerate(tables):
        wrong = {row.fold for row in table} - {fold}
        if wrong:
            raise ValueError(f"table {fold} must hold fold {fold} only, got {wrong}")
    refuse(conflicts((f"fold {row.fold}", row) for row in rows), "the folds' tables")
    train = [row for row in rows if row.split == TRAIN]
    _check_held_out_once(train, train_ids)
    others = [row for row in rows if row.split != TRAIN]
    return ordered([*rows, *_fold_means(others, num_folds=len(tables))])


def patient_scores(
    table: Sequence[Prediction], *, split: str, fold: Fold | None = None
) -> PatientScores:
    """Each patient's score (side `both`) in one split, in the table's order.

    Args:
        table: any predictions.
        split: name of the split.
        fold: a model's number, or `mean`; None: the patient's final score, that is
            the `mean` where there is one, otherwise the only row (out of fold).

    Raises:
        ValueError: if a final score is asked for and a patient has several folds'
            rows without a `mean`.
    """
    rows = [row for row in table if row.split == split and row.side == "both"]
    rows = _final(rows) if fold is None else [r for r in rows if r.fold == fold]
    labels = [float("nan") if row.label is None else row.label for row in rows]
    return PatientScores(
        tuple(row.patient_id for row in rows),
        np.array(labels, dtype=np.float64),
        np.array([row.score for row in rows], dtype=np.float64),
    )


def _fold_means(rows: Sequence[Prediction], *, num_folds: int) -> list[Prediction]:
    groups = defaultdict(list)
    for row in rows:
        groups[row.patient_id, row.side].append(row)
    for (patient_id, side), group in groups.items():
        if len(group) != num_folds:
            raise ValueError(
                f"patient {patient_id}, side {side}, must have a score from each of "
                f"the {num_folds} folds, got folds {[row.fold for row in group]}"
            )
    return [
        replace(group[0], fold="mean", score=fmean(row.score for row in group))
        for group in groups.values()
    ]


def _check_held_out_once(
    rows: Sequence[Prediction], train_ids: Collection[str] | None
) -> None:
    folds: dict[str, list[Fold]] = defaultdict(list)
    for row in rows:
        if row.fold not in folds[row.patient_id]:
            folds[row.patient_id].append(row.fold)
    wanted = set(folds if train_ids is None else train_ids)
    problems = [
        f"patient {name} must be scored by the one model that did not learn from him "
        f"or her, got folds {folds[name]}"
        for name in sorted(wanted | set(folds))
        if len(folds[name]) != 1
    ]
    problems += [
        f"patient {name} must be one of the training patients"
        for name in sorted(set(folds) - wanted)
    ]
    refuse(problems, f"the split {TRAIN}")


def _final(rows: Sequence[Prediction]) -> list[Prediction]:
    groups = defaultdict(list)
    for row in rows:
        groups[row.patient_id].append(row)
    chosen = []
    for patient_id, group in groups.items():
        found = [row for row in group if row.fold == "mean"] or group
        if len(found) > 1:
            raise ValueError(
                f"patient {patient_id} must have one score or a mean, got folds "
                f"{[row.fold for row in group]}; merge the folds, or name one"
            )
        chosen += found
    return chosen


def ordered(table: Iterable[Prediction]) -> Table:
    """The rows in the file's order: split, patient, fold (`mean` last), side."""

    def place(row: Prediction) -> tuple:
        fold = (1, 0) if row.fold == "mean" else (0, row.fold)
        return row.split, row.patient_id, fold, SIDES.index(row.side)

    return tuple(sorted(table, key=place))


def conflicts(rows: Iterable[tuple[str, Prediction]]) -> list[str]:
    """What rows say against each other; each row comes with the words for its place."""
    problems = []
    first: dict[tuple, tuple[str, Any]] = {}
    for where, row in rows:
        score = (row.patient_id, row.fold, row.side)
        if score in first:
            problems.append(
                f"{where}: patient {row.patient_id}, fold {row.fold}, side {row.side}, "
                f"must occur once, got it in {first[score][0]} too"
            )
        first.setdefault(score, (where, None))
        for column in ("split", "label"):
            value = getattr(row, column)
            known = first.setdefault((row.patient_id, column), (where, value))
            if known[1] != value:
                problems.append(
                    f"{where}, column {column}: patient {row.patient_id} must have "
                    f"one {column}, got {value!r}, and {known[1]!r} in {known[0]}"
                )
    return problems


def first_few(problems: Sequence[str], what: str, *, limit: int = 5) -> list[str]:
    """The first problems of a kind, and how many more there are.

    Args:
        problems: of one kind, a sentence each.
        what: names the kind, such as "of column score".
        limit: how many are told in full.
    """
    more = len(problems) - limit
    told = [*problems[:limit]]
    return [*told, f"and {more} more {what}"] if more > 0 else told


def refuse(problems: Sequence[str], name: str) -> None:
    """Raise one ValueError with all problems, if there are any."""
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ValueError("\n  ".join([f"{name} has {count}:", *problems]))
