"""ROC, precision-recall and decision curves of one split, a curve for each score."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes

from negspa_jax.evaluate.performance import Calls, Estimate, Performance
from negspa_jax.evaluate.readers import Reading
from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import format_interval, format_number, shorten
from negspa_jax.report.figures.drawing import (
    COLOURS,
    DASHES,
    GREY,
    INK,
    Margins,
    Panel,
    draw_panel,
    slug,
)
from negspa_jax.report.figures.reader_marks import (
    mark_readers,
    place_in_pr,
    place_in_roc,
)
from negspa_jax.report.figures.splits import (
    count_patients,
    group_by_split,
    number_split,
    order_scores,
)

MARKERS = {"Youden": "o", "high sensitivity": "^", "high specificity": "s"}
_LONGEST = 18


def draw_roc(study: Study) -> list[Panel]:
    """A panel for each split: curves, operating points, intervals of the primary's."""

    def draw(axes: Axes, rows: Sequence[Performance]) -> None:
        frame_roc(axes)
        for row, style in zip(rows, _styles(study, rows), strict=True):
            axes.plot(*row.roc[:2], **style)
            for calls in row.calls:
                primary = row.score == study.names.primary
                _mark(axes, calls, color=style["color"], interval=primary)
        mark_readers(axes, _read(study, rows), place_in_roc)
        _label(axes, rows, study, [f" {_brief(row.auc)}" for row in rows])

    return _panels(study, "roc", "ROC curves", draw)


def draw_precision_recall(study: Study) -> list[Panel]:
    """A panel for each split: precision against recall, by steps."""

    def draw(axes: Axes, rows: Sequence[Performance]) -> None:
        frame_precision_recall(axes)
        for row, style in zip(rows, _styles(study, rows), strict=True):
            plot_precision_recall(axes, row, **style)
        if len(rows[0].precision_recall.precision):
            # At the lowest cut-off everybody is called positive.
            share = float(rows[0].precision_recall.precision[-1])
            axes.axhline(share, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)))
        mark_readers(axes, _read(study, rows), place_in_pr)
        areas = [f" {_brief(row.average_precision)}" for row in rows]
        _label(axes, rows, study, areas)

    return _panels(study, "precision_recall", "Precision and recall", draw)


def draw_decision(study: Study) -> list[Panel]:
    """A panel for each split: net benefit against the threshold."""

    def draw(axes: Axes, rows: Sequence[Performance]) -> None:
        first = rows[0].decision
        highest = float(first.treat_all[0])
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.plot(
            first.thresholds, first.treat_all, color=GREY, linestyle=(0, (1, 1.5))
        )
        for row, style in zip(rows, _styles(study, rows), strict=True):
            axes.plot(row.decision.thresholds, row.decision.model, **style)
        axes.set(xlim=(0, 1), xlabel="Threshold probability", ylabel="Net benefit")
        if highest > 0:
            axes.set_ylim(-0.15 * highest, 1.25 * highest)
        _label(axes, rows, study, [""] * len(rows), top=True)
        axes.text(0.985, -0.01 * highest, "nobody", ha="right", va="top", color=INK)
        axes.text(0.015, 1.02 * highest, "everybody", va="bottom", color=GREY)

    return _panels(
        study,
        "decision",
        "Decision curves",
        draw,
        margins=Margins(left=0.165),
    )


def frame_roc(axes: Axes) -> None:
    """The square of an ROC curve with its diagonal."""
    _frame_shares(axes, "False positive rate (1 - specificity)", "Sensitivity")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.7, linestyle=(0, (1, 2)))


def frame_precision_recall(axes: Axes) -> None:
    """The square of a precision-recall curve."""
    _frame_shares(axes, "Recall (sensitivity)", "Precision (PPV)")


def plot_precision_recall(axes: Axes, row: Performance, **style: Any) -> None:
    """Precision against recall, by steps."""
    curve = row.precision_recall
    # The area's first step begins at recall 0.
    recall = [0.0, *curve.recall]
    precision = [*curve.precision[:1], *curve.precision]
    axes.plot(recall, precision, drawstyle="steps-pre", **style)


def _panels(
    study: Study,
    name: str,
    title: str,
    draw: Callable[..., None],
    *,
    margins: Margins = Margins(),  # noqa: B008  (a constant)
) -> list[Panel]:
    return [
        draw_panel(
            partial(draw, rows=rows),
            name=slug(name, number_split(study, split)),
            title=f"{split}, {count_patients(rows[0])}",
            words=f"{title} of {split}: {', '.join(row.score for row in rows)}",
            margins=margins,
        )
        for split, rows in group_by_split(study).items()
    ]


def _read(study: Study, rows: Sequence[Performance]) -> list[Reading]:
    return [row for row in study.readings if row.split == rows[0].split]


def _styles(study: Study, rows: Sequence[Performance]) -> list[dict[str, Any]]:
    """A score has the same colour and dashes in every panel; the primary is thick."""
    names = order_scores(study)
    places = [names.index(row.score) for row in rows]
    return [
        {
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": DASHES[place % len(DASHES)],
            "linewidth": 1.3 if place else 2.0,
            # The primary lies on top of the others.
            "zorder": 3 if place else 4,
        }
        for place in places
    ]


def _frame_shares(axes: Axes, across: str, up: str) -> None:
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    axes.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.015), xticks=ticks, yticks=ticks)
    axes.set(xlabel=across, ylabel=up)


def _mark(axes: Axes, calls: Calls, *, color: str, interval: bool) -> None:
    """An operating point, and how sure one can be of it."""
    x, y = 1 - calls.specificity.value, calls.sensitivity.value
    if interval:
        style: dict[str, Any] = {
            "color": color,
            "linewidth": 0.8,
            "alpha": 0.65,
            "zorder": 2,
        }
        axes.plot(
            [1 - calls.specificity.high, 1 - calls.specificity.low], [y, y], **style
        )
        axes.plot([x, x], [calls.sensitivity.low, calls.sensitivity.high], **style)
    axes.plot(
        [x],
        [y],
        marker=MARKERS.get(calls.point.name, "D"),
        markersize=5.5 if interval else 4,
        markerfacecolor=color if interval else "white",
        markeredgecolor=color,
        markeredgewidth=1,
        zorder=6,
    )


def _label(
    axes: Axes,
    rows: Sequence[Performance],
    study: Study,
    areas: Sequence[str],
    *,
    top: bool = False,
) -> None:
    """Names beside a piece of their curve, in the corner that curves leave free."""
    step = 0.062
    for place, (row, style) in enumerate(zip(rows, _styles(study, rows), strict=True)):
        y = 0.965 - step * place if top else 0.04 + step * (len(rows) - 1 - place)
        text = shorten(row.score, length=_LONGEST) + areas[place]
        axes.text(
            0.895, y, text, ha="right", va="center", transform=axes.transAxes, zorder=7
        )
        line = {key: style[key] for key in ("color", "linestyle", "linewidth")}
        axes.plot(
            [0.91, 0.985],
            [y, y],
            transform=axes.transAxes,
            **line,
            zorder=7,
            clip_on=False,
        )


def _brief(estimate: Estimate) -> str:
    spread = format_interval(estimate.low, estimate.high, digits=2)
    return f"{format_number(estimate.value, digits=2)} {spread}"
