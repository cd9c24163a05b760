"""Patients of `train` without a score: described and counted, never judged.

A run leaves their table beside its predictions, `unscored.csv`: patient_id, label, and
the columns of the predictions. Those with a label are whom a run's one model learned
from; with several folds they have a score out of fold, and are not here. Nobody
learned from those without: the rule of the labels left them without one, such as where
two readers disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from negspa_jax.csv_table import Row, read_table
from negspa_jax.evaluate.patients import Patients, list_names
from negspa_jax.predictions import TRAIN, UNSCORED, Prediction
from negspa_jax.predictions.file import parse_label

ROLE = "patients of train without a score"
_OWN = ("patient_id", "split", "label")


def read_unscored(run: Path) -> Patients | None:
    """The patients of the run's `unscored.csv`; None without it.

    Raises:
        ValueError: if the file is no such table.
    """
    path = run / UNSCORED
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


def join_unscored(unscored: Patients, cohort: Path) -> Patients:
    """Add a cohort table's columns, as `join_columns` does for those with a score.

    Its filled cells replace those that are known; an empty one, or a patient whom it
    does not hold, replaces nothing. Labels stay the run's.

    Args:
        unscored: of `read_unscored`.
        cohort: a table that the predictions were joined to, so that it can be read.
    """
    table = read_table(cohort, key="patient_id")
    rows = {row.cells["patient_id"]: row.cells for row in table.rows}
    added = [name for name in table.columns if name not in _OWN]
    joined = {
        name: tuple(
            rows.get(patient, {}).get(name) or known
            for patient, known in zip(
                unscored.ids, _find_cells(unscored, name), strict=True
            )
        )
        for name in added
    }
    return replace(unscored, columns={**unscored.columns, **joined})


def check_unscored(
    unscored: Patients | None, table: Sequence[Prediction], *, one_model: bool
) -> None:
    """Refuse what would make a score of patients whom its model learned from.

    Args:
        unscored: of `read_unscored`.
        table: the run's predictions.
        one_model: whether the run trained one model, which learned from `train`.

    Raises:
        ValueError: naming the patients.
    """
    ids = unscored.ids if unscored else ()
    scored = {row.patient_id: row.split for row in table}
    both = [patient for patient in ids if patient in scored]
    if both:
        raise ValueError(
            f"patients of {UNSCORED} must have no score, got scores of "
            f"{list_names(both)}"
        )
    taught = sorted(name for name, split in scored.items() if split == TRAIN)
    if one_model and taught:
        raise ValueError(
            f"patients of the split {TRAIN} must have no score where one model learned "
            f"from all of them, got scores of {list_names(taught)}"
        )
    labelled = unscored.labelled().ids if unscored else ()
    if labelled and not one_model:
        raise ValueError(
            f"labelled patients of {TRAIN} must have a score out of fold where there "
            f"are several folds, but {UNSCORED} holds {list_names(labelled)}"
        )


def add_unscored(
    splits: Mapping[str, Patients], unscored: Patients | None
) -> dict[str, Patients]:
    """All patients by split, `train` first: those with a score, and those without.

    What describes patients may be asked of all of them; what judges scores may not, and
    where patients of `train` have none, the whole split is given without.

    Args:
        splits: the patients with scores.
        unscored: of `read_unscored`; their columns become those of the splits.
    """
    if not unscored:
        return dict(splits)
    scored, *_ = splits.values()
    columns = {name: _find_cells(unscored, name) for name in scored.columns}
    train = replace(unscored, columns=columns)
    if TRAIN in splits:
        train = _put_together(splits[TRAIN], train)
    others = {name: some for name, some in splits.items() if name != TRAIN}
    return {TRAIN: train, **others}


def _put_together(scored: Patients, unscored: Patients) -> Patients:
    """The patients of both, of the same columns, without scores."""
    return Patients(
        split=scored.split,
        ids=scored.ids + unscored.ids,
        labels=np.concatenate([scored.labels, unscored.labels]),
        scores={},
        folds=(),
        columns={
            name: cells + unscored.columns[name]
            for name, cells in scored.columns.items()
        },
    )


def _find_cells(unscored: Patients, name: str) -> tuple[str, ...]:
    return unscored.columns.get(name, ("",) * len(unscored))


def _read_label(path: Path, row: Row) -> float:
    cell = row.cells["label"]
    try:
        label = parse_label(cell)
    except (ValueError, KeyError):
        raise ValueError(
            f"{path}: row {row.line}, column label: must be 0, 1 or empty, got {cell!r}"
        ) from None
    return float("nan") if label is None else float(label)
