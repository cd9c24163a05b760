"""A row of the cohort table becomes a patient, or a list of all that is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from negspa_jax.columns import FEATURES, GRADES, READER, READER_AI
from negspa_jax.csv_table import Row
from negspa_jax.data.cells import BINARY, CellReader
from negspa_jax.data.errors import RefusedError
from negspa_jax.data.patient import Patient
from negspa_jax.data.radiograph_grey import Crop
from negspa_jax.data.reference import (
    HIGHEST_GRADE,
    adjudicate,
    agree,
    judge_grades,
    list_readers,
)
from negspa_jax.data.rvoi import Clicks, parse_corners

CLICK_COLUMNS = (
    *("rvoi_corners", "rvoi_first", "rvoi_last", "rvoi_sequence"),
    *("rvoi_units", "rvoi_index_base", "rvoi_axis"),
)
_ALWAYS = ("patient_id", "split", "label")
_NO_IMAGES = (*_ALWAYS, "rvoi", *CLICK_COLUMNS)


@dataclass(frozen=True)
class Reading:
    """How the rows of a table are read.

    `sequences`: columns that hold images. `rule`: what the label is taken from, one of
    `reference.RULES` but `auto`. `labelled`: splits whose rows must have a label.
    `with_region`: whether there is a region of interest (MRI), or instead a crop box
    that may be empty (radiographs).
    """

    sequences: tuple[str, ...]
    rule: str
    labelled: frozenset[str]
    with_region: bool


class RowReader(CellReader):
    """Reads one row, and goes on after a mistake to find the others.

    Args:
      row: of the table.
      folder: where relative paths start.
      reading: how the table's rows are read.
    """

    def __init__(self, row: Row, folder: Path, reading: Reading) -> None:
        super().__init__(row, folder)
        self._reading, self._sequences = reading, reading.sequences
        self.used |= {*(_NO_IMAGES if reading.with_region else _ALWAYS)}

    def read(self) -> Patient:
        """The patient; of use only where `problems` stayed empty."""
        images = {name: self.path(name) for name in self._sequences}
        masks, clicks = {}, None
        if self._reading.with_region:
            masks, clicks = self._masks(), self._clicks()
        months, damage = "disease_duration_months", self.binary("structural_damage")
        covariates: dict[str, float | str | None] = {
            "age": self.number("age", highest=120),
            "sex": self.text("sex") or None,
            months: self.number(months, highest=1200),
            "structural_damage": None if damage is None else float(damage),
        }
        patient_id = self.required("patient_id")
        if not patient_id.isprintable():
            self.fail("patient_id", "must be printable", patient_id)
        readers, grades = self._readers(), self._grades(GRADES)
        return Patient(
            patient_id=patient_id,
            split=self.required("split"),
            label=self._label(readers, grades),
            images={name: path for name, path in images.items() if path},
            rvoi=masks,
            clicks=clicks,
            boxes={} if self._reading.with_region else self._boxes(),
            features={name: self.binary(name) for name in FEATURES},
            covariates=covariates,
            grades=grades,
            readers=readers,
            readers_ai=self._calls(READER_AI),
            extra={k: v for k, v in self.row.cells.items() if k not in self.used},
        )

    def _label(
        self, readers: dict[str, int | None], grades: dict[str, int | None]
    ) -> int | None:
        rule, calls = self._reading.rule, list(readers.values())
        split = self.row.cells.get("split", "")
        wanted = split in self._reading.labelled
        if rule == "grades":
            label = self._judge(grades)
            if wanted and not any(self.text(name) for name in grades):
                self.fail(GRADES[0], f"must be a grade in the split {split}", "")
            return label
        if rule == "agreement":
            return agree(calls)
        if rule == "readers":
            label = adjudicate(calls)
            if wanted and label is None:
                must = (
                    "must be two equal calls, or a third reader's where two disagree "
                    "(--config.data.reference=agreement leaves such patients out)"
                )
                self.fail(f"{READER}{', '.join(readers)}", must, _spell(readers))
            return label
        if wanted and "label" in self.row.cells:
            if (text := self.text("label")) not in BINARY:
                self.fail("label", f"must be 0 or 1 in the split {split}", text)
            return BINARY.get(text)
        return self.binary("label")

    def _grades(self, columns: Sequence[str]) -> dict[str, int | None]:
        """The grades of both joints by column, the right one's first."""
        return {name: self.grade(name, highest=HIGHEST_GRADE) for name in columns}

    def _judge(self, grades: dict[str, int | None]) -> int | None:
        """The label that the grades make; None where a cell is no grade, or empty."""
        if any(grade is None and self.text(name) for name, grade in grades.items()):
            return None  # that it is no grade has been said
        try:
            return judge_grades(*grades.values())
        except RefusedError as error:
            empty = next(name for name, grade in grades.items() if grade is None)
            self.fail(empty, str(error), "")
            return None

    def _readers(self) -> dict[str, int | None]:
        """Each reader's call: given, or what the grades that he or she read make it."""
        calls = {}
        for name in list_readers(self.row.cells):
            call = self.binary(f"{READER}{name}")
            judged = self._judge(self._grades([f"{grade}:{name}" for grade in GRADES]))
            if None not in (call, judged) and call != judged:
                must = f"must be {judged}, as the grades of {name} make it"
                self.fail(f"{READER}{name}", must, str(call))
            calls[name] = judged if call is None else call
        return calls

    def _boxes(self) -> dict[str, Crop]:
        """Each view's crop box."""
        boxes, shared = {}, self.box("crop")
        if shared and len(self._sequences) > 1:
            each = " and ".join(f"crop:{name}" for name in self._sequences)
            self.fail("crop", f"must be {each}, a box a view", self.text("crop"))
        for name in self._sequences:
            own = f"crop:{name}"
            found = self.box(own) if self.text(own) else shared
            if found:
                boxes[name] = found
        return boxes

    def _calls(self, prefix: str) -> dict[str, int | None]:
        columns = [name for name in self.row.cells if name.startswith(prefix)]
        return {name.removeprefix(prefix): self.binary(name) for name in columns}

    def _masks(self) -> dict[str, Path]:
        """Each sequence's mask: its own, else the one for all."""
        masks, corners = {}, self.text("rvoi_corners")
        for name in self._sequences:
            own = f"rvoi:{name}"
            column = own if self.text(own) else "rvoi"
            # Where no such column exists at all, the table's own problem says so.
            askable = self.row.cells.keys() & {"rvoi", own, "rvoi_corners"}
            if self.text(column):
                masks[name] = self.path(column)
            elif askable and not corners:
                must = f"must be a mask for {name}, or give rvoi_corners"
                self.fail(column, must, "")
        if masks and corners:
            self.fail("rvoi_corners", "must be empty where a mask is given", corners)
        return {name: path for name, path in masks.items() if path}

    def _clicks(self) -> Clicks | None:
        """The six clicks, where they stand for a mask."""
        corners = self.text("rvoi_corners")
        if not corners:
            return None
        drawn_on = self.text("rvoi_sequence")
        if drawn_on not in self.row.cells or drawn_on in _NO_IMAGES:
            must = "must name the column of the image that was clicked on"
            self.fail("rvoi_sequence", must, drawn_on)
            return None
        image = self.path(drawn_on)
        first, last = self.integer("rvoi_first"), self.integer("rvoi_last")
        base = self.text("rvoi_index_base") or "0"
        try:
            return Clicks(
                image=image or Path(),
                corners=parse_corners(corners),
                first=first,
                last=last,
                units=self.text("rvoi_units") or "voxel",
                index_base={"0": 0, "1": 1}.get(base, -1),
                through=self.text("rvoi_axis"),
            )
        except RefusedError as error:
            self.fail("rvoi_corners", str(error), corners)
        return None


def _spell(readers: dict[str, int | None]) -> str:
    """The calls as a sentence of an error shows them."""
    return ", ".join(
        f"{name} {'none' if call is None else call}" for name, call in readers.items()
    )
