"""Two scores, or a reader and a score, on the same patients."""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

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
    measure in the same table and split (of readers alone, or with help).
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
    comparisons of the split. `calls`: at each score's own point named `point`.
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
    groups: Sequence[tuple[CallComparison, ...]], *, families: Sequence[Hashable]
) -> tuple[tuple[CallComparison, ...], ...]:
    """Adjust the p-values of one table after Holm, each measure for itself.

    Args:
        groups: what `compare_calls` returned for each pair in the table.
        families: of each pair; those of one family, such as a split, are adjusted for
            each other.

    Returns:
        The same groups in the same order, with `p_adjusted`; NaN where p is, which
        counts as no test.
    """
    p_values = defaultdict(list)
    for family, group in zip(families, groups, strict=True):
        for call in group:
            p_values[family, call.measure].append(call.p_value)
    adjusted = {key: iter(holm(np.array(found))) for key, found in p_values.items()}
    return tuple(
        tuple(
            replace(call, p_adjusted=float(next(adjusted[family, call.measure])))
            for call in group
        )
        for family, group in zip(families, groups, strict=True)
    )


def compare_scores(
    splits: Mapping[str, Patients],
    *,
    pairs: Sequence[tuple[str, str]],
    points: Sequence[OperatingPoint],
) -> tuple[ScoreComparison, ...]:
    """Pairs of scores of the same patients, in every split that holds both classes.

    Args:
        splits: the patients of each split; those without a label are left out.
        pairs: names of the first and the second score.
        points: operating points of the scores; calls are compared at the first of the
            first score's whose name the second has a point of, too.

    Returns:
        One comparison for each pair and split; the p-values of AUCs, and of each
        measure of the calls, adjusted after Holm over the split's pairs. Without a
        common point: no calls, and `point` is "".

    Raises:
        ValueError: if a split has no score of that name.
    """
    found: list[ScoreComparison] = []
    for patients in splits.values():
        unknown = {name for pair in pairs for name in pair} - patients.scores.keys()
        if unknown:
            raise ValueError(
                f"pairs must be of the scores {', '.join(patients.scores)} of the "
                f"split {patients.split}, got {', '.join(sorted(unknown))}"
            )
        known = patients.labelled()
        if len(np.unique(known.labels)) == 2:
            found += _compare_split(known, pairs, points)
    return tuple(found)


def _compare_split(
    known: Patients,
    pairs: Sequence[tuple[str, str]],
    points: Sequence[OperatingPoint],
) -> list[ScoreComparison]:
    found = [_compare(known, *pair, points) for pair in pairs]
    p_values = holm(np.array([comparison.auc.p_value for comparison in found]))
    groups = [comparison.calls for comparison in found]
    calls = adjust_calls(groups, families=[known.split] * len(groups))
    return [
        replace(comparison, p_adjusted=float(p_value), calls=adjusted)
        for comparison, p_value, adjusted in zip(found, p_values, calls, strict=True)
    ]


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
