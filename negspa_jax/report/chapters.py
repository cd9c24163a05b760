"""The sections of the page in order: what stands where, and why something does not."""

from collections.abc import Sequence

from negspa_jax.evaluate.study import Study
from negspa_jax.report.blocks import Album, Block, Gallery, Section, is_filled
from negspa_jax.report.checklist import Item
from negspa_jax.report.figures.agreement import draw_calibration, draw_confusion
from negspa_jax.report.figures.curves import (
    draw_decision,
    draw_precision_recall,
    draw_roc,
)
from negspa_jax.report.figures.forest import draw_forest
from negspa_jax.report.figures.people import draw_flow, draw_readers
from negspa_jax.report.figures.training import draw_training
from negspa_jax.report.pictures import list_albums
from negspa_jax.report.tables import cohort, errors, groups, origin, pairs, scores
from negspa_jax.report.tables.items import list_checklists

_NO_CURVES = "It needs a split with labelled patients of both classes."
_MARKERS = (
    "Circle: Youden; triangle: high sensitivity; square: high specificity; diamond: "
    "given; those of the primary score with the intervals of table “Each score at its "
    "operating points”."
)


def list_sections(study: Study, items: Sequence[Item]) -> list[Section]:
    """Every section in its order, drawn and tabled.

    Args:
        study: what is shown.
        items: of the checklists.
    """
    return [
        _patients(study),
        _characteristics(study),
        _points(study),
        _performance(study),
        *_curves(study),
        _confusion(study),
        _comparisons(study),
        _subgroups(study),
        _readers(study),
        _maps(study),
        _errors(study),
        _training(study),
        _checklists(items),
        _provenance(study),
    ]


def _section(
    study: Study,
    name: str,
    title: str,
    blocks: Sequence[Block],
    *,
    parts: Sequence[tuple[str, str]] = (),
    absent: str = "",
) -> Section:
    """Parts: of the study's `missing`, with the words that stand before the reason."""
    sentences = [
        f"{words}: not in this report. {study.missing[part]}"
        for part, words in parts
        if part in study.missing
    ]
    filled = tuple(filter(is_filled, blocks))
    if absent and not filled:
        sentences.append(f"{title}: not in this report. {absent}")
    return Section(name, title, filled, tuple(sentences), _name_sources(study))


def _name_sources(study: Study) -> str:
    files = [
        f"{source.name} (SHA-256 {source.sha256[:8]}…)"
        for source in study.provenance.sources
        if not source.role.startswith("manifest")
    ]
    return f"Source: {', '.join(files)}." if files else ""


def _patients(study: Study) -> Section:
    caption = "Counts of table “Patients of each split”."
    figure = Gallery("flow", "Flow of patients", caption, tuple(draw_flow(study)))
    tables = cohort.list_flow(study), cohort.list_unscored(study)
    return _section(study, "patients", "Patients", [figure, *tables])


def _characteristics(study: Study) -> Section:
    tables = cohort.list_numeric(study), cohort.list_categories(study)
    parts = [("characteristics", "Table 1 of the cohort")]
    return _section(study, "characteristics", "Characteristics", tables, parts=parts)


def _points(study: Study) -> Section:
    tables = [scores.list_points(study)]
    if study.fusion:
        tables += [origin.list_absent(study), origin.list_learned(study)]
    parts = [
        ("operating_points", "Operating points"),
        ("fusion", "Clinical and fused scores"),
        ("learned", "The learned fusion"),
    ]
    title = "Scores and operating points"
    return _section(study, "points", title, tables, parts=parts)


def _performance(study: Study) -> Section:
    tables = (
        scores.list_discrimination(study),
        scores.list_calls(study),
        scores.list_rederived(study),
    )
    parts = [("operating_points", "Calls at operating points")]
    return _section(study, "performance", "Performance", tables, parts=parts)


def _curves(study: Study) -> list[Section]:
    roc = Gallery(
        "roc",
        "ROC curves with operating points",
        "Labelled patients of each split. Beside each name: AUC with the interval of "
        f"table “Discrimination of each score in each split”. {_MARKERS}",
        tuple(draw_roc(study)),
    )
    precision = Gallery(
        "precision_recall",
        "Precision-recall curves",
        "Labelled patients of each split. Beside each name: average precision with the "
        "interval of table “Discrimination of each score in each split”. Dotted: the "
        "precision of calling everybody positive.",
        tuple(draw_precision_recall(study)),
    )
    decision = Gallery(
        "decision",
        "Decision curves",
        "Labelled patients of each split. Net benefit, in patients rightly called "
        "positive per patient: TP/n - FP/n * t/(1 - t) at threshold t, against calling "
        "everybody and nobody positive. It takes the scores as probabilities: see "
        "Calibration.",
        tuple(draw_decision(study)),
    )
    return [
        _section(study, "roc", "ROC", [roc], absent=_NO_CURVES),
        _section(study, "pr", "Precision and recall", [precision], absent=_NO_CURVES),
        _calibration(study),
        _section(study, "decision", "Decision curve", [decision], absent=_NO_CURVES),
    ]


def _calibration(study: Study) -> Section:
    figure = Gallery(
        "calibration",
        "Calibration curves",
        "Labelled patients of each split, in up to ten bins of equal width; share of "
        f"{study.names.positive} with its Clopper-Pearson interval. Grey bars: "
        "patients in the bin, as a share of the fullest. Dotted: perfect.",
        tuple(draw_calibration(study)),
        small=True,
    )
    blocks = figure, scores.list_calibration(study)
    return _section(study, "calibration", "Calibration", blocks)


def _confusion(study: Study) -> Section:
    names = dict.fromkeys(
        row.calls[0].point.name for row in study.performances if row.calls
    )
    figure = Gallery(
        "confusion",
        "Confusion matrices",
        "Labelled patients at the carried cut-off of the point "
        f"{', '.join(f'“{name}”' for name in names)}; rows: the label; percent of the "
        "row.",
        tuple(draw_confusion(study)),
        small=True,
    )
    parts = [("operating_points", "Confusion matrices")]
    blocks = figure, scores.list_counts(study)
    return _section(study, "confusion", "Confusion matrices", blocks, parts=parts)


def _comparisons(study: Study) -> Section:
    tables = pairs.list_comparisons(study), pairs.list_score_calls(study)
    parts = [("comparisons", "Comparisons of scores")]
    return _section(study, "comparisons", "Comparisons", tables, parts=parts)


def _subgroups(study: Study) -> Section:
    score = study.subgroups[0].score if study.subgroups else ""
    figure = Gallery(
        "forest",
        "Forest plot of subgroups",
        f"Labelled patients, score “{score}”; estimates and 95 % intervals of table "
        "“Subgroups”. Dotted: all patients of the split. Hollow and grey: too few "
        "patients to say much.",
        tuple(draw_forest(study)),
    )
    tables = groups.list_subgroups(study), groups.list_groupings(study)
    parts = [("subgroups", "Subgroups")]
    return _section(study, "subgroups", "Subgroups", [figure, *tables], parts=parts)


def _readers(study: Study) -> Section:
    figure = Gallery(
        "readers",
        "Readers beside the score",
        "Hollow: reader alone; filled: the same reader with the model's help; shares "
        "of table “Readers alone and with the model's help”. Curve and filled blue "
        f"point: score “{study.names.primary}” of all labelled patients of the split.",
        tuple(draw_readers(study)),
    )
    tables = (
        pairs.list_readings(study),
        pairs.list_against_model(study),
        pairs.list_assistance(study),
        pairs.list_rescues(study),
    )
    parts = [("readings", "Readers"), ("assistance", "Readers with the model's help")]
    return _section(study, "readers", "Readers", [figure, *tables], parts=parts)


def _maps(study: Study) -> Section:
    albums: list[Album] = list_albums(study)
    parts = [("maps", "Class activation maps")]
    return _section(study, "maps", "Class activation maps", albums, parts=parts)


def _errors(study: Study) -> Section:
    tables = [errors.list_errors(study)] if study.cases else []
    parts = [("cases", "Wrong calls")]
    return _section(study, "errors", "Wrong calls", tables, parts=parts)


def _training(study: Study) -> Section:
    caption = (
        "Each fold's epochs, from fold_*/history.csv of the run. Validation AUC: of "
        "the patients whom the fold holds out. Dotted: a stage begins."
    )
    panels = tuple(draw_training(study))
    figure = Gallery("training", "Training curves", caption, panels)
    parts = [("training", "Training curves")]
    section = _section(study, "training", "Training", [figure], parts=parts)
    return section._replace(source="")


def _checklists(items: Sequence[Item]) -> Section:
    return Section("checklists", "Checklists", tuple(list_checklists(items)))


def _provenance(study: Study) -> Section:
    tables = (
        origin.list_sources(study),
        origin.list_versions(study),
        origin.list_config(study),
    )
    filled = tuple(filter(is_filled, tables))
    return Section("provenance", "Provenance", filled)
