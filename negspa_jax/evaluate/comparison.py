"""Two scores, or a reader and a score, on the same patients."""

from dataclasses import dataclass

from negspa_jax.stats import Comparison


@dataclass(frozen=True)
class CallComparison:
    """How often two are right: shares, discordant patients, exact McNemar test.

    `measure`: "accuracy", "sensitivity" or "specificity". `only_first`: patients on
    whom the first alone is right. `p_adjusted`: after Holm, over all tests of the same
    measure in the same table.
    """

    measure: str
    first: float
    second: float
    only_first: int
    only_second: int
    p_value: float
    p_adjusted: float


@dataclass(frozen=True)
class ScoreComparison:
    """Two scores of the same labelled patients of one split.

    `auc`: paired DeLong, first minus second. `p_adjusted`: after Holm, over all AUC
    comparisons of the study. `calls`: at each score's own point named `point`.
    """

    split: str
    first: str
    second: str
    num_patients: int
    auc: Comparison
    p_adjusted: float
    point: str
    calls: tuple[CallComparison, ...]
