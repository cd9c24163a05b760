"""What a study could not say, and what would let it; what its readers must know."""

import math
from collections.abc import Callable, Iterator

from negspa_jax.columns import FEATURES
from negspa_jax.evaluate.study import Study
from negspa_jax.evaluate.subgroups import FEWEST
from negspa_jax.predictions import TRAIN

_LIKE_TRAIN = {"train", "training", "derivation", "development", "learning"}


_NO_POINT = (
    "It needs an operating point: a split `train` or `validation` with labelled "
    "patients of both classes, another one named by --reference, or --cutoffs."
)
# Part of `study.PARTS` -> what there is of it, and why there may be nothing.
_NEEDS: dict[str, tuple[Callable[[Study], object], str]] = {
    "characteristics": (
        lambda study: study.numeric or study.categories,
        "It needs covariates (age, sex, disease_duration_months, structural_damage) or "
        "features as columns of the predictions or of a table given by --cohort, and "
        "labelled patients.",
    ),
    "fusion": (
        lambda study: study.fusion,
        "Equation 9 needs the nine features, known of every patient, as columns of the "
        "predictions or of a table given by --cohort; --missing=absent takes an empty "
        "cell as a feature that the patient does not have.",
    ),
    "learned": (
        lambda study: study.fusion and study.fusion.learned,
        "It needs the clinical features, and cross-validation: training patients of "
        "at least two folds with both classes, scored by the fold that held them out.",
    ),
    "operating_points": (lambda study: study.operating_points, _NO_POINT),
    "comparisons": (
        lambda study: study.comparisons,
        "They need a second score of the same patients: clinical features, or another "
        "model's table in --predictions; and both classes.",
    ),
    "subgroups": (
        lambda study: study.subgroups,
        "They need a covariate (age, sex, disease_duration_months, structural_damage, "
        "or one named by --subgroups) as a column.",
    ),
    "readings": (
        lambda study: study.readings,
        "They need readers' calls (0 or 1) in columns reader:NAME.",
    ),
    "reader_pairs": (
        lambda study: study.reader_pairs,
        "It needs readers' calls (0 or 1) in columns reader:NAME, of two readers or of "
        "patients with a label.",
    ),
    "assistance": (
        lambda study: study.assistance,
        "It needs calls of the same reader in reader:NAME and reader_ai:NAME.",
    ),
    "cases": (lambda study: study.cases, _NO_POINT),
    "training": (
        lambda study: study.provenance.training,
        "They need the training run's directory: --run.",
    ),
    "maps": (
        lambda study: study.provenance.maps,
        "They are written by `python -m negspa_jax.predict gradcam --run=DIR`.",
    ),
}


def explain_missing(study: Study) -> dict[str, str]:
    """A sentence for each part of the study that is not there.

    Args:
        study: all fields but `missing` and `warnings` are read.

    Returns:
        Part (of `study.PARTS`) -> why it is missing, and what would let it be said.
    """
    return {part: why for part, (find, why) in _NEEDS.items() if not find(study)}


def list_warnings(study: Study) -> tuple[str, ...]:
    """What limits the numbers, a sentence each.

    Args:
        study: all fields but `missing` and `warnings` are read.
    """
    return (
        *_doubt_patients(study),
        *_doubt_splits(study),
        *_doubt_numbers(study),
    )


def _doubt_patients(study: Study) -> Iterator[str]:
    config = study.provenance.config
    if config and not config.get("data.cohort"):
        yield (
            "The run used synthetic patients: nothing here says anything about people."
        )
    if config.get("data.reference") == "agreement":
        yield (
            "Patients have a label only where two readers agree: those in doubt are "
            "left out, so that numbers are better than they would be among everybody."
        )
    for flow in study.flow:
        if min(flow.num_positive, flow.num_negative) < FEWEST:
            yield (
                f"{flow.split}: {flow.num_positive} positive and {flow.num_negative} "
                f"negative patients with a label; fewer than {FEWEST} of a class "
                "say little."
            )
        if flow.num_unlabelled:
            yield (
                f"{flow.split}: scored but not counted without a label: "
                f"{_patients(flow.num_unlabelled)}."
            )
    if study.unscored_train and study.unscored_train.num_unlabelled:
        yield (
            f"{TRAIN}: without a label by the rule, neither learned from nor scored: "
            f"{_patients(study.unscored_train.num_unlabelled)}."
        )
    if study.unscored:
        yield (
            f"In the cohort table, but without a score and in none of the numbers: "
            f"{_patients(len(study.unscored))}."
        )
    for feature, count in study.fusion.missing.items() if study.fusion else ():
        yield f"{feature}: empty in {_patients(count)}, taken as absent."
    if study.fusion is None and any(row.name in FEATURES for row in study.categories):
        yield (
            "Of the nine clinical features some have no column, or an empty one: there "
            "is no clinical and no fused score."
        )


def _doubt_splits(study: Study) -> Iterator[str]:
    names = [flow.split for flow in study.flow]
    if not study.has_splits:
        yield (
            "The table names no splits: whether the model has learned from these "
            "patients is not known."
        )
    if not study.operating_points:
        yield f"No cut-off, so nobody is called anything. {_NO_POINT}"
    for name in names:
        if name != TRAIN and name.casefold() in _LIKE_TRAIN:
            yield (
                f"{name}: taken as a test set. Patients whom the model learned from "
                f"must be of the split {TRAIN}."
            )
    if study.unused:
        yield (
            f"Columns that nothing was made of: {', '.join(study.unused)}. Name them "
            "in --subgroups, or correct their spelling."
        )


def _doubt_training(study: Study) -> str:
    if not study.out_of_fold:
        return (
            f"{TRAIN}: the table does not say by which fold's model these patients "
            "were scored. If the model had learned from them, their numbers, and the "
            "cut-offs chosen on them, say nothing about new patients."
        )
    chosen = ", and so were the operating points" if study.reference == TRAIN else ""
    return (
        f"{TRAIN}: scores are out of fold; models and epochs were chosen on these "
        f"patients{chosen}, so that its numbers are optimistic."
    )


def _doubt_numbers(study: Study) -> Iterator[str]:
    if any(flow.split == TRAIN for flow in study.flow):
        yield _doubt_training(study)
    yield from _doubt_choices(study)
    for point in study.operating_points:
        if math.isinf(point.cutoff):
            yield (
                f"{point.score}: no cut-off reaches the rule {point.rule} but calling "
                "nobody positive."
            )
    for one in study.performances:
        if one.auc.value == one.auc.low == one.auc.high:
            yield (
                f"{one.split}, {one.score}: the AUC of {one.auc.value:g} has no spread "
                "among these patients, so that its interval is empty; that is no proof "
                "of certainty."
            )


def _doubt_choices(study: Study) -> Iterator[str]:
    """What was chosen on whom, where it was not on training patients."""
    if study.selection:
        also = ", and so were the operating points"
        yield (
            f"{study.selection}: the epoch of the model was chosen by the AUC of these "
            f"patients{also if study.reference == study.selection else ''}, so that "
            "all its numbers are optimistic."
        )
    if study.selection and not study.num_learned:
        yield "How many patients the model learned from is not in this study's files."
    if study.reference not in ("", TRAIN, study.selection):
        yield (
            f"{study.reference}: the operating points were chosen on these patients; "
            "what rests on them is optimistic here."
        )


def _patients(count: int) -> str:
    return f"{count} patient{'' if count == 1 else 's'}"
