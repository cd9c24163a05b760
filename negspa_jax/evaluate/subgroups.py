"""Subgroups of patients by a covariate: category, or below and above the median."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from negspa_jax.evaluate.covariates import (
    MAX_CATEGORIES,
    filled,
    holds_numbers,
    list_categories,
    parse_number,
    read_categories,
    read_numbers,
)
from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.patients import Patients
from negspa_jax.stats import (
    Estimate,
    accuracy,
    delong_interval,
    sensitivity,
    specificity,
)


@dataclass(frozen=True)
class Grouping:
    """How a covariate divides patients.

    `groups`: their names, such as ("age < 28", "age >= 28") or ("sex F", "sex M").
    `threshold`: None for categories; the upper group has value >= threshold.
    `source`: where the threshold comes from, such as "median of train", "" if none.
    """

    covariate: str
    groups: tuple[str, ...]
    threshold: float | None
    source: str


@dataclass(frozen=True)
class Subgroup:
    """One score in one group of one split, at its Youden point carried from elsewhere.

    `num_unknown`: labelled patients of the split whose covariate is empty. `warning`:
    why the numbers say little, "" if they are worth reading.
    """

    split: str
    score: str
    covariate: str
    group: str
    num_patients: int
    num_positive: int
    num_unknown: int
    auc: Estimate
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    warning: str


# Fewer patients of a class leave intervals that exclude next to nothing.
FEWEST = 10


def find_groupings(
    splits: Mapping[str, Patients],
    *,
    covariates: Sequence[str],
    reference: str,
) -> tuple[Grouping, ...]:
    """How each covariate divides the patients of all splits.

    A covariate is numeric if each filled cell is a number and more than two differ: it
    is divided at the median of the reference split. Otherwise each category is a group,
    spelled as it is written (1 and 1.0 are the same).

    Args:
        splits: the patients of each split, labelled or not.
        covariates: names of columns.
        reference: the split whose median is carried to all others; "", or a split in
            which the covariate is empty: the median of all splits together.

    Returns:
        One grouping for each covariate, in the order given.

    Raises:
        ValueError: if a covariate is no column, nowhere filled, or has more than 12
            categories, or the reference is no split.

    Reference:
        [S], Appendix 2, clinical stratification analysis.
    """
    if reference and reference not in splits:
        raise ValueError(
            f"reference must be one of the splits {', '.join(splits)}, or empty, "
            f"got {reference!r}"
        )
    return tuple(_find_grouping(splits, name, reference) for name in covariates)


def assign_groups(patients: Patients, grouping: Grouping) -> tuple[str, ...]:
    """The group of each patient, "" where the covariate is empty.

    Raises:
        ValueError: naming the patients whose cell is no number, for a threshold, or
            none of the categories.
    """
    name = grouping.covariate
    if grouping.threshold is None:
        prefix = f"{name} "
        categories = tuple(group.removeprefix(prefix) for group in grouping.groups)
        cells = read_categories(patients, name, categories=categories)
        return tuple(prefix + cell if cell else "" for cell in cells)
    below, above = grouping.groups
    values = read_numbers(patients, name)
    upper = values >= grouping.threshold
    return tuple(
        "" if math.isnan(value) else above if is_upper else below
        for value, is_upper in zip(values, upper, strict=True)
    )


def assess_subgroups(
    splits: Mapping[str, Patients],
    *,
    score: str,
    point: OperatingPoint | None,
    groupings: Sequence[Grouping],
) -> tuple[Subgroup, ...]:
    """One score in every group of every split that has labelled patients.

    Args:
        splits: the patients of each split.
        score: name of the score.
        point: the score's operating point, carried from elsewhere; None: only the AUC
            is estimated.
        groupings: of `find_groupings`.

    Returns:
        All groups, also those without a patient in the split; estimates are NaN where
        undefined. With those whose covariate is empty (`num_unknown`), the groups of a
        covariate make up all labelled patients of the split.
    """
    labelled = (patients.labelled() for patients in splits.values())
    return tuple(
        subgroup
        for patients in labelled
        if len(patients)
        for grouping in groupings
        for subgroup in _assess_groups(patients, grouping, score, point)
    )


def _find_grouping(
    splits: Mapping[str, Patients], covariate: str, reference: str
) -> Grouping:
    categories = list_categories(splits, covariate)
    if not categories:
        raise ValueError(
            f"covariate {covariate} must be filled for at least one patient, got empty "
            "cells only; leave it out of the subgroups"
        )
    if holds_numbers(splits, covariate):
        return _divide_at_median(splits, covariate, reference)
    if len(categories) > MAX_CATEGORIES:
        words = [cell for cell in categories if parse_number(cell) is None]
        raise ValueError(
            f"covariate {covariate} must have at most {MAX_CATEGORIES} categories, or "
            f"numbers only, got {len(categories)} such as {words[0]!r}; join some, or "
            "empty the cells that mean unknown"
        )
    groups = tuple(f"{covariate} {category}" for category in categories)
    return Grouping(covariate, groups, None, "")


def _divide_at_median(
    splits: Mapping[str, Patients], covariate: str, reference: str
) -> Grouping:
    chosen, source = dict(splits), "median of all splits"
    if reference and filled(splits[reference], covariate):
        chosen, source = {reference: splits[reference]}, f"median of {reference}"
    elif reference:
        source += f" ({reference} has none)"
    values = [read_numbers(patients, covariate) for patients in chosen.values()]
    threshold = float(np.nanmedian(np.concatenate(values)))
    groups = (f"{covariate} < {threshold:.6g}", f"{covariate} >= {threshold:.6g}")
    return Grouping(covariate, groups, threshold, source)


def _assess_groups(
    patients: Patients, grouping: Grouping, score: str, point: OperatingPoint | None
) -> list[Subgroup]:
    groups = np.array(assign_groups(patients, grouping))
    num_unknown = int(np.sum(groups == ""))
    return [
        _assess_group(
            patients.choose(groups == group),
            grouping.covariate,
            group,
            num_unknown=num_unknown,
            score=score,
            point=point,
        )
        for group in grouping.groups
    ]


def _assess_group(
    members: Patients,
    covariate: str,
    group: str,
    *,
    num_unknown: int,
    score: str,
    point: OperatingPoint | None,
) -> Subgroup:
    labels, scores = members.labels, members.scores[score]
    num_positive = int(np.sum(labels == 1))
    # Without a cut-off nobody is called anything: no trials, so all NaN.
    called = slice(None) if point else slice(0)
    calls = scores[called] >= (point.cutoff if point else math.nan)
    return Subgroup(
        split=members.split,
        score=score,
        covariate=covariate,
        group=group,
        num_patients=len(members),
        num_positive=num_positive,
        num_unknown=num_unknown,
        auc=delong_interval(labels, scores),
        accuracy=accuracy(labels[called], calls),
        sensitivity=sensitivity(labels[called], calls),
        specificity=specificity(labels[called], calls),
        warning=_warn(num_positive, len(members) - num_positive),
    )


def _warn(num_positive: int, num_negative: int) -> str:
    if min(num_positive, num_negative) >= FEWEST:
        return ""
    return (
        f"{num_positive} positive and {num_negative} negative patients; with fewer "
        f"than {FEWEST} of a class the numbers say little"
    )
