"""Readers beside the primary score's ROC curve, and how patients came in."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from negspa_jax.evaluate.performance import Performance
from negspa_jax.evaluate.readers import Reading
from negspa_jax.evaluate.study import Flow, Study
from negspa_jax.report.digits import format_count, shorten
from negspa_jax.report.figures.curves import (
    MARKERS,
    count_patients,
    frame_roc,
    group_by_split,
)
from negspa_jax.report.figures.drawing import (
    COLOURS,
    GREY,
    INK,
    PALE,
    Margins,
    Panel,
    draw_panel,
    slug,
)
from negspa_jax.report.figures.labels import place_labels

_LONGEST_NAME, _LONGEST_LABEL = 12, 24


def draw_readers(study: Study) -> list[Panel]:
    """A panel for each split with readers: alone hollow, with help filled."""
    panels = []
    for number, (split, rows) in enumerate(group_by_split(study).items(), start=1):
        readings = [
            row
            for row in study.readings
            if row.split == split
            and row.sensitivity.value == row.sensitivity.value
            and row.specificity.value == row.specificity.value
        ]
        if not readings:
            continue
        model = rows[0]
        panels.append(
            draw_panel(
                lambda axes, model=model, readings=readings: _draw_readers(  # type: ignore[misc]
                    axes, model, readings
                ),
                name=slug("readers", f"{number}-{split}"),
                title=f"{split}, {count_patients(model)}",
                words=f"Readers beside the ROC curve of {model.score} in {split}: "
                + ", ".join(dict.fromkeys(row.reader for row in readings)),
            )
        )
    return panels


def _draw_readers(axes: Axes, model: Performance, readings: Sequence[Reading]) -> None:
    frame_roc(axes)
    axes.plot(*model.roc[:2], color=COLOURS[0], linewidth=1.6, zorder=2)
    places = {(row.reader, row.assisted): _place(row) for row in readings}
    points, names = [], []
    for calls in model.calls:
        if calls.point.name in [row.point for row in readings]:
            x, y = 1 - calls.specificity.value, calls.sensitivity.value
            marker = MARKERS.get(calls.point.name, "D")
            axes.plot([x], [y], marker=marker, color=COLOURS[0], markersize=6, zorder=5)
            points.append((x, y))
            names.append(f"score at {calls.point.name}")
    for (reader, assisted), (x, y) in places.items():
        alone = places.get((reader, False))
        if assisted and alone is not None:
            axes.annotate(
                "",
                (x, y),
                alone,
                arrowprops={
                    **{"arrowstyle": "-", "color": COLOURS[1], "linewidth": 0.8},
                    **{"shrinkA": 2.5, "shrinkB": 2.5},
                },
            )
        axes.plot(
            [x],
            [y],
            marker="o",
            markersize=5,
            markerfacecolor=COLOURS[1] if assisted else "white",
            markeredgecolor=COLOURS[1],
            zorder=6,
        )
        if alone is None or not assisted:
            points.append((x, y))
            names.append(shorten(reader, length=_LONGEST_NAME))
    corners = place_labels(points, names, taken=list(places.values()))
    for (x, y), name in zip(corners, names, strict=True):
        axes.text(x, y, name, va="bottom", zorder=7)
    _explain(axes)


def _explain(axes: Axes) -> None:
    """What hollow and filled mean, in the corner that readers leave free."""
    for y, text, face in ((0.11, "alone", "white"), (0.045, "with help", COLOURS[1])):
        style = {"markerfacecolor": face, "markeredgecolor": COLOURS[1]}
        axes.plot([0.72], [y], marker="o", markersize=5, **style)
        axes.text(0.75, y, f"reader {text}", va="center")


def _place(row: Reading) -> tuple[float, float]:
    return 1 - row.specificity.value, row.sensitivity.value


def draw_flow(study: Study) -> list[Panel]:
    """One panel: from all patients to the labelled ones of each split and class."""
    rows = study.flow
    height = 1.05 + 0.95 * len(rows)
    total = sum(flow.num_patients for flow in rows)

    def draw(axes: Axes) -> None:
        axes.set(xlim=(0, 4.6), ylim=(-height, 0))
        axes.axis("off")
        _box(axes, 0.05, -0.75, 2.1, [f"{_patients(total)} with a score"])
        absent = f"{_patients(len(study.unscored))} without a score"
        _arrow(axes, [(2.15, -0.47), (2.45, -0.47)])
        _box(axes, 2.45, -0.75, 2.1, [absent, "not counted"], pale=True)
        for place, flow in enumerate(rows):
            _draw_split(axes, study, flow, -1.45 - 0.95 * place)
        _arrow(
            axes, [(0.25, -0.75), (0.25, -1.17 - 0.95 * (len(rows) - 1))], head=False
        )

    return [
        draw_panel(
            draw,
            name="flow",
            title="",
            words="Flow of patients: " + "; ".join(map(_describe, rows)),
            size=(4.6, height),
            margins=Margins(0.0, 0.0, 1.0, 1.0),
        )
    ]


def _draw_split(axes: Axes, study: Study, flow: Flow, bottom: float) -> None:
    _arrow(axes, [(0.25, bottom + 0.28), (0.5, bottom + 0.28)])
    name = shorten(flow.split, length=_LONGEST_LABEL)
    unknown = f"{format_count(flow.num_unlabelled)} without a label"
    lines = [name, _patients(flow.num_patients), unknown]
    _box(axes, 0.5, bottom - 0.08, 1.65, lines, height=0.72)
    for y, count, label, colour in (
        (bottom + 0.3, flow.num_positive, study.names.positive, COLOURS[1]),
        (bottom - 0.1, flow.num_negative, study.names.negative, COLOURS[0]),
    ):
        middle = y + 0.17
        _arrow(axes, [(2.15, bottom + 0.28), (2.3, bottom + 0.28)], head=False)
        _arrow(axes, [(2.3, bottom + 0.28), (2.3, middle), (2.45, middle)])
        text = f"{format_count(count)}  {shorten(label, length=_LONGEST_LABEL)}"
        _box(axes, 2.45, y, 2.1, [text], height=0.34, edge=colour)


def _box(
    axes: Axes,
    x: float,
    y: float,
    width: float,
    lines: list[str],
    *,
    height: float = 0.56,
    edge: str = GREY,
    pale: bool = False,
) -> None:
    patch = FancyBboxPatch(
        (x, y),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=0.04",
        facecolor="none",
        edgecolor=PALE if pale else edge,
        linewidth=1,
    )
    axes.add_patch(patch)
    step = 0.17
    top = y + height / 2 + step * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        weight = "bold" if not number and len(lines) == 3 else "normal"
        axes.text(
            x + width / 2,
            top - step * number,
            line,
            ha="center",
            va="center",
            fontsize=8,
            fontweight=weight,
            color=GREY if pale else INK,
        )


def _arrow(axes: Axes, path: list[tuple[float, float]], *, head: bool = True) -> None:
    axes.plot(*zip(*path, strict=True), color=GREY, linewidth=0.8)
    if head:
        (x, y) = path[-1]
        axes.plot([x - 0.025], [y], marker=">", color=GREY, markersize=3)


def _patients(count: int) -> str:
    return "1 patient" if count == 1 else f"{format_count(count)} patients"


def _describe(flow: Flow) -> str:
    return (
        f"{flow.split}, {_patients(flow.num_patients)}, {flow.num_unlabelled} without "
        f"a label, {flow.num_positive} positive, {flow.num_negative} negative"
    )
