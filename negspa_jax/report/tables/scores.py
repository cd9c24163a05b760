"""Tables of how well scores tell the classes apart."""

from collections.abc import Iterable, Iterator

from negspa_jax.evaluate.performance import Calls, Performance
from negspa_jax.evaluate.study import Study
from negspa_jax.report.tables.table import (
    COUNT,
    CUTOFF,
    ESTIMATE,
    NUMBER,
    RATE,
    TEXT,
    Rate,
    Table,
    make_columns,
    name_methods,
)


def list_points(study: Study) -> Table:
    """The operating points and where they were chosen."""
    return Table(
        "operating_points",
        "Operating points",
        " ".join(_explain_points(study)),
        make_columns(
            ("Score", TEXT),
            ("Point", TEXT),
            ("Rule", TEXT),
            ("Cut-off", CUTOFF),
            ("Chosen on split", TEXT),
            ("Labelled patients there", COUNT),
        ),
        tuple(
            (
                *(point.score, point.name, point.rule, point.cutoff, point.source),
                # A cut-off that was given was chosen on nobody.
                point.num_patients if point.source else None,
            )
            for point in study.operating_points
        ),
    )


def _explain_points(study: Study) -> Iterator[str]:
    yield "A patient with score ≥ cut-off is called positive."
    if any(point.source for point in study.operating_points):
        yield (
            "Each cut-off that was chosen is a score that was observed in the split "
            "named, or infinite (nobody is positive); it is carried unrounded and "
            "unchanged to every other split."
        )
    if not all(point.source for point in study.operating_points):
        yield "A given cut-off is the same in every split."


def _explain_calls(study: Study) -> Iterator[str]:
    yield "Labelled patients at the cut-offs of table “Operating points”."
    for split in dict.fromkeys(point.source for point in study.operating_points):
        yield (
            f"Those chosen on {split} are carried unchanged to all other splits; in "
            f"{split} itself they are optimistic."
            if split
            else "Given ones are the same in every split."
        )


def list_discrimination(study: Study) -> Table:
    """Areas under the curves, per split and score."""
    rows = study.performances
    methods = {
        "AUC": [row.auc for row in rows],
        "AUC, logit scale": [row.auc_logit for row in rows],
        "average precision": [row.average_precision for row in rows],
    }
    return Table(
        "discrimination",
        "Discrimination of each score in each split",
        f"Labelled patients. {name_methods(methods)}. The Wald interval is what most "
        "papers print; it covers too rarely below about 100 patients, where the logit "
        "interval is closer to its level. Average precision depends on the share of "
        f"{study.names.positive}.",
        make_columns(
            ("Split", TEXT),
            ("Score", TEXT),
            ("Patients", COUNT),
            (study.names.positive, COUNT),
            ("AUC", ESTIMATE),
            ("AUC, logit scale", ESTIMATE),
            ("Average precision", ESTIMATE),
        ),
        tuple(
            (
                *(row.split, row.score, row.num_patients, row.num_positive),
                *(row.auc, row.auc_logit, row.average_precision),
            )
            for row in rows
        ),
    )


def list_calibration(study: Study) -> Table:
    """Whether the scores are probabilities, per split and score."""
    rows = study.performances
    methods = {
        "slope and intercepts": [row.recalibration.slope for row in rows],
    }
    return Table(
        "calibration",
        "Calibration of each score in each split",
        f"Labelled patients; {name_methods(methods)}. Logistic regression of the "
        "label on the score's logit: perfect scores have slope 1 and intercept 0; in "
        "the large: the intercept with the slope held at 1. Brier score: mean squared "
        "distance from the label. Expected calibration error (ECE): mean distance of "
        "the calibration curve from the diagonal, in the curve's bins. The logit of a "
        "score of 0 or 1 is infinite: such a score is moved to 1e-7 from the end, and "
        "slope and intercepts depend on that choice.",
        make_columns(
            ("Split", TEXT),
            ("Score", TEXT),
            ("Patients", COUNT),
            ("Scores of 0 or 1", COUNT),
            ("Slope", ESTIMATE),
            ("Intercept", ESTIMATE),
            ("Intercept in the large", ESTIMATE),
            ("Brier score", NUMBER),
            ("ECE", NUMBER),
        ),
        tuple(
            (
                *(row.split, row.score, row.num_patients, row.num_certain),
                *row.recalibration,
                *(row.brier, row.calibration_error),
            )
            for row in rows
        ),
    )


def list_calls(study: Study) -> Table:
    """What the operating points make of each split."""
    return _rates(
        study,
        "calls",
        "Each score at its operating points",
        " ".join(_explain_calls(study)),
        ((row, calls) for row in study.performances for calls in row.calls),
    )


def list_rederived(study: Study) -> Table:
    """What cut-offs chosen on a split itself make of it."""
    return _rates(
        study,
        "calls_rederived",
        "Cut-offs re-derived on each split itself (optimistic)",
        "For comparison with papers that chose so: the same rules applied to the very "
        "patients who are counted. These numbers are too good and are no evidence of "
        "performance elsewhere.",
        ((row, calls) for row in study.performances for calls in row.rederived),
    )


def list_counts(study: Study) -> Table:
    """Confusion matrices as counts."""
    return Table(
        "confusion",
        "Confusion matrices",
        "Counts of labelled patients at the cut-offs of table “Operating points”. "
        f"Positive: "
        f"{study.names.positive}; negative: {study.names.negative}.",
        make_columns(
            ("Split", TEXT),
            ("Score", TEXT),
            ("Point", TEXT),
            ("Cut-off", CUTOFF),
            ("True positive", COUNT),
            ("False positive", COUNT),
            ("False negative", COUNT),
            ("True negative", COUNT),
        ),
        tuple(
            (row.split, row.score, calls.point.name, calls.point.cutoff, *calls.counts)
            for row in study.performances
            for calls in row.calls
        ),
    )


def _rates(
    study: Study,
    name: str,
    title: str,
    caption: str,
    pairs: Iterable[tuple[Performance, Calls]],
) -> Table:
    found = list(pairs)
    every = [calls for _, calls in found]
    methods = {
        "Shares": [calls.sensitivity for calls in every],
        "F1": [calls.f1 for calls in every],
        "kappa (with the label)": [calls.kappa for calls in every],
    }
    rates = ("Sensitivity", "Specificity", "Accuracy", "PPV", "NPV")
    return Table(
        name,
        title,
        f"{caption} {name_methods(methods)}. PPV, NPV: positive and negative "
        f"predictive value; they hold for this split's share of {study.names.positive} "
        "only.",
        make_columns(
            *(("Split", TEXT), ("Score", TEXT), ("Point", TEXT), ("Cut-off", CUTOFF)),
            *((rate, RATE) for rate in rates),
            *(("F1", ESTIMATE), ("Kappa", ESTIMATE)),
        ),
        tuple(
            (
                *(row.split, row.score, calls.point.name, calls.point.cutoff),
                *_five_rates(calls),
                *(calls.f1, calls.kappa),
            )
            for row, calls in found
        ),
    )


def _five_rates(calls: Calls) -> tuple[Rate, ...]:
    true_positive, false_positive, false_negative, true_negative = calls.counts
    right = true_positive + true_negative
    return (
        Rate(true_positive, true_positive + false_negative, calls.sensitivity),
        Rate(true_negative, true_negative + false_positive, calls.specificity),
        Rate(right, sum(calls.counts), calls.accuracy),
        Rate(true_positive, true_positive + false_positive, calls.ppv),
        Rate(true_negative, true_negative + false_negative, calls.npv),
    )
