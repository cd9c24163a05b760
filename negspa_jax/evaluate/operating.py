"""Operating points: chosen once, where nobody is tested, and carried unchanged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from negspa_jax.evaluate.patients import Patients
from negspa_jax.stats import choose_cutoff

# Name -> rule of `stats.choose_cutoff`.
RULES = {
    "Youden": "youden",
    "high sensitivity": "sensitivity>=0.99",
    "high specificity": "specificity>=0.99",
}


@dataclass(frozen=True)
class OperatingPoint:
    """A cut-off of one score; a patient with score >= cutoff is called positive.

    `name`: "Youden", "high sensitivity", "high specificity" or "given". `rule`: as
    `stats.choose_cutoff` takes it, "" if given. `cutoff`: unrounded. `source`: the
    split on whose `num_patients` labelled patients it was chosen, "" if given.
    """

    score: str
    name: str
    rule: str
    cutoff: float
    source: str
    num_patients: int


def choose_points(
    reference: Patients, *, cutoffs: Sequence[float] = ()
) -> tuple[OperatingPoint, ...]:
    """Choose each score's operating points on the labelled patients of one split.

    Three a score: Youden's (largest sensitivity + specificity), the highest cut-off
    with a sensitivity of at least 0.99, the lowest with a specificity of at least 0.99.

    Args:
        reference: patients whom nobody will test the scores on, best with scores out
            of fold.
        cutoffs: further points for every score, in [0, 1].

    Returns:
        Score by score, the three before the given ones; the given ones alone if the
        reference lacks a class.

    Example:
        >>> patients = Patients(
        ...     split="train",
        ...     ids=("1", "2", "3", "4"),
        ...     labels=np.array([0.0, 0.0, 1.0, 1.0]),
        ...     scores={"image": np.array([0.2, 0.6, 0.5, 0.9])},
        ...     folds=(0, 1, 0, 1),
        ...     columns={},
        ... )
        >>> [(point.name, point.cutoff) for point in choose_points(patients)]
        [('Youden', 0.5), ('high sensitivity', 0.5), ('high specificity', 0.9)]
    """
    known = reference.labelled()
    rules = RULES if len(np.unique(known.labels)) == 2 else {}
    points = []
    for score, values in known.scores.items():
        for name, rule in rules.items():
            cutoff = choose_cutoff(known.labels, values, rule=rule)
            points.append(
                OperatingPoint(score, name, rule, cutoff, known.split, len(known))
            )
        points += given_points([score], cutoffs)
    return tuple(points)


def given_points(
    scores: Iterable[str], cutoffs: Sequence[float]
) -> tuple[OperatingPoint, ...]:
    """Operating points that a person gives, the same for every score.

    Args:
        scores: names of the scores.
        cutoffs: in [0, 1].

    Raises:
        ValueError: if a cut-off lies outside [0, 1].
    """
    for cutoff in cutoffs:
        if not 0 <= cutoff <= 1:
            raise ValueError(f"cutoffs must lie between 0 and 1, got {cutoff}")
    return tuple(
        OperatingPoint(score, "given", "", float(cutoff), "", 0)
        for score in scores
        for cutoff in cutoffs
    )


def first_point(points: Sequence[OperatingPoint], score: str) -> OperatingPoint | None:
    """The operating point at which a score's calls are made; None if it has none."""
    return next((point for point in points if point.score == score), None)
