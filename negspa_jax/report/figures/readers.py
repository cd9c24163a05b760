"""Readers beside the primary score's ROC curve."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes

from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.performance import Performance
from negspa_jax.evaluate.readers import Reading
from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import shorten
from negspa_jax.report.figures.curves import (
    MARKERS,
    count_patients,
    frame_roc,
    group_by_split,
    number_split,
)
from negspa_jax.report.figures.drawing import (
    COLOURS,
    Margins,
    Panel,
    draw_panel,
    slug,
)
from negspa_jax.report.figures.labels import Point, place_labels

_LONGEST = 12
_MODEL, _READER = COLOURS[0], COLOURS[1]
# How far from the corner of perfect calls the axes reach, whichever holds all points.
_EXTENTS = (0.5, 0.75, 1.0)


def draw_readers(study: Study) -> list[Panel]:
    """A panel for each split with readers: alone hollow, with help filled."""
    panels = []
    for split, rows in group_by_split(study).items():
        readings = [row for row in study.readings if row.split == split]
        readings = [row for row in readings if has_place(row)]
        if not readings:
            continue
        readers = ", ".join(dict.fromkeys(row.reader for row in readings))
        panels.append(
            draw_panel(
                partial(_draw, model=rows[0], readings=readings, point=study.point),
                name=slug("readers", number_split(study, split)),
                title=f"{split}, {count_patients(rows[0])}",
                words=f"Readers {readers} beside the ROC curve of {rows[0].score} in "
                f"{split}",
                size=(3.5, 3.6),
                margins=Margins(top=0.915, bottom=0.125),
            )
        )
    return panels


def has_place(row: Reading) -> bool:
    """Whether a reader called patients of both classes, and so is a point."""
    return not math.isnan(sum(_place(row)))


def _draw(
    axes: Axes,
    *,
    model: Performance,
    readings: Sequence[Reading],
    point: OperatingPoint | None,
) -> None:
    places = {(row.reader, row.assisted): _place(row) for row in readings}
    calls = [calls for calls in model.calls if calls.point == point]
    own = [(1 - c.specificity.value, c.sensitivity.value) for c in calls]
    extent = _frame(axes, [*places.values(), *own])
    axes.plot(*model.roc[:2], color=_MODEL, linewidth=1.6, zorder=2)
    for x, y in own:
        marker = MARKERS.get(calls[0].point.name, "D")
        axes.plot([x], [y], marker=marker, color=_MODEL, markersize=6.5, zorder=5)
    for (reader, assisted), place in places.items():
        alone = places.get((reader, False))
        if assisted and alone is not None:
            style: dict[str, Any] = {"color": _READER, "linewidth": 0.8, "alpha": 0.7}
            axes.plot(*zip(alone, place, strict=True), zorder=3, **style)
        _mark(axes, *place, filled=assisted)
    _name_readers(axes, places, own, extent)
    _explain(axes, point.name if own and point else "")


def _frame(axes: Axes, points: Sequence[Point]) -> float:
    """The corner of the ROC square that holds all points; its width."""
    frame_roc(axes)
    farthest = max(max(x, 1 - y) for x, y in points)
    extent = next(extent for extent in _EXTENTS if farthest <= extent)
    margin = 0.02 * extent
    axes.set_xlim(-margin, extent + margin)
    axes.set_ylim(1 - extent - margin, 1 + margin)
    if extent < 1:
        step = 0.1 if extent < 0.6 else 0.25
        ticks = [step * i for i in range(round(extent / step) + 1)]
        axes.set(xticks=ticks, yticks=[1 - tick for tick in ticks])
    return extent


def _name_readers(
    axes: Axes,
    places: dict[tuple[str, bool], Point],
    others: Sequence[Point],
    extent: float,
) -> None:
    """A name beside each reader's point alone, or with help if that is all."""

    def inside(point: Point) -> Point:
        return point[0] / extent, (point[1] - 1 + extent) / extent

    named = {
        reader: inside(place)
        for (reader, assisted), place in places.items()
        if not assisted or (reader, False) not in places
    }
    texts = [shorten(reader, length=_LONGEST) for reader in named]
    taken = [inside(place) for place in [*places.values(), *others]]
    corners = place_labels(list(named.values()), texts, taken=taken)
    for (x, y), text in zip(corners, texts, strict=True):
        across, up = x * extent, 1 - extent + y * extent
        axes.text(across, up, text, va="bottom", zorder=7)


def _mark(axes: Axes, x: float, y: float, *, filled: bool, above: bool = False) -> None:
    axes.plot(
        [x],
        [y],
        marker="o",
        markersize=5,
        markerfacecolor=_READER if filled else "white",
        markeredgecolor=_READER,
        transform=axes.transAxes if above else axes.transData,
        clip_on=False,
        zorder=6,
    )


def _explain(axes: Axes, point: str) -> None:
    """What the marks mean, above the axes; `point`: "" if the score has no mark."""
    y = 1.055
    inside: dict[str, Any] = {"transform": axes.transAxes, "va": "center"}
    _mark(axes, 0.02, y, filled=False, above=True)
    axes.text(0.05, y, "reader alone", **inside)
    _mark(axes, 0.35, y, filled=True, above=True)
    axes.text(0.38, y, "with help", **inside)
    if not point:
        return
    axes.plot(
        [0.63],
        [y],
        marker=MARKERS.get(point, "D"),
        markersize=6.5,
        color=_MODEL,
        transform=axes.transAxes,
        clip_on=False,
    )
    axes.text(0.66, y, f"score at {shorten(point, length=_LONGEST)}", **inside)


def _place(row: Reading) -> Point:
    return 1 - row.specificity.value, row.sensitivity.value
