"""Subgroups of patients by a covariate: category, or below and above the median."""

from dataclasses import dataclass

from negspa_jax.stats import Estimate


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
