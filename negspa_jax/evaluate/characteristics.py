"""Table 1 of a study: who the patients of each class are ([S], Tables S3 and S4)."""

from dataclasses import dataclass

from negspa_jax.stats import HypothesisTest


@dataclass(frozen=True)
class Summary:
    """A numeric covariate in one class of one split; NaN where undefined."""

    num_known: int
    num_unknown: int
    mean: float
    sd: float
    median: float
    first_quartile: float
    third_quartile: float


@dataclass(frozen=True)
class NumericRow:
    """A numeric covariate of one split, positives against negatives."""

    split: str
    name: str
    positive: Summary
    negative: Summary
    test: HypothesisTest


@dataclass(frozen=True)
class CategoryRow:
    """One category of a covariate or feature of one split, by class.

    `positive` of `positive_known` patients of the positive class are in `category`.
    `test`: of the whole covariate, on each of its rows. `remark`: such as expected
    counts below 5, "" if none.
    """

    split: str
    name: str
    category: str
    positive: int
    positive_known: int
    negative: int
    negative_known: int
    test: HypothesisTest
    remark: str
