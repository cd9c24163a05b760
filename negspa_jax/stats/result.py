"""What the functions of this room return: a number, and how sure one can be of it."""

import math
from dataclasses import dataclass
from typing import NamedTuple


class Interval(NamedTuple):
    """The lower and the upper bound of a confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A quantity with its confidence interval; NaN where it is undefined.

    Example:
        >>> print(Estimate(0.87125, 0.789, 0.9534, level=0.95, method="DeLong"))
        0.871 (0.789-0.953)
    """

    value: float
    low: float
    high: float
    level: float
    method: str

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "undefined"
        if math.isnan(self.low):
            return f"{self.value:.3f} (no interval)"
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


@dataclass(frozen=True)
class Comparison:
    """A difference (first minus second), its interval, and the test against zero."""

    difference: float
    low: float
    high: float
    statistic: float
    p_value: float
    method: str
    level: float = 0.95


@dataclass(frozen=True)
class HypothesisTest:
    """A test statistic and its two-sided p-value; NaN where they are undefined.

    Example:
        >>> HypothesisTest(3.0, 0.34, "McNemar, exact").p_value
        0.34
    """

    statistic: float
    p_value: float
    method: str
    degrees_of_freedom: int | None = None
