"""Who is learned from, and which model holds whom out."""

import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from negspa_jax.config import Config
from negspa_jax.data.cohort import Cohort
from negspa_jax.data.doubts import find_misspelt_validation
from negspa_jax.data.folds import assign_folds, format_folds, read_folds
from negspa_jax.data.holdout import draw_held_out, read_held_out
from negspa_jax.predictions import TRAIN, VALIDATION
from negspa_jax.train import parallel
from negspa_jax.whole_file import write_text

Folds = dict[str, int | None]


class Assignment(NamedTuple):
    """Who is learned from, and who is held out.

    `cohort`: patients drawn from `train` to be held out are of the split `validation`.
    `folds`: the fold that holds a patient out; None: none does. `validation`: where one
    model is trained, whether its split is the table's ("table") or "drawn", else "".
    """

    cohort: Cohort
    folds: Folds
    validation: str


def check_labels(cohort: Cohort, config: Config) -> None:
    """Refuse a cohort that nothing can be learned from.

    Raises:
        ValueError: no labelled row of the split `train`; where one model is trained,
            one class only, or a split that is `validation` in another spelling.
    """
    labels = cohort.labels_of(TRAIN)
    if not labels:
        raise ValueError(
            f"{cohort.path}: rows of the split '{TRAIN}' must be there to train on, "
            "got no such row with a label"
        )
    if config.data.num_folds > 1:
        return
    for misspelt in find_misspelt_validation(cohort):
        raise ValueError(f"{cohort.path}: {misspelt}")
    for name in (TRAIN, VALIDATION):
        found = set(cohort.labels_of(name).values())
        if len(found) == 1:
            raise ValueError(
                f"{cohort.path}: the split '{name}' must have patients of both "
                f"classes, got label {found.pop()} only"
            )


def assign(cohort: Cohort, config: Config, path: Path) -> Assignment:
    """Assign every patient who may be learned from to the model that holds him out.

    With several folds each patient of `train` is held out by one of them. With one,
    the split `validation` is; where the table has none it is drawn from `train`.

    Args:
        cohort: all patients; those without a label are left alone.
        config: of the run.
        path: of `folds.csv`, which is obeyed if it is there.

    Raises:
        ValueError: there are too few patients, or `folds.csv` says otherwise.
    """
    labels, given = cohort.labels_of(TRAIN), cohort.labels_of(VALIDATION)
    count, seed = config.data.num_folds, config.seed
    if count > 1:
        folds = (
            read_folds(path, labels=labels, num_folds=count)
            if path.exists()
            else assign_folds(labels, num_folds=count, seed=seed)
        )
        return Assignment(cohort, {**folds}, "")
    if path.exists():
        names = read_held_out(path, labels=given or labels, whole=bool(given))
    else:
        share = config.data.validation_share
        names = set(given) or draw_held_out(labels, share=share, seed=seed)
    learned: Folds = {name: None for name in labels if name not in names}
    held_out: Folds = dict.fromkeys(sorted(names), 0)
    origin = "table" if given else "drawn"
    return Assignment(_move(cohort, names), learned | held_out, origin)


def save_folds(folds: Folds, path: Path) -> None:
    """Write `folds.csv`, once: who is held out by which fold."""
    if not path.exists() and parallel.is_first():
        held_out = {name: fold for name, fold in folds.items() if fold is not None}
        write_text(path, format_folds(held_out))


def _move(cohort: Cohort, held_out: Collection[str]) -> Cohort:
    """The cohort with the patients who are held out in the split `validation`."""
    patients = tuple(
        dataclasses.replace(patient, split=VALIDATION)
        if patient.patient_id in held_out
        else patient
        for patient in cohort.patients
    )
    return dataclasses.replace(cohort, patients=patients)
