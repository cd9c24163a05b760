"""What the synthetic patients are drawn from: cohort sizes, frequencies, readers.

Sources: tables S1 to S7 of the supplement of doi 10.21037/qims-24-729. What the
supplement does not say is marked *choice*.

The label's cause is one latent number, the disease `activity` z ~ N(0, 1), with
P(axSpA | z) = 1 / (1 + exp(-z / 0.05)). Lesions, readers' calls and, weakly, the
clinical features all follow from z. A cohort has fixed class sizes, so z is drawn
from its law given the label, through the inverse of that law's distribution.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit, ndtr, ndtri

from negspa_jax.columns import FEATURES
from negspa_jax.shapes import Float

LABEL_SOFTNESS = 0.05  # *choice*: the load itself separates the classes almost wholly

# Correlation of a feature with the activity within a class, *choice*; others 0.1.
FEATURE_CORRELATION = {
    "elevated_crp": 0.4,
    "nsaid_response": 0.3,
    "structural_damage": 0.4,
}


@dataclass(frozen=True)
class Group:
    """One class of one split: a column of table S3 or S4.

    Args:
      num_patients: patients in the column.
      age_mean, age_sd: years.
      duration_quartiles: disease duration in months: Q1, median, Q3.
      num_male, num_damaged: men; patients with structural damage.
      num_positive: patients with each of `FEATURES`, in that order.
    """

    num_patients: int
    age_mean: float
    age_sd: float
    duration_quartiles: tuple[float, float, float]
    num_male: int
    num_damaged: int
    num_positive: tuple[int, ...]


# Tables S3 (training) and S4. "98.5" and "63.5" per cent there are misprints; the
# counts, used here, are right.
GROUPS: dict[tuple[str, int], Group] = {
    ("train", 1): Group(
        138, 30.7, 12.9, (6.0, 24.0, 60.0), 87, 89, (21, 0, 0, 0, 0, 2, 131, 25, 50)
    ),
    ("train", 0): Group(
        190, 41.4, 18.1, (4.0, 12.0, 60.0), 97, 88, (74, 0, 0, 0, 1, 0, 103, 2, 64)
    ),
    ("internal", 1): Group(
        45, 32.1, 10.7, (5.8, 12.0, 47.3), 29, 26, (6, 0, 0, 0, 0, 0, 42, 15, 14)
    ),
    ("internal", 0): Group(
        27, 44.4, 18.1, (2.5, 8.0, 93.0), 13, 13, (11, 0, 0, 0, 1, 0, 16, 3, 8)
    ),
    ("external", 1): Group(
        25, 34.2, 8.5, (3.0, 13.0, 60.0), 23, 25, (23, 18, 0, 7, 0, 1, 8, 8, 13)
    ),
    ("external", 0): Group(
        29, 38.6, 15.4, (0.3, 6.0, 12.3), 15, 11, (18, 13, 1, 5, 0, 0, 6, 0, 19)
    ),
    ("prospective", 1): Group(
        53, 35.1, 13.9, (5.3, 12.0, 45.0), 26, 37, (11, 2, 0, 1, 1, 0, 20, 4, 6)
    ),
    ("prospective", 0): Group(
        34, 43.0, 14.1, (3.5, 24.0, 54.0), 10, 14, (15, 2, 0, 1, 0, 1, 8, 1, 7)
    ),
}

# Share of right calls, alone and with the AI. Alone: table S7 counts a reader's errors
# where the AI (accuracy .833 internal, .815 external, tables S5 and S6) was right; with
# errors independent of the AI's that makes .72 .76 .80 .87. With the AI: *choice*.
READERS = {
    "rad1": (0.72, 0.83),
    "rad2": (0.76, 0.84),
    "rad3": (0.80, 0.87),
    "rad4": (0.87, 0.90),
}

AGE_RANGE = (16.0, 90.0)  # *choice*; juvenile arthritis is among table S1's diseases


@dataclass(frozen=True)
class Clinic:
    """What the table says of one patient, and the latent activity behind it."""

    activity: float
    age: float
    sex: str
    disease_duration_months: float
    structural_damage: int
    features: dict[str, int]
    readers: dict[str, int]
    readers_ai: dict[str, int]


def draw_clinic(key: np.random.Generator, split: str, label: int) -> Clinic:
    """One patient of a split and class, drawn from its column of table S3 or S4.

    A split that the tables do not name is drawn like the training set.
    """
    group = GROUPS.get((split, label), GROUPS["train", label])
    rank = key.uniform(0.001, 0.999)  # of the activity within its class
    activity = activity_quantile(rank, label)
    counts = dict(zip(FEATURES, group.num_positive, strict=True))
    counts |= {"sex": group.num_male, "structural_damage": group.num_damaged}
    drawn = {
        name: draw_binary(key, name, count / group.num_patients, float(ndtri(rank)))
        for name, count in counts.items()
    }
    age = draw_age(key, group)
    alone, assisted = draw_readers(key, activity)
    return Clinic(
        activity=activity,
        age=age,
        sex="male" if drawn.pop("sex") else "female",
        disease_duration_months=draw_duration(key, group, age),
        structural_damage=drawn.pop("structural_damage"),
        features=drawn,
        readers=alone,
        readers_ai=assisted,
    )


def draw_binary(key: np.random.Generator, name: str, share: float, drift: float) -> int:
    """1 in a given share of patients, more often with a high `drift` ~ N(0, 1)."""
    rho = FEATURE_CORRELATION.get(name, 0.1)
    severity = rho * drift + np.sqrt(1 - rho**2) * key.standard_normal()
    return int(ndtr(severity) > 1 - share)


def activity_quantile(rank: float, label: int) -> float:
    """The activity below which a share `rank` of a class lies."""
    return float(np.interp(rank, *activity_law(label)))


@cache
def activity_law(label: int) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Distribution function of the activity given the label, and where it is taken."""
    grid = np.linspace(-4.0, 4.0, 8001)
    probability = expit((1 if label else -1) * grid / LABEL_SOFTNESS)
    cumulative = np.cumsum(np.exp(-(grid**2) / 2) * probability)
    return cumulative / cumulative[-1], grid


def draw_age(key: np.random.Generator, group: Group) -> float:
    """Years: a beta law on `AGE_RANGE` with exactly the table's mean and deviation."""
    low, high = AGE_RANGE
    mean = (group.age_mean - low) / (high - low)
    variance = (group.age_sd / (high - low)) ** 2
    total = mean * (1 - mean) / variance - 1
    return round(low + (high - low) * key.beta(mean * total, (1 - mean) * total), 1)


def draw_duration(key: np.random.Generator, group: Group, age: float) -> float:
    """Months: log-normal on either side of the median, with exactly the quartiles."""
    first, median, third = np.log(group.duration_quartiles)
    normal = key.standard_normal()
    width = third - median if normal > 0 else median - first
    months = np.exp(median + width * normal / ndtri(0.75))
    return round(float(min(months, 12 * (age - AGE_RANGE[0] / 2))), 1)


def draw_readers(
    key: np.random.Generator, activity: float
) -> tuple[dict[str, int], dict[str, int]]:
    """Calls alone and with the AI: the activity seen through noise, above 0 or not.

    A reader who sees z + noise with correlation r to z is right in a share
    1/2 + asin(r) / pi of cases (threshold 0); r follows from the share in `READERS`.
    """
    alone: dict[str, int] = {}
    assisted: dict[str, int] = {}
    for name, shares in READERS.items():
        blunder = key.standard_normal()  # what misleads a reader misleads again
        noise = 0.7 * blunder + np.sqrt(1 - 0.7**2) * key.standard_normal()
        for calls, share, error in zip(
            (alone, assisted), shares, (blunder, noise), strict=True
        ):
            r = np.sin(np.pi * (share - 0.5))
            calls[name] = int(r * activity + np.sqrt(1 - r**2) * error > 0)
    return alone, assisted
