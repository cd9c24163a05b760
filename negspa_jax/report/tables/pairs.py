"""Tables of paired comparisons: scores, readers, help."""

from negspa_jax.evaluate.comparison import CallComparison
from negspa_jax.evaluate.readers import Reading
from negspa_jax.evaluate.rescues import Rescue
from negspa_jax.evaluate.study import Study
from negspa_jax.report.roles import describe_point
from negspa_jax.report.tables.table import (
    COUNT,
    ESTIMATE,
    NUMBER,
    P_VALUE,
    PERCENT,
    PERCENT_ESTIMATE,
    RATE,
    TEXT,
    Column,
    Estimate,
    Rate,
    Table,
    make_columns,
    name_methods,
)

_MCNEMAR = (
    "Right: share of the patients whom the measure counts. p: exact McNemar test, "
    "two-sided; Holm: adjusted over all tests of the same measure in the split"
)
_HOLM = f"{_MCNEMAR}."
_HOLM_APART = f"{_MCNEMAR}, readers alone and with help apart."
_RATES = ("Sensitivity", "Specificity", "Accuracy", "PPV", "NPV")
_FIRST_TABLE = "A score without a model's name is the first table's."


def list_comparisons(study: Study) -> Table:
    """Differences of AUC of pairs of scores."""
    rows = study.comparisons
    methods = ", ".join(dict.fromkeys(row.auc.method for row in rows))
    levels = ", ".join(dict.fromkeys(f"{100 * row.auc.level:g} %" for row in rows))
    return Table(
        "comparisons",
        "Differences of AUC between scores of the same patients",
        f"First minus second, with {levels} interval and two-sided p by {methods}. "
        f"Holm: adjusted over all comparisons of the split. {_FIRST_TABLE}",
        make_columns(
            *(("Split", TEXT), ("First", TEXT), ("Second", TEXT)),
            *(("Patients", COUNT), ("Difference of AUC", ESTIMATE)),
            *(("z", NUMBER), ("p", P_VALUE), ("p, Holm", P_VALUE)),
        ),
        tuple(
            (
                *(row.split, row.first, row.second, row.num_patients),
                Estimate(
                    *(row.auc.difference, row.auc.low, row.auc.high),
                    level=row.auc.level,
                    method=row.auc.method,
                ),
                *(row.auc.statistic, row.auc.p_value, row.p_adjusted),
            )
            for row in rows
        ),
    )


def list_score_calls(study: Study) -> Table:
    """The calls of pairs of scores."""
    return Table(
        "comparisons_calls",
        "Right calls of two scores of the same patients",
        "Labelled patients, each score at its own cut-off of the point named, the same "
        "in every split. Only first: patients whom the first score alone calls "
        f"rightly. {_HOLM} {_FIRST_TABLE}",
        make_columns(
            *(("Split", TEXT), ("First", TEXT), ("Second", TEXT), ("Point", TEXT)),
            *_call_columns("First", "Second"),
        ),
        tuple(
            (row.split, row.first, row.second, row.point, *_call_cells(calls))
            for row in study.comparisons
            for calls in row.calls
        ),
    )


def list_readings(study: Study) -> Table:
    """Each reader, alone and with the model's help."""
    methods = {"Shares": [row.sensitivity for row in study.readings]}
    return Table(
        "readers",
        "Readers alone and with the model's help",
        f"Labelled patients with a call of the reader. {name_methods(methods)}. PPV, "
        f"NPV: they hold for this split's share of {study.names.positive} only.",
        make_columns(
            *(("Split", TEXT), ("Reader", TEXT), ("Reading", TEXT)),
            *(("Patients", COUNT), ("Without a call", COUNT)),
            *((name, RATE) for name in _RATES),
        ),
        tuple(
            (
                *(row.split, row.reader, _reading(row.assisted)),
                *(row.num_patients, row.num_missing),
                *_reader_rates(row),
            )
            for row in study.readings
        ),
    )


def list_model_agreement(study: Study) -> Table:
    """How far each reader says what the model says."""
    rows = study.readings if study.point else ()
    methods = {
        "Kappa": [row.kappa for row in rows],
        "agreement": [row.agreement for row in rows],
    }
    return Table(
        "readers_model_agreement",
        "Agreement of readers with the model",
        f"Labelled patients with a call of the reader; {_name_model(study)}. "
        f"{name_methods(methods)}.",
        make_columns(
            *(("Split", TEXT), ("Reader", TEXT), ("Reading", TEXT)),
            *(("Patients", COUNT), ("Kappa with model", ESTIMATE)),
            ("Agreement with model", PERCENT_ESTIMATE),
        ),
        tuple(
            (
                *(row.split, row.reader, _reading(row.assisted)),
                *(row.num_patients, row.kappa, row.agreement),
            )
            for row in rows
        ),
        empty=""
        if study.point or not study.readings
        else "Without a cut-off there is no agreement of readers with the model.",
    )


def list_against_model(study: Study) -> Table:
    """Readers against the model on the same patients."""
    return Table(
        "readers_against_model",
        "Readers against the model",
        f"The same labelled patients; {_name_model(study)}. Only reader: patients whom "
        f"the reader alone calls rightly. {_HOLM_APART}",
        make_columns(
            *(("Split", TEXT), ("Reader", TEXT), ("Reading", TEXT)),
            *_call_columns("Reader", "Model"),
        ),
        tuple(
            (row.split, row.reader, _reading(row.assisted), *_call_cells(calls))
            for row in study.readings
            for calls in row.against_model
        ),
    )


def list_assistance(study: Study) -> Table:
    """Readers with help against the same readers alone."""
    return Table(
        "readers_assistance",
        "Readers with the model's help against the same readers alone",
        "Labelled patients called by the reader both ways. Only with help: patients "
        f"called rightly with help and wrongly alone. {_HOLM}",
        make_columns(
            *(("Split", TEXT), ("Reader", TEXT), ("Patients", COUNT)),
            *_call_columns("With help", "Alone"),
        ),
        tuple(
            (row.split, row.reader, row.num_patients, *_call_cells(calls))
            for row in study.assistance
            for calls in row.calls
        ),
    )


def list_rescues(study: Study) -> Table:
    """The counterpart of the paper's Table S7."""
    return Table(
        "readers_rescues",
        "Patients whom only one of model and reader classifies rightly",
        "Counts of labelled patients, readers alone (counterpart of Table S7 of doi "
        f"10.21037/qims-24-729); {_name_model(study)}.",
        make_columns(
            *(("Split", TEXT), ("Reader", TEXT), ("Group", TEXT)),
            *(("Only model right", COUNT), ("Only reader right", COUNT)),
        ),
        tuple(
            (
                *(row.split, row.reader, _name_group(row)),
                *(row.model_only, row.reader_only),
            )
            for row in study.rescues
        ),
    )


def _name_group(row: Rescue) -> str:
    if not row.covariate:
        return "all"
    return row.group or f"{row.covariate} unknown"


def _name_model(study: Study) -> str:
    """Whose calls a reader is set beside."""
    cutoff = describe_point(study.point) if study.point else "no cut-off"
    return f"the model's calls, by score “{study.names.primary}” at {cutoff}"


def _reading(assisted: bool) -> str:
    return "with help" if assisted else "alone"


def _reader_rates(row: Reading) -> tuple[Rate, ...]:
    true_positive, false_positive, false_negative, true_negative = row.counts
    right = true_positive + true_negative
    return (
        Rate(true_positive, true_positive + false_negative, row.sensitivity),
        Rate(true_negative, true_negative + false_positive, row.specificity),
        Rate(right, sum(row.counts), row.accuracy),
        Rate(true_positive, true_positive + false_positive, row.ppv),
        Rate(true_negative, true_negative + false_negative, row.npv),
    )


def _call_columns(first: str, second: str) -> tuple[Column, ...]:
    return make_columns(
        ("Measure", TEXT),
        *((f"{name} right", PERCENT) for name in (first, second)),
        *((f"Only {first[:1].lower()}{first[1:]}", COUNT),),
        *((f"Only {second[:1].lower()}{second[1:]}", COUNT),),
        *(("p", P_VALUE), ("p, Holm", P_VALUE)),
    )


def _call_cells(calls: CallComparison) -> tuple:
    return (
        *(calls.measure, calls.first, calls.second),
        *(calls.only_first, calls.only_second),
        *(calls.p_value, calls.p_adjusted),
    )
