"""The cells of a column as numbers, calls or categories; an empty one is unknown."""

import math
from collections.abc import Iterable, Mapping

import numpy as np

from negspa_jax.columns import NUMBERS
from negspa_jax.evaluate.patients import Patients, list_names
from negspa_jax.shapes import Float

# A covariate with more categories makes groups too small to say anything.
MAX_CATEGORIES = 12
NUM_SHOWN = 5  # of the offenders in an error


def read_numbers(patients: Patients, column: str) -> Float[np.ndarray, " n"]:
    """A column of finite numbers, NaN where it is empty.

    Raises:
        ValueError: naming the patients whose cell is something else.
    """
    cells = read_cells(patients, column)
    numbers = [math.nan if not cell else parse_number(cell) for cell in cells]
    _refuse(
        patients,
        column,
        "a number or empty",
        (i for i, number in enumerate(numbers) if number is None),
    )
    return np.array(numbers, dtype=np.float64)


def read_calls(patients: Patients, column: str) -> Float[np.ndarray, " n"]:
    """A reader's calls, 0 or 1, NaN where there is none.

    Raises:
        ValueError: naming the patients whose cell is something else.
    """
    cells = read_cells(patients, column)
    # pandas writes whole numbers as 1.0 where a column has gaps.
    calls = {"": math.nan, "0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0}
    strange = (i for i, cell in enumerate(cells) if cell not in calls)
    _refuse(patients, column, "0, 1 or empty", strange)
    return np.array([calls[cell] for cell in cells], dtype=np.float64)


def read_categories(
    patients: Patients, column: str, *, categories: tuple[str, ...]
) -> tuple[str, ...]:
    """The category of each patient, "" where it is unknown.

    Args:
        patients: of one split.
        column: a covariate or feature.
        categories: what `list_categories` found.

    Raises:
        ValueError: naming the patients who are in none of the categories.
    """
    cells = [
        cell if not cell or cell in categories else _spell_cell(cell)
        for cell in read_cells(patients, column)
    ]
    strange = (i for i, cell in enumerate(cells) if cell and cell not in categories)
    _refuse(patients, column, f"one of {', '.join(categories)}, or empty", strange)
    return tuple(cells)


def list_categories(splits: Mapping[str, Patients], column: str) -> tuple[str, ...]:
    """All categories of a column in any split, in order; each spelling is its own.

    Where every filled cell is a number, 1 and 1.0 are the same category.
    """
    cells = {cell for patients in splits.values() for cell in filled(patients, column)}
    numbers = {parse_number(cell) for cell in cells}
    if None in numbers:
        return tuple(sorted(cells))
    return tuple(map(spell_number, sorted(n for n in numbers if n is not None)))


def holds_numbers(splits: Mapping[str, Patients], column: str) -> bool:
    """Whether a column is numeric: age, duration, or more than two numbers alone."""
    if column in NUMBERS:
        return True
    cells = {cell for patients in splits.values() for cell in filled(patients, column)}
    numbers = {parse_number(cell) for cell in cells}
    return None not in numbers and len(numbers) > 2


def can_divide(splits: Mapping[str, Patients], covariate: str) -> bool:
    """Whether a column makes groups: numbers that differ, or some categories."""
    num = len(list_categories(splits, covariate))
    return num > 1 and (num <= MAX_CATEGORIES or holds_numbers(splits, covariate))


def filled(patients: Patients, column: str) -> tuple[str, ...]:
    """The cells of a column that are not empty."""
    return tuple(filter(None, read_cells(patients, column)))


def read_cells(patients: Patients, column: str) -> tuple[str, ...]:
    """The cells of a column without blanks around them.

    Raises:
        ValueError: if the split has no such column.
    """
    if column not in patients.columns:
        raise ValueError(
            f"a covariate must be one of the columns {', '.join(patients.columns)} of "
            f"the split {patients.split}, got {column!r}"
        )
    return tuple(cell.strip() for cell in patients.columns[column])


def parse_number(cell: str) -> float | None:
    """The cell's finite number, or None; a decimal comma is read, too."""
    try:
        number = float(cell.replace(",", ".", 1))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def spell_number(number: float) -> str:
    """The number in the digits that give it back; a whole one without a point."""
    return str(int(number)) if number.is_integer() else repr(number)


def _spell_cell(cell: str) -> str:
    number = parse_number(cell)
    return cell if number is None else spell_number(number)


def _refuse(
    patients: Patients, column: str, wanted: str, places: Iterable[int]
) -> None:
    offenders = [
        f"{patients.columns[column][i]!r} of patient {patients.ids[i]}" for i in places
    ]
    if offenders:
        raise ValueError(
            f"column {column} must be {wanted}, got "
            f"{list_names(offenders, limit=NUM_SHOWN)}; correct the table"
        )
