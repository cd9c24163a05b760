"""Tables of subgroups, and of how they were formed."""

from negspa_jax.evaluate.study import Study
from negspa_jax.report.roles import describe_point
from negspa_jax.report.tables.table import (
    COUNT,
    ESTIMATE,
    LONG_TEXT,
    NUMBER,
    PERCENT_ESTIMATE,
    TEXT,
    Table,
    make_columns,
    name_methods,
)


def list_groupings(study: Study) -> Table:
    """How each covariate divides the patients."""
    return Table(
        "groupings",
        "How subgroups were formed",
        "Covariates with a threshold: the upper group has value ≥ threshold, the "
        "median of all patients, with and without a label, of the split or splits "
        "named. The same groups are used in every split.",
        make_columns(
            *(("Covariate", TEXT), ("Groups", LONG_TEXT)),
            *(("Threshold", NUMBER), ("Source of the threshold", TEXT)),
        ),
        tuple(
            (
                *(grouping.covariate, ", ".join(grouping.groups)),
                *(grouping.threshold, grouping.source),
            )
            for grouping in study.groupings
        ),
    )


def list_subgroups(study: Study) -> Table:
    """One score in each group of each split."""
    rows = study.subgroups
    scores = ", ".join(f"“{name}”" for name in dict.fromkeys(row.score for row in rows))
    methods = {"AUC": [row.auc for row in rows]}
    if study.point:
        methods["shares"] = [row.sensitivity for row in rows]
    return Table(
        "subgroups",
        "Subgroups",
        f"Labelled patients, score {scores}; {_describe_shares(study)}. "
        f"{name_methods(methods)}. Unknown: labelled patients of the split whose "
        "covariate is empty, in no group. Intervals are not adjusted for the number of "
        "groups.",
        make_columns(
            *(("Split", TEXT), ("Group", TEXT)),
            *(("Patients", COUNT), (study.names.positive, COUNT), ("Unknown", COUNT)),
            *(("AUC", ESTIMATE), ("Sensitivity", PERCENT_ESTIMATE)),
            *(("Specificity", PERCENT_ESTIMATE), ("Accuracy", PERCENT_ESTIMATE)),
            ("Warning", LONG_TEXT),
        ),
        tuple(
            (
                *(row.split, row.group),
                *(row.num_patients, row.num_positive, row.num_unknown),
                *(row.auc, row.sensitivity, row.specificity, row.accuracy),
                row.warning,
            )
            for row in rows
        ),
    )


def _describe_shares(study: Study) -> str:
    if study.point is None:
        return "without a cut-off there are no shares"
    return f"shares at {describe_point(study.point)}"
