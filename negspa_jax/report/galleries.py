"""The figures of a report with their captions: where each one's numbers come from."""

from collections.abc import Iterable, Iterator

from negspa_jax.evaluate.study import Study
from negspa_jax.report.blocks import Gallery
from negspa_jax.report.figures.agreement import draw_calibration, draw_confusion
from negspa_jax.report.figures.curves import (
    MARKERS,
    draw_decision,
    draw_precision_recall,
    draw_roc,
)
from negspa_jax.report.figures.cutoffs import draw_cutoffs, list_lines
from negspa_jax.report.figures.flow import draw_flow
from negspa_jax.report.figures.forest import draw_forest
from negspa_jax.report.figures.reader_marks import has_place, place_in_pr
from negspa_jax.report.figures.readers import draw_readers
from negspa_jax.report.figures.splits import group_by_split
from negspa_jax.report.figures.training import draw_training
from negspa_jax.report.reader_words import doubt_readers, explain_stars
from negspa_jax.report.roles import describe_point, has_one_model
from negspa_jax.report.tables import curves

_AREAS = "table “Discrimination of each score in each split”"
_SHAPES = {"o": "circle", "^": "triangle", "s": "square"}


def show_flow(study: Study) -> Gallery:
    """How patients came in."""
    caption = "Counts of table “Patients of each split”."
    return Gallery("flow", "Flow of patients", caption, tuple(draw_flow(study)))


def show_roc(study: Study) -> Gallery:
    """ROC curves with intervals and operating points."""
    return Gallery(
        "roc",
        f"ROC curves{' with operating points' if study.operating_points else ''}",
        "Labelled patients of each split. Beside each name: AUC with the interval of "
        f"{_AREAS}. {_explain_marks(study)}{explain_stars(study)}"
        f"{_name_undrawn(study)}",
        tuple(draw_roc(study)),
        points=curves.list_roc(study),
    )


def show_cutoffs(study: Study) -> Gallery:
    """Both rates of the primary score against the cut-off."""
    lines = list_lines(study)
    dashed = (
        "Dashed: the cut-offs of table “Operating points”, the same in every split."
        if lines
        else "There is no cut-off, so no line is drawn."
    )
    primary = [p for p in study.operating_points if p.score == study.names.primary]
    nobody = ", ".join(f"“{point.name}”" for point in primary if point not in lines)
    beyond = f" Not drawn: {nobody}, which calls nobody positive." if nobody else ""
    return Gallery(
        "cutoffs",
        "Sensitivity and false positive rate against the cut-off",
        f"Labelled patients of each split, score “{study.names.primary}”: the share of "
        f"each class whose score is at least the cut-off, by exact steps. {dashed}"
        f"{beyond}{_name_undrawn(study)}",
        tuple(draw_cutoffs(study)),
        points=curves.list_cutoffs(study),
    )


def show_precision_recall(study: Study) -> Gallery:
    """Precision-recall curves."""
    return Gallery(
        "precision_recall",
        "Precision-recall curves",
        "Labelled patients of each split. Beside each name: average precision with the "
        f"interval of {_AREAS}. Dotted: the precision of calling everybody positive."
        f"{explain_stars(study)}{_name_undrawn(study)}",
        tuple(draw_precision_recall(study)),
        points=curves.list_precision_recall(study),
    )


def show_calibration(study: Study) -> Gallery:
    """Calibration curves."""
    return Gallery(
        "calibration",
        "Calibration curves",
        "Labelled patients of each split, in up to ten bins of equal width; share of "
        f"{study.names.positive} with its Clopper-Pearson interval. Grey bars: "
        "patients in the bin, as a share of the fullest. Dotted: perfect."
        f"{_name_undrawn(study)}",
        tuple(draw_calibration(study)),
        across=4,
        points=curves.list_calibration_bins(study),
    )


def show_decision(study: Study) -> Gallery:
    """Decision curves."""
    return Gallery(
        "decision",
        "Decision curves",
        "Labelled patients of each split. Net benefit, in patients rightly called "
        "positive per patient: TP/n - FP/n * t/(1 - t) at threshold t, against calling "
        "everybody and nobody positive. It takes the scores as probabilities: see "
        f"Calibration.{_name_undrawn(study)}",
        tuple(draw_decision(study)),
        points=curves.list_decision(study),
    )


def show_confusion(study: Study) -> Gallery:
    """Confusion matrices at the first point of each score."""
    points = dict.fromkeys(
        f"“{row.calls[0].point.name}”" for row in study.performances if row.calls
    )
    undrawn = _list_undrawn([f"{name} (nobody has a label)" for name in _empty(study)])
    return Gallery(
        "confusion",
        "Confusion matrices",
        "Labelled patients at each score's first cut-off of table “Operating points” "
        f"({', '.join(points)}); rows: the label; percent of the row.{undrawn}",
        tuple(draw_confusion(study)),
        across=4,
    )


def show_forest(study: Study) -> Gallery:
    """The forest plot of the subgroups."""
    scores = dict.fromkeys(f"“{row.score}”" for row in study.subgroups)
    only = "" if study.point else " AUC only: there is no cut-off."
    return Gallery(
        "forest",
        "Forest plot of subgroups",
        f"Labelled patients, score {', '.join(scores)}; estimates and intervals of "
        "table “Subgroups”; n: patients whom the measure counts. Dotted: all patients "
        f"of the split. Hollow and grey: too few patients to say much.{only}",
        tuple(draw_forest(study)),
        across=3,
    )


def show_readers(study: Study) -> Gallery:
    """Readers beside the score."""
    read = dict.fromkeys(row.split for row in study.readings)
    drawn = group_by_split(study)
    partly = [
        f"{row.reader} in {row.split}, {'with help' if row.assisted else 'alone'} "
        "(called patients of one class only)"
        for row in study.readings
        if row.split in drawn and not has_place(row)
    ]
    partly += [
        f"{row.reader} in {row.split} beside the precision-recall curve, "
        f"{'with help' if row.assisted else 'alone'} (called nobody positive)"
        for row in study.readings
        if row.split in drawn and has_place(row) and not has_place(row, place_in_pr)
    ]
    model = (
        f"Blue curves, ROC and precision-recall: score “{study.names.primary}” of all "
        "labelled patients of the split"
    )
    if study.point:
        model += f"; blue point: its calls at {describe_point(study.point)}"
    return Gallery(
        "readers",
        "Readers beside the score",
        "Hollow: reader alone; filled, at the other end of the line: the same reader "
        "with the model's help; shares of table “Readers alone and with the model's "
        f"help”. {model}. Where all points lie near the corner of perfect calls, only "
        f"that corner is shown.{doubt_readers(study)}"
        f"{_list_undrawn([*_find_one_class(study, read), *partly])}",
        tuple(draw_readers(study)),
    )


def show_training(study: Study) -> Gallery:
    """Training curves."""
    of_folds = (
        "Each fold's epochs, from fold_*/history.csv of the run. Validation AUC: of "
        "the patients whom the fold holds out."
    )
    of_one = (
        "The model's epochs, from fold_0/history.csv of the run. Validation AUC: of "
        f"{study.selection or 'the patients held out'}, on whom the epoch was chosen."
    )
    return Gallery(
        "training",
        "Training curves",
        f"{of_one if has_one_model(study) else of_folds} Dotted: a stage begins.",
        tuple(draw_training(study)),
    )


def _explain_marks(study: Study) -> str:
    """Which mark is which operating point, of those that there are."""
    names = dict.fromkeys(point.name for point in study.operating_points)
    if not names:
        return "There is no cut-off, so no point is marked."
    marks = "; ".join(
        f"{_SHAPES.get(MARKERS.get(name, ''), 'diamond')}: {name}" for name in names
    )
    return (
        f"{marks[0].upper()}{marks[1:]}; those of the primary score with the "
        "intervals of table “Each score at its operating points”."
    )


def _name_undrawn(study: Study) -> str:
    return _list_undrawn(_find_one_class(study, _list_splits(study)))


def _find_one_class(study: Study, splits: Iterable[str]) -> Iterator[str]:
    drawn = group_by_split(study)
    return (f"{split} (a class is empty)" for split in splits if split not in drawn)


def _empty(study: Study) -> list[str]:
    drawn = group_by_split(study, one_class=True)
    return [split for split in _list_splits(study) if split not in drawn]


def _list_splits(study: Study) -> list[str]:
    return list(dict.fromkeys(row.split for row in study.performances))


def _list_undrawn(found: Iterable[str]) -> str:
    """The end of a caption, "" if all is drawn."""
    names = "; ".join(found)
    return f" Not drawn: {names}." if names else ""
