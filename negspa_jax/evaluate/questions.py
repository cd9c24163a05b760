"""Which scores, splits, cut-offs and columns a study is about."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from negspa_jax.columns import COVARIATES, FEATURES, GRADES, READER, READER_AI
from negspa_jax.evaluate.covariates import can_divide, filled
from negspa_jax.evaluate.fusion import Fusion, add_fusion
from negspa_jax.evaluate.inputs import Inputs
from negspa_jax.evaluate.operating import OperatingPoint, choose_points, given_points
from negspa_jax.evaluate.options import Options
from negspa_jax.evaluate.patients import Patients, gather_patients
from negspa_jax.evaluate.provenance import Provenance
from negspa_jax.predictions import TRAIN, VALIDATION

Splits = Mapping[str, Patients]
# Where operating points may be chosen unasked: nobody is tested there.
_REFERENCES = (TRAIN, VALIDATION)


def find_scores(
    inputs: Inputs, options: Options
) -> tuple[dict[str, Patients], Fusion | None]:
    """Every score of every patient; clinical ones where all features are columns."""
    features = {
        name for row in inputs.table for name in FEATURES if row.extra.get(name)
    }
    name = "image" if features else "model"
    splits = gather_patients(inputs.table, name=name, others=inputs.others)
    if not features:
        return splits, None
    if options.missing == "error" and len(features) < len(FEATURES):
        return splits, None
    return add_fusion(splits, images=[name, *inputs.others], missing=options.missing)


def find_primary(splits: Splits, options: Options) -> str:
    """The score of headline, subgroups, readers and cases."""
    scores = list(next(iter(splits.values())).scores)
    if options.score and options.score not in scores:
        raise ValueError(
            f"--score must be one of {', '.join(scores)}, got {options.score!r}"
        )
    return options.score or ("fused" if "fused" in scores else scores[0])


def pair_scores(splits: Splits, inputs: Inputs, primary: str) -> list[tuple[str, str]]:
    """The primary score against every other; the images' scores of two models, too."""
    scores = list(next(iter(splits.values())).scores)
    pairs = [(primary, other) for other in scores if other != primary]
    models = [(scores[0], other) for other in inputs.others]
    return list(dict.fromkeys([*pairs, *models]))


def find_reference(splits: Splits, options: Options) -> str:
    """The split that chooses operating points; it must hold both classes."""
    if options.reference and options.reference not in splits:
        raise ValueError(
            f"--reference must be one of the splits {', '.join(splits)}, "
            f"got {options.reference!r}"
        )
    wanted = [options.reference] if options.reference else _REFERENCES
    for name in wanted:
        if name in splits and len(set(splits[name].labelled().labels)) == 2:
            return name
    if options.reference:
        raise ValueError(
            f"--reference must name a split with labelled patients of both classes, "
            f"got {options.reference!r}, which has not"
        )
    return ""


def find_selection(splits: Splits, provenance: Provenance) -> str:
    """The split whose patients chose the epoch of a run's one model; "" without one.

    Args:
        splits: of the predictions.
        provenance: of the run, if there is one.
    """
    alone = provenance.has_one_model and VALIDATION in splits
    return VALIDATION if alone else ""


def find_points(
    splits: Splits, reference: str, options: Options
) -> tuple[OperatingPoint, ...]:
    """The operating points of every score."""
    if reference:
        return choose_points(splits[reference], cutoffs=options.cutoffs)
    return given_points(next(iter(splits.values())).scores, options.cutoffs)


def without_gaps(inputs: Inputs, options: Options) -> Inputs:
    """A run's inputs without clinical features, where these cannot make a score.

    Args:
        inputs: of a run.
        options: what an empty feature means; under "error" one empty cell of anybody
            leaves no clinical score, which is no reason to have no image score.
    """
    known = all(row.extra.get(name) for row in inputs.table for name in FEATURES)
    if known or options.missing != "error":
        return inputs
    table = tuple(
        replace(row, extra={k: v for k, v in row.extra.items() if k not in FEATURES})
        for row in inputs.table
    )
    return replace(inputs, table=table)


def carry_points(inputs: Inputs, options: Options) -> tuple[OperatingPoint, ...]:
    """The operating points of a model that new patients are judged by.

    Args:
        inputs: of the run that trained it.
        options: what an empty feature means, and which split chooses.

    Returns:
        As a study of the run has them; none where no split holds both classes.

    Raises:
        ValueError: as `assess_study`.
    """
    splits, _ = find_scores(inputs, options)
    reference = find_reference(splits, options)
    return find_points(splits, reference, options) if reference else ()


def find_covariates(splits: Splits, options: Options) -> list[str]:
    """The columns that divide patients: the known ones, and those named."""
    columns = next(iter(splits.values())).columns
    unknown = [name for name in options.subgroups if name not in columns]
    if unknown:
        raise ValueError(
            f"--subgroups must name columns of the predictions or the cohort table "
            f"({', '.join(columns) or 'there are none'}), got {', '.join(unknown)}"
        )
    return list(dict.fromkeys([*list_filled(splits, COVARIATES), *options.subgroups]))


def find_unused(splits: Splits, covariates: Sequence[str]) -> tuple[str, ...]:
    """The columns that could divide patients, and that nobody asked for."""
    known = {*covariates, *COVARIATES, *FEATURES}
    # Grades, also a reader's own, are what a label is made of.
    others = (READER, READER_AI, *GRADES)
    return tuple(
        name
        for name in next(iter(splits.values())).columns
        if name not in known
        and not name.startswith(others)
        and can_divide(splits, name)
    )


def list_filled(splits: Splits, names: Sequence[str]) -> list[str]:
    """The columns that are there and not empty everywhere."""
    return [
        name
        for name in names
        if all(name in patients.columns for patients in splits.values())
        and any(filled(patients, name) for patients in splits.values())
    ]
