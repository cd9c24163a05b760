"""The cells of one row of the cohort table, each read by what it must hold."""

import math
import os
from pathlib import Path

from negspa_jax.csv_table import Row, quote_text, show_text
from negspa_jax.data.radiograph_grey import Crop

# pandas writes whole numbers as 1.0 where a column has gaps.
BINARY = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}
# No file system has longer paths; resolving one of a thousand folders takes for ever.
_MAX_PATH = 4096
# Python refuses to read numbers of thousands of digits.
_MAX_DIGITS = 9


class CellReader:
    """Reads cells, and goes on after a mistake to find the others.

    Args:
      row: of the table.
      folder: where relative paths start.
    """

    def __init__(self, row: Row, folder: Path) -> None:
        self.problems: list[str] = []
        self.row, self._folder = row, folder
        self.used: set[str] = set()

    def fail(self, column: str, must: str, got: str) -> None:
        """Note that a cell is not what it must be."""
        who = show_text(self.row.cells.get("patient_id", ""))
        place = f"row {self.row.line}" + (f" (patient {who})" if who else "")
        what = f"got {quote_text(got)}" if got else "got an empty cell"
        self.problems.append(f"{place}, column {show_text(column)}: {must}, {what}")

    def text(self, column: str) -> str:
        """The cell, "" where it is empty or there is no such column."""
        self.used.add(column)
        return self.row.cells.get(column, "")

    def required(self, column: str) -> str:
        """The cell, which must not be empty where the column is there."""
        text = self.text(column)
        if not text and column in self.row.cells:
            self.fail(column, "must be filled", text)
        return text

    def binary(self, column: str) -> int | None:
        """0, 1, or None where the cell is empty."""
        text = self.text(column)
        if text and text not in BINARY:
            self.fail(column, "must be 0, 1 or empty", text)
        return BINARY.get(text)

    def number(self, column: str, *, highest: int) -> float | None:
        """A number from 0, or None where the cell is empty."""
        text = self.text(column)
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 <= number <= highest:
            must = f"must be a number from 0 to {highest} (with a decimal point)"
            self.fail(column, f"{must} or empty", text)
        return number

    def grade(self, column: str, *, highest: int) -> int | None:
        """A whole number from 0, or None where the cell is empty."""
        text = self.text(column)
        # pandas writes whole numbers as 2.0 where a column has gaps.
        whole = text.removesuffix(".0")
        short = whole.isdecimal() and len(whole) <= _MAX_DIGITS
        if text and not (short and int(whole) <= highest):
            self.fail(column, f"must be a grade from 0 to {highest} or empty", text)
            return None
        return int(whole) if text else None

    def integer(self, column: str) -> int:
        """A whole number; the cell must not be empty."""
        text = self.required(column)
        try:
            return int(text)
        except ValueError:
            if text:
                self.fail(column, "must be a whole number", text)
            return 0

    def path(self, column: str) -> Path | None:
        """The file that the cell names, which must exist."""
        text = self.required(column)
        if not text:
            return None
        if len(text) > _MAX_PATH:
            must = f"must be a path of at most {_MAX_PATH:,} characters"
            self.fail(column, must, text)
            return None
        path = self._folder / os.path.expanduser(text)
        if not os.path.exists(path):
            self.fail(column, "must be the path of a file, but there is none", text)
        elif not os.path.isfile(path):
            self.fail(column, "must be the path of a file, not of a folder", text)
        return path

    def box(self, column: str) -> Crop | None:
        """A crop box in pixels, or None where the cell is empty."""
        text = self.text(column)
        if not text:
            return None
        parts = text.split(",")
        short = all(len(part.strip()) <= _MAX_DIGITS for part in parts)
        if len(parts) == 4 and short and all(p.strip().isdecimal() for p in parts):
            top, left, bottom, right = map(int, parts)
            if top < bottom and left < right:
                return top, left, bottom, right
        must = 'must be "top,left,bottom,right" in pixels from 0, the last two beyond '
        self.fail(column, must + "the box's edge, or empty", text)
        return None
