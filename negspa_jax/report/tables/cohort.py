"""Tables of who was studied: the flow of patients, and Table 1."""

from negspa_jax.evaluate.characteristics import CategoryRow, Summary
from negspa_jax.evaluate.study import Flow, Study
from negspa_jax.report.roles import TRAIN
from negspa_jax.report.tables.table import (
    COUNT,
    LONG_TEXT,
    MEAN_SD,
    MEDIAN,
    P_VALUE,
    SHARE,
    TEXT,
    Table,
    make_columns,
)


def list_flow(study: Study) -> Table:
    """How many patients of each split entered, and how many count."""
    names, absent = study.names, _list_unscored(study)
    return Table(
        "flow",
        "Patients of each split",
        "Counts of patients, from the tables named in section Provenance. Patients "
        "without a label are in no number of performance."
        + "".join(f" {why}" for _, _, why in absent),
        make_columns(
            ("Split", TEXT),
            *((title, COUNT) for title, _, _ in absent),
            ("Patients with a score", COUNT),
            ("Label unknown", COUNT),
            (names.positive, COUNT),
            (names.negative, COUNT),
        ),
        tuple(_make_flow_row(study, flow) for flow in study.everybody),
    )


def _list_unscored(study: Study) -> list[tuple[str, int, str]]:
    """Those of train without a score: what they are called, how many, and why."""
    train = study.unscored_train
    found = (
        (
            "Learned from",
            study.num_learned,
            "Those whom the model learned from have no score; they are described below "
            "and are in no number of its performance either.",
        ),
        (
            "Without label and score",
            train.num_unlabelled if train else 0,
            f"Those of {TRAIN} whom the rule of the labels left without one were not "
            "learned from and have no score.",
        ),
    )
    return [row for row in found if row[1]]


def _make_flow_row(study: Study, flow: Flow) -> tuple:
    absent = [n if flow.split == TRAIN else 0 for _, n, _ in _list_unscored(study)]
    counts = flow.num_unlabelled, flow.num_positive, flow.num_negative
    return (flow.split, *absent, flow.num_patients - sum(absent), *counts)


def list_unscored(study: Study) -> Table:
    """Patients of the cohort table who have no score."""
    return Table(
        "unscored",
        "Patients without a score",
        "Patients of the cohort table whom the predictions table does not hold; they "
        "count nowhere in this report.",
        make_columns(("Patient", TEXT)),
        tuple((name,) for name in study.unscored),
        empty="Every patient of the tables that were read has a score, but for those "
        f"of {TRAIN} that “Patients of each split” counts apart."
        if study.unscored_train
        else "Every patient of the tables that were read has a score.",
    )


def list_numeric(study: Study) -> Table:
    """Numeric covariates of both classes."""
    positive, negative = study.names.positive, study.names.negative
    return Table(
        "characteristics_numeric",
        "Numeric characteristics by class",
        "Labelled patients of each split whose cell is filled (n). Mean ± standard "
        "deviation; median (quartiles). p: two-sided, by the test named beside it, "
        "not adjusted for their number.",
        make_columns(
            ("Split", TEXT),
            ("Covariate", TEXT),
            *_summary_columns(positive),
            *_summary_columns(negative),
            ("p", P_VALUE),
            ("Test", LONG_TEXT),
        ),
        tuple(
            (
                *(row.split, _name(row.name)),
                *_summarise(row.positive),
                *_summarise(row.negative),
                *(row.test.p_value, row.test.method),
            )
            for row in study.numeric
        ),
    )


def list_categories(study: Study) -> Table:
    """Categories of covariates and clinical features of both classes."""
    return Table(
        "characteristics_categories",
        "Categories and clinical features by class",
        "Labelled patients of each split: in the category / whose cell is filled "
        "(share); of columns of 0 and 1, the patients with 1. p: two-sided, of the "
        "whole covariate, by the test named beside it, not adjusted for their number.",
        make_columns(
            ("Split", TEXT),
            ("Covariate", TEXT),
            ("Category", TEXT),
            (study.names.positive, SHARE),
            (study.names.negative, SHARE),
            ("p", P_VALUE),
            ("Test", LONG_TEXT),
            ("Remark", LONG_TEXT),
        ),
        tuple(
            (
                *(row.split, _name(row.name), row.category),
                (row.positive, row.positive_known),
                (row.negative, row.negative_known),
                *(row.test.p_value, row.test.method, row.remark),
            )
            for row in study.categories
            if (row.category != "0" or not _is_binary(study, row))
        ),
    )


def _is_binary(study: Study, row: CategoryRow) -> bool:
    """Whether the covariate says yes or no, so that one row says all."""
    same = (row.split, row.name)
    found = {r.category for r in study.categories if (r.split, r.name) == same}
    return found == {"0", "1"}


def _summary_columns(group: str) -> tuple[tuple, ...]:
    return (
        (f"{group}, mean ± SD", MEAN_SD),
        (f"{group}, median (quartiles)", MEDIAN),
    )


def _summarise(summary: Summary) -> tuple:
    return (
        (summary.mean, summary.sd, summary.num_known),
        (summary.median, summary.first_quartile, summary.third_quartile),
    )


def _name(column: str) -> str:
    """A column's name as words."""
    return column.replace("_", " ")
