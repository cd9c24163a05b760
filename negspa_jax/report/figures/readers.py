"""Readers beside the primary score's ROC and precision-recall curves, close up."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.performance import Calls, Performance
from negspa_jax.evaluate.readers import Reading
from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import shorten
from negspa_jax.report.figures.curves import (
    MARKERS,
    frame_precision_recall,
    frame_roc,
    plot_precision_recall,
)
from negspa_jax.report.figures.drawing import (
    COLOURS,
    Margins,
    Panel,
    draw_panel,
    slug,
)
from negspa_jax.report.figures.labels import Point, place_labels
from negspa_jax.report.figures.reader_marks import (
    Place,
    has_place,
    place_in_pr,
    place_in_roc,
)
from negspa_jax.report.figures.splits import (
    count_patients,
    group_by_split,
    number_split,
)

_LONGEST = 12
_MODEL, _READER = COLOURS[0], COLOURS[1]
# How far from the corner of perfect calls the axes reach, whichever holds all points.
_EXTENTS = (0.5, 0.75, 1.0)


class Plane(NamedTuple):
    """What the axes are: `perfect` is where perfect calls lie across."""

    name: str
    title: str
    words: str
    perfect: int
    frame: Callable[[Axes], None]
    plot: Callable[..., None]
    place: Place
    locate: Callable[[Calls], Point]


def draw_readers(study: Study) -> list[Panel]:
    """Two panels for each split with readers: alone hollow, with help filled."""
    panels = []
    for split, rows in group_by_split(study).items():
        readings = [row for row in study.readings if row.split == split]
        for plane in _PLANES:
            found = [row for row in readings if has_place(row, plane.place)]
            if found:
                panels.append(_draw_panel(study, rows[0], found, plane))
    return panels


def _draw_panel(
    study: Study, row: Performance, readings: Sequence[Reading], plane: Plane
) -> Panel:
    readers = ", ".join(dict.fromkeys(reading.reader for reading in readings))
    return draw_panel(
        partial(_draw, model=row, readings=readings, point=study.point, plane=plane),
        name=slug(plane.name, number_split(study, row.split)),
        title=f"{row.split}, {plane.title}, {count_patients(row)}",
        words=f"Readers {readers} beside the {plane.words} curve of {row.score} in "
        f"{row.split}",
        size=(3.5, 3.6),
        margins=Margins(top=0.915, bottom=0.125),
    )


def _draw(
    axes: Axes,
    *,
    model: Performance,
    readings: Sequence[Reading],
    point: OperatingPoint | None,
    plane: Plane,
) -> None:
    places = {(row.reader, row.assisted): plane.place(row) for row in readings}
    calls = [calls for calls in model.calls if calls.point == point]
    # Where nobody is called positive there is no precision, and so no point.
    own = [(x, y) for x, y in map(plane.locate, calls) if x == x and y == y]
    extent = _frame(axes, plane, [*places.values(), *own])
    plane.plot(axes, model, color=_MODEL, linewidth=1.6, zorder=2)
    for x, y in own:
        marker = MARKERS.get(calls[0].point.name, "D")
        axes.plot([x], [y], marker=marker, color=_MODEL, markersize=6.5, zorder=5)
    for (reader, assisted), place in places.items():
        alone = places.get((reader, False))
        if assisted and alone is not None:
            style: dict[str, Any] = {"color": _READER, "linewidth": 0.8, "alpha": 0.7}
            axes.plot(*zip(alone, place, strict=True), zorder=3, **style)
        _mark(axes, *place, filled=assisted)
    corner = plane.perfect * (1 - extent), 1 - extent
    _name_readers(axes, places, own, corner, extent)
    helped = any(row.assisted for row in readings)
    _explain(axes, point.name if own and point else "", helped=helped)


def _frame(axes: Axes, plane: Plane, points: Sequence[Point]) -> float:
    """The corner of the square that holds all points; its width."""
    plane.frame(axes)
    farthest = max(max(abs(plane.perfect - x), 1 - y) for x, y in points)
    extent = next(extent for extent in _EXTENTS if farthest <= extent + 1e-9)
    margin, left = 0.02 * extent, plane.perfect * (1 - extent)
    axes.set_xlim(left - margin, left + extent + margin)
    axes.set_ylim(1 - extent - margin, 1 + margin)
    if extent < 1:
        step = 0.1 if extent < 0.6 else 0.25
        ticks = [step * i for i in range(round(extent / step) + 1)]
        up = [1 - tick for tick in ticks]
        axes.set(xticks=up if plane.perfect else ticks, yticks=up)
    return extent


def _name_readers(
    axes: Axes,
    places: dict[tuple[str, bool], Point],
    others: Sequence[Point],
    corner: Point,
    extent: float,
) -> None:
    """A name beside each reader's point alone, or with help if that is all."""

    def inside(point: Point) -> Point:
        return (point[0] - corner[0]) / extent, (point[1] - corner[1]) / extent

    named = {
        reader: inside(place)
        for (reader, assisted), place in places.items()
        if not assisted or (reader, False) not in places
    }
    # Readers who lie at one place share its name.
    at = {place: [r for r in named if named[r] == place] for place in named.values()}
    texts = [
        ", ".join(shorten(reader, length=_LONGEST) for reader in readers)
        for readers in at.values()
    ]
    taken = [inside(place) for place in [*places.values(), *others]]
    corners = place_labels(list(at), texts, taken=taken)
    for (x, y), text in zip(corners, texts, strict=True):
        across, up = corner[0] + x * extent, corner[1] + y * extent
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


def _explain(axes: Axes, point: str, *, helped: bool) -> None:
    """What the marks mean, above the axes; `point`: "" if the score has no mark."""
    y = 1.055
    inside: dict[str, Any] = {"transform": axes.transAxes, "va": "center"}
    _mark(axes, 0.02, y, filled=False, above=True)
    axes.text(0.05, y, "reader alone", **inside)
    if helped:
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


def _plot_roc(axes: Axes, row: Performance, **style: Any) -> None:
    axes.plot(*row.roc[:2], **style)


def _locate_in_roc(calls: Calls) -> Point:
    return 1 - calls.specificity.value, calls.sensitivity.value


def _locate_in_pr(calls: Calls) -> Point:
    return calls.sensitivity.value, calls.ppv.value


_PLANES = (
    Plane(
        *("readers", "ROC", "ROC", 0, frame_roc),
        *(_plot_roc, place_in_roc, _locate_in_roc),
    ),
    Plane(
        *("readers_pr", "PR", "precision-recall", 1, frame_precision_recall),
        *(plot_precision_recall, place_in_pr, _locate_in_pr),
    ),
)
