"""From tables to a study: every question asked of every split and score."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from negspa_jax.columns import FEATURES
from negspa_jax.evaluate.agreement import pair_readers
from negspa_jax.evaluate.cases import Case, choose_examples, list_cases
from negspa_jax.evaluate.characteristics import (
    CategoryRow,
    NumericRow,
    describe_patients,
)
from negspa_jax.evaluate.comparison import compare_scores
from negspa_jax.evaluate.covariates import holds_numbers
from negspa_jax.evaluate.inputs import Inputs, read_inputs
from negspa_jax.evaluate.operating import (
    OperatingPoint,
    first_point,
)
from negspa_jax.evaluate.options import DEFAULTS, Options
from negspa_jax.evaluate.patients import Patients
from negspa_jax.evaluate.performance import Performance, assess_performance
from negspa_jax.evaluate.provenance import read_maps
from negspa_jax.evaluate.questions import (
    Splits,
    find_covariates,
    find_points,
    find_primary,
    find_reference,
    find_scores,
    find_selection,
    find_unused,
    list_filled,
    pair_scores,
)
from negspa_jax.evaluate.readers import assess_assistance, assess_readers
from negspa_jax.evaluate.remarks import explain_missing, list_warnings
from negspa_jax.evaluate.rescues import list_rescues
from negspa_jax.evaluate.study import Flow, Names, Study
from negspa_jax.evaluate.subgroups import Grouping, assess_subgroups, find_groupings
from negspa_jax.evaluate.unscored import add_unscored
from negspa_jax.predictions import TRAIN


def load_study(
    *,
    run: Path | None = None,
    predictions: Sequence[Path] = (),
    cohort: Path | None = None,
    names: Sequence[str] = (),
    maps: Path | None = None,
    options: Options = DEFAULTS,
) -> Study:
    """Read a study's files and assess it.

    Args:
        run: directory of a finished training run.
        predictions: predictions tables; after a run's, or after the first, those of
            other models of the same patients.
        cohort: a table whose columns are joined to the predictions.
        names: of the models, in the order of their tables.
        maps: the folder of class activation maps; default: `gradcam` of the run.
        options: what to call and to ask.

    Raises:
        ValueError: saying what is wrong with which file or option.
    """
    inputs = read_inputs(run=run, predictions=predictions, cohort=cohort, names=names)
    study = assess_study(inputs, options)
    found = run / "gradcam" if maps is None and run is not None else maps
    if found is None or (maps is None and not found.is_dir()):
        return study
    shown = [case.patient_id for case in find_examples(study)]
    pictures = read_maps(found, shown)
    if not pictures and maps is not None:
        raise ValueError(
            f"--maps must hold pictures of the study's typical or wrong cases "
            f"({len(shown)} patients), got none of them in {found}"
        )
    provenance = replace(study.provenance, maps=pictures)
    study = replace(study, provenance=provenance)
    return replace(study, missing=explain_missing(study))


def find_examples(study: Study) -> tuple[Case, ...]:
    """The patients of each split whose images are worth a look: typical and wrong."""
    return choose_examples(study.cases, point=study.point) if study.point else ()


def assess_study(inputs: Inputs, options: Options = DEFAULTS) -> Study:
    """Answer every question that the columns allow, and say what the others lack.

    Args:
        inputs: from `read_inputs`.
        options: what to call and to ask.

    Raises:
        ValueError: if a table contradicts itself, or an option names what is not there.
    """
    splits, fusion = find_scores(inputs, options)
    primary = find_primary(splits, options)
    reference = find_reference(splits, options)
    points = find_points(splits, reference, options)
    asked: dict[str, Any] = {"score": primary, "point": first_point(points, primary)}
    count = options.num_resamples
    pairs = pair_scores(splits, inputs, primary)
    everybody = add_unscored(splits, train := inputs.unscored_train)
    covariates = find_covariates(everybody, options)
    groupings = _form_groups(everybody, covariates, reference)
    numeric, categories = _describe(everybody, covariates)
    title = options.title or inputs.name
    study = Study(
        names=Names(title, options.positive, options.negative, primary),
        reference=reference,
        selection=find_selection(splits, inputs.provenance),
        unscored_train=_count_flow(train) if train else None,
        out_of_fold=TRAIN in splits and "mean" not in splits[TRAIN].folds,
        flow=tuple(_count_flow(patients) for patients in splits.values()),
        unscored=inputs.unscored,
        unused=find_unused(everybody, covariates),
        numeric=numeric,
        categories=categories,
        fusion=fusion,
        operating_points=points,
        performances=_assess_performances(splits, points, options),
        comparisons=compare_scores(splits, pairs=pairs, points=points),
        groupings=groupings,
        subgroups=assess_subgroups(splits, **asked, groupings=groupings),
        readings=assess_readers(splits, **asked, num_resamples=count),
        reader_pairs=pair_readers(everybody, num_resamples=count),
        assistance=assess_assistance(splits),
        rescues=list_rescues(splits, **asked, groupings=groupings),
        cases=list_cases(splits, inputs.table, **asked),
        provenance=inputs.provenance,
    )
    return replace(study, missing=explain_missing(study), warnings=list_warnings(study))


def _assess_performances(
    splits: Splits, points: Sequence[OperatingPoint], options: Options
) -> tuple[Performance, ...]:
    count = options.num_resamples
    return tuple(
        assess_performance(patients, score=score, points=points, num_resamples=count)
        for patients in splits.values()
        for score in patients.scores
    )


def _form_groups(
    splits: Splits, covariates: Sequence[str], reference: str
) -> tuple[Grouping, ...]:
    # Medians are of training patients, whoever chose the operating points.
    former = TRAIN if TRAIN in splits else reference
    return find_groupings(splits, covariates=covariates, reference=former)


def _describe(
    splits: Splits, covariates: Sequence[str]
) -> tuple[tuple[NumericRow, ...], tuple[CategoryRow, ...]]:
    columns = [*covariates, *list_filled(splits, FEATURES)]
    numeric = [name for name in columns if holds_numbers(splits, name)]
    categories = [name for name in columns if name not in numeric]
    return describe_patients(splits, numeric=numeric, categories=categories)


def _count_flow(patients: Patients) -> Flow:
    known = patients.labelled()
    num_positive = int(np.sum(known.labels == 1))
    return Flow(
        patients.split,
        len(patients),
        len(patients) - len(known),
        num_positive,
        len(known) - num_positive,
    )
