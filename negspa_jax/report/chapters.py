"""The sections of the page in order: what stands where, and why something does not."""

from collections.abc import Sequence

from negspa_jax.evaluate.study import Study
from negspa_jax.evaluate.unscored import ROLE
from negspa_jax.report.blocks import Block, Gallery, Section, is_filled
from negspa_jax.report.checklist import Item
from negspa_jax.report.galleries import (
    show_calibration,
    show_confusion,
    show_cutoffs,
    show_decision,
    show_flow,
    show_forest,
    show_precision_recall,
    show_readers,
    show_roc,
    show_training,
)
from negspa_jax.report.pictures import list_albums
from negspa_jax.report.roles import warn_of_choice
from negspa_jax.report.tables import (
    agreement,
    cohort,
    definitions,
    errors,
    groups,
    origin,
    pairs,
    scores,
)
from negspa_jax.report.tables.items import list_checklists
from negspa_jax.report.tables.table import Table

# Sections that judge scores, where it matters who chose the model.
_JUDGING = {
    *("performance", "roc", "cutoffs", "pr", "calibration", "decision", "confusion"),
    *("comparisons", "subgroups", "readers", "errors"),
}
# Sections that patients of train without a score enter.
_DESCRIBING = {"patients", "characteristics", "subgroups", "agreement"}
_NO_CURVES = "They need a split with labelled patients of both classes."


def list_sections(study: Study, items: Sequence[Item]) -> list[Section]:
    """Every section in its order, drawn and tabled.

    Args:
        study: what is shown.
        items: of the checklists.
    """
    return [
        *_list_patients(study),
        *_list_performance(study),
        *_list_curves(study),
        *_list_comparisons(study),
        *_list_cases(study),
        *_list_origin(study, items),
    ]


def _list_patients(study: Study) -> list[Section]:
    flow = show_flow(study), cohort.list_flow(study), cohort.list_unscored(study)
    tables = cohort.list_numeric(study), cohort.list_categories(study)
    parts = {"characteristics": "Table 1 of the cohort"}
    return [
        _make(study, "patients", "Patients", flow),
        _make(
            study,
            "characteristics",
            "Characteristics of the patients",
            tables,
            parts=parts,
        ),
    ]


def _list_performance(study: Study) -> list[Section]:
    points = [definitions.list_scores(study), scores.list_points(study)]
    if study.fusion:
        points += [origin.list_absent(study), origin.list_learned(study)]
    performance = (
        scores.list_discrimination(study),
        scores.list_calls(study),
        scores.list_rederived(study),
    )
    parts = {
        "operating_points": "Operating points",
        "fusion": "Clinical and fused scores",
        "learned": "The learned fusion",
    }
    called = {"operating_points": "Calls at operating points"}
    return [
        _make(study, "points", "Scores and operating points", points, parts=parts),
        _make(study, "performance", "Performance", performance, parts=called),
    ]


def _list_curves(study: Study) -> list[Section]:
    confusion = show_confusion(study), scores.list_counts(study)
    parts = {"operating_points": "Confusion matrices"}
    calibration = show_calibration(study), scores.list_calibration(study)
    titled = (
        ("roc", "ROC", show_roc(study)),
        ("cutoffs", "Every cut-off", show_cutoffs(study)),
        ("pr", "Precision and recall", show_precision_recall(study)),
        ("decision", "Decision curve", show_decision(study)),
    )
    roc, cutoffs, precision, decision = (
        _make(study, name, title, [figure], otherwise=_NO_CURVES)
        for name, title, figure in titled
    )
    return [
        *(roc, cutoffs, precision),
        _make(study, "calibration", "Calibration", calibration, otherwise=_NO_CURVES),
        decision,
        _make(study, "confusion", "Confusion matrices", confusion, parts=parts),
    ]


def _list_comparisons(study: Study) -> list[Section]:
    between = pairs.list_comparisons(study), pairs.list_score_calls(study)
    subgroups = (
        show_forest(study),
        groups.list_subgroups(study),
        groups.list_groupings(study),
    )
    readers = (
        show_readers(study),
        pairs.list_readings(study),
        pairs.list_model_agreement(study),
        pairs.list_against_model(study),
        pairs.list_assistance(study),
        pairs.list_rescues(study),
    )
    compared = {"comparisons": "Comparisons of scores"}
    grouped = {"subgroups": "Subgroups"}
    read = {"readings": "Readers", "assistance": "Readers with the model's help"}
    between_readers = [agreement.list_reader_pairs(study)]
    title = "Agreement between readers"
    agreed = {"reader_pairs": title}
    return [
        _make(study, "comparisons", "Comparisons", between, parts=compared),
        _make(study, "subgroups", "Subgroups", subgroups, parts=grouped),
        _make(
            study,
            "readers",
            "Readers",
            readers,
            parts=read,
            otherwise=_NO_CURVES if study.readings else "",
        ),
        _make(study, "agreement", title, between_readers, parts=agreed),
    ]


def _list_cases(study: Study) -> list[Section]:
    # Nobody wrong is a result; nobody called at all is none.
    wrong = [errors.list_errors(study)] if study.cases else []
    title = "Class activation maps"
    return [
        _make(study, "maps", title, list_albums(study), parts={"maps": title}),
        _make(study, "errors", "Wrong calls", wrong, parts={"cases": "Wrong calls"}),
    ]


def _list_origin(study: Study, items: Sequence[Item]) -> list[Section]:
    parts = {"training": "Training curves"}
    training = _make(study, "training", "Training", [show_training(study)], parts=parts)
    tables = (
        origin.list_sources(study),
        origin.list_versions(study),
        origin.list_config(study),
    )
    return [
        training._replace(source=""),
        Section("checklists", "Checklists", tuple(list_checklists(items))),
        Section("provenance", "Provenance", tuple(filter(is_filled, tables))),
    ]


def _make(
    study: Study,
    name: str,
    title: str,
    blocks: Sequence[Block],
    *,
    parts: dict[str, str] | None = None,
    otherwise: str = "",
) -> Section:
    """The blocks that show something, and sentences for the others.

    `parts`: of the study's `missing`, with the words that stand before the reason.
    `otherwise`: why figures may have no panels.
    """
    sentences = [
        f"{words}: not in this report. {study.missing[part]}"
        for part, words in (parts or {}).items()
        if part in study.missing
    ]
    for block in blocks:
        if isinstance(block, Table) and not block.rows and block.empty:
            sentences.append(block.empty)
        if isinstance(block, Gallery) and not block.panels and otherwise:
            sentences.append(f"{block.title}: not in this report. {otherwise}")
    filled = tuple(filter(is_filled, blocks))
    words = [warn_of_choice(study)] if name in _JUDGING else []
    words.append(_name_files(study, unscored=name in _DESCRIBING))
    return Section(name, title, filled, tuple(sentences), " ".join(filter(None, words)))


def _name_files(study: Study, *, unscored: bool) -> str:
    """What the numbers come from; `unscored`: also from patients without a score."""
    files = dict.fromkeys(
        source.name
        for source in study.provenance.sources
        if not source.role.startswith("manifest") and (unscored or source.role != ROLE)
    )
    return f"Source: {', '.join(files)}." if files else ""
