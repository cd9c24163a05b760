"""Readers as stars beside the curves of scores: alone hollow, with help filled."""

import math
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes

from negspa_jax.evaluate.readers import Reading
from negspa_jax.report.figures.drawing import INK
from negspa_jax.report.figures.labels import Point

Place = Callable[[Reading], Point]


def place_in_roc(row: Reading) -> Point:
    """False positive rate and sensitivity; NaN where a class has no call."""
    return 1 - row.specificity.value, row.sensitivity.value


def place_in_pr(row: Reading) -> Point:
    """Recall and precision; NaN without positives, or a positive call."""
    return row.sensitivity.value, row.ppv.value


def has_place(row: Reading, place: Place = place_in_roc) -> bool:
    """Whether a reader's calls are a point of the plane."""
    return not math.isnan(sum(place(row)))


def mark_readers(axes: Axes, readings: Sequence[Reading], place: Place) -> None:
    """A star for each reading that has a place; who is who stands in another figure.

    Args:
        axes: both from 0 to 1.
        readings: of one split.
        place: where a reading lies.
    """
    for row in readings:
        if not has_place(row, place):
            continue
        x, y = place(row)
        axes.plot(
            [x],
            [y],
            marker="*",
            markersize=8,
            markerfacecolor=INK if row.assisted else "white",
            markeredgecolor=INK,
            markeredgewidth=0.9,
            clip_on=False,
            zorder=8,
        )
