"""Training patients held out once: a run of one model is chosen by them.

They are the split `validation` of the table, or where it has none a share of `train`,
stratified and drawn once; `folds.csv` lists them under fold 0.
"""

import math
from collections.abc import Mapping
from pathlib import Path

from sklearn.model_selection import train_test_split

from negspa_jax.data.folds import parse_folds


def draw_held_out(labels: Mapping[str, int], *, share: float, seed: int) -> set[str]:
    """Draw patients to hold out, the same share of each class.

    The table's order plays no part: the same patients and seed give the same draw.

    Args:
        labels: 0 or 1 for each patient id.
        share: of all patients, in (0, 1); the number is rounded up, as scikit-learn
            does.
        seed: of the draw.

    Raises:
        ValueError: if a class would be missing on either side.
    """
    names = sorted(labels)
    classes = [labels[name] for name in names]
    number = max(2, math.ceil(len(names) * share))
    drawn: set[str] = set()
    if min(classes.count(0), classes.count(1)) > 1 and number <= len(names) - 2:
        _, held_out = train_test_split(
            names, test_size=number, stratify=classes, random_state=seed
        )
        drawn = set(held_out)
    if _check_classes(labels, drawn):
        raise ValueError(
            f"{len(names)} training patients ({classes.count(1)} with label 1) must "
            f"leave both classes on both sides of a held-out share of {share:g}: add "
            "patients, or give the table a split 'validation'"
        )
    return drawn


def read_held_out(
    path: Path, *, labels: Mapping[str, int], whole: bool = False
) -> set[str]:
    """Read who is held out and check it against the patients who may be.

    Args:
        path: `folds.csv`: patient_id, fold; every fold is 0.
        labels: 0 or 1 for each patient who may be held out.
        whole: all of them must be, or else some of both classes must be left.

    Raises:
        ValueError: listing rows that name nobody, or twice, or another fold, or that a
            class would be missing on either side.
    """
    _, names, problems = parse_folds(path, num_folds=1)
    strange = sorted(names - set(labels))
    problems += [f"patient {name!r} is no training patient" for name in strange]
    if not problems and whole:
        missing = sorted(set(labels) - names)
        problems = [f"patient {name!r} is missing" for name in missing]
    elif not problems:
        problems = _check_classes(labels, names)
    if problems:
        raise ValueError(
            f"{path} must list the held-out patients under fold 0: "
            + "; ".join(problems)
        )
    return names


def _check_classes(labels: Mapping[str, int], held_out: set[str]) -> list[str]:
    """Which side of the draw lacks a class."""
    return [
        f"patients of both classes must be {side}"
        for side, chosen in (("held out", held_out), ("left", set(labels) - held_out))
        if {labels[name] for name in chosen} != {0, 1}
    ]
