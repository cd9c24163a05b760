"""The points of every curve, as files from which anybody may draw it anew."""

from collections.abc import Callable

import numpy as np

from negspa_jax.evaluate.performance import Performance
from negspa_jax.evaluate.study import Study
from negspa_jax.report.tables.table import (
    COUNT,
    CUTOFF,
    NUMBER,
    TEXT,
    Kind,
    Table,
    make_columns,
)

_SHARE = "Share of positives"


def list_roc(study: Study) -> Table:
    """The points of the ROC curves, from nobody called positive to everybody."""
    return _list(
        *(study, "curve_roc", "ROC curves", lambda row: row.roc),
        ("False positive rate", NUMBER),
        ("Sensitivity", NUMBER),
        ("Cut-off", CUTOFF),
    )


def list_precision_recall(study: Study) -> Table:
    """The points of the precision-recall curves, from the highest cut-off down."""
    title = "Precision-recall curves"
    return _list(
        *(study, "curve_precision_recall", title, lambda row: row.precision_recall),
        ("Recall", NUMBER),
        ("Precision", NUMBER),
        ("Cut-off", CUTOFF),
    )


def list_cutoffs(study: Study) -> Table:
    """Both rates of the primary score from the lowest cut-off up.

    A row holds for every cut-off up to its own, and above that of the row before.
    """
    rows = (
        (row.split, row.score, cutoff, sensitivity, false)
        for row in study.performances
        if row.score == study.names.primary
        for false, sensitivity, cutoff in zip(
            *(array[::-1].tolist() for array in row.roc), strict=True
        )
    )
    return Table(
        "curve_cutoffs",
        "Sensitivity and false positive rate against the cut-off",
        "",
        make_columns(
            *(("Split", TEXT), ("Score", TEXT), ("Cut-off", CUTOFF)),
            *(("Sensitivity", NUMBER), ("False positive rate", NUMBER)),
        ),
        tuple(rows),
    )


def list_calibration_bins(study: Study) -> Table:
    """The bins of the calibration curves."""
    return _list(
        *(
            study,
            "curve_calibration",
            "Calibration curves",
            lambda row: row.calibration,
        ),
        ("Mean score", NUMBER),
        (_SHARE, NUMBER),
        (f"{_SHARE}, low", NUMBER),
        (f"{_SHARE}, high", NUMBER),
        ("Patients", COUNT),
    )


def list_decision(study: Study) -> Table:
    """The net benefit at each threshold of the decision curves."""
    return _list(
        *(study, "curve_decision", "Decision curves", lambda row: row.decision),
        ("Threshold", NUMBER),
        ("Net benefit", NUMBER),
        ("Net benefit, everybody positive", NUMBER),
    )


def _list(
    study: Study,
    name: str,
    title: str,
    find: Callable[[Performance], tuple[np.ndarray, ...]],
    *columns: tuple[str, Kind],
) -> Table:
    rows = (
        (row.split, row.score, *values)
        for row in study.performances
        for values in zip(*(array.tolist() for array in find(row)), strict=True)
    )
    named = make_columns(("Split", TEXT), ("Score", TEXT), *columns)
    return Table(name, title, "", named, tuple(rows))
