"""Confidence intervals of any statistic, by drawing the patients again.

Each resample draws as many patients as there are, with replacement, all that belongs
to one patient together; with strata (usually the labels) as many of each stratum as
it has. The interval is read from the statistic's values on the resamples [1].

Where `scipy.stats.bootstrap` answers, this gives its answer (with `batch=1` the same
resamples). It refuses a stratum of one patient, and one resample without a value takes
the whole interval from it; here both cases are defined.

References:
    [1] Efron B, Tibshirani RJ. An introduction to the bootstrap. 1993; chapters 13-14.
"""

import math
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from negspa_jax.shapes import Float, Int, Shaped
from negspa_jax.stats.arrays import check_level, check_same_length
from negspa_jax.stats.result import Estimate, Interval

Method = Literal["percentile", "bca"]

# A statistic that is missing oftener is not the one whose interval was asked for.
MAX_UNDEFINED = 0.1


def bootstrap_interval(
    *arrays: Shaped[np.ndarray, " n"],
    statistic: Callable[..., float | Estimate],
    strata: Shaped[np.ndarray, " n"] | None = None,
    method: Method = "percentile",
    level: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """A statistic of the patients with its bootstrap confidence interval.

    Percentile: the quantiles (1 - level) / 2 and (1 + level) / 2 of the resamples.
    BCa moves both: with z0 the normal quantile of the share of resamples below the
    value, and a the acceleration, from leaving out one patient at a time, the quantile
    of z becomes Phi(z0 + (z0 + z) / (1 - a (z0 + z))).

    Args:
        *arrays: what the statistic takes; one element of each is one patient.
        statistic: a function of these arrays; of an `Estimate` the value is taken.
        strata: each patient's stratum, usually the label; its size is kept.
        method: `percentile` or `bca` (bias-corrected and accelerated).
        level: confidence level, between 0 and 1.
        num_resamples: how often the patients are drawn, at least 1.
        seed: the same seed gives the same bytes.

    Returns:
        The estimate; where resamples have no value they are left out, and its `method`
        counts them. No value at all: all NaN. The interval is NaN with fewer than two
        patients in a stratum (they cannot vary), with more than a tenth of the
        resamples left out, and for BCa if the value lies outside its resamples or is
        undefined without one of the patients. A statistic that never varies is its own
        interval, which is no proof of certainty.

    Raises:
        ValueError: if the arrays differ in length, or an option is none of these.

    Example:
        >>> from negspa_jax.stats import auc
        >>> labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
        >>> scores = np.array([0.1, 0.3, 0.2, 0.6, 0.4, 0.7, 0.3, 0.9])
        >>> print(bootstrap_interval(labels, scores, statistic=auc, strata=labels))
        0.844 (0.500-1.000)
    """
    check_level(level)
    _check_options(arrays, strata, method=method, num_resamples=num_resamples)

    def compute(patients: Int[np.ndarray, " k"]) -> float:
        result = statistic(*(array[patients] for array in arrays))
        return float(result.value if isinstance(result, Estimate) else result)

    everybody = np.arange(len(arrays[0]))
    groups = [everybody] if strata is None else _groups(strata)
    value, bounds = compute(everybody), Interval(math.nan, math.nan)
    drawn = "" if strata is None else " by class"
    description = f"bootstrap, {method}, {num_resamples} resamples{drawn}"
    if not math.isnan(value) and min(map(len, groups), default=0) > 1:
        draws = _draws(groups, num_resamples=num_resamples, seed=seed)
        resampled = np.array([compute(patients) for patients in draws])
        defined = resampled[~np.isnan(resampled)]
        missing = num_resamples - len(defined)
        description += f", {missing} undefined" if missing else ""
        if missing <= MAX_UNDEFINED * num_resamples:
            bca = method == "bca"
            bounds = _bounds(
                defined,
                level,
                bias=_bias(value, defined) if bca else 0.0,
                acceleration=_acceleration(groups, compute) if bca else 0.0,
            )
    return Estimate(value, *bounds, level, description)


def _check_options(
    arrays: tuple[np.ndarray, ...],
    strata: np.ndarray | None,
    *,
    method: str,
    num_resamples: int,
) -> None:
    if not arrays:
        raise ValueError("arrays must be given, got none; one element is one patient")
    named = {f"array {place}": array for place, array in enumerate(arrays)}
    check_same_length(**named, **({} if strata is None else {"strata": strata}))
    if method not in ("percentile", "bca"):
        raise ValueError(f"method must be percentile or bca, got {method!r}")
    if num_resamples < 1:
        raise ValueError(f"num_resamples must be at least 1, got {num_resamples}")


def _groups(strata: Shaped[np.ndarray, " n"]) -> list[np.ndarray]:
    """The patients of each stratum."""
    names, place = np.unique(strata, return_inverse=True)
    return [np.flatnonzero(place == group) for group in range(len(names))]


def _draws(
    groups: list[np.ndarray], *, num_resamples: int, seed: int
) -> Iterator[Int[np.ndarray, " n"]]:
    generator = np.random.default_rng(seed)
    for _ in range(num_resamples):
        drawn = [
            group[generator.integers(len(group), size=len(group))] for group in groups
        ]
        yield np.concatenate(drawn)


def _bias(value: float, resampled: Float[np.ndarray, " r"]) -> float:
    """z0 of [1], equation 14.14; ties count half."""
    below = np.mean(resampled < value) + np.mean(resampled == value) / 2
    return float(ndtri(below))


def _acceleration(
    groups: list[np.ndarray], compute: Callable[[np.ndarray], float]
) -> float:
    """a of [1], equation 14.15, over strata as in scipy; 0 if nobody matters."""
    everybody = np.concatenate(groups)
    second, third = 0.0, 0.0
    for group in groups:
        without = np.array([compute(everybody[everybody != one]) for one in group])
        influence = (1 - 1 / len(group)) * (np.mean(without) - without)
        second += float(np.sum(influence**2))
        third += float(np.sum(influence**3))
    return third / (6 * second**1.5) if second else 0.0


def _bounds(
    resampled: Float[np.ndarray, " r"],
    level: float,
    *,
    bias: float,
    acceleration: float,
) -> Interval:
    """The resamples' quantiles, moved as in [1], equation 14.10."""
    if not (math.isfinite(bias) and math.isfinite(acceleration)):
        return Interval(math.nan, math.nan)
    moved = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    shares = ndtr(bias + moved / (1 - acceleration * moved))
    low, high = np.quantile(resampled, shares)
    return Interval(float(low), float(high))
