"""Readers alone, with the model's help, and against it ([S], Table S7)."""

from dataclasses import dataclass

from negspa_jax.evaluate.comparison import CallComparison
from negspa_jax.stats import Confusion, Estimate


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


@dataclass(frozen=True)
class Rescue:
    """Patients whom one classifies rightly and the other does not, by group.

    The counterpart of Table S7: `model_only` patients whom the model alone calls
    rightly, `reader_only` the reverse, in the group (covariate "": all of the split).
    """

    split: str
    reader: str
    covariate: str
    group: str
    model_only: int
    reader_only: int
