"""A CSV table as people save it: any delimiter, a byte order mark, quotes, blank rows.

Only the form is judged here; what the columns mean, the reader's caller knows. Tables
of this package's own are written in one form, too.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_DELIMITERS = ",;\t|"
# A table of patients is far smaller; what is not would cost memory or hours before its
# fault is found. A spreadsheet has 16,384 columns at most.
_MAX_BYTES = 2**26
_MAX_LINES = 2**18
_MAX_LINE = 2**20
_MAX_COLUMNS = 2**14
_MAX_CELLS = 2**22
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SHOWN = 200  # characters of a text, or names, in a message


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
    num_lines = max(text.count("\n"), text.count("\r"))
    if num_lines > _MAX_LINES:
        fault = f"must have at most {_MAX_LINES:,} lines, got {num_lines:,}"
        return Table((), (), (fault,))
    try:
        delimiter = _find_delimiter(text, key)
        reader = csv.reader(_split_lines(text), delimiter=delimiter)
        cells = ((reader.line_num, [cell.strip() for cell in row]) for row in reader)
        filled = ((number, row) for number, row in cells if any(row))
        return _collect(filled, delimiter, num_lines)
    except csv.Error as error:
        return Table((), (), (f"must be a CSV table, but it is not ({error})",))


def _collect(
    lines: Iterator[tuple[int, list[str]]], delimiter: str, num_lines: int
) -> Table:
    """The table of what is filled in, line by line."""
    _, header = next(lines, (0, []))
    if not header:
        return Table((), (), ("must be a table with a header, got an empty file",))
    columns = tuple(header)
    if len(columns) > _MAX_COLUMNS or len(columns) * num_lines > _MAX_CELLS:
        fault = f"must have at most {_MAX_COLUMNS:,} columns and {_MAX_CELLS:,} cells, "
        fault += f"got {len(columns):,} columns in {num_lines:,} lines"
        return Table((), (), (fault,))
    problems = _check_header(columns)
    rows = []
    for number, cells in lines:
        if len(cells) != len(columns):
            fault = f"row {number}: must have {len(columns)} cells as the header has, "
            problems.append(f"{fault}got {len(cells)} (delimiter {delimiter!r})")
        else:
            rows.append(Row(number, dict(zip(columns, cells, strict=True))))
    return Table(columns, tuple(rows), tuple(problems))


def quote_text(text: str, *, longest: int = _SHOWN) -> str:
    """What a table holds in quotes, on one line, and not longer than a message may be.

    >>> print(quote_text("a\\nb"), quote_text("xyz", longest=2))
    'a\\nb' 'xy...'
    """
    return repr(text if len(text) <= longest else f"{text[:longest]}...")


def show_text(text: str, *, longest: int = _SHOWN) -> str:
    """The same without quotes.

    >>> print(show_text("age"), show_text("a\\nb"))
    age a\\nb
    """
    short = len(text) <= longest and text.isprintable()
    return text if short else quote_text(text, longest=longest)[1:-1]


def show_names(names: Sequence[str]) -> str:
    """Names of columns as a message can show them, the first few of very many."""
    few = [show_text(name) for name in names[:_SHOWN]]
    more = len(names) - len(few)
    return ", ".join(few) + (f" and {more:,} more" if more else "")


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


def _split_lines(text: str) -> Iterator[str]:
    """The lines with their ends, one at a time; csv.Error for one that is too long."""
    for number, found in enumerate(_LINE.finditer(text), start=1):
        if found.end() - found.start() > _MAX_LINE:
            raise csv.Error(f"line {number} has over {_MAX_LINE:,} characters")
        yield found.group()


def _find_delimiter(text: str, key: str) -> str:
    """The delimiter that makes `key` a column; else the one that makes most columns."""
    lines = (line.strip("\r\n") for line in _split_lines(text))
    header = next((line for line in lines if line.strip(" ,;\t|")), "")

    def score(delimiter: str) -> tuple[bool, int]:
        try:
            found = next(csv.reader([header], delimiter=delimiter))
        except csv.Error:  # too long a cell, perhaps of another delimiter's header
            return False, 0
        return key in (cell.strip() for cell in found), len(found)

    return max(_DELIMITERS, key=score)


def _check_header(columns: tuple[str, ...]) -> list[str]:
    problems = [
        f"column {quote_text(name)} must appear once, got it {count} times"
        for name, count in Counter(columns).items()
        if name and count > 1
    ]
    if "" in columns:
        place = columns.index("") + 1
        problems.append(f"every column must have a name, but column {place} has none")
    return problems
