"""The forest plot: a line for each subgroup, its interval, and its numbers."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.performance import Estimate, Performance
from negspa_jax.evaluate.study import Study
from negspa_jax.evaluate.subgroups import Subgroup
from negspa_jax.report.digits import (
    format_interval,
    format_number,
    format_percent,
    shorten_middle,
)
from negspa_jax.report.figures.drawing import (
    COLOURS,
    GREY,
    Margins,
    Panel,
    draw_panel,
    slug,
)
from negspa_jax.report.figures.splits import group_by_split, number_split

_LONGEST = 30
_EVERYBODY = "all patients"
_MEASURES = (
    ("auc", "AUC"),
    ("sensitivity", "Sensitivity, %"),
    ("specificity", "Specificity, %"),
)
_ROW, _FOOT = 0.34, 0.4  # inches


class Line(NamedTuple):
    """A line of the plot; `weak`: too few patients to say much."""

    name: str
    num_patients: int
    estimate: Estimate
    weak: bool
    percent: bool


def draw_forest(study: Study) -> list[Panel]:
    """Panels for each split: AUC and, at a cut-off, sensitivity and specificity."""
    overall = group_by_split(study, one_class=True)
    panels = []
    measures = _MEASURES if study.point else _MEASURES[:1]
    for split in dict.fromkeys(row.split for row in study.subgroups):
        rows = [row for row in study.subgroups if row.split == split]
        for measure, title in measures:
            lines = _lines(overall.get(split, []), rows, measure, study.point)
            panels.append(
                draw_panel(
                    partial(_draw, lines=lines),
                    name=slug("forest", number_split(study, split), measure),
                    title=f"{split}, {title}",
                    words=f"{title} in subgroups of {split}: "
                    + "; ".join(f"{line.name} {_write(line)}" for line in lines),
                    size=(3.5, _ROW * len(lines) + _FOOT),
                    margins=_margins(len(lines)),
                )
            )
    return panels


def _margins(num_lines: int) -> Margins:
    height = _ROW * num_lines + _FOOT
    return Margins(0.02, 0.28 / height, 0.97, 1 - 0.05 / height)


def _lines(
    overall: Sequence[Performance],
    rows: Sequence[Subgroup],
    measure: str,
    point: OperatingPoint | None,
) -> list[Line]:
    """Everybody first, if there is the same estimate for them, then the groups."""
    percent = measure != "auc"
    lines = []
    for row in overall:
        if row.score == rows[0].score:
            called = [calls for calls in row.calls if calls.point == point]
            estimate = getattr(called[0] if percent else row, measure)
            count = _count(row, measure)
            lines.append(Line(_EVERYBODY, count, estimate, False, percent))
    for group in rows:
        estimate, weak = getattr(group, measure), bool(group.warning)
        count = _count(group, measure)
        lines.append(Line(group.group, count, estimate, weak, percent))
    return lines


def _count(row: Performance | Subgroup, measure: str) -> int:
    """How many patients the measure is a share of."""
    if measure == "sensitivity":
        return row.num_positive
    negative = row.num_patients - row.num_positive
    return negative if measure == "specificity" else row.num_patients


def _draw(axes: Axes, *, lines: Sequence[Line]) -> None:
    lowest = min(
        (line.estimate.low for line in lines if not math.isnan(line.estimate.low)),
        default=0.0,
    )
    left = min(0.5, math.floor(10 * lowest) / 10)
    margin = 0.02 * (1 - left)
    axes.set(xlim=(left - margin, 1 + margin), ylim=(len(lines), -0.1), yticks=[])
    step = 0.1 if left >= 0.4 else 0.2
    ticks = [1 - step * i for i in range(11) if 1 - step * i >= left - 1e-9]
    names = [f"{100 * t:.0f}" if lines[0].percent else f"{t:.1f}" for t in ticks]
    axes.set_xticks(ticks, names)
    axes.spines["left"].set_visible(False)
    everybody = lines[0].estimate.value if lines[0].name == _EVERYBODY else math.nan
    for place, line in enumerate(lines):
        # Beside the interval only: the numbers above it stay free.
        ends = [place + 0.45, place + 0.95]
        dots: dict[str, Any] = {
            "color": GREY,
            "linewidth": 0.8,
            "linestyle": (0, (1, 2)),
        }
        axes.plot([everybody, everybody], ends, **dots)
        _draw_line(axes, line, place)


def _draw_line(axes: Axes, line: Line, place: int) -> None:
    estimate, y = line.estimate, place + 0.68
    colour = GREY if line.weak else COLOURS[0]
    name = line.name.replace("_", " ").replace(">=", "≥")
    count = f"{shorten_middle(name, length=_LONGEST)} (n = {line.num_patients})"
    across = axes.get_yaxis_transform()
    style: dict[str, Any] = {"transform": across, "va": "center", "fontsize": 7.2}
    weight = "bold" if line.name == _EVERYBODY else "normal"
    axes.text(0.0, place + 0.27, count, fontweight=weight, **style)
    axes.text(1.0, place + 0.27, _write(line), ha="right", **style)
    if math.isnan(estimate.value):
        return
    if not math.isnan(estimate.low):
        ends = [estimate.low, estimate.high]
        axes.plot(ends, [y, y], color=colour, linewidth=1.2, solid_capstyle="butt")
    axes.plot(
        [estimate.value],
        [y],
        marker="s",
        markersize=5,
        markerfacecolor="white" if line.weak else colour,
        markeredgecolor=colour,
    )
    axes.axhline(place + 1, color="#eef1f4", linewidth=0.6, zorder=0)


def _write(line: Line) -> str:
    value, low, high = line.estimate.value, line.estimate.low, line.estimate.high
    if math.isnan(value):
        return "undefined"
    if line.percent:
        spread = format_interval(100 * low, 100 * high, digits=0)
        return f"{format_percent(value, digits=0)} {spread}"
    spread = format_interval(low, high, digits=2)
    return f"{format_number(value, digits=2)} {spread}"
