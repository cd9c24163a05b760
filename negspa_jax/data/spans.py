"""What one quantity was in a cohort, and which values of a new patient are usual.

A value is unusual if it lies outside all that was seen and outside the prediction
interval of one more patient, mean +- t_(n-1) s sqrt(1 + 1/n): few patients make it
wide, many make it narrow, and what was seen once is never unusual.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

# With fewer patients nothing is said: a deviation of three numbers is none.
MIN_COUNT = 4
# Chance that a patient like all others lies beyond one end of an interval.
TAIL = 0.001


@dataclass(frozen=True)
class Span:
    """A quantity in a cohort.

    `count` patients; `low` and `high` what was seen; `mean` and `deviation` of the
    values, or of their natural logarithms where `by_ratio`.
    """

    count: int
    low: float
    high: float
    mean: float
    deviation: float
    by_ratio: bool

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest value that is usual."""
        reach = student.isf(TAIL, self.count - 1) * np.sqrt(1 + 1 / self.count)
        ends = self.mean + np.array([-reach, reach]) * self.deviation
        if self.by_ratio:
            # So that a wide interval of few patients stays a number.
            ends = np.exp(np.clip(ends, -300, 300))
        return min(self.low, float(ends[0])), max(self.high, float(ends[1]))


def fit_span(
    values: Sequence[float], *, by_ratio: bool, least_deviation: float
) -> Span | None:
    """Describe a quantity; None of fewer than `MIN_COUNT` patients.

    Args:
      values: one for each patient; positive, where `by_ratio`.
      by_ratio: compare by ratio, as sizes are.
      least_deviation: used where the patients differ by less: of an identical
        protocol, a rounding difference is not unusual.
    """
    if len(values) < MIN_COUNT:
        return None
    found = np.asarray(values, dtype=np.float64)
    scaled = np.log(found) if by_ratio else found
    deviation = max(float(scaled.std(ddof=1)), least_deviation)
    low, high, mean = float(found.min()), float(found.max()), float(scaled.mean())
    low, high, mean, deviation = map(round_number, (low, high, mean, deviation))
    return Span(len(found), low, high, mean, deviation, by_ratio)


def round_number(value: float) -> float:
    """To six digits: more would tell of the processor, not of the patients."""
    return float(f"{value:.6g}")
