"""Tests on counts: two decisions on the same patients, and tables of groups."""

import math

import numpy as np
from scipy import stats as scipy_stats

from negspa_jax.shapes import Shaped
from negspa_jax.stats.result import HypothesisTest


def mcnemar(b: int, c: int) -> HypothesisTest:
    """Whether two decisions on the same patients are right equally often, exact.

    Patients on whom both are right, or both wrong, say nothing; the others are split
    like b + c tosses of a fair coin: p = P(|B - (b+c)/2| >= |b - (b+c)/2|), where B is
    binomial with b + c trials and probability 1/2.

    Args:
        b: patients on whom only the first is right, at least 0.
        c: patients on whom only the second is right, at least 0.

    Returns:
        The smaller of both as statistic, and p; 1 if both are always right together.

    Raises:
        ValueError: if a count is negative.

    Reference:
        McNemar Q. Psychometrika 1947;12:153-157.

    Example:
        >>> round(mcnemar(3, 10).p_value, 4)
        0.0923
    """
    if min(b, c) < 0:
        raise ValueError(f"b and c must be counts of patients, got {b} and {c}")
    p_value = scipy_stats.binomtest(b, b + c).pvalue if b + c else 1.0
    return HypothesisTest(float(min(b, c)), float(p_value), "McNemar, exact")


def chi_square(
    table: Shaped[np.ndarray, "rows columns"], *, yates: bool = True
) -> HypothesisTest:
    """Pearson's test that rows and columns of a table of counts are independent.

    chi2 = sum (|O - E| - y)^2 / E, with E the counts expected from the sums, and
    Yates' correction y = min(1/2, |O - E|) in tables of two by two, otherwise 0.

    Args:
        table: counts of patients, each patient in one cell.
        yates: correct tables of two by two for continuity.

    Returns:
        chi2, p and the degrees of freedom. Rows and columns without patients are left
        out; if fewer than two of either are left, chi2 and p are NaN. The test is
        approximate: expected counts should be 5 or more.

    Raises:
        ValueError: if the table has not two axes, or an entry is no count.

    Reference:
        Yates F. Suppl J R Stat Soc 1934;1:217-235.

    Example:
        >>> round(chi_square(np.array([[51, 93], [87, 97]])).p_value, 4)
        0.0406
        >>> round(chi_square(np.array([[51, 93], [87, 97]]), yates=False).p_value, 4)
        0.0307
    """
    counts = _as_counts(table)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:
        return HypothesisTest(math.nan, math.nan, "chi-square", 0)
    result = scipy_stats.chi2_contingency(counts, correction=yates)
    corrected = yates and result.dof == 1
    method = "chi-square, Yates" if corrected else "chi-square"
    return HypothesisTest(
        float(result.statistic), float(result.pvalue), method, int(result.dof)
    )


def _as_counts(table: np.ndarray) -> np.ndarray:
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2:
        raise ValueError(f"table must have rows and columns, got shape {counts.shape}")
    strange = counts[~((counts >= 0) & (counts == np.round(counts)))]
    if len(strange) or not np.all(np.isfinite(counts)):
        raise ValueError(f"table must hold counts of patients, got {table}")
    return counts
