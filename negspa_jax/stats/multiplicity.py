"""p-values of several tests that are reported together."""

import numpy as np

from negspa_jax.shapes import Float, Shaped


def holm(p_values: Shaped[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Adjust p-values so that one false alarm among all has the level's probability.

    With the p-values ascending, p_(1) <= ... <= p_(k):
    adjusted p_(i) = max over j <= i of min(1, (k - j + 1) p_(j)).

    Args:
        p_values: each in [0, 1]; NaN for a test that could not be done.

    Returns:
        The adjusted p-values, in the same order. NaN stays NaN and counts as no test.

    Raises:
        ValueError: if a p-value lies outside [0, 1].

    Reference:
        Holm S. Scand J Stat 1979;6:65-70.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
        [0.03, 0.06, 0.06]
    """
    given = np.asarray(p_values, dtype=np.float64)
    tested = ~np.isnan(given)
    known = given[tested]
    if np.any((known < 0) | (known > 1)):
        raise ValueError(f"p_values must lie between 0 and 1, got {given.tolist()}")
    order = np.argsort(known)
    factors = np.arange(len(known), 0, -1)
    raised = np.maximum.accumulate(factors * known[order])
    adjusted = np.full(given.shape, np.nan)
    adjusted[np.flatnonzero(tested)[order]] = np.minimum(raised, 1.0)
    return adjusted
