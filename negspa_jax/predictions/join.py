"""Clinical columns of a cohort table beside the scores of its patients."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from negspa_jax.csv_table import Row, read_table
from negspa_jax.predictions.file import NO_SPLIT, parse_label
from negspa_jax.predictions.table import Prediction, Table, refuse

_OWN = ("patient_id", "split", "label")


def join_columns(
    table: Sequence[Prediction], path: str | Path
) -> tuple[Table, tuple[str, ...]]:
    """Add a cohort table's columns to the rows of its patients.

    A label that the predictions lack is taken from the cohort table, and so is the
    split where the predictions have none (`all`).

    Args:
        table: any predictions.
        path: CSV with a column `patient_id`, one row a patient; its columns replace
            those of the same name in `extra`.

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
            problems.append(f"row {row.line}: patient {name} must have one row")
        rows[name] = row
    problems += _disagreements(table, rows)
    refuse(problems, str(path))
    scored = {row.patient_id for row in table}
    joined = tuple(_join(row, rows[row.patient_id].cells) for row in table)
    return joined, tuple(name for name in rows if name not in scored)


def _join(row: Prediction, cells: Mapping[str, str]) -> Prediction:
    added = {name: cell for name, cell in cells.items() if name not in _OWN}
    label = parse_label(cells.get("label", "")) if row.label is None else row.label
    split = cells.get("split") or row.split if row.split == NO_SPLIT else row.split
    return replace(row, label=label, split=split, extra={**row.extra, **added})


def _disagreements(table: Sequence[Prediction], rows: Mapping[str, Row]) -> list[str]:
    problems = []
    for patient in {row.patient_id: row for row in table}.values():
        name = patient.patient_id
        if name not in rows:
            problems.append(f"patient {name} must have a row, as he or she has a score")
            continue
        line, cells = rows[name]
        split, label = cells.get("split", ""), cells.get("label", "")
        if split and patient.split not in (NO_SPLIT, split):
            problems.append(
                f"row {line}: patient {name} must have the split {patient.split} of "
                f"the predictions, got {split!r}"
            )
        try:
            known = parse_label(label)
        except (ValueError, KeyError):
            problems.append(
                f"row {line}, column label: must be 0, 1 or empty, got {label!r}"
            )
            continue
        if None not in (known, patient.label) and known != patient.label:
            problems.append(
                f"row {line}: patient {name} must have the label {patient.label} of "
                f"the predictions, got {label!r}"
            )
    return problems
