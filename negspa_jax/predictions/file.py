"""The predictions table as a file, read with every check and written atomically."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from negspa_jax import csv_table
from negspa_jax.columns import NO_SPLIT
from negspa_jax.csv_table import (
    format_table,
    parse_table,
    quote_text,
    read_table,
    show_names,
)
from negspa_jax.predictions.table import (
    SIDES,
    Fold,
    Prediction,
    Table,
    conflicts,
    first_few,
    ordered,
    refuse,
)
from negspa_jax.whole_file import write_text


def write_predictions(path: str | Path, table: Sequence[Prediction]) -> None:
    """Write the table so that the file is there whole, or not at all.

    Raises:
        ValueError: if the table would not be accepted by `read_predictions`.
    """
    path = Path(path)
    parsed = parse_table(_format(table), key="patient_id")
    checked = _parse(parsed, name=path.name)
    write_text(path, _format(ordered(checked)))


def read_predictions(path: str | Path) -> Table:
    """Read and check a predictions table, written here or elsewhere.

    Raises:
        ValueError: one for the whole file, with every problem of every row.
    """
    return _parse(read_table(Path(path), key="patient_id"), name=str(path))


def _format(table: Sequence[Prediction]) -> str:
    extra = list(dict.fromkeys(name for row in table for name in row.extra))
    rows = []
    for row in table:
        label = "" if row.label is None else row.label
        cells = [row.patient_id, row.split, label, row.fold, row.side]
        others = [row.extra.get(name, "") for name in extra]
        rows.append([*cells, repr(float(row.score)), *others])
    return format_table([*_COLUMNS, *extra], rows)


def _text(cell: str) -> str:
    if not cell or cell != cell.strip() or not cell.isprintable():
        raise ValueError
    return cell


def parse_label(cell: str) -> int | None:
    """A label's cell as 0, 1 or None; KeyError or ValueError for anything else."""
    if not cell.strip():
        return None
    # pandas writes 1.0 where other rows of the column are empty.
    return {0.0: 0, 1.0: 1}[float(cell)]


def _fold(cell: str) -> Fold:
    return "mean" if cell == "mean" else int(cell if cell.isdecimal() else "")


def _side(cell: str) -> str:
    return SIDES[SIDES.index(cell)]


def _score(cell: str) -> float:
    # A comma is the decimal sign of half the world's spreadsheets.
    score = float(cell.replace(",", ".", 1))
    if not 0.0 <= score <= 1.0:
        raise ValueError
    return score


_COLUMNS: dict[str, tuple[Callable[[str], Any], str]] = {
    "patient_id": (_text, "printable text"),
    "split": (_text, "printable text"),
    "label": (parse_label, "0, 1 (the positive class) or empty"),
    "fold": (_fold, "a whole number from 0, or mean"),
    "side": (_side, "left, right, whole or both"),
    "score": (_score, "a number from 0 to 1 (percent / 100)"),
}
# Beside predictions.csv: the patients of the split `train` who have no score.
UNSCORED = "unscored.csv"
_DEFAULTS = {"split": NO_SPLIT, "fold": "mean", "side": "both"}


def _parse(table: csv_table.Table, *, name: str) -> Table:
    problems = list(table.problems)
    missing = _missing_columns(table.columns) if table.columns else []
    if missing:
        refuse([*missing, *problems], name)
    rows: list[tuple[str, Prediction]] = []
    faults: dict[str, list[str]] = {}
    for line, cells in table.rows:
        where = f"row {line}"
        found = _values(cells, where, faults)
        if found is not None:
            rows.append((where, found))
    for column, lines in faults.items():
        problems += first_few(lines, f"of column {column}")
    if not rows and not problems:
        problems = ["must hold at least one row, got the header only"]
    refuse(problems + conflicts(rows), name)
    return tuple(row for _, row in rows)


def _values(
    cells: dict[str, str], where: str, faults: dict[str, list[str]]
) -> Prediction | None:
    sound = True
    extra = {name: cell for name, cell in cells.items() if name not in _COLUMNS}
    values: dict[str, Any] = {}
    for column, (convert, wanted) in _COLUMNS.items():
        cell = cells.get(column, _DEFAULTS.get(column, ""))
        try:
            values[column] = convert(cell)
        except (ValueError, KeyError):
            fault = (
                f"{where}, column {column}: must be {wanted}, got {quote_text(cell)}"
            )
            faults.setdefault(column, []).append(fault)
            sound = False
    return Prediction(**values, extra=extra) if sound else None


def _missing_columns(columns: Sequence[str]) -> list[str]:
    same = {column.casefold(): column for column in columns}
    return [
        f"column {name} must be written like this, got {quote_text(same[name])}"
        if name in same
        else f"column {name} must be there, got the columns {show_names(columns)!r}"
        for name in _COLUMNS
        if name not in _DEFAULTS and name not in columns
    ]
