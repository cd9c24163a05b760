"""Tables of where the numbers come from: fusion, files, versions, settings."""

from collections.abc import Mapping
from typing import Any

from negspa_jax.evaluate.study import Study
from negspa_jax.report.tables.table import (
    COUNT,
    HASH,
    NUMBER,
    TEXT,
    Table,
    make_columns,
)


def list_absent(study: Study) -> Table:
    """In how many patients a feature was empty and taken as absent."""
    missing = study.fusion.missing if study.fusion else {}
    return Table(
        "fusion_missing",
        "Clinical features taken as absent",
        "Patients, of all splits, in whom the feature is empty in the table and was "
        "taken as absent.",
        make_columns(("Feature", TEXT), ("Patients", COUNT)),
        tuple((name.replace("_", " "), count) for name, count in missing.items()),
        empty="No clinical feature was empty in any patient.",
    )


def list_learned(study: Study) -> Table:
    """The coefficients of the learned fusion, one row a fold."""
    learned = study.fusion.learned if study.fusion else None
    names = learned.names if learned else ()
    rows = (
        zip(
            *(learned.folds, learned.intercepts.tolist()),
            learned.coefficients.tolist(),
            strict=True,
        )
        if learned
        else ()
    )
    return Table(
        "fusion_learned",
        "The learned fusion",
        "Logistic regressions, with scikit-learn's L2 penalty (C = 1), on the logit of "
        "the image score and the features; fold k's was fitted on the out-of-fold "
        "scores of all other folds' training patients and scores fold k, their mean "
        "scores all other splits.",
        make_columns(
            *(("Fold", COUNT), ("Intercept", NUMBER)),
            *((name.replace("_", " "), NUMBER) for name in names),
        ),
        tuple(
            (fold, intercept, *coefficients) for fold, intercept, coefficients in rows
        ),
    )


def list_sources(study: Study) -> Table:
    """The files that were read."""
    return Table(
        "sources",
        "Files that were read",
        "Names without folders, and SHA-256 of the bytes.",
        make_columns(("What", TEXT), ("File", TEXT), ("SHA-256", HASH)),
        tuple(
            (source.role, source.name, source.sha256)
            for source in study.provenance.sources
        ),
    )


def list_versions(study: Study) -> Table:
    """The software of the evaluation, and what the run says of its own."""
    provenance = study.provenance
    weights = provenance.weights_sha256
    return Table(
        "versions",
        "Software and machine",
        "Evaluation: of this report. Training: of the run's manifest.",
        make_columns(("Of", TEXT), ("Name", TEXT), ("Value", HASH)),
        (
            *(("evaluation", *pair) for pair in provenance.versions.items()),
            *(("training", *pair) for pair in flatten(provenance.environment)),
            *([("training", "SHA-256 of the first weights", weights)] * bool(weights)),
        ),
    )


def list_config(study: Study) -> Table:
    """Every resolved setting of the run."""
    return Table(
        "config",
        "Settings of the run",
        "Every field of the run's resolved configuration, from its manifest.",
        make_columns(("Field", TEXT), ("Value", HASH)),
        tuple(flatten(study.provenance.config)),
    )


def flatten(mapping: Mapping[str, Any], start: str = "") -> list[tuple[str, str]]:
    """Names with dots and values as text, of a mapping of mappings.

    Example:
        >>> flatten({"seed": 0, "packages": {"jax": "0.10.2"}})
        [('seed', '0'), ('packages.jax', '0.10.2')]
    """
    pairs = []
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{start}{name}.")
        else:
            pairs.append((f"{start}{name}", _as_text(value)))
    return pairs


def _as_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_as_text, value))
    return "" if value is None else str(value)
