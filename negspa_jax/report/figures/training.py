"""What each fold's training did, epoch by epoch."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from negspa_jax.evaluate.provenance import Epoch
from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import format_counted
from negspa_jax.report.figures.drawing import (
    COLOURS,
    DASHES,
    GREY,
    Margins,
    Panel,
    draw_panel,
)


class Fold(NamedTuple):
    """The epochs of a fold in their order, and where stages begin after the first."""

    number: int
    epochs: tuple[Epoch, ...]
    starts: tuple[int, ...]


def draw_training(study: Study) -> list[Panel]:
    """Two panels: training loss, and validation AUC of the patients held out."""
    folds = _folds(study.provenance.training)
    if not folds:
        return []
    return [
        draw_panel(
            partial(_draw, folds=folds, field=field, label=label),
            name=f"training_{field}",
            title=label,
            words=f"{label} of {_count(folds)} over "
            + format_counted(max(len(fold.epochs) for fold in folds), "epoch"),
            size=(3.5, 2.6),
            margins=Margins(0.15, 0.17, 0.94, 0.95),
        )
        for field, label in (
            ("train_loss", "Training loss"),
            ("validation_auc", "Validation AUC"),
        )
    ]


def _folds(epochs: Sequence[Epoch]) -> list[Fold]:
    groups: dict[int, list[Epoch]] = {}
    for epoch in epochs:
        groups.setdefault(epoch.fold, []).append(epoch)
    return [
        Fold(
            number,
            tuple(group),
            tuple(
                place
                for place in range(1, len(group))
                if group[place].stage != group[place - 1].stage
            ),
        )
        for number, group in sorted(groups.items())
    ]


def _draw(axes: Axes, *, folds: Sequence[Fold], field: str, label: str) -> None:
    axes.set(xlabel="Epoch, over all stages", ylabel=label)
    longest = max(folds, key=lambda fold: len(fold.epochs))
    for start in longest.starts:
        axes.axvline(start + 0.5, color=GREY, linewidth=0.7, linestyle=(0, (1, 2)))
    for fold in folds:
        values = [getattr(epoch, field) for epoch in fold.epochs]
        place = fold.number % len(COLOURS)
        style: dict[str, Any] = {"color": COLOURS[place], "linestyle": DASHES[place]}
        axes.plot(range(1, len(values) + 1), values, linewidth=0.9, **style)
    if len(folds) > 1:
        _name_folds(axes, folds, top=field == "train_loss")


def _count(folds: Sequence[Fold]) -> str:
    return "one model" if len(folds) == 1 else format_counted(len(folds), "fold")


def _name_folds(axes: Axes, folds: Sequence[Fold], *, top: bool) -> None:
    """Names in the corner that falling or rising curves leave free."""
    for number, fold in enumerate(folds):
        place = fold.number % len(COLOURS)
        y = 0.95 - 0.075 * number if top else 0.05 + 0.075 * (len(folds) - 1 - number)
        inside: dict[str, Any] = {"transform": axes.transAxes}
        axes.text(0.87, y, f"fold {fold.number}", ha="right", va="center", **inside)
        style = {"color": COLOURS[place], "linestyle": DASHES[place]}
        axes.plot([0.89, 0.98], [y, y], linewidth=1.2, **style, **inside)
