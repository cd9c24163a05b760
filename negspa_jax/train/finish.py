"""The end of a fold, and the end of a run: scores, model, merged table, summary."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from negspa_jax.checkpoint import Checkpoints
from negspa_jax.config import Config, flatten
from negspa_jax.csv_table import format_table
from negspa_jax.data.fingerprint_json import FINGERPRINT
from negspa_jax.data.patient import Patient, list_clinical
from negspa_jax.data.pipeline import all_sides
from negspa_jax.predictions import (
    TRAIN,
    UNSCORED,
    Prediction,
    bilateral,
    merge_folds,
    read_predictions,
    write_predictions,
)
from negspa_jax.train import parallel
from negspa_jax.train.console import Reporter
from negspa_jax.train.network import Network
from negspa_jax.train.optim import Variables
from negspa_jax.train.rundir import environment, write_json
from negspa_jax.train.score import predict_scores
from negspa_jax.train.study import Study
from negspa_jax.train.summary import format_summary, summarise
from negspa_jax.whole_file import write_text


def finish_fold(
    fold: int,
    folder: Path,
    best: Variables,
    study: Study,
    config: Config,
    network: Network,
) -> None:
    """Score everybody whom this fold did not learn from, and keep its model."""
    rows = _predict(fold, best, study, config, network)
    if parallel.is_first():
        model = Checkpoints(folder / "model", keep=1)
        model.save(0, best, {"fold": fold, "config": flatten(config)})
        model.close()
        write_json(folder / "environment.json", environment())
        write_predictions(folder / "predictions.csv", rows)
        # The model stays; what only a continuation needs does not.
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    parallel.wait_for_all(f"fold {fold}")


def _predict(
    fold: int, best: Variables, study: Study, config: Config, network: Network
) -> list[Prediction]:
    patients = study.cohort.patients
    wanted = [
        index
        for index, patient in enumerate(patients)
        if patient.split != TRAIN or study.folds.get(patient.patient_id) == fold
    ]
    samples = all_sides(np.array(wanted), num_sides=len(study.sides))
    scores = predict_scores(
        network.score_step,
        parallel.replicate(best),
        study.caches[config.stages[-1].image_size],
        samples,
        # One for each device: a patient who is scored later, alone, has the same score
        # to the last digit (`predict.network.Steps`).
        batch_size=1,
        workers=config.runtime.workers,
    )
    clinical = list_clinical(patients)
    rows = [
        Prediction(
            patients[i].patient_id,
            patients[i].split,
            patients[i].label,
            fold,
            study.sides[side],
            float(score),
            clinical[i],
        )
        for i, side, score in zip(samples.patient, samples.side, scores, strict=True)
    ]
    return [*rows, *bilateral(rows)]


def finish_run(workdir: Path, config: Config, study: Study, reporter: Reporter) -> None:
    """Merge the folds' predictions, if all are there, and say what they come to."""
    files = [
        workdir / f"fold_{fold}" / "predictions.csv"
        for fold in range(config.data.num_folds)
    ]
    missing = [file.parent.name for file in files if not file.exists()]
    if missing:
        reporter.tell(
            f"{', '.join(missing)} not trained yet: the merged predictions are "
            "written by the run that finishes last."
        )
        return
    train = [p for p in study.cohort.patients if p.split == TRAIN]
    unscored = [p for p in train if study.folds.get(p.patient_id) is None]
    names = {p.patient_id for p in train} - {p.patient_id for p in unscored}
    tables = [read_predictions(file) for file in files]
    merged = merge_folds(tables, train_ids=names)
    write_predictions(workdir / "predictions.csv", merged)
    if unscored:
        _write_unscored(workdir / UNSCORED, unscored)
    reporter.tell(format_summary(summarise(merged)))
    for name, what in _FILES:
        if "*" in name or (workdir / name).exists():
            reporter.tell(f"{workdir / name}  {what}")


def _write_unscored(path: Path, patients: Sequence[Patient]) -> None:
    """Training patients without a score: with a label learned from, else by nobody.

    One model has no honest score of whom it learned from; and the rule of the labels
    may leave patients without one. They are patients of the study all the same.
    """
    clinical = list_clinical(patients)
    columns = list(dict.fromkeys(name for cells in clinical for name in cells))
    rows = [
        [
            patient.patient_id,
            "" if patient.label is None else patient.label,
            *(cells.get(name, "") for name in columns),
        ]
        for patient, cells in zip(patients, clinical, strict=True)
    ]
    write_text(path, format_table(["patient_id", "label", *columns], rows))


_FILES = (
    ("predictions.csv", "every score, with the patients' clinical columns"),
    (UNSCORED, "training patients without a score: learned from, or no label"),
    ("folds.csv", "who was held out by which fold"),
    ("manifest.json", "config, versions, device, hashes of weights and table"),
    ("inputs.csv", "SHA-256 of every input file"),
    (FINGERPRINT, "what the training patients' images looked like, all together"),
    ("fold_*/model", "the best variables of each fold"),
    ("fold_*/history.csv", "loss, rate and validation AUC of each epoch"),
)
