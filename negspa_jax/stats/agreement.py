"""How far two readers, or a reader and a model, say the same of the same patients."""

import math

import numpy as np
from scipy.special import ndtri

from negspa_jax.shapes import Float, Int, Shaped
from negspa_jax.stats.arrays import check_level, check_same_length
from negspa_jax.stats.proportion import proportion_estimate
from negspa_jax.stats.result import Estimate


def absolute_agreement(
    a: Shaped[np.ndarray, " n"], b: Shaped[np.ndarray, " n"], *, level: float = 0.95
) -> Estimate:
    """Share of patients of whom both say the same, with its Clopper-Pearson interval.

    Args:
        a: one category per patient, of any kind.
        b: the same patients' other categories.
        level: confidence level, between 0 and 1.

    Returns:
        The estimate; NaN without patients.

    Example:
        >>> print(absolute_agreement(np.array([1, 1, 0, 0]), np.array([1, 1, 0, 1])))
        0.750 (0.194-0.994)
    """
    same = int(np.trace(_cross_table(a, b)))
    return proportion_estimate(successes=same, trials=len(a), level=level)


def cohen_kappa(
    a: Shaped[np.ndarray, " n"], b: Shaped[np.ndarray, " n"], *, level: float = 0.95
) -> Estimate:
    """Agreement beyond chance, unweighted, with its interval for large samples.

    With p_ij the share of patients called i by a and j by b, p_i. and p_.i its sums:

        kappa = (p_o - p_e) / (1 - p_e),   p_o = sum p_ii,   p_e = sum p_i. p_.i

        n (1 - p_e)^2 Var = sum p_ii (1 - (p_i. + p_.i) (1 - kappa))^2
            + (1 - kappa)^2 sum_{i != j} p_ij (p_.i + p_j.)^2
            - (kappa - p_e (1 - kappa))^2

    The interval is kappa +- z SE, clipped to [-1, 1]. The bootstrap's is
    `bootstrap_interval(a, b, statistic=cohen_kappa)`.

    Args:
        a: one category per patient, of any kind.
        b: the same patients' other categories.
        level: confidence level, between 0 and 1.

    Returns:
        The estimate. All NaN without patients, and if both call everybody the same:
        nothing can be expected by chance but that. One patient has no variance, the
        interval is NaN. Perfect agreement: SE is 0 and the interval shrinks to 1,
        which is no proof of certainty.

    Reference:
        Cohen J. Educ Psychol Meas 1960;20:37-46. Fleiss JL, Cohen J, Everitt BS.
        Psychol Bull 1969;72:323-327, equation 13.

    Example:
        >>> reader = np.array([1, 1, 1, 1, 0, 0, 0, 0])
        >>> model = np.array([1, 1, 1, 0, 0, 0, 0, 1])
        >>> print(cohen_kappa(reader, model))
        0.500 (-0.100-1.000)
    """
    check_level(level)
    counts = _cross_table(a, b)
    if len(counts) < 2:
        return Estimate(math.nan, math.nan, math.nan, level, "Cohen, asymptotic")
    shares = counts / len(a)
    observed = float(np.trace(shares))
    expected = float(shares.sum(axis=1) @ shares.sum(axis=0))
    value = (observed - expected) / (1 - expected)
    error = _standard_error(shares, value, expected, num_patients=len(a))
    margin = float(ndtri((1 + level) / 2)) * error
    low, high = (float(np.clip(value + x, -1.0, 1.0)) for x in (-margin, margin))
    return Estimate(value, low, high, level, "Cohen, asymptotic")


def _standard_error(
    shares: Float[np.ndarray, "k k"],
    kappa: float,
    expected: float,
    *,
    num_patients: int,
) -> float:
    if num_patients < 2:
        return math.nan
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    same = np.diag(shares) @ (1 - (rows + columns) * (1 - kappa)) ** 2
    weights = (columns[:, np.newaxis] + rows[np.newaxis, :]) ** 2
    np.fill_diagonal(weights, 0.0)
    other = (1 - kappa) ** 2 * np.sum(shares * weights)
    variance = same + other - (kappa - expected * (1 - kappa)) ** 2
    # Rounding may leave a trace below zero where agreement is perfect.
    return math.sqrt(max(float(variance), 0.0) / num_patients) / (1 - expected)


def _cross_table(
    a: Shaped[np.ndarray, " n"], b: Shaped[np.ndarray, " n"]
) -> Int[np.ndarray, "k k"]:
    """How many patients each says what of, over all categories that occur."""
    a, b = np.asarray(a), np.asarray(b)
    check_same_length(a=a, b=b)
    both = np.concatenate([a, b])
    if np.any(both != both):
        raise ValueError(
            "a and b must be known of every patient, got NaN; leave out the others"
        )
    categories, place = np.unique(both, return_inverse=True)
    size = len(categories)
    cells = place[: len(a)] * size + place[len(a) :]
    return np.bincount(cells, minlength=size**2).reshape(size, size)
