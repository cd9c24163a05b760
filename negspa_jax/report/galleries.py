"""The figures of a report with their captions: where each one's numbers come from."""

from negspa_jax.evaluate.study import Study
from negspa_jax.report.blocks import Gallery
from negspa_jax.report.figures.agreement import draw_calibration, draw_confusion
from negspa_jax.report.figures.curves import (
    draw_decision,
    draw_precision_recall,
    draw_roc,
)
from negspa_jax.report.figures.flow import draw_flow
from negspa_jax.report.figures.forest import draw_forest
from negspa_jax.report.figures.readers import draw_readers
from negspa_jax.report.figures.training import draw_training

_AREAS = "table “Discrimination of each score in each split”"


def show_flow(study: Study) -> Gallery:
    """How patients came in."""
    caption = "Counts of table “Patients of each split”."
    return Gallery("flow", "Flow of patients", caption, tuple(draw_flow(study)))


def show_roc(study: Study) -> Gallery:
    """ROC curves with intervals and operating points."""
    return Gallery(
        "roc",
        "ROC curves with operating points",
        f"Labelled patients of each split. Beside each name: AUC with the interval of "
        f"{_AREAS}. Circle: Youden; triangle: high sensitivity; square: high "
        "specificity; diamond: given; those of the primary score with the intervals "
        "of table “Each score at its operating points”.",
        tuple(draw_roc(study)),
    )


def show_precision_recall(study: Study) -> Gallery:
    """Precision-recall curves."""
    return Gallery(
        "precision_recall",
        "Precision-recall curves",
        "Labelled patients of each split. Beside each name: average precision with the "
        f"interval of {_AREAS}. Dotted: the precision of calling everybody positive.",
        tuple(draw_precision_recall(study)),
    )


def show_calibration(study: Study) -> Gallery:
    """Calibration curves."""
    return Gallery(
        "calibration",
        "Calibration curves",
        "Labelled patients of each split, in up to ten bins of equal width; share of "
        f"{study.names.positive} with its Clopper-Pearson interval. Grey bars: "
        "patients in the bin, as a share of the fullest. Dotted: perfect.",
        tuple(draw_calibration(study)),
        across=4,
    )


def show_decision(study: Study) -> Gallery:
    """Decision curves."""
    return Gallery(
        "decision",
        "Decision curves",
        "Labelled patients of each split. Net benefit, in patients rightly called "
        "positive per patient: TP/n - FP/n * t/(1 - t) at threshold t, against calling "
        "everybody and nobody positive. It takes the scores as probabilities: see "
        "Calibration.",
        tuple(draw_decision(study)),
    )


def show_confusion(study: Study) -> Gallery:
    """Confusion matrices at the first point of each score."""
    points = dict.fromkeys(
        f"“{row.calls[0].point.name}”" for row in study.performances if row.calls
    )
    return Gallery(
        "confusion",
        "Confusion matrices",
        f"Labelled patients at the carried cut-off of the point {', '.join(points)}; "
        "rows: the label; percent of the row.",
        tuple(draw_confusion(study)),
        across=4,
    )


def show_forest(study: Study) -> Gallery:
    """The forest plot of the subgroups."""
    scores = dict.fromkeys(f"“{row.score}”" for row in study.subgroups)
    return Gallery(
        "forest",
        "Forest plot of subgroups",
        f"Labelled patients, score {', '.join(scores)}; estimates and intervals of "
        "table “Subgroups”; n: patients whom the measure counts. Dotted: all patients "
        "of the split. Hollow and grey: too few patients to say much.",
        tuple(draw_forest(study)),
        across=3,
    )


def show_readers(study: Study) -> Gallery:
    """Readers beside the score."""
    return Gallery(
        "readers",
        "Readers beside the score",
        "Hollow: reader alone; filled, at the other end of the line: the same reader "
        "with the model's help; shares of table “Readers alone and with the model's "
        f"help”. Blue curve and point: score “{study.names.primary}” of all labelled "
        "patients of the split. Where all points lie near the corner of perfect calls, "
        "only that corner is shown.",
        tuple(draw_readers(study)),
    )


def show_training(study: Study) -> Gallery:
    """Training curves."""
    return Gallery(
        "training",
        "Training curves",
        "Each fold's epochs, from fold_*/history.csv of the run. Validation AUC: of "
        "the patients whom the fold holds out. Dotted: a stage begins.",
        tuple(draw_training(study)),
    )
