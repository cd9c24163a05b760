"""Table 1 of a study: who the patients of each class are ([S], Tables S3 and S4)."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import mannwhitneyu, ttest_ind

from negspa_jax.evaluate.covariates import (
    list_categories,
    read_categories,
    read_numbers,
)
from negspa_jax.evaluate.patients import Patients
from negspa_jax.shapes import Float, Int
from negspa_jax.stats import HypothesisTest, chi_square


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


# Described by mean and deviation in the papers; every other number by its quartiles.
MEANS = ("age",)
# With so few in a class, and no ties, the exact distribution of U is cheap.
MAX_EXACT = 8
LEAST_EXPECTED = 5  # of chi-square's approximation


def describe_patients(
    splits: Mapping[str, Patients],
    *,
    numeric: Sequence[str],
    categories: Sequence[str],
) -> tuple[tuple[NumericRow, ...], tuple[CategoryRow, ...]]:
    """Positives against negatives in each split that has labelled patients.

    Args:
        splits: the patients of each split; those without a label are left out.
        numeric: columns of numbers. Age is compared by Welch's t-test, all others by
            that of Mann and Whitney; the test's `method` says which.
        categories: columns of categories, compared by the chi-square test with Yates'
            correction where there are two categories.

    Returns:
        A row for each split and numeric column, and one for each split and category
        that occurs in any split; a column that is empty everywhere has none.

    Raises:
        ValueError: if a split has no such column, or, naming the patients, if a cell
            of a numeric one is no number.
    """
    found = {name: list_categories(splits, name) for name in categories}
    labelled = [patients.labelled() for patients in splits.values()]
    labelled = [patients for patients in labelled if len(patients)]
    rows = [_describe(patients, name) for patients in labelled for name in numeric]
    category_rows = [
        row
        for patients in labelled
        for name in categories
        for row in _count(patients, name, found[name])
    ]
    return tuple(rows), tuple(category_rows)


def _describe(patients: Patients, name: str) -> NumericRow:
    values = read_numbers(patients, name)
    of_class = [values[patients.labels == label] for label in (1, 0)]
    positive, negative = (known[~np.isnan(known)] for known in of_class)
    compare = _compare_means if name in MEANS else _compare_ranks
    return NumericRow(
        patients.split,
        name,
        _summarize(of_class[0]),
        _summarize(of_class[1]),
        compare(positive, negative),
    )


def _summarize(values: Float[np.ndarray, " n"]) -> Summary:
    """Sample deviation (divisor n - 1); quartiles interpolated linearly."""
    known = values[~np.isnan(values)]
    num_known = len(known)
    nothing = (math.nan, math.nan, math.nan)
    first, median, third = (
        np.quantile(known, (0.25, 0.5, 0.75)) if num_known else nothing
    )
    return Summary(
        num_known=num_known,
        num_unknown=len(values) - num_known,
        mean=float(np.mean(known)) if num_known else math.nan,
        sd=float(np.std(known, ddof=1)) if num_known > 1 else math.nan,
        median=float(median),
        first_quartile=float(first),
        third_quartile=float(third),
    )


def _compare_means(
    positive: Float[np.ndarray, " n"], negative: Float[np.ndarray, " k"]
) -> HypothesisTest:
    """Welch's t-test; NaN with one value in a class, or where neither class varies."""
    method = "Welch's t-test"
    if min(len(positive), len(negative)) < 2 or not (
        np.ptp(positive) or np.ptp(negative)
    ):
        return HypothesisTest(math.nan, math.nan, method)
    # scipy doubts the variance of equal values, which rounding leaves a trace of.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        result = ttest_ind(positive, negative, equal_var=False)
    return HypothesisTest(float(result.statistic), float(result.pvalue), method)


def _compare_ranks(
    positive: Float[np.ndarray, " n"], negative: Float[np.ndarray, " k"]
) -> HypothesisTest:
    """Mann and Whitney's U of the positives; NaN for an empty class, or all equal.

    Exact with 8 values or fewer in a class and no ties, otherwise by the normal
    distribution with corrections for ties and continuity.
    """
    both = np.concatenate([positive, negative])
    fewest = min(len(positive), len(negative))
    exact = fewest <= MAX_EXACT and len(np.unique(both)) == len(both)
    method = f"Mann-Whitney, {'exact' if exact else 'asymptotic'}"
    if not fewest or np.ptp(both) == 0:
        return HypothesisTest(math.nan, math.nan, method)
    chosen = "exact" if exact else "asymptotic"
    result = mannwhitneyu(positive, negative, method=chosen)
    return HypothesisTest(float(result.statistic), float(result.pvalue), method)


def _count(
    patients: Patients, name: str, categories: tuple[str, ...]
) -> list[CategoryRow]:
    cells = np.array(read_categories(patients, name, categories=categories))
    positive = patients.labels == 1
    counts = np.array(
        [
            [
                np.sum((cells == category) & of_class)
                for of_class in (positive, ~positive)
            ]
            for category in categories
        ],
        dtype=np.int64,
    ).reshape(len(categories), 2)
    test, remark = chi_square(counts), _remark(counts)
    known = counts.sum(axis=0)
    return [
        CategoryRow(
            split=patients.split,
            name=name,
            category=category,
            positive=int(row[0]),
            positive_known=int(known[0]),
            negative=int(row[1]),
            negative_known=int(known[1]),
            test=test,
            remark=remark,
        )
        for category, row in zip(categories, counts, strict=True)
    ]


def _remark(counts: Int[np.ndarray, "k 2"]) -> str:
    """Why there is no test, or why its p-value is rough; "" if it is neither."""
    counts = counts[counts.sum(axis=1) > 0]
    of_class = counts.sum(axis=0)
    if min(of_class) == 0:
        return "no test: known in one class only" if len(counts) else "no test: unknown"
    if len(counts) < 2:
        return "no test: one category only"
    expected = counts.sum(axis=1)[:, np.newaxis] * of_class / counts.sum()
    low = int(np.sum(expected < LEAST_EXPECTED))
    if not low:
        return ""
    return f"expected counts below {LEAST_EXPECTED} in {low} of {expected.size} cells"
