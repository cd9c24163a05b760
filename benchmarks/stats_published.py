"""DeLong's variance as others compute it, written from the papers' formulas.

Both are the yardsticks of `benchmarks/stats.py`. Neither is used by the package.

References:
    [1] DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837-845.
    [2] Sun X, Xu W. IEEE Signal Processing Letters 2014;21:1389-1393.
"""

import numpy as np

from negspa_jax.shapes import Float


def compare_all_pairs(
    positives: Float[np.ndarray, " p"], negatives: Float[np.ndarray, " q"]
) -> tuple[float, float]:
    """AUC and its variance from every pair of a positive and a negative, by [1].

    O(p q) time and memory: the definition, and what R and Python code often does.
    """
    above = positives[:, np.newaxis] > negatives[np.newaxis, :]
    equal = positives[:, np.newaxis] == negatives[np.newaxis, :]
    kernel = above + 0.5 * equal
    components = kernel.mean(axis=1), kernel.mean(axis=0)
    return float(kernel.mean()), _variance(*components)


def rank_in_a_loop(
    positives: Float[np.ndarray, " p"], negatives: Float[np.ndarray, " q"]
) -> tuple[float, float]:
    """AUC and its variance from midranks, by [2], Algorithms 1 and 2.

    Ties are walked through one by one, as the published Python code does.
    """
    count, others = len(positives), len(negatives)
    ranks = _midranks(np.concatenate([positives, negatives]))
    above = (ranks[:count] - _midranks(positives)) / others
    below = 1.0 - (ranks[count:] - _midranks(negatives)) / count
    area = ranks[:count].sum() / count / others - (count + 1.0) / 2.0 / others
    return float(area), _variance(above, below)


def _midranks(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    order = np.argsort(values)
    ordered = values[order]
    size = len(values)
    ranks = np.zeros(size)
    first = 0
    while first < size:
        last = first
        while last < size and ordered[last] == ordered[first]:
            last += 1
        ranks[first:last] = 0.5 * (first + last - 1) + 1
        first = last
    found = np.empty(size)
    found[order] = ranks
    return found


def _variance(above: np.ndarray, below: np.ndarray) -> float:
    return float(
        np.var(above, ddof=1) / len(above) + np.var(below, ddof=1) / len(below)
    )
