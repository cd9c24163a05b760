"""The patients of a study as columns: labels, scores of every kind, covariates."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from negspa_jax.columns import COVARIATES, FEATURES, READER, READER_AI
from negspa_jax.predictions import TRAIN, Fold, Prediction, patient_scores
from negspa_jax.shapes import Bool, Float


@dataclass(frozen=True, eq=False)
class Patients:
    """The patients of one split; every array and tuple is in the order of `ids`.

    `labels`: 0 or 1, NaN where unknown. `scores`: by the score's name, in [0, 1];
    every score is there for every patient. `folds`: whose model gave the image score
    (`mean`: all), empty where there are no scores. `columns`: covariates, features,
    readers' calls as text, "" where empty; every column is there for every patient.
    """

    split: str
    ids: tuple[str, ...]
    labels: Float[np.ndarray, " n"]
    scores: Mapping[str, Float[np.ndarray, " n"]]
    folds: tuple[Fold, ...]
    columns: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.ids)

    def choose(self, keep: Bool[np.ndarray, " n"]) -> "Patients":
        """The patients for whom `keep` holds, in the same order."""
        places = np.flatnonzero(keep)
        return Patients(
            self.split,
            tuple(self.ids[i] for i in places),
            self.labels[keep],
            {name: scores[keep] for name, scores in self.scores.items()},
            tuple(self.folds[i] for i in places if self.folds),
            {
                name: tuple(cells[i] for i in places)
                for name, cells in self.columns.items()
            },
        )

    def labelled(self) -> "Patients":
        """The patients whose label is known."""
        return self.choose(~np.isnan(self.labels))


def gather_patients(
    table: Sequence[Prediction],
    *,
    name: str,
    others: Mapping[str, Sequence[Prediction]] | None = None,
) -> dict[str, Patients]:
    """The patients of a predictions table by split, each with the final score.

    The final score is `predictions.patient_scores`'s: the mean over the folds' models
    where there is one, otherwise the only score (out of fold in training).

    Args:
        table: rows as `read_predictions` gives them; their columns become the
            patients'. A cell that is filled in any row of a patient holds for the
            patient; where filled cells differ, the row of the final score is right.
        name: what to call the table's score.
        others: tables of other models by the name of their score; they must hold the
            same patients with the same label and split. Their columns are not read.

    Returns:
        Patients by split, `train` first, then by name; in the table's order.

    Raises:
        ValueError: if a patient has no final score, if a patient's rows differ in a
            feature, covariate or reader's call, or another table holds other patients.

    Example:
        >>> table = [
        ...     Prediction("007", "train", 1, 0, "both", 0.75, {"sex": "F"}),
        ...     Prediction("008", "external", 0, "mean", "both", 0.5, {"sex": "M"}),
        ... ]
        >>> splits = gather_patients(table, name="image")
        >>> list(splits), splits["train"].scores["image"].tolist()
        (['train', 'external'], [0.75])
        >>> splits["external"].columns
        {'sex': ('M',)}
    """
    others = others or {}
    if name in others:
        raise ValueError(f"scores must have different names, got {name!r} twice")
    columns = tuple(dict.fromkeys(column for row in table for column in row.extra))
    names = sorted({row.split for row in table}, key=lambda x: (x != TRAIN, x))
    splits = {split: _gather_split(table, split, name, columns) for split in names}
    for other, rows in others.items():
        _check_same_patients(table, rows, other)
        for split, patients in splits.items():
            scores = {**patients.scores, other: _align_scores(rows, patients)}
            splits[split] = replace(patients, scores=scores)
    return splits


def list_names(names: Iterable[str], *, limit: int = 10) -> str:
    """Names for an error's sentence: all, or the first few and how many more.

    Example:
        >>> list_names(["007", "008", "009"], limit=2)
        '007, 008 and 1 more'
    """
    found = list(names)
    more = f" and {len(found) - limit} more" if len(found) > limit else ""
    return ", ".join(found[:limit]) + more


def _gather_split(
    table: Sequence[Prediction], split: str, name: str, columns: tuple[str, ...]
) -> Patients:
    final = patient_scores(table, split=split)
    rows = defaultdict(list)
    # The row of the final score stands last: the only one of `both`, or its mean.
    for row in sorted(table, key=lambda row: (row.side == "both", row.fold == "mean")):
        if row.split == split:
            rows[row.patient_id].append(row)
    _check_scored(rows, final.patient_ids)
    return Patients(
        split=split,
        ids=final.patient_ids,
        labels=final.labels,
        scores={name: final.scores},
        folds=tuple(rows[patient_id][-1].fold for patient_id in final.patient_ids),
        columns={
            column: tuple(_read_cell(rows[p], column) for p in final.patient_ids)
            for column in columns
        },
    )


def _read_cell(rows: Sequence[Prediction], column: str) -> str:
    filled = [row.extra.get(column, "").strip() for row in rows]
    filled = [cell for cell in filled if cell]
    known = column in (*FEATURES, *COVARIATES) or column.startswith((READER, READER_AI))
    if known and len(set(filled)) > 1:
        raise ValueError(
            f"patient {rows[0].patient_id}, column {column}: must be the same in all "
            f"rows of the patient, got {list_names(sorted(set(filled)))}"
        )
    return filled[-1] if filled else ""


def _check_scored(rows: Mapping[str, object], scored: Sequence[str]) -> None:
    missing = sorted(set(rows) - set(scored))
    if missing:
        raise ValueError(
            "every patient must have a row of side both, got none for "
            f"{list_names(missing)}; add the mean of the sides (predictions.bilateral)"
        )


def _check_same_patients(
    table: Sequence[Prediction], rows: Sequence[Prediction], other: str
) -> None:
    ours, theirs = (
        {row.patient_id: row for row in each if row.side == "both"}
        for each in (table, rows)
    )
    common = [(row, theirs[name]) for name, row in ours.items() if name in theirs]
    problems = {
        "lacks": [name for name in ours if name not in theirs],
        "adds": [name for name in theirs if name not in ours],
        "has another label for": [
            a.patient_id for a, b in common if a.label != b.label
        ],
        "has another split for": [
            a.patient_id for a, b in common if a.split != b.split
        ],
    }
    found = [f"{what} {list_names(names)}" for what, names in problems.items() if names]
    if found:
        raise ValueError(
            f"the table of {other} must score the same patients as the first table, "
            f"with the same label and split, but it {'; it '.join(found)}"
        )


def _align_scores(
    rows: Sequence[Prediction], patients: Patients
) -> Float[np.ndarray, " n"]:
    found = patient_scores(rows, split=patients.split)
    by_patient = dict(zip(found.patient_ids, found.scores, strict=True))
    return np.array([by_patient[patient_id] for patient_id in patients.ids])
