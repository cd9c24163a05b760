"""Training patients held out once: a run of one model is chosen by them.

They are the split `validation` of the table, or where it has none a share of `train`,
stratified and drawn once; `folds.csv` lists them under fold 0.
"""

import math
from collections.abc import Mapping
from pathlib import Path

from sklearn.model_selection import train_test_split

from negspa_jax.csv_table import read_table


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
    if _check_sides(labels, drawn, whole=False):
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
    table = read_table(path, key="patient_id")
    problems, names = [*table.problems], set()
    for line, cells in table.rows:
        name, fold = cells.get("patient_id", ""), cells.get("fold", "")
        if name in names:
            problems.append(f"row {line}: patient {name!r} is given twice")
        elif name not in labels:
            problems.append(f"row {line}: patient {name!r} is no training patient")
        elif fold != "0":
            problems.append(f"row {line}: fold must be 0, got {fold!r}")
        names.add(name)
    if not problems:
        problems = _check_sides(labels, names, whole=whole)
    if problems:
        raise ValueError(
            f"{path} must list the held-out patients under fold 0: "
            + "; ".join(problems)
        )
    return names


def _check_sides(
    labels: Mapping[str, int], names: set[str], *, whole: bool
) -> list[str]:
    left = set(labels) - names
    if whole:
        return [f"patient {name!r} is missing" for name in sorted(left)]
    return [
        f"patients of both classes must be {side}"
        for side, chosen in (("held out", names), ("left", left))
        if {labels[name] for name in chosen} != {0, 1}
    ]
