"""Two scores, or a reader and a score, on the same patients."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.patients import Patients
from negspa_jax.shapes import Shaped
from negspa_jax.stats import (
    Comparison,
    accuracy,
    delong_test,
    holm,
    mcnemar,
    sensitivity,
    specificity,
)


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


def compare_calls(
    labels: Shaped[np.ndarray, " n"],
    first: Shaped[np.ndarray, " n"],
    second: Shaped[np.ndarray, " n"],
) -> tuple[CallComparison, ...]:
    """How often each of two is right about the same patients, with McNemar's test.

    Accuracy is compared on all patients, sensitivity on the positives, specificity on
    the negatives; the test is exact, two-sided, on the patients on whom one alone is
    right.

    Args:
        labels: 0 or 1, known of everybody.
        first: the first one's calls, 0 or 1.
        second: the second one's calls, 0 or 1.

    Returns:
        Accuracy, sensitivity, specificity, in this order, not adjusted yet
        (`p_adjusted` NaN). A measure without patients: shares and p are NaN.

    Raises:
        ValueError: if a label or call is not 0 or 1, or not everybody has one.

    Example:
        >>> labels = np.array([1, 1, 1, 1, 0, 0])
        >>> model, reader = np.array([1, 1, 1, 0, 0, 0]), np.array([1, 0, 0, 0, 0, 1])
        >>> for measured in compare_calls(labels, model, reader):
        ...     print(measured.measure, measured.only_first, measured.p_value)
        accuracy 3 0.25
        sensitivity 2 0.5
        specificity 1 1.0
    """
    measures = {
        "accuracy": (accuracy, (0, 1)),
        "sensitivity": (sensitivity, (1,)),
        "specificity": (specificity, (0,)),
    }
    comparisons = []
    for measure, (share, classes) in measures.items():
        shares = share(labels, first).value, share(labels, second).value
        counted = np.isin(labels, classes)
        right, other = ((calls == labels)[counted] for calls in (first, second))
        only_first, only_second = int(np.sum(right > other)), int(np.sum(other > right))
        # Without patients the test would say 1, as if both had been found alike.
        p_value = mcnemar(only_first, only_second).p_value if len(right) else math.nan
        comparisons.append(
            CallComparison(measure, *shares, only_first, only_second, p_value, math.nan)
        )
    return tuple(comparisons)


def adjust_calls(
    groups: Sequence[tuple[CallComparison, ...]],
) -> tuple[tuple[CallComparison, ...], ...]:
    """Adjust the p-values of one table after Holm, each measure for itself.

    Args:
        groups: what `compare_calls` returned for each pair in the table.

    Returns:
        The same groups in the same order, with `p_adjusted`; NaN where p is, which
        counts as no test.
    """
    p_values = defaultdict(list)
    for call in chain.from_iterable(groups):
        p_values[call.measure].append(call.p_value)
    adjusted = {
        measure: iter(holm(np.array(found)).tolist())
        for measure, found in p_values.items()
    }
    return tuple(
        tuple(replace(call, p_adjusted=next(adjusted[call.measure])) for call in group)
        for group in groups
    )


def compare_scores(
    splits: Mapping[str, Patients],
    *,
    primary: str,
    points: Sequence[OperatingPoint],
) -> tuple[ScoreComparison, ...]:
    """The primary score against every other score of the same patients.

    Args:
        splits: the patients of each split; those without a label are left out.
        primary: name of the score that comes first in each comparison.
        points: operating points of the scores; calls are compared at the first of the
            primary's whose name the other score has a point of, too.

    Returns:
        One comparison for each other score in each split that holds both classes; the
        p-values of AUCs, and of each measure of the calls, adjusted after Holm over
        all. Without a common point: no calls, and `point` is "".

    Raises:
        ValueError: if a split has no score of that name.
    """
    found = []
    for patients in splits.values():
        if primary not in patients.scores:
            raise ValueError(
                f"primary must be one of the scores {', '.join(patients.scores)} of "
                f"the split {patients.split}, got {primary!r}"
            )
        known = patients.labelled()
        if len(np.unique(known.labels)) == 2:
            others = [name for name in known.scores if name != primary]
            found += [_compare(known, primary, other, points) for other in others]
    p_values = holm(np.array([comparison.auc.p_value for comparison in found]))
    calls = adjust_calls([comparison.calls for comparison in found])
    return tuple(
        replace(comparison, p_adjusted=float(p_value), calls=adjusted)
        for comparison, p_value, adjusted in zip(found, p_values, calls, strict=True)
    )


def _compare(
    patients: Patients, first: str, second: str, points: Sequence[OperatingPoint]
) -> ScoreComparison:
    labels, scores = patients.labels, patients.scores
    auc = delong_test(labels, scores[first], scores[second])
    pair = _common_point(points, first, second)
    calls = tuple(scores[point.score] >= point.cutoff for point in pair)
    return ScoreComparison(
        split=patients.split,
        first=first,
        second=second,
        num_patients=len(patients),
        auc=auc,
        p_adjusted=math.nan,
        point=pair[0].name if pair else "",
        calls=compare_calls(labels, *calls) if pair else (),
    )


def _common_point(
    points: Sequence[OperatingPoint], first: str, second: str
) -> tuple[OperatingPoint, ...]:
    """The first point of `first` that `second` has by name, and that; or none."""
    pairs = (
        (point, other)
        for point in points
        for other in points
        if (point.score, other.score, point.name) == (first, second, other.name)
    )
    return next(pairs, ())
