"""A row of the cohort table becomes a patient, or a list of all that is wrong."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

from negspa_jax.columns import FEATURES, READER, READER_AI
from negspa_jax.csv_table import Row
from negspa_jax.data.errors import RefusedError
from negspa_jax.data.patient import Patient
from negspa_jax.data.rvoi import Clicks, parse_corners

CLICK_COLUMNS = (
    *("rvoi_corners", "rvoi_first", "rvoi_last", "rvoi_sequence"),
    *("rvoi_units", "rvoi_index_base", "rvoi_axis"),
)
_NO_IMAGES = ("patient_id", "split", "label", "rvoi", *CLICK_COLUMNS)
# pandas writes whole numbers as 1.0 where a column has gaps.
_BINARY = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}


class RowReader:
    """Reads one row, and goes on after a mistake to find the others.

    Args:
      row: of the table.
      folder: where relative paths start.
      sequences: columns that hold images.
      require_labels: whether rows of the split `train` must have a label.
    """

    def __init__(
        self, row: Row, folder: Path, sequences: Sequence[str], *, require_labels: bool
    ) -> None:
        self.problems: list[str] = []
        self._row, self._folder, self._sequences = row, folder, sequences
        self._require_labels = require_labels
        self._used = {*_NO_IMAGES}

    def read(self) -> Patient:
        """The patient; of use only where `problems` stayed empty."""
        images = {name: self._path(name) for name in self._sequences}
        masks, clicks = self._masks(), self._clicks()
        months, damage = "disease_duration_months", self._binary("structural_damage")
        covariates: dict[str, float | str | None] = {
            "age": self._number("age", highest=120),
            "sex": self._text("sex") or None,
            months: self._number(months, highest=1200),
            "structural_damage": None if damage is None else float(damage),
        }
        patient_id = self._required("patient_id")
        if not patient_id.isprintable():
            self._fail("patient_id", "must be printable", patient_id)
        return Patient(
            patient_id=patient_id,
            split=self._required("split"),
            label=self._label(),
            images={name: path for name, path in images.items() if path},
            rvoi=masks,
            clicks=clicks,
            features={name: self._binary(name) for name in FEATURES},
            covariates=covariates,
            readers=self._calls(READER),
            readers_ai=self._calls(READER_AI),
            extra={k: v for k, v in self._row.cells.items() if k not in self._used},
        )

    def _fail(self, column: str, must: str, got: str) -> None:
        who = self._row.cells.get("patient_id", "")
        place = f"row {self._row.line}" + (f" (patient {who})" if who else "")
        what = f"got {got!r}" if got else "got an empty cell"
        self.problems.append(f"{place}, column {column}: {must}, {what}")

    def _text(self, column: str) -> str:
        self._used.add(column)
        return self._row.cells.get(column, "")

    def _required(self, column: str) -> str:
        text = self._text(column)
        if not text and column in self._row.cells:
            self._fail(column, "must be filled", text)
        return text

    def _binary(self, column: str) -> int | None:
        text = self._text(column)
        if text and text not in _BINARY:
            self._fail(column, "must be 0, 1 or empty", text)
        return _BINARY.get(text)

    def _label(self) -> int | None:
        training = self._row.cells.get("split", "").strip() == "train"
        if self._require_labels and training and "label" in self._row.cells:
            if (text := self._text("label")) not in _BINARY:
                self._fail("label", "must be 0 or 1 in the split train", text)
            return _BINARY.get(text)
        return self._binary("label")

    def _number(self, column: str, *, highest: int) -> float | None:
        text = self._text(column)
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 <= number <= highest:
            must = f"must be a number from 0 to {highest} (with a decimal point)"
            self._fail(column, f"{must} or empty", text)
        return number

    def _integer(self, column: str) -> int:
        text = self._required(column)
        try:
            return int(text)
        except ValueError:
            if text:
                self._fail(column, "must be a whole number", text)
            return 0

    def _path(self, column: str) -> Path | None:
        text = self._required(column)
        if not text:
            return None
        path = self._folder / os.path.expanduser(text)
        if not os.path.exists(path):
            self._fail(column, "must be the path of a file, but there is none", text)
        elif not os.path.isfile(path):
            self._fail(column, "must be the path of a file, not of a folder", text)
        return path

    def _calls(self, prefix: str) -> dict[str, int | None]:
        columns = [name for name in self._row.cells if name.startswith(prefix)]
        return {name.removeprefix(prefix): self._binary(name) for name in columns}

    def _masks(self) -> dict[str, Path]:
        """Each sequence's mask: its own, else the one for all."""
        masks, corners = {}, self._text("rvoi_corners")
        for name in self._sequences:
            own = f"rvoi:{name}"
            column = own if self._text(own) else "rvoi"
            # Where no such column exists at all, the table's own problem says so.
            askable = self._row.cells.keys() & {"rvoi", own, "rvoi_corners"}
            if self._text(column):
                masks[name] = self._path(column)
            elif askable and not corners:
                must = f"must be a mask for {name}, or give rvoi_corners"
                self._fail(column, must, "")
        if masks and corners:
            self._fail("rvoi_corners", "must be empty where a mask is given", corners)
        return {name: path for name, path in masks.items() if path}

    def _clicks(self) -> Clicks | None:
        """The six clicks, where they stand for a mask."""
        corners = self._text("rvoi_corners")
        if not corners:
            return None
        drawn_on = self._text("rvoi_sequence")
        if drawn_on not in self._row.cells or drawn_on in _NO_IMAGES:
            must = "must name the column of the image that was clicked on"
            self._fail("rvoi_sequence", must, drawn_on)
            return None
        image = self._path(drawn_on)
        first, last = self._integer("rvoi_first"), self._integer("rvoi_last")
        base = self._text("rvoi_index_base") or "0"
        try:
            return Clicks(
                image=image or Path(),
                corners=parse_corners(corners),
                first=first,
                last=last,
                units=self._text("rvoi_units") or "voxel",
                index_base={"0": 0, "1": 1}.get(base, -1),
                through=self._text("rvoi_axis"),
            )
        except RefusedError as error:
            self._fail("rvoi_corners", str(error), corners)
        return None
