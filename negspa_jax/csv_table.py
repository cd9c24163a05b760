"""A CSV table as people save it: any delimiter, a byte order mark, quotes, blank rows.

Only the form is judged here; what the columns mean, the reader's caller knows. Tables
of this package's own are written in one form, too.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

_DELIMITERS = ",;\t|"
_MAX_BYTES = 2**28


class Row(NamedTuple):
    """A row that is not blank: its line in the file, and its cells, stripped."""

    line: int
    cells: dict[str, str]


class Table(NamedTuple):
    """Column names in order, rows, and what is wrong with the table's form."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[str, ...]


def read_table(path: Path, *, key: str) -> Table:
    """Read a CSV table whose header must have the column `key`.

    The delimiter (comma, semicolon, tab or bar) is the one that makes `key` a column.
    Cells lose surrounding spaces; rows without any cell filled are left out.

    Returns:
      The table. A row of another length than the header is a problem, and left out;
      where no row can be read at all, the problem says so and there are none.
    """
    text, problem = _decode(path)
    return Table((), (), (problem,)) if problem else parse_table(text, key=key)


def parse_table(text: str, *, key: str) -> Table:
    """The table that a text holds; see `read_table`."""
    delimiter = _find_delimiter(text, key)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        return Table((), (), (f"must be a CSV table, but it is not ({error})",))
    lines = [(number, cells) for number, cells in lines if any(cells)]
    if not lines:
        return Table((), (), ("must be a table with a header, got an empty file",))
    columns = tuple(lines[0][1])
    problems = _check_header(columns)
    rows = []
    for number, cells in lines[1:]:
        if len(cells) != len(columns):
            fault = f"row {number}: must have {len(columns)} cells as the header has, "
            problems.append(f"{fault}got {len(cells)} (delimiter {delimiter!r})")
        else:
            rows.append(Row(number, dict(zip(columns, cells, strict=True))))
    return Table(columns, tuple(rows), tuple(problems))


def format_table(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """The text of a CSV table: commas, a header, lines that end alike everywhere.

    Args:
      columns: their names.
      rows: the cells of each, as many as there are columns.
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def _decode(path: Path) -> tuple[str, str]:
    """The file's text, or why there is none."""
    if path.is_dir():
        return "", "must be a CSV file, got a directory"
    try:
        if path.stat().st_size > _MAX_BYTES:
            return "", f"must be a table of at most {_MAX_BYTES:,} bytes"
        raw = path.read_bytes()
    except OSError as error:
        return "", f"cannot be read ({error.strerror or error})"
    if raw.startswith(b"PK\x03\x04") or raw.startswith(b"\xd0\xcf\x11\xe0"):
        return "", "must be CSV, got an Excel workbook: save it as 'CSV UTF-8'"
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{raw[error.start]:02x} in line {line}"
        return "", f"must be UTF-8, got {byte}: save it as 'CSV UTF-8'"
    if "\0" in text:
        return "", "must be text, got zero bytes: save it as 'CSV UTF-8'"
    return text, ""


def _find_delimiter(text: str, key: str) -> str:
    """The delimiter that makes `key` a column; else the one that makes most columns."""
    header = next((line for line in text.splitlines() if line.strip(" ,;\t|")), "")

    def split(delimiter: str) -> list[str]:
        return [
            cell.strip() for cell in next(csv.reader([header], delimiter=delimiter))
        ]

    return max(_DELIMITERS, key=lambda mark: (key in split(mark), len(split(mark))))


def _check_header(columns: tuple[str, ...]) -> list[str]:
    problems = [
        f"column {name!r} must appear once, got it {columns.count(name)} times"
        for name in dict.fromkeys(columns)
        if name and columns.count(name) > 1
    ]
    if "" in columns:
        place = columns.index("") + 1
        problems.append(f"every column must have a name, but column {place} has none")
    return problems
