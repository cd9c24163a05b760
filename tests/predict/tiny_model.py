"""A model with random weights, and the patient whose images it takes for usual."""

import hashlib
from pathlib import Path

import jax

from negspa_jax.config import image_keywords
from negspa_jax.data.crops import crop_patient
from negspa_jax.data.fingerprint import fit_fingerprint
from negspa_jax.data.new_patients import read_new_patients
from negspa_jax.data.patient import Patient
from negspa_jax.data.phantom import Preset, write_phantom
from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.predict.bundle import SUMS
from negspa_jax.predict.model import Model
from negspa_jax.train.network import build_network, first_variables
from tests.train.tiny import tiny_config

PRESET = Preset({"new": (3, 3)}, (56, 64), (6, 7))


def make_model(folder: Path) -> tuple[Model, tuple[Patient, ...]]:
    """Three sequences, two folds; six patients. The tiny encoder must be in use."""
    config = tiny_config()
    config.data.sequences = ("t1w", "t2w", "fs")
    table = write_phantom(folder / "cohort", preset=PRESET, seed=3, num_processes=1)
    patients = read_new_patients(
        table, sequences=config.data.sequences, kind="mri", reference="auto"
    ).cohort.patients
    options = image_keywords(config, image_size=config.stages[-1].image_size)
    traits = [crop_patient(patient, **options).traits for patient in patients]
    network, _ = build_network(config, num_inputs=3)
    folds = [first_variables(network, config, None, fold=k) for k in range(2)]
    model = Model(
        name="tiny",
        config=config,
        folds=tuple(jax.device_put(folds)),
        points=(OperatingPoint("image", "Youden", "youden", 0.5, "train", 6),),
        fingerprint=fit_fingerprint(traits),
        positive="axSpA",
        negative="non-axSpA",
        missing="error",
        origin={"trained_with": "random numbers"},
    )
    return model, patients


def seal(folder: Path) -> None:
    """Write the hashes anew, as whoever forges a bundle would."""
    names = sorted(path.name for path in folder.iterdir() if path.name != SUMS)
    lines = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in names
    ]
    (folder / SUMS).write_text("".join(lines))
