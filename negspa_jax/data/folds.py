"""Cross-validation folds: stratified, by patient, saved, and free of leakage.

A leak makes a model look better than it is, so every way that was thought of is
looked for, and refused: the same patient under two spellings of an id, the two sides
of a patient as two patients, the same image bytes in two patients.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from sklearn.model_selection import StratifiedKFold

from negspa_jax.csv_table import format_table, read_table
from negspa_jax.data.cohort import Cohort, canonical_id

# At the end of a canonical id, whose parts are joined by "-": P7L becomes p-7-l.
_SIDE = re.compile(r"-(l|r|lt|rt|left|right)$")


class LeakageError(ValueError):
    """Two rows of the table, or two folds, share a patient."""


def assign_folds(
    labels: Mapping[str, int], *, num_folds: int, seed: int
) -> dict[str, int]:
    """Assign every patient to the fold that holds him or her out.

    The table's order plays no part: the same patients and seed give the same folds.

    Args:
        labels: 0 or 1 for each patient id.
        num_folds: at least 2.
        seed: of the shuffle within each class.

    Raises:
        ValueError: if a class has fewer patients than there are folds.
    """
    names = sorted(labels)
    classes = [labels[name] for name in names]
    for label in (0, 1):
        if classes.count(label) < num_folds:
            raise ValueError(
                f"{num_folds} folds need at least {num_folds} training patients with "
                f"label {label}, got {classes.count(label)}: add patients, or lower "
                "--config.data.num_folds"
            )
    splitter = StratifiedKFold(num_folds, shuffle=True, random_state=seed)
    folds = {}
    for fold, (_, held_out) in enumerate(splitter.split(names, classes)):
        folds.update({names[index]: fold for index in held_out})
    return dict(sorted(folds.items()))


def format_folds(folds: Mapping[str, int]) -> str:
    """Return the text of `folds.csv`: patient_id, fold."""
    return format_table(["patient_id", "fold"], sorted(folds.items()))


def read_folds(
    path: Path, *, labels: Mapping[str, int], num_folds: int
) -> dict[str, int]:
    """Read `folds.csv` and check it against the training patients.

    Raises:
        ValueError: listing every patient who is missing, strange or given twice,
            every fold out of range, every fold without both classes.
    """
    folds, names, problems = parse_folds(path, num_folds=num_folds)
    problems += [f"patient {n!r} is missing" for n in sorted(set(labels) - names)]
    problems += [
        f"patient {n!r} is no training patient" for n in sorted(names - set(labels))
    ]
    if not problems:
        problems += [
            f"fold {fold} must hold out patients of both classes"
            for fold in range(num_folds)
            if {labels[n] for n in folds if folds[n] == fold} != {0, 1}
        ]
    if problems:
        raise ValueError(
            f"{path} must give each training patient a fold: " + "; ".join(problems)
        )
    return folds


def parse_folds(
    path: Path, *, num_folds: int
) -> tuple[dict[str, int], set[str], list[str]]:
    """Read the rows of `folds.csv`, whomever they name.

    Returns:
        The fold of every patient whose row is sound, everybody who is named, and what
        is wrong with the table's form, with folds, and with patients given twice.
    """
    table = read_table(path, key="patient_id")
    wanted = "fold must be 0" + (f" to {num_folds - 1}" if num_folds > 1 else "")
    folds: dict[str, int] = {}
    names, problems = set[str](), [*table.problems]
    for line, cells in table.rows:
        name, fold = cells.get("patient_id", ""), cells.get("fold", "")
        if name in names:
            problems.append(f"row {line}: patient {name!r} is given twice")
        names.add(name)
        if fold.isdecimal() and int(fold) < num_folds:
            folds[name] = int(fold)
        else:
            problems.append(f"row {line}: {wanted}, got {fold!r}")
    return folds, names, problems


def check_leakage(cohort: Cohort, hashes: Mapping[Path, str]) -> None:
    """Refuse a cohort in which one patient stands in two rows.

    Args:
        cohort: all rows, of every split: a test patient must not be a training
            patient either.
        hashes: SHA-256 of every image.

    Raises:
        LeakageError: listing every pair.
    """
    problems = []
    by_name: dict[str, list[str]] = defaultdict(list)
    by_bytes: dict[str, set[str]] = defaultdict(set)
    for patient in cohort.patients:
        name = _SIDE.sub("", canonical_id(patient.patient_id))
        by_name[name].append(patient.patient_id)
        for path in patient.images.values():
            by_bytes[hashes[path]].add(patient.patient_id)
    for names in by_name.values():
        if len(names) > 1:
            problems.append(f"{_listed(names)} look like one patient's id")
    for owners in by_bytes.values():
        if len(owners) > 1:
            problems.append(
                f"{_listed(sorted(owners))} have an image of the same bytes"
            )
    if problems:
        raise LeakageError(
            f"{cohort.path}: one row must be one patient, with both sides in it; "
            + "; ".join(dict.fromkeys(problems))
            + ": merge the rows, or give different patients ids that differ in more "
            "than spelling"
        )


def check_held_out(
    training: Sequence[str], validation: Sequence[str], *, fold: int
) -> None:
    """Assert that no patient is on both sides of a fold.

    Args:
        training: patient id of every training sample.
        validation: patient id of every validation sample.
        fold: for the message.

    Raises:
        LeakageError: naming the patients.
    """
    both = sorted(set(training) & set(validation))
    if both:
        raise LeakageError(f"fold {fold} trains on and validates {_listed(both)}")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:10])
    return f"patients {shown}" + (f" and {len(names) - 10} more" * (len(names) > 10))
