"""Clinical columns of a cohort table beside the scores of its patients."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from negspa_jax.columns import NO_SPLIT
from negspa_jax.csv_table import Row, read_table
from negspa_jax.predictions.file import parse_label
from negspa_jax.predictions.table import (
    TRAIN,
    VALIDATION,
    Prediction,
    Table,
    first_few,
    refuse,
)

_OWN = ("patient_id", "split", "label")


def join_columns(
    table: Sequence[Prediction], path: str | Path, *, labels: bool = True
) -> tuple[Table, tuple[str, ...]]:
    """Add a cohort table's columns to the rows of its patients.

    A label that the predictions lack is taken from the cohort table, and so is the
    split where the predictions have none (`all`).

    Args:
        table: any predictions.
        path: CSV with a column `patient_id`, one row a patient; its filled cells
            replace those of the same column in `extra`, its empty ones none.
        labels: whether its column `label` is what the predictions' labels are; not
            where these were made by a rule, of grades or readers' calls. Otherwise it
            is not read.

    Returns:
        The rows in their order, and the ids of the cohort's patients without a score.

    Raises:
        ValueError: if a scored patient has no row or several, or another label or
            split; all of it at once.
    """
    found = read_table(Path(path), key="patient_id")
    problems = list(found.problems)
    if found.columns and "patient_id" not in found.columns:
        have = ", ".join(found.columns)
        problems.append(f"column patient_id must be there, got the columns {have!r}")
        refuse(problems, str(path))
    rows: dict[str, Row] = {}
    for row in found.rows:
        name = row.cells["patient_id"]
        if name in rows:
            problems.append(
                f"row {row.line}: patient {name} must have one row, got row "
                f"{rows[name].line} too"
            )
        rows[name] = row
    problems += _disagreements(table, rows, labels)
    refuse(problems, str(path))
    scored = {row.patient_id for row in table}
    joined = tuple(_join(row, rows[row.patient_id].cells, labels) for row in table)
    return joined, tuple(name for name in rows if name not in scored)


def _join(row: Prediction, cells: Mapping[str, str], labels: bool) -> Prediction:
    added = {
        name: cell or row.extra.get(name, "")
        for name, cell in cells.items()
        if name not in _OWN
    }
    label = row.label
    if labels and label is None:
        label = parse_label(cells.get("label", ""))
    split = cells.get("split") or row.split if row.split == NO_SPLIT else row.split
    return replace(row, label=label, split=split, extra={**row.extra, **added})


def _disagreements(
    table: Sequence[Prediction], rows: Mapping[str, Row], labels: bool
) -> list[str]:
    """What the cohort table says against the scores, the first few of each kind."""
    faults: dict[str, list[str]] = {"patients": [], "split": [], "label": []}
    for patient in {row.patient_id: row for row in table}.values():
        name = patient.patient_id
        if name not in rows:
            faults["patients"].append(
                f"patient {name} has a score, so must have a row: complete the table, "
                "or check how ids are spelled"
            )
            continue
        line, cells = rows[name]
        split, label = cells.get("split", ""), cells.get("label", "")
        # A run of one model draws its validation split from the table's train.
        drawn = (split, patient.split) == (TRAIN, VALIDATION)
        if split and patient.split not in (NO_SPLIT, split) and not drawn:
            faults["split"].append(
                f"row {line}: patient {name} must have the split {patient.split} of "
                f"the predictions, got {split!r}"
            )
        faults["label"] += _check_label(patient, label, line) if labels else []
    return [
        line
        for column, lines in faults.items()
        for line in first_few(lines, f"of {column}")
    ]


def _check_label(patient: Prediction, label: str, line: int) -> list[str]:
    try:
        known = parse_label(label)
    except (ValueError, KeyError):
        return [f"row {line}, column label: must be 0, 1 or empty, got {label!r}"]
    if None in (known, patient.label) or known == patient.label:
        return []
    return [
        f"row {line}: patient {patient.patient_id} must have the label {patient.label} "
        f"of the predictions, got {label!r}"
    ]
