"""The cohort table: one row a patient, every error of every row in one run.

Columns: `patient_id`, `split` (any name), `label` (0, 1; may be empty at
prediction), and one path for each sequence under the sequence's name.

Of an MRI the region of interest: `rvoi` (one mask for all) or `rvoi:<sequence>`, or
instead of a mask `rvoi_corners`, `rvoi_first`, `rvoi_last`, `rvoi_sequence` (see
`rvoi.Clicks`; also `rvoi_units`, `rvoi_index_base`, `rvoi_axis`). Of a radiograph on
which other parts of the body are: `crop`, or of several views `crop:<view>`,
"top,left,bottom,right" in pixels of the file.

Instead of `label`: `grade_right` and `grade_left` (0 to 4, modified New York criteria),
or readers' calls, of which the first two make it and a third decides where they
disagree (`reference.RULES`). Optional: the nine features, the covariates,
`reader:<name>` (or the reader's grades, `grade_right:<name>` and `grade_left:<name>`)
and `reader_ai:<name>`; any other column is kept in `extra`. Paths are relative to the
table.
"""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from negspa_jax.columns import COVARIATES, FEATURES, GRADES, READER, READER_AI
from negspa_jax.csv_table import Row, Table, read_table, show_names, show_text
from negspa_jax.data.errors import CohortError, RefusedError
from negspa_jax.data.patient import Patient, canonical_id
from negspa_jax.data.reference import find_rule
from negspa_jax.data.rows import CLICK_COLUMNS, Reading, RowReader

KNOWN_COLUMNS = {"patient_id", "split", "label", "rvoi", "crop", *GRADES}
KNOWN_COLUMNS |= {*CLICK_COLUMNS, *FEATURES, *COVARIATES}
PREFIXES = (READER, READER_AI, "rvoi:", "crop:", *(f"{name}:" for name in GRADES))


@dataclass(frozen=True)
class Cohort:
    """A whole, validated table of one kind of images.

    `reference`: the rule that made the labels, one of `reference.RULES` but `auto`.
    """

    path: Path
    sequences: tuple[str, ...]
    patients: tuple[Patient, ...]
    reference: str = "label"
    kind: str = "mri"

    def labels_of(self, split: str) -> dict[str, int]:
        """The labels of a split's labelled patients, by patient id."""
        return {
            patient.patient_id: patient.label
            for patient in self.patients
            if patient.split == split and patient.label is not None
        }


class Scan(NamedTuple):
    """A table read to its end whatever is wrong in it.

    `cohort`: of the patients whose own rows are sound. `problems`: all of them.
    `rows`: every row's patient, as far as it could be read, with the row's problems.
    """

    cohort: Cohort
    problems: tuple[str, ...]
    rows: tuple[tuple[Patient, tuple[str, ...]], ...]


def read_cohort(
    path: str | Path,
    *,
    sequences: Sequence[str],
    labelled: Collection[str] = ("train",),
    kind: str = "mri",
    reference: str = "auto",
) -> Cohort:
    """Read and validate a cohort table.

    Args:
      path: CSV, UTF-8; comma, semicolon, tab or bar between the cells.
      sequences: the columns that hold images, in the order of the network's inputs.
      labelled: splits whose rows must have a label.
      kind: of the images: "mri", which need a region of interest, or "radiograph".
      reference: what labels are taken from, one of `reference.RULES`.

    Raises:
      CohortError: whatever is wrong, all of it, by row and column.
      ValueError: `sequences` are no possible column names.
    """
    scan = scan_cohort(
        path, sequences=sequences, labelled=labelled, kind=kind, reference=reference
    )
    if count := len(scan.problems):
        found = "1 problem" if count == 1 else f"{count} problems"
        raise CohortError(f"{path}: {found} in the cohort table", scan.problems)
    return scan.cohort


def scan_cohort(
    path: str | Path,
    *,
    sequences: Sequence[str],
    labelled: Collection[str] = ("train",),
    kind: str = "mri",
    reference: str = "auto",
) -> Scan:
    """Read what can be read of a cohort table; the arguments are `read_cohort`'s."""
    table = read_table(Path(path), key="patient_id")
    return scan_table(
        table,
        path,
        sequences=sequences,
        labelled=labelled,
        kind=kind,
        reference=reference,
    )


def scan_table(
    table: Table,
    path: str | Path,
    *,
    sequences: Sequence[str],
    labelled: Collection[str],
    kind: str,
    reference: str,
    is_new: bool = False,
) -> Scan:
    """Read what can be read of a table that lies, or would lie, at `path`.

    `is_new`: the patients are to be scored by a model, which says what the columns are.
    """
    path, sequences = Path(path), _check_sequences(sequences)
    problems = [*table.problems]
    try:
        rule = find_rule(reference, table.columns, kind=kind)
    except RefusedError as error:
        # Of a table that cannot be read, its own problem says enough.
        problems += [show_text(str(error), longest=2000)] if table.columns else []
        rule = "label"
    reading = Reading(sequences, rule, frozenset(labelled), kind == "mri")
    problems += _check_columns(table, reading, is_new=is_new)
    folder = Path(os.path.abspath(path)).parent
    rows: list[tuple[Patient, tuple[str, ...]]] = []
    for row in table.rows:
        reader = RowReader(row, folder, reading)
        rows.append((reader.read(), tuple(reader.problems)))
        problems += reader.problems
    problems += _find_duplicates(table.rows, [patient for patient, _ in rows])
    if not problems and not rows:
        problems.append("must have at least one patient, got a header alone")
    sound = (p for p, faults in rows if not faults and len(p.images) == len(sequences))
    cohort = Cohort(path, sequences, tuple(sound), rule, kind)
    return Scan(cohort, tuple(problems), tuple(rows))


def _check_sequences(sequences: Sequence[str]) -> tuple[str, ...]:
    names = (sequences,) if isinstance(sequences, str) else tuple(sequences)
    if not names or len(set(names)) < len(names) or not all(names):
        raise ValueError(f"sequences must be one or more different names, got {names}")
    for name in names:
        if name in KNOWN_COLUMNS or name.startswith(PREFIXES):
            raise ValueError(f"sequences must not be named like the column {name!r}")
    return names


def _check_columns(table: Table, reading: Reading, *, is_new: bool) -> list[str]:
    """Which columns are missing, and what there is instead."""
    if not table.columns:
        return []
    by_label = reading.rule == "label" and reading.labelled
    needed = ("patient_id", "split", *(("label",) if by_label else ()))
    problems = [
        f"column {name} is missing" for name in needed if name not in table.columns
    ]
    kind = "mri" if reading.with_region else "radiograph"
    named = show_text(",".join(_guess_sequences(table, kind))) or "name,name"
    remedy = f"name yours with --config.data.sequences={named} (check: --sequences="
    remedy += f"{named})"
    if is_new:
        remedy = f"the model's are {', '.join(reading.sequences)}, rename yours"
    problems += [
        f"column {name} of the sequences is missing; {remedy}"
        for name in reading.sequences
        if name not in table.columns
    ]
    has_masks = all(f"rvoi:{name}" in table.columns for name in reading.sequences)
    has_region = has_masks or bool({"rvoi", "rvoi_corners"} & {*table.columns})
    if reading.with_region and not has_region:
        problems.append(
            "column rvoi (or rvoi:<sequence> each, or rvoi_corners) is missing"
        )
    other = "radiograph" if kind == "mri" else "mri"
    if problems and _guess_sequences(table, other):
        needs = f"need --config.data.kind={other} (check: --kind={other})"
        if is_new:
            needs = f"this model cannot read: it is for {_KIND_WORDS[kind]}"
        problems.append(f"these look like files of {_KIND_WORDS[other]}, which {needs}")
    if problems:
        problems[0] += f"; the columns are {show_names(table.columns)}"
    return problems


_IMAGES = {
    "mri": (".nii", ".nii.gz"),
    "radiograph": (".dcm", ".dicom", ".png", ".tif", ".tiff"),
}
_KIND_WORDS = {"mri": "MRI", "radiograph": "radiographs"}


def _guess_sequences(table: Table, kind: str) -> list[str]:
    """The columns that look like images of a kind, for a remedy that can be pasted."""
    first = table.rows[0].cells if table.rows else {}
    return [
        name
        for name, cell in first.items()
        if cell.lower().endswith(_IMAGES[kind]) and not name.startswith("rvoi")
    ]


def _find_duplicates(rows: Iterable[Row], patients: Sequence[Patient]) -> list[str]:
    """Patients, splits or images that are there twice, perhaps in other spelling."""
    ids, splits, files = defaultdict(list), defaultdict(set), defaultdict(list)
    for row, patient in zip(rows, patients, strict=True):
        if patient.patient_id:
            ids[canonical_id(patient.patient_id)].append((row.line, patient.patient_id))
        splits[patient.split.casefold()].add(patient.split)
        for name, image in patient.images.items():
            files[os.path.realpath(image)].append(f"row {row.line} ({name})")
    problems = []
    for places in ids.values():
        if len(places) > 1:
            where = ", ".join(f"{name!r} in row {line}" for line, name in places)
            reason = "a patient must have one row, or the folds would leak; got"
            problems.append(f"column patient_id: {reason} {where}")
    for spellings in splits.values():
        if len(spellings) > 1:
            reason = "one split must have one spelling, got"
            problems.append(f"column split: {reason} {sorted(spellings)}")
    for file, uses in files.items():
        if len(uses) > 1:
            reason = "an image must serve one patient and one sequence, but"
            problems.append(f"{reason} {show_text(file)} stands in {', '.join(uses)}")
    return problems
