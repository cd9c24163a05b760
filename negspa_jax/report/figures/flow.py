"""How patients came in: a diagram from all of them to the classes of each split."""

from functools import partial

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from negspa_jax.evaluate.study import Flow, Study
from negspa_jax.report.digits import format_count, format_counted, shorten
from negspa_jax.report.figures.drawing import (
    COLOURS,
    GREY,
    INK,
    PALE,
    Margins,
    Panel,
    draw_panel,
)
from negspa_jax.report.roles import TRAIN, describe_unscored

_LONGEST = 24
# In inches, from the top: the first box, then a block of a split after another.
_WIDTH, _HEAD, _SPLIT, _GAP = 4.6, 0.5, 0.76, 0.24


def draw_flow(study: Study) -> list[Panel]:
    """One panel: all patients, by split, and by class."""
    height = 0.1 + _HEAD + (_GAP + _SPLIT) * len(study.everybody)
    return [
        draw_panel(
            partial(_draw, study=study, height=height),
            name="flow",
            title="",
            words="Flow of patients: "
            + "; ".join(_describe(study, flow) for flow in study.everybody),
            size=(_WIDTH, height),
            margins=Margins(0.0, 0.0, 1.0, 1.0),
        )
    ]


def _draw(axes: Axes, *, study: Study, height: float) -> None:
    axes.set(xlim=(0, _WIDTH), ylim=(height, 0))
    axes.axis("off")
    top = 0.05
    total = sum(flow.num_patients for flow in study.flow)
    head = [f"{_patients(total)} with a score"]
    if study.unscored_train:
        count = study.unscored_train.num_patients
        head.append(f"{format_count(count)} of {TRAIN} without")
    _box(axes, 0.05, top, 2.1, _HEAD, head)
    if study.unscored:
        absent = [f"{_patients(len(study.unscored))} without a score", "not counted"]
        _box(axes, 2.45, top, 2.1, _HEAD, absent, pale=True)
        _arrow(axes, [(2.15, top + _HEAD / 2), (2.45, top + _HEAD / 2)])
    for place, flow in enumerate(study.everybody):
        start = top + _HEAD + _GAP + (_GAP + _SPLIT) * place
        middle = start + _SPLIT / 2
        _arrow(axes, [(0.25, top + _HEAD), (0.25, middle), (0.5, middle)])
        _draw_split(axes, study, flow, start)


def _draw_split(axes: Axes, study: Study, flow: Flow, top: float) -> None:
    name = shorten(flow.split, length=_LONGEST)
    lines = [name, *_count(study, flow)]
    _box(axes, 0.5, top, 1.65, _SPLIT, lines, bold=True)
    half = (_SPLIT - 0.08) / 2
    for y, count, label, colour in (
        (top, flow.num_positive, study.names.positive, COLOURS[1]),
        (top + half + 0.08, flow.num_negative, study.names.negative, COLOURS[0]),
    ):
        middle = top + _SPLIT / 2
        _arrow(axes, [(2.15, middle), (2.3, middle), (2.3, y + half / 2)], head=False)
        _arrow(axes, [(2.3, y + half / 2), (2.45, y + half / 2)])
        text = f"{format_count(count)} {shorten(label, length=_LONGEST)}"
        _box(axes, 2.45, y, 2.1, half, [text], edge=colour)


def _box(
    axes: Axes,
    left: float,
    top: float,
    width: float,
    height: float,
    lines: list[str],
    *,
    edge: str = GREY,
    pale: bool = False,
    bold: bool = False,
) -> None:
    frame = FancyBboxPatch(
        (left, top),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=0.04",
        facecolor="none",
        edgecolor=PALE if pale else edge,
        linewidth=1,
    )
    axes.add_patch(frame)
    step = 0.17
    first = top + height / 2 - step * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        axes.text(
            left + width / 2,
            first + step * number,
            line,
            ha="center",
            va="center",
            fontsize=8,
            fontweight="bold" if bold and not number else "normal",
            color=GREY if pale else INK,
        )


def _arrow(axes: Axes, path: list[tuple[float, float]], *, head: bool = True) -> None:
    axes.plot(*zip(*path, strict=True), color=GREY, linewidth=0.8)
    if head:
        x, y = path[-1]
        axes.plot([x - 0.035], [y], marker=">", color=GREY, markersize=3.5)


def _patients(count: int) -> str:
    return format_counted(count, "patient")


def _count(study: Study, flow: Flow) -> list[str]:
    """The lines of a split's box, below its name."""
    unlabelled = f"{format_count(flow.num_unlabelled)} without a label"
    if not study.unscored_train or flow.split != TRAIN:
        return [_patients(flow.num_patients), unlabelled]
    scored = flow.num_patients - study.unscored_train.num_patients
    lines = [f"{_patients(flow.num_patients)}{'' if scored else ', no score'}"]
    for count, what in ((scored, "scored"), (study.num_learned, "learned from")):
        lines += [f"{format_count(count)} {what}"] if count else []
    return [*lines, unlabelled] if flow.num_unlabelled else lines


def _describe(study: Study, flow: Flow) -> str:
    apart = describe_unscored(study) if flow.split == TRAIN else ""
    return (
        f"{flow.split}, {_patients(flow.num_patients)}, {flow.num_unlabelled} "
        f"without a label, {flow.num_positive} positive, {flow.num_negative} negative"
        f"{', ' if apart else ''}{apart}"
    )
