"""Patients for the tests of this room: as few as one likes, or a whole cohort."""

import numpy as np

from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.patients import Patients


def make_patients(labels, *, split="internal", scores=None, ids=None, **columns):
    """Patients of one split; None is an unknown label; columns by keyword."""
    labels = [np.nan if label is None else label for label in labels]
    size = len(labels)
    return Patients(
        split=split,
        ids=ids or tuple(f"P{place:03}" for place in range(size)),
        labels=np.array(labels, dtype=np.float64),
        scores={"image": np.array(scores or [0.5] * size, dtype=np.float64)},
        folds=("mean",) * size,
        columns={name: tuple(map(str, cells)) for name, cells in columns.items()},
    )


def make_cohort(*, split="internal", size=80, seed=0):
    """Patients with tied scores, some unlabelled, and gaps in every column."""
    draw = np.random.default_rng(seed)
    labels = draw.choice([0.0, 1.0, np.nan], size, p=[0.45, 0.45, 0.1])

    def call(skill):
        right = draw.random(size) < skill
        calls = np.where(right, labels == 1, labels != 1).astype(int)
        return [str(c) if known else "" for c, known in zip(calls, gaps(), strict=True)]

    def gaps():
        return draw.random(size) < 0.85

    def leave_out(cells):
        return [c if known else "" for c, known in zip(cells, gaps(), strict=True)]

    columns = {
        "age": leave_out(
            np.round(draw.normal(36, 12, size), 0).astype(int).astype(str)
        ),
        "sex": leave_out(draw.choice(["F", "M"], size)),
        "structural_damage": leave_out(draw.choice(["0", "1", "1.0"], size)),
        "reader:A": call(0.7),
        "reader_ai:A": call(0.8),
        "reader:B": call(0.9),
    }
    return Patients(
        split=split,
        ids=tuple(f"{split}-{place:03}" for place in range(size)),
        labels=labels,
        scores={"image": np.round(draw.random(size) * 0.6 + 0.4 * (labels == 1), 1)},
        folds=("mean",) * size,
        columns={name: tuple(cells) for name, cells in columns.items()},
    )


def give_point(cutoff=0.5, *, score="image"):
    """An operating point chosen on training patients."""
    return OperatingPoint(score, "Youden", "youden", cutoff, "train", 328)
