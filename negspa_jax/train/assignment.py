"""Who is learned from, and which model holds whom out."""

import dataclasses
from collections.abc import Collection
from pathlib import Path

from negspa_jax.config import Config
from negspa_jax.data.cohort import Cohort
from negspa_jax.data.folds import assign_folds, format_folds, read_folds
from negspa_jax.data.holdout import draw_held_out, read_held_out
from negspa_jax.predictions import TRAIN, VALIDATION
from negspa_jax.train import parallel
from negspa_jax.whole_file import write_text

Folds = dict[str, int | None]


def check_labels(cohort: Cohort, config: Config) -> None:
    """Refuse a cohort that nothing can be learned from.

    Raises:
        ValueError: no labelled row of the split `train`; one class only, where one
            model is trained.
    """
    labels = labels_of(cohort, TRAIN)
    if not labels:
        raise ValueError(
            f"{cohort.path}: rows of the split '{TRAIN}' must be there to train on, "
            "got no such row with a label"
        )
    if config.data.num_folds > 1:
        return
    for name in (TRAIN, VALIDATION):
        found = set(labels_of(cohort, name).values())
        if len(found) == 1:
            raise ValueError(
                f"{cohort.path}: the split '{name}' must have patients of both "
                f"classes, got label {found.pop()} only"
            )


def assign(cohort: Cohort, config: Config, path: Path) -> tuple[Cohort, Folds]:
    """Assign every patient who may be learned from to the model that holds him out.

    With several folds each patient of `train` is held out by one of them. With one,
    the split `validation` is; where the table has none it is drawn from `train`.

    Args:
        cohort: all patients; those without a label are left alone.
        config: of the run.
        path: of `folds.csv`, which is obeyed if it is there and written if not.

    Returns:
        The cohort, in which patients drawn from `train` are of the split
        `validation`; and by patient id the fold that holds out, None: none does.

    Raises:
        ValueError: there are too few patients, or `folds.csv` says otherwise.
    """
    labels, given = labels_of(cohort, TRAIN), labels_of(cohort, VALIDATION)
    count, seed = config.data.num_folds, config.seed
    if not path.exists() and parallel.is_first():
        share = config.data.validation_share
        if count > 1:
            held_out = assign_folds(labels, num_folds=count, seed=seed)
        elif given:
            held_out = dict.fromkeys(given, 0)
        else:
            drawn = draw_held_out(labels, share=share, seed=seed)
            held_out = dict.fromkeys(drawn, 0)
        write_text(path, format_folds(held_out))
    parallel.wait_for_all("folds")
    if count > 1:
        return cohort, {**read_folds(path, labels=labels, num_folds=count)}
    names = read_held_out(path, labels=given or labels, whole=bool(given))
    folds: Folds = {name: None for name in labels if name not in names}
    return _move(cohort, names), folds | dict.fromkeys(sorted(names), 0)


def labels_of(cohort: Cohort, split: str) -> dict[str, int]:
    """The labelled patients of a split."""
    return {
        patient.patient_id: patient.label
        for patient in cohort.patients
        if patient.split == split and patient.label is not None
    }


def _move(cohort: Cohort, held_out: Collection[str]) -> Cohort:
    """The cohort with the patients who are held out in the split `validation`."""
    patients = tuple(
        dataclasses.replace(patient, split=VALIDATION)
        if patient.patient_id in held_out
        else patient
        for patient in cohort.patients
    )
    return dataclasses.replace(cohort, patients=patients)
