"""Whether probabilities come true, and who was called what."""

from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from negspa_jax.evaluate.performance import Calls, Performance
from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import UNDEFINED, format_count, format_percent, shorten
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
from negspa_jax.report.figures.splits import (
    group_by_split,
    number_split,
    order_scores,
)

_LONGEST = 13


def draw_calibration(study: Study) -> list[Panel]:
    """A panel for each score and split: observed against predicted shares."""
    order = order_scores(study)
    panels = []
    for split, rows in group_by_split(study).items():
        for row in rows:
            colour = COLOURS[order.index(row.score) % len(COLOURS)]
            panels.append(
                draw_panel(
                    partial(_draw_calibration, row=row, colour=colour),
                    name=slug("calibration", number_split(study, split), row.score),
                    title=f"{split}, {row.score}",
                    words=f"Calibration of {row.score} in {split}",
                    size=(2.7, 2.65),
                    margins=Margins(0.185, 0.17, 0.97, 0.97),
                )
            )
    return panels


def _draw_calibration(axes: Axes, *, row: Performance, colour: str) -> None:
    curve = row.calibration
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=ticks, yticks=ticks)
    axes.set(xlabel="Mean score of the bin", ylabel="Share of positives")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.7, linestyle=(0, (1, 2)))
    # How many patients a point stands for: a bar of at most a sixth of the height.
    highest = max(curve.counts, default=1)
    for x, count in zip(curve.predicted, curve.counts, strict=True):
        height = count / highest / 6
        axes.add_patch(Rectangle((x - 0.015, 0), 0.03, height, color=PALE, zorder=1))
    for x, low, high in zip(curve.predicted, curve.low, curve.high, strict=True):
        axes.plot([x, x], [low, high], color=colour, linewidth=0.9, zorder=2)
    axes.plot(
        curve.predicted,
        curve.observed,
        marker="o",
        color=colour,
        linewidth=0.7,
        markersize=4,
        zorder=3,
    )


def draw_confusion(study: Study) -> list[Panel]:
    """A panel for each split and score: the matrix at its first point."""
    return [
        draw_panel(
            partial(_draw_confusion, study=study, calls=row.calls[0]),
            name=slug("confusion", number_split(study, split), row.score),
            title=f"{split}, {row.score}",
            words=f"Confusion matrix of {row.score} in {split}: "
            + ", ".join(
                f"{count} {name.replace('_', ' ')}"
                for name, count in row.calls[0].counts._asdict().items()
            ),
            size=(2.15, 1.75),
            margins=Margins(0.3, 0.03, 0.99, 0.76),
        )
        for split, rows in group_by_split(study, one_class=True).items()
        for row in rows
        if row.calls
    ]


def _draw_confusion(axes: Axes, *, study: Study, calls: Calls) -> None:
    counts = calls.counts
    matrix = (
        (counts.true_positives, counts.false_negatives),
        (counts.false_positives, counts.true_negatives),
    )
    axes.set(xlim=(0, 2), ylim=(2, 0), xticks=[0.5, 1.5], yticks=[0.5, 1.5])
    axes.grid(False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0, top=True, labeltop=True, labelbottom=False)
    names = [
        shorten(name, length=_LONGEST)
        for name in (study.names.positive, study.names.negative)
    ]
    axes.set_xticklabels(["positive", "negative"])
    axes.set_yticklabels(names)
    axes.set_title(f"Called (score ≥ {calls.point.cutoff:.3f})", fontsize=7.5, pad=6)
    for row, cells in enumerate(matrix):
        total = sum(cells)
        for column, count in enumerate(cells):
            share = count / total if total else 0.0
            shade = Rectangle(
                (column, row),
                *(1, 1),
                facecolor=COLOURS[0],
                alpha=0.08 + 0.5 * share,
                edgecolor="none",
            )
            frame = Rectangle((column, row), 1, 1, fill=False, edgecolor="white")
            axes.add_patch(shade)
            axes.add_patch(frame)
            middle: dict[str, Any] = {"ha": "center", "va": "center", "color": INK}
            axes.text(
                column + 0.5, row + 0.43, format_count(count), fontsize=11, **middle
            )
            percent = f"{format_percent(share)} %" if total else UNDEFINED
            axes.text(column + 0.5, row + 0.77, percent, fontsize=6.5, **middle)
