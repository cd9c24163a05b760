"""What the synthetic radiographs' table is drawn from: sizes, grades, readers.

Counts: Bressem et al., Arthritis Res Ther 23, 106 (2021), doi
10.1186/s13075-021-02484-0. What is not printed there is marked *choice*.
"""

from dataclasses import dataclass

import numpy as np

from negspa_jax.data.reference import is_definite

# Patients (without, with) definite radiographic sacroiliitis: 1404 and 247 of the
# PROOF study (85 and 15 %), 100 of GESPIC.
PAPER_GROUPS = {
    "train": (493, 911),
    "validation": (87, 160),
    "external": (46, 54),
}

# (right, left) grades and how often, by label; *choice*: mirror images are drawn, too.
GRADES: dict[int, dict[tuple[int, int], float]] = {
    0: {(0, 0): 0.46, (0, 1): 0.22, (1, 1): 0.12, (0, 2): 0.10, (1, 2): 0.10},
    1: {
        (2, 2): 0.24,
        (2, 3): 0.25,
        (3, 3): 0.24,
        (0, 3): 0.02,
        (1, 3): 0.05,
        (3, 4): 0.06,
        (2, 4): 0.02,
        (4, 4): 0.12,
    },
}

# Readers' errors in the validation set, (without, with) sacroiliitis: the local reader
# called 14 of 87 positive and 25 of 160 negative, the central one 24 of 87 and 4 of
# 160. Those 67 are all the cases on which they disagreed, so they never erred together.
READERS = ("local", "central", "third")
ERRORS = {"local": (14 / 87, 25 / 160), "central": (24 / 87, 4 / 160)}

AGE_RANGE = (18.0, 75.0)  # years, *choice*; alike in both classes
MALE_SHARE = 0.6  # *choice*; alike in both classes


@dataclass(frozen=True)
class Chart:
    """One patient's row: grades, readers' calls ("" where not asked), age, sex."""

    grade_right: int
    grade_left: int
    calls: dict[str, int | str]
    age: float
    sex: str


def draw_chart(key: np.random.Generator, split: str, label: int) -> Chart:
    """One patient of a split and class; age and sex have nothing to do with either."""
    pairs = list(GRADES[label])
    pair = pairs[int(key.choice(len(pairs), p=list(GRADES[label].values())))]
    right, left = pair if key.random() < 0.5 else pair[::-1]
    low, high = AGE_RANGE
    return Chart(
        grade_right=right,
        grade_left=left,
        calls=draw_calls(key, split, label, doubt=find_doubt(right, left)),
        age=round(low + (high - low) * key.beta(2.0, 2.6), 1),
        sex="male" if key.random() < MALE_SHARE else "female",
    )


def find_doubt(right: int, left: int) -> float:
    """How likely a reader errs, against the mean: the grades' border is doubtful.

    2 where one grade of one side more or less would change the call, else 1/2.
    """
    label = is_definite(right, left)
    near = [(right + i, left + j) for i, j in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    return 2.0 if any(is_definite(*pair) != label for pair in near) else 0.5


def draw_calls(
    key: np.random.Generator, split: str, label: int, *, doubt: float
) -> dict[str, int | str]:
    """Two readers' calls; where they disagree a third decides, and decides rightly.

    On the external set both agree with the label, as there only such cases were taken.
    """
    calls: dict[str, int | str] = {"local": label, "central": label, "third": ""}
    shares = [doubt * ERRORS[name][label] / mean_doubt(label) for name in ERRORS]
    luck = key.random()
    if split == "external" or luck >= sum(shares):
        return calls
    wrong = "local" if luck < shares[0] else "central"
    return calls | {wrong: 1 - label, "third": label}


def mean_doubt(label: int) -> float:
    """The doubt of a class's mean patient."""
    return sum(share * find_doubt(*pair) for pair, share in GRADES[label].items())
