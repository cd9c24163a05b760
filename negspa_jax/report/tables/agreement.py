"""The table of how far readers agree, with each other and with the label."""

from negspa_jax.evaluate.agreement import ReaderPair
from negspa_jax.evaluate.study import Study
from negspa_jax.report.reader_words import doubt_readers
from negspa_jax.report.tables.table import (
    ESTIMATE,
    PERCENT_ESTIMATE,
    SHARE,
    TEXT,
    Table,
    make_columns,
    name_methods,
)

_LABEL = "final label"


def list_reader_pairs(study: Study) -> Table:
    """Each pair of readers without help, then each reader with the final label."""
    rows = study.reader_pairs
    methods = {
        "Kappa": [row.kappa for row in rows],
        "agreement": [row.agreement for row in rows],
    }
    return Table(
        "reader_pairs",
        "Agreement between readers, and of each with the final label",
        "Readers without the model's help. Two readers: all patients whom both called, "
        f"with and without a label{_name_absent(study)}. A reader and the final "
        "label: labelled patients with a call; a disagreement is a patient who was "
        f"classified otherwise than the reader did. {name_methods(methods)}; no kappa "
        f"where both call everybody the same.{doubt_readers(study)}",
        make_columns(
            *(("Split", TEXT), ("First", TEXT), ("Second", TEXT)),
            *(("Disagreements", SHARE), ("Kappa", ESTIMATE)),
            ("Absolute agreement", PERCENT_ESTIMATE),
        ),
        tuple(_make_row(row) for row in rows),
    )


def _name_absent(study: Study) -> str:
    """Of whose calls nothing is known here."""
    found = []
    if study.unscored:
        found.append("those of the cohort table without a score")
    if study.selection and not study.num_learned:
        found.append("those whom the model learned from")
    return f", but for {' and '.join(found)}" if found else ""


def _make_row(row: ReaderPair) -> tuple:
    return (
        *(row.split, row.first, row.second or _LABEL),
        *((row.num_disagreements, row.num_patients), row.kappa, row.agreement),
    )
