"""Patients whom a run's one model learned from: described and counted, never scored.

A run that validates one model on a split of its own leaves their table beside its
predictions, `learned_from.csv`: patient_id, label, and the columns of the predictions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from negspa_jax.csv_table import Row, read_table
from negspa_jax.evaluate.patients import Patients, list_names
from negspa_jax.predictions import TRAIN, Prediction
from negspa_jax.predictions.file import parse_label

FILE = "learned_from.csv"
ROLE = "patients learned from"
_OWN = ("patient_id", "split", "label")


def read_learned(run: Path) -> Patients | None:
    """The patients of the run's `learned_from.csv`, without scores; None without it.

    Raises:
        ValueError: if the file is no such table.
    """
    path = run / FILE
    if not path.is_file():
        return None
    table = read_table(path, key="patient_id")
    lacking = sorted({"patient_id", "label"} - set(table.columns))
    ids = [row.cells.get("patient_id", "") for row in table.rows]
    if table.problems or lacking or len(set(ids)) < len(ids):
        what = [*table.problems, *(f"column {name} must be there" for name in lacking)]
        twice = list_names(sorted({name for name in ids if ids.count(name) > 1}))
        what += [f"a patient must have one row, got more of {twice}"] if twice else []
        raise ValueError(f"{path}: {'; '.join(what)}; write the run's end again")
    return Patients(
        split=TRAIN,
        ids=tuple(ids),
        labels=np.array([_read_label(path, row) for row in table.rows]),
        scores={},
        folds=(),
        columns={
            name: tuple(row.cells[name] for row in table.rows)
            for name in table.columns
            if name not in _OWN
        },
    )


def join_learned(learned: Patients, cohort: Path) -> Patients:
    """Add a cohort table's columns; patients whom it does not hold have empty cells.

    Args:
        learned: of `read_learned`.
        cohort: a table that the predictions were joined to, so that it can be read.
    """
    table = read_table(cohort, key="patient_id")
    rows = {row.cells["patient_id"]: row.cells for row in table.rows}
    added = [name for name in table.columns if name not in _OWN]
    joined = {
        name: tuple(
            rows[patient][name] if patient in rows else known
            for patient, known in zip(
                learned.ids, _find_cells(learned, name), strict=True
            )
        )
        for name in added
    }
    return replace(learned, columns={**learned.columns, **joined})


def check_learned(learned: Patients, table: Sequence[Prediction]) -> None:
    """Refuse scores of patients whom the model has learned from.

    Raises:
        ValueError: naming them.
    """
    scored = {row.patient_id for row in table}
    both = [patient for patient in learned.ids if patient in scored]
    both += sorted({row.patient_id for row in table if row.split == TRAIN} - set(both))
    if both:
        raise ValueError(
            f"patients of {FILE} or of the split {TRAIN} must have no score where one "
            f"model learned from all of them, got scores of {list_names(both)}"
        )


def add_learned(
    splits: Mapping[str, Patients], learned: Patients | None
) -> dict[str, Patients]:
    """All patients by split: those learned from as `train`, then those with scores.

    What describes patients may be asked of all of them; what judges scores may not.

    Args:
        splits: the patients with scores.
        learned: of `read_learned`; their columns become those of the splits.
    """
    if not learned:
        return dict(splits)
    columns = {
        name: _find_cells(learned, name) for name in next(iter(splits.values())).columns
    }
    return {TRAIN: replace(learned, columns=columns), **splits}


def _find_cells(learned: Patients, name: str) -> tuple[str, ...]:
    return learned.columns.get(name, ("",) * len(learned))


def _read_label(path: Path, row: Row) -> float:
    cell = row.cells["label"]
    try:
        label = parse_label(cell)
    except (ValueError, KeyError):
        raise ValueError(
            f"{path}: row {row.line}, column label: must be 0, 1 or empty, got {cell!r}"
        ) from None
    return float("nan") if label is None else float(label)
