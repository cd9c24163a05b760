"""A table of evidence: typed columns, shown on the page and stored as CSV alike."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from negspa_jax.csv_table import format_table
from negspa_jax.evaluate.performance import Estimate
from negspa_jax.report.digits import (
    UNDEFINED,
    format_count,
    format_interval,
    format_number,
    format_p_value,
    format_percent,
)


class Shown(NamedTuple):
    """What a cell shows: a value, its interval or spread, a smaller note."""

    value: str
    spread: str = ""
    note: str = ""


class Rate(NamedTuple):
    """A share of patients: how many, of how many, and the estimate made of both."""

    right: int
    total: int
    estimate: Estimate


@dataclass(frozen=True)
class Kind:
    """How the cells of a column are shown, and stored in columns with suffixes."""

    suffixes: tuple[str, ...]
    store: Callable[[Any], Sequence[Any]]
    show: Callable[[Any], Shown]
    style: str = "number"


def _single(value: Any) -> tuple[Any]:
    return (value,)


def _show_estimate(estimate: Estimate) -> Shown:
    if math.isnan(estimate.value):
        return Shown(UNDEFINED)
    spread = format_interval(estimate.low, estimate.high)
    return Shown(format_number(estimate.value), spread)


def _show_rate(rate: Rate) -> Shown:
    if math.isnan(rate.estimate.value):
        return Shown(UNDEFINED)
    bounds = 100 * rate.estimate.low, 100 * rate.estimate.high
    return Shown(
        f"{format_percent(rate.estimate.value)} %",
        format_interval(*bounds, digits=1),
        f"{rate.right}/{rate.total}",
    )


def _show_percent(share: float) -> Shown:
    return Shown(UNDEFINED if math.isnan(share) else f"{format_percent(share)} %")


def _show_share(share: tuple[int, int]) -> Shown:
    count, total = share
    if not total:
        return Shown(UNDEFINED)
    return Shown(f"{count}/{total}", f"({format_percent(count / total)} %)")


def _show_percent_estimate(estimate: Estimate) -> Shown:
    if math.isnan(estimate.value):
        return Shown(UNDEFINED)
    bounds = 100 * estimate.low, 100 * estimate.high
    value = f"{format_percent(estimate.value)} %"
    return Shown(value, format_interval(*bounds, digits=1))


def _show_mean(values: tuple[float, float, int]) -> Shown:
    mean, sd = (format_number(value, digits=1) for value in values[:2])
    known = f"n = {format_count(values[2])}"
    if mean == UNDEFINED:
        return Shown(UNDEFINED, note=known)
    return Shown(mean, f"± {sd}", known)


def _show_median(values: tuple[float, float, float]) -> Shown:
    median, low, high = values
    if math.isnan(median):
        return Shown(UNDEFINED)
    spread = format_interval(low, high, digits=1)
    return Shown(format_number(median, digits=1), spread)


TEXT = Kind(("",), _single, lambda text: Shown(text or UNDEFINED), style="text")
HASH = Kind(("",), _single, Shown, style="long hash")
LONG_TEXT = Kind(("",), _single, Shown, style="long")
COUNT = Kind(("",), _single, lambda count: Shown(format_count(count)))
NUMBER = Kind(("",), _single, lambda value: Shown(format_number(value)))
CUTOFF = Kind(("",), _single, lambda value: Shown(format_number(value, digits=4)))
P_VALUE = Kind(("",), _single, lambda value: Shown(format_p_value(value)))
PERCENT = Kind(("",), _single, _show_percent)
ESTIMATE = Kind(
    ("", ", low", ", high"),
    lambda estimate: (estimate.value, estimate.low, estimate.high),
    _show_estimate,
)
PERCENT_ESTIMATE = Kind(ESTIMATE.suffixes, ESTIMATE.store, _show_percent_estimate)
RATE = Kind(
    ("", ", low", ", high", ", patients", ", of"),
    lambda rate: (
        *(rate.estimate.value, rate.estimate.low, rate.estimate.high),
        *(rate.right, rate.total),
    ),
    _show_rate,
)
SHARE = Kind((", patients", ", of"), tuple, _show_share)
MEAN_SD = Kind((", mean", ", SD", ", n"), tuple, _show_mean)
MEDIAN = Kind((", median", ", Q1", ", Q3"), tuple, _show_median)


class Column(NamedTuple):
    """A column by its title."""

    title: str
    kind: Kind


@dataclass(frozen=True)
class Table:
    """Rows of evidence with a caption that says where the numbers come from.

    `name`: of the file. `empty`: the sentence that stands in place of a table without
    rows, "" if nothing does.
    """

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    empty: str = ""

    def __post_init__(self) -> None:
        wrong = [row for row in self.rows if len(row) != len(self.columns)]
        if wrong:
            raise ValueError(
                f"every row of table {self.name} must have {len(self.columns)} cells, "
                f"got {len(wrong[0])}"
            )
        names = self._names()
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"columns of table {self.name} must have different names, got "
                f"{twice[0]!r} twice; name the classes otherwise (--positive, "
                "--negative)"
            )

    def shown(self) -> list[list[Shown]]:
        """The cells as the page shows them."""
        return [
            [column.kind.show(cell) for column, cell in self._pairs(row)]
            for row in self.rows
        ]

    def as_csv(self) -> str:
        """The cells unrounded; what is undefined is empty."""
        rows = []
        for row in self.rows:
            stored = (column.kind.store(cell) for column, cell in self._pairs(row))
            rows.append([_as_cell(value) for values in stored for value in values])
        return format_table(self._names(), rows)

    def _names(self) -> list[str]:
        """Of the columns in the file, where a cell may take several."""
        return [
            f"{column.title}{suffix}"
            for column in self.columns
            for suffix in column.kind.suffixes
        ]

    def _pairs(self, row: tuple[Any, ...]) -> list[tuple[Column, Any]]:
        return list(zip(self.columns, row, strict=True))


def _as_cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)


def make_columns(*pairs: tuple[str, Kind]) -> tuple[Column, ...]:
    """Columns from titles and kinds."""
    return tuple(Column(*pair) for pair in pairs)


def name_methods(estimates: Mapping[str, Sequence[Estimate]]) -> str:
    """Which interval belongs to which quantity, as the estimates themselves say it.

    Example:
        >>> wald = Estimate(0.8, 0.7, 0.9, level=0.95, method="DeLong, Wald")
        >>> name_methods({"AUC": [wald, wald]})
        'AUC: 95 % interval by DeLong, Wald'
    """
    phrases = []
    for name, values in estimates.items():
        found = dict.fromkeys((value.level, value.method) for value in values)
        for level, method in found:
            phrases.append(f"{name}: {100 * level:g} % interval by {method}")
    return "; ".join(phrases)
