"""The predictions table as a file, read with every check and written atomically."""

import csv
import io
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from negspa_jax.predictions.table import (
    SIDES,
    Fold,
    Prediction,
    Table,
    conflicts,
    ordered,
    refuse,
)


def write_predictions(path: str | Path, table: Sequence[Prediction]) -> None:
    """Write the table so that the file is there whole, or not at all.

    Raises:
        ValueError: if the table would not be accepted by `read_predictions`.
    """
    path = Path(path)
    checked = _parse(_format(table), name=path.name)
    text = _format(ordered(checked))
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_predictions(path: str | Path) -> Table:
    """Read and check a predictions table, written here or elsewhere.

    Raises:
        ValueError: one for the whole file, with every problem of every row.
    """
    path = Path(path)
    try:
        return _parse(path.read_bytes().decode("utf-8-sig"), name=str(path))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path} must be comma-separated text in UTF-8, got {error}; "
            "export it again as CSV (UTF-8)"
        ) from error


def _format(table: Sequence[Prediction]) -> str:
    extra = list(dict.fromkeys(name for row in table for name in row.extra))
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*_COLUMNS, *extra])
    for row in table:
        label = "" if row.label is None else row.label
        cells = [row.patient_id, row.split, label, row.fold, row.side]
        others = [row.extra.get(name, "") for name in extra]
        writer.writerow([*cells, repr(float(row.score)), *others])
    return file.getvalue()


def _text(cell: str) -> str:
    if not cell or cell != cell.strip() or not cell.isprintable():
        raise ValueError
    return cell


def _label(cell: str) -> int | None:
    if not cell.strip():
        return None
    # pandas writes 1.0 where other rows of the column are empty.
    return {0.0: 0, 1.0: 1}[float(cell)]


def _fold(cell: str) -> Fold:
    return "mean" if cell == "mean" else int(cell if cell.isdecimal() else "")


def _side(cell: str) -> str:
    return SIDES[SIDES.index(cell)]


def _score(cell: str) -> float:
    score = float(cell)
    if not 0.0 <= score <= 1.0:
        raise ValueError
    return score


_COLUMNS: dict[str, tuple[Callable[[str], Any], str]] = {
    "patient_id": (_text, "text without blanks at its ends"),
    "split": (_text, "text without blanks at its ends"),
    "label": (_label, "0, 1 or empty"),
    "fold": (_fold, "a whole number from 0, or mean"),
    "side": (_side, "left, right, whole or both"),
    "score": (_score, "a number from 0 to 1"),
}
_DEFAULTS = {"split": "all", "fold": "mean", "side": "both"}


def _parse(text: str, *, name: str) -> Table:
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    header = [column.strip() for column in lines[0]] if lines else []
    refuse(_header_problems(header), name)
    problems: list[str] = []
    rows: list[tuple[str, Prediction]] = []
    for number, cells in enumerate(lines[1:], start=2):
        if not cells:
            continue
        where = f"row {number}"
        if len(cells) != len(header):
            problems.append(f"{where}: must have {len(header)} cells, got {len(cells)}")
            continue
        found = _values(dict(zip(header, cells, strict=True)), where, problems)
        if found is not None:
            rows.append((where, found))
    if not rows and not problems:
        problems = ["must hold at least one row, got the header only"]
    refuse(problems + conflicts(rows), name)
    return tuple(row for _, row in rows)


def _values(
    cells: dict[str, str], where: str, problems: list[str]
) -> Prediction | None:
    before = len(problems)
    extra = {name: cell for name, cell in cells.items() if name not in _COLUMNS}
    values: dict[str, Any] = {}
    for column, (convert, wanted) in _COLUMNS.items():
        cell = cells.get(column, _DEFAULTS.get(column, ""))
        try:
            values[column] = convert(cell)
        except (ValueError, KeyError):
            problems.append(f"{where}, column {column}: must be {wanted}, got {cell!r}")
    return Prediction(**values, extra=extra) if len(problems) == before else None


def _header_problems(header: Sequence[str]) -> list[str]:
    required = [column for column in _COLUMNS if column not in _DEFAULTS]
    missing = [column for column in required if column not in header]
    repeated = sorted({column for column in header if header.count(column) > 1})
    problems = [
        f"column {column} must be there, got the columns {', '.join(header)!r}"
        for column in missing
    ]
    return problems + [f"column {column!r} must stand once" for column in repeated]
