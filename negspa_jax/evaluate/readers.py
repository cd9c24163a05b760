"""Readers alone, with the model's help, and against it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from negspa_jax.columns import READER, READER_AI
from negspa_jax.evaluate.calls import ReaderCalls, find_calls, list_readers
from negspa_jax.evaluate.comparison import (
    CallComparison,
    adjust_calls,
    compare_calls,
)
from negspa_jax.evaluate.covariates import read_calls
from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.patients import Patients
from negspa_jax.stats import (
    Confusion,
    Estimate,
    absolute_agreement,
    accuracy,
    bootstrap_interval,
    cohen_kappa,
    confusion,
    npv,
    ppv,
    sensitivity,
    specificity,
)


@dataclass(frozen=True)
class Reading:
    """One reader's calls in one split, alone or with the model's help.

    `num_patients`: labelled patients with a call; `num_missing`: without one.
    `kappa`: with the model's calls at the point named `point`. `against_model`: the
    reader first, the model second, on the same patients.
    """

    split: str
    reader: str
    assisted: bool
    num_patients: int
    num_missing: int
    counts: Confusion
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    kappa: Estimate
    agreement: Estimate
    point: str
    against_model: tuple[CallComparison, ...]


@dataclass(frozen=True)
class Assistance:
    """One reader with the model's help (first) against the same reader alone."""

    split: str
    reader: str
    num_patients: int
    calls: tuple[CallComparison, ...]


def assess_readers(
    splits: Mapping[str, Patients],
    *,
    score: str,
    point: OperatingPoint | None,
    num_resamples: int = 1000,
) -> tuple[Reading, ...]:
    """Each reader in each split, alone and with the model's help, against the model.

    Args:
        splits: the patients of each split; those without a label are not counted.
        score: name of the model's score.
        point: the operating point that makes calls of it; None: readers without model,
            so that kappa and agreement are NaN, and `against_model` is empty.
        num_resamples: of the bootstrap of kappa.

    Returns:
        A reading wherever a reader called at least one labelled patient of a split.
        kappa's interval is the percentile bootstrap's, patients drawn. McNemar's
        p-values are adjusted after Holm over the readers of a split, alone and with
        help apart, each measure for itself.

    Raises:
        ValueError: naming the patients, if a cell is not 0, 1 or empty.
    """
    readings = [
        _assess_reader(found, score, point, num_resamples)
        for found in find_calls(splits)
    ]
    adjusted = adjust_calls(
        [reading.against_model for reading in readings],
        families=[(reading.split, reading.assisted) for reading in readings],
    )
    return tuple(
        replace(reading, against_model=calls)
        for reading, calls in zip(readings, adjusted, strict=True)
    )


def assess_assistance(splits: Mapping[str, Patients]) -> tuple[Assistance, ...]:
    """Each reader with the model's help (first) against alone (second).

    Args:
        splits: the patients of each split; those without a label are not counted.

    Returns:
        One comparison wherever a reader called a labelled patient of a split both
        alone and with help; on these patients only. p-values are adjusted after Holm
        over the readers of a split, each measure for itself.

    Raises:
        ValueError: naming the patients, if a cell is not 0, 1 or empty.
    """
    found = [
        _assist(patients, reader)
        for patients in splits.values()
        for reader in list_readers(patients)
        if {READER + reader, READER_AI + reader} <= patients.columns.keys()
    ]
    found = [assistance for assistance in found if assistance.num_patients]
    adjusted = adjust_calls(
        [assistance.calls for assistance in found],
        families=[assistance.split for assistance in found],
    )
    return tuple(
        replace(assistance, calls=calls)
        for assistance, calls in zip(found, adjusted, strict=True)
    )


def _assess_reader(
    found: ReaderCalls,
    score: str,
    point: OperatingPoint | None,
    num_resamples: int,
) -> Reading:
    labels, calls = found.patients.labels, found.calls
    # Without a cut-off the model calls nobody: no patients in common.
    common = slice(None) if point else slice(0)
    scores = found.patients.scores[score][common]
    model = (scores >= (point.cutoff if point else math.nan)).astype(np.float64)
    return Reading(
        split=found.patients.split,
        reader=found.reader,
        assisted=found.assisted,
        num_patients=len(calls),
        num_missing=found.num_missing,
        counts=confusion(labels, calls),
        accuracy=accuracy(labels, calls),
        sensitivity=sensitivity(labels, calls),
        specificity=specificity(labels, calls),
        ppv=ppv(labels, calls),
        npv=npv(labels, calls),
        kappa=bootstrap_interval(
            calls[common],
            model,
            statistic=cohen_kappa,
            num_resamples=num_resamples,
        ),
        agreement=absolute_agreement(calls[common], model),
        point=point.name if point else "",
        against_model=compare_calls(labels, calls, model) if point else (),
    )


def _assist(patients: Patients, reader: str) -> Assistance:
    assisted, alone = (read_calls(patients, c + reader) for c in (READER_AI, READER))
    both = ~np.isnan(patients.labels + alone + assisted)
    calls = compare_calls(patients.labels[both], assisted[both], alone[both])
    return Assistance(patients.split, reader, int(both.sum()), calls)
