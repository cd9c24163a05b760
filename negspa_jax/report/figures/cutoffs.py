"""Sensitivity and false positive rate against the cut-off ([B], Figure 4)."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes

from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.performance import Performance
from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import format_number
from negspa_jax.report.figures.curves import MARKERS
from negspa_jax.report.figures.drawing import (
    COLOURS,
    DASHES,
    GREY,
    INK,
    SQUARE,
    Margins,
    Panel,
    draw_panel,
    slug,
)
from negspa_jax.report.figures.splits import (
    count_patients,
    group_by_split,
    number_split,
)

_CURVES = (("Sensitivity", 0), ("1 - specificity", 1))
# In inches: below the axes, the axes, a line of text above them.
_FOOT, _AXES, _LINE = 0.46, 2.35, 0.17


def draw_cutoffs(study: Study) -> list[Panel]:
    """A panel for each split: the primary score's two rates at every cut-off."""
    lines = list_lines(study)
    height = _FOOT + _AXES + _LINE * (len(lines) + 1) + 0.1
    return [
        draw_panel(
            partial(_draw, row=rows[0], lines=lines),
            name=slug("cutoffs", number_split(study, split)),
            title=f"{split}, {count_patients(rows[0])}",
            words=f"Sensitivity and false positive rate of {rows[0].score} in {split} "
            "at every cut-off",
            size=(SQUARE[0], height),
            margins=Margins(bottom=_FOOT / height, top=(_FOOT + _AXES) / height),
        )
        for split, rows in group_by_split(study).items()
        if rows[0].score == study.names.primary
    ]


def list_lines(study: Study) -> list[OperatingPoint]:
    """The primary score's cut-offs that a line can be drawn at, from low to high."""
    found = [p for p in study.operating_points if p.score == study.names.primary]
    return sorted((p for p in found if p.cutoff <= 1), key=lambda p: p.cutoff)


def _draw(axes: Axes, *, row: Performance, lines: Sequence[OperatingPoint]) -> None:
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    axes.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.015), xticks=ticks, yticks=ticks)
    axes.set(xlabel="Cut-off", ylabel="Share called positive")
    # From the lowest score up to +inf; who has the cut-off as score is positive.
    cutoffs = [0.0, *row.roc.cutoffs[:0:-1], 1.0]
    rates = row.roc.true_positive_rate[::-1], row.roc.false_positive_rate[::-1]
    for (_, place), rate in zip(_CURVES, rates, strict=True):
        style: dict[str, Any] = _style(place)
        axes.plot(cutoffs, [1.0, *rate], drawstyle="steps-pre", zorder=3, **style)
    _explain(axes, num_lines=len(lines))
    for place, point in enumerate(lines):
        _draw_line(axes, point, row=len(lines) - place)


def _style(place: int) -> dict[str, Any]:
    return {
        "color": COLOURS[place],
        "linestyle": DASHES[place],
        "linewidth": 2.0 - 0.5 * place,
    }


def _explain(axes: Axes, *, num_lines: int) -> None:
    """Which curve is which, on the topmost line above the axes."""
    y = _height(num_lines + 1)
    for (name, place), x in zip(_CURVES, (0.0, 0.42), strict=True):
        inside: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
        axes.plot([x, x + 0.09], [y, y], **_style(place), **inside)
        axes.text(x + 0.11, y, name, va="center", transform=axes.transAxes)


def _draw_line(axes: Axes, point: OperatingPoint, *, row: int) -> None:
    """A dashed line at the cut-off, as high as its name, on a row of its own."""
    across = axes.get_xaxis_transform()
    y, x = _height(row), point.cutoff
    dashes: dict[str, Any] = {"color": GREY, "linewidth": 0.9, "linestyle": (0, (4, 2))}
    axes.plot([x, x], [0, y], transform=across, clip_on=False, zorder=2, **dashes)
    axes.plot(
        [x],
        [y],
        marker=MARKERS.get(point.name, "D"),
        color=INK,
        markersize=4.5,
        transform=across,
        clip_on=False,
    )
    left = x > 0.5
    axes.text(
        x - 0.025 if left else x + 0.025,
        y,
        f"{point.name} {format_number(x)}",
        ha="right" if left else "left",
        va="center",
        transform=across,
        # The lines of other cut-offs pass behind the name.
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        zorder=5,
    )


def _height(row: int) -> float:
    """The middle of a line of text above the axes, the first being the lowest."""
    return 1 + _LINE * (row - 0.3) / _AXES
