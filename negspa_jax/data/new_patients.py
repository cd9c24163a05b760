"""Patients to be scored: a table that need not say split or label, or one patient.

A patient is a row of the cohort table, wherever it comes from: the same columns, the
same checks, the same words for a mistake.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from negspa_jax.columns import NO_SPLIT
from negspa_jax.csv_table import Row, Table, read_table
from negspa_jax.data.cohort import KNOWN_COLUMNS, PREFIXES, Cohort, scan_table
from negspa_jax.data.errors import CohortError, RefusedError
from negspa_jax.data.patient import Patient
from negspa_jax.data.reference import find_rule

_LEARNED = "train"


class NewPatients(NamedTuple):
    """The patients whose rows are sound, and why others are not, by patient id."""

    cohort: Cohort
    faults: tuple[tuple[str, str], ...]


def read_new_patients(
    path: str | Path, *, sequences: Sequence[str], kind: str, reference: str
) -> NewPatients:
    """Read a cohort table of patients to be scored.

    Args:
      path: as for `cohort.read_cohort`; the columns `split` and `label` may be absent.
      sequences: the columns that hold images.
      kind: of the images, "mri" or "radiograph".
      reference: what labels are taken from, where the table has it.

    Raises:
      CohortError: what is wrong with the table as a whole: columns, or patients who
        are there twice or in the split `train`.
    """
    table = _with_split(read_table(Path(path), key="patient_id"))
    rule = _find_reference(table, kind=kind, reference=reference)
    scan = scan_table(
        table,
        path,
        sequences=sequences,
        labelled=(),
        kind=kind,
        reference=rule,
        is_new=True,
    )
    of_rows = {problem for _, problems in scan.rows for problem in problems}
    problems = [problem for problem in scan.problems if problem not in of_rows]
    if learned := [p.patient_id for p, _ in scan.rows if p.split == _LEARNED]:
        problems.append(
            f"column split: must not be {_LEARNED} of patients to be scored, got "
            f"{len(learned)} such ({', '.join(learned[:3])}, ...): a model's scores of "
            "those it learned from are in the run's predictions.csv, out of fold; name "
            "the split of others differently, or leave the column out"
        )
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise CohortError(f"{path}: {count} in the cohort table", problems)
    faults = tuple(
        (patient.patient_id, "; ".join(problems))
        for patient, problems in scan.rows
        if problems
    )
    return NewPatients(scan.cohort, faults)


def read_patient(
    cells: Mapping[str, str], *, sequences: Sequence[str], kind: str
) -> Patient:
    """Read one patient from the cells of a row; paths are relative to where we are.

    Args:
      cells: by column of the cohort table; `patient_id` and `split` may be absent.
      sequences: the columns that hold images.
      kind: of the images.

    Raises:
      CohortError: listing every column that is unknown, missing or wrong.
    """
    check_columns(cells, sequences, kind=kind)
    row = {"patient_id": "patient", "split": NO_SPLIT, **cells}
    table = Table(tuple(row), (Row(1, row),), ())
    scan = scan_table(
        table,
        "patient",
        sequences=sequences,
        labelled=(),
        kind=kind,
        reference="auto",
        is_new=True,
    )
    if scan.problems:
        place = f"row 1 (patient {row['patient_id']}), "
        # A mask that serves all sequences is at fault once.
        problems = dict.fromkeys(p.removeprefix(place) for p in scan.problems)
        raise CohortError(f"patient {row['patient_id']} cannot be used", problems)
    return scan.cohort.patients[0]


def check_columns(
    names: Mapping[str, str], sequences: Sequence[str], *, kind: str
) -> None:
    """Raise CohortError if a column is none that a patient of this kind has."""
    other = "crop" if kind == "mri" else "rvoi"
    region = "rvoi" if kind == "mri" else "crop"
    known = {name for name in {*KNOWN_COLUMNS, *sequences} if not _is_of(name, other)}
    problems = []
    for name in names:
        if name in known or (name.startswith(PREFIXES) and not _is_of(name, other)):
            continue
        close = get_close_matches(name, sorted(known), 1)
        hint = f": did you mean {close[0]}?" if close else ""
        problems.append(f"{name!r} is none of these{hint}")
    if problems:
        raise CohortError(
            f"a patient has {', '.join(sequences)}, {region}, features and covariates "
            "as columns",
            problems,
        )


def _is_of(name: str, region: str) -> bool:
    return name == region or name.startswith((f"{region}:", f"{region}_"))


def _with_split(table: Table) -> Table:
    if not table.columns or "split" in table.columns:
        return table
    rows = (Row(row.line, {**row.cells, "split": NO_SPLIT}) for row in table.rows)
    return Table((*table.columns, "split"), tuple(rows), table.problems)


def _find_reference(table: Table, *, kind: str, reference: str) -> str:
    """What labels are taken from, if the table has any: nobody needs one here."""
    try:
        find_rule(reference, table.columns, kind=kind)
    except RefusedError:
        return "auto"
    return reference
