"""What the images looked like from which a model learned, all of them together.

Counts, means, ranges and a covariance; of fewer than four patients their number alone,
because a mean of few is nearly a patient. The ends of a range are single patients'
values, of sizes, angles and shares alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.stats import f as fisher

from negspa_jax.data.signature import Signature, fit_signature
from negspa_jax.data.spans import MIN_COUNT, TAIL, Span, fit_span, round_number
from negspa_jax.data.traits import NORMAL, SIZES, Traits

# Deviations that a protocol may always have: 5% of a size, 5% of a window outside its
# image, 25% of the contrast (half of it is then usual), 3 degrees of tilt.
_LEAST_SIZE, _LEAST_OUTSIDE, _LEAST_CONTRAST, _LEAST_TILT = 0.05, 0.05, 0.25, 3.0
# Beyond this, slices are nearer to another plane, however few patients there were.
_MAX_TILT = 45.0
# Below this number, all limits are wide.
_FEW = 20


@dataclass(frozen=True)
class Tilt:
    """How the slices of a sequence lie.

    `axis`: the mean of their normals; `largest`: angle to it of any patient;
    `deviation`: in each of the two directions; in degrees; `count`: of patients.
    """

    axis: tuple[float, float, float]
    largest: float
    deviation: float
    count: int

    @property
    def limit(self) -> float:
        """The largest angle that is usual, in degrees.

        Squares of angles are sums of two squares: their ratio to the mean is Fisher's.
        """
        ratio = fisher.isf(TAIL, 2, 2 * (self.count - 1)) * (1 + 1 / self.count)
        usual = self.deviation * float(np.sqrt(2 * ratio))
        return max(self.largest, min(usual, _MAX_TILT))

    def measure(self, traits: Traits) -> float:
        """Angle between a patient's normal and the mean, 0 to 90 degrees."""
        normal = [traits.numbers[name] for name in NORMAL]
        cosine = min(abs(float(np.dot(self.axis, normal))), 1.0)
        return round_number(float(np.degrees(np.arccos(cosine))))


@dataclass(frozen=True)
class Fingerprint:
    """A training cohort, as far as new patients are compared with it.

    `quantities`: by sequence and name; `tilts`: by sequence, of slices; `words`: by
    sequence and name, how many patients had which. All but `num_patients` and
    `sequences` is empty, and `signature` None, of fewer than four patients.
    """

    num_patients: int
    sequences: tuple[str, ...]
    quantities: Mapping[str, Mapping[str, Span]] = field(default_factory=dict)
    tilts: Mapping[str, Tilt] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    signature: Signature | None = None

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the fingerprint cannot do; one sentence, or none."""
        known = f"the model was trained on {self.num_patients} patients"
        if self.num_patients < MIN_COUNT:
            reason = f"{known}, fewer than {MIN_COUNT}: whether an image is like theirs"
            return (f"{reason} cannot be said, only that a window is empty",)
        if self.num_patients < _FEW:
            return (f"{known}: what is far from usual may pass for usual",)
        return ()


def fit_fingerprint(cohort: Sequence[Mapping[str, Traits]]) -> Fingerprint:
    """Describe a training cohort.

    Args:
      cohort: each patient's traits by sequence; all have the same sequences.

    Raises:
      ValueError: there is no patient, or one has other sequences than the first.
    """
    if not cohort:
        raise ValueError("a fingerprint must be of at least 1 patient, got 0")
    names = tuple(cohort[0])
    if any(set(traits) != set(names) for traits in cohort):
        reason = f"every patient must have the sequences {', '.join(names)}, one has"
        raise ValueError(f"{reason} others: fit the fingerprint on one decoding")
    if len(cohort) < MIN_COUNT:
        return Fingerprint(len(cohort), names)
    columns = {name: [traits[name] for traits in cohort] for name in names}
    return Fingerprint(
        num_patients=len(cohort),
        sequences=names,
        quantities={name: _fit_quantities(found) for name, found in columns.items()},
        tilts={
            name: _fit_tilt(found)
            for name, found in columns.items()
            if set(NORMAL) <= set(found[0].numbers)
        },
        words={name: _count_words(found) for name, found in columns.items()},
        signature=fit_signature([{n: traits[n] for n in names} for traits in cohort]),
    )


def _fit_quantities(found: Sequence[Traits]) -> dict[str, Span]:
    least = dict.fromkeys(SIZES, _LEAST_SIZE)
    least |= {"contrast": _LEAST_CONTRAST, "outside": _LEAST_OUTSIDE}
    spans = {}
    for name, deviation in least.items():
        by_ratio = name != "outside"
        values = [t.numbers[name] for t in found if name in t.numbers]
        if by_ratio:
            # An empty window has no contrast, and no logarithm.
            values = [value for value in values if value > 0]
        span = fit_span(values, by_ratio=by_ratio, least_deviation=deviation)
        if span is not None:
            spans[name] = span
    return spans


def _fit_tilt(found: Sequence[Traits]) -> Tilt:
    """The mean axis is that of the normals' dyads, because their sign is arbitrary."""
    normals = np.array([[t.numbers[name] for name in NORMAL] for t in found])
    axis = np.linalg.eigh(normals.T @ normals)[1][:, -1]
    # The sign of an eigenvector is the library's.
    axis = axis * np.copysign(1.0, axis[np.argmax(np.abs(axis))])
    x, y, z = (round_number(value) for value in axis.tolist())
    tilt = Tilt((x, y, z), 0.0, 0.0, len(found))
    angles = np.array([tilt.measure(traits) for traits in found])
    deviation = float(np.sqrt(np.sum(angles**2) / (2 * (len(found) - 1))))
    return replace(
        tilt,
        largest=float(angles.max()),
        deviation=round_number(max(deviation, _LEAST_TILT)),
    )


def _count_words(found: Sequence[Traits]) -> dict[str, dict[str, int]]:
    names = sorted({name for traits in found for name in traits.words})
    counts: dict[str, dict[str, int]] = {}
    for name in names:
        words = [traits.words[name] for traits in found if name in traits.words]
        counts[name] = {word: words.count(word) for word in sorted(set(words))}
    return counts
