"""How long a new patient takes, and what of that the network alone does.

python -m benchmarks.predict --out=benchmarks/results/predict_cpu.jsonl

patient     Seconds from NIfTI files to scores and maps with a model that is open (five
            folds, tri-encoder, 224 px, patients of the paper's matrix), split into
            read (files, masks), crop (windows, intensity, traits), network (every
            fold and side) and map (Grad-CAM).
cold        Seconds of the command itself, from a shell to the printed score: Python,
            imports, the bundle's hashes (five folds of ResNet50: 1.6 GB), compilation,
            one patient.
throughput  Images/s of the scoring path (an image is one sequence of one side in one
            fold) against PyTorch's forward of the same network, in both of its layouts
            and several batches, without gradients; the ratio is to its fastest.

Weights are random; time does not depend on them. Files are in the page cache.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # torch needs some too

import jax
import numpy as np
from absl import app, flags, logging

from benchmarks.record import describe_machine, keep, summarize, time_alternately
from negspa_jax.config import Config, Encoder, image_keywords
from negspa_jax.data.crops import crop_patient
from negspa_jax.data.fingerprint import fit_fingerprint
from negspa_jax.data.new_patients import read_new_patients
from negspa_jax.data.patient import Patient
from negspa_jax.data.phantom import Preset, write_phantom
from negspa_jax.data.volume import read_mask, read_volume
from negspa_jax.predict.bundle import write_bundle
from negspa_jax.predict.model import Model
from negspa_jax.predict.sides import explain_folds
from negspa_jax.train.network import build_network, first_variables

_PARTS = ["patient", "cold", "throughput"]
_PART = flags.DEFINE_multi_enum("part", _PARTS, _PARTS, "which")
_ENCODER = flags.DEFINE_string("encoder", "resnet50", "of each sequence")
_FOLDS = flags.DEFINE_integer("folds", 5, "models", lower_bound=1)
_PRECISION = flags.DEFINE_enum(
    "precision", "float32", ["float32", "bfloat16"], "computing type of the encoders"
)
_BATCHES = flags.DEFINE_list("torch_batch", ["2", "8"], "samples, of PyTorch's forward")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "rounds measured", lower_bound=3)
_OUT = flags.DEFINE_string("out", None, "file to which the JSON lines are added")

NUM_PATIENTS = 6
# The paper preset's matrix and slices.
PRESET = Preset({"new": (3, 3)}, (256, 304), (14, 18))
SEQUENCES = ("t1w", "t2w", "fs")


def main(_: list[str]) -> None:
    """Measure every part asked for; one JSON line each."""
    logging.set_verbosity(logging.WARNING)
    machine = describe_machine(("jax", "flax"))
    about = {
        "encoder": _ENCODER.value,
        "folds": _FOLDS.value,
        "precision": _PRECISION.value,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = write_phantom(folder / "cohort", preset=PRESET, seed=0)
        patients = read_new_patients(
            table, sequences=SEQUENCES, kind="mri", reference="auto"
        ).cohort.patients
        model = make_model(patients)
        parts: dict[str, Callable[[], Mapping[str, Any]]] = {
            "patient": lambda: measure_patient(model, patients[0]),
            "cold": lambda: measure_cold(model, patients[0], folder),
            "throughput": lambda: measure_throughput(model, patients[0]),
        }
        for part in _PART.value:
            load = round(os.getloadavg()[0], 2)
            found = {"part": part, **about, **parts[part](), "load_average": load}
            keep({**found, **machine}, _OUT.value)


def make_model(patients: tuple[Patient, ...]) -> Model:
    """The paper's model with random weights."""
    config = Config(
        precision=_PRECISION.value, encoder=Encoder(name=_ENCODER.value, weights="none")
    )
    config.data.num_folds = _FOLDS.value
    config.validate()
    network, _ = build_network(config, num_inputs=len(SEQUENCES))
    folds = [
        first_variables(network, config, None, fold=fold)
        for fold in range(_FOLDS.value)
    ]
    options = image_keywords(config, image_size=config.stages[-1].image_size)
    traits = [crop_patient(patient, **options).traits for patient in patients]
    return Model(
        name="benchmark",
        config=config,
        folds=tuple(jax.device_put(folds)),
        points=(),
        fingerprint=fit_fingerprint(traits),
        positive="positive",
        negative="negative",
        missing="error",
        origin={},
    )


def measure_patient(model: Model, patient: Patient) -> dict[str, Any]:
    """Times of the parts of one patient, each by what it takes more than the others."""
    crops = model.decode(patient)

    def read() -> None:
        for name in SEQUENCES:
            read_volume(patient.images[name], patient_id="")
        for path in dict.fromkeys(patient.rvoi.values()):
            read_mask(path, patient_id="")

    steps = {
        "read": read,
        "read_and_crop": lambda: model.decode(patient),
        "network": lambda: explain_folds(
            model.steps, model.folds, crops.images, with_maps=False
        ),
        "network_and_map": lambda: explain_folds(
            model.steps, model.folds, crops.images
        ),
        "all": lambda: model.predict(patient),
    }
    seconds = time_alternately(steps, rounds=_ROUNDS.value)
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    split = {
        "read": median["read"],
        "crop": median["read_and_crop"] - median["read"],
        "network": median["network"],
        "map": median["network_and_map"] - median["network"],
        "warm": median["all"],
    }
    return {f"{name}_s": round(value, 3) for name, value in split.items()}


def measure_cold(model: Model, patient: Patient, folder: Path) -> dict[str, Any]:
    """Seconds of the command, three times, from a bundle."""
    write_bundle(model, folder / "model", card="", licence="")
    flags_of = [f"--{name}={path}" for name, path in patient.images.items()]
    region = next(iter(patient.rvoi.values()))
    words = ["-m", "negspa_jax.predict", f"--bundle={folder / 'model'}"]
    command = [sys.executable, *words, *flags_of, f"--rvoi={region}"]
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    size = sum(path.stat().st_size for path in (folder / "model").iterdir())
    return {
        "cold_s": round(float(np.median(seconds)), 2),
        "bundle_gb": round(size / 1e9, 2),
    }


def measure_throughput(model: Model, patient: Patient) -> dict[str, Any]:
    """Images/s of ours and of PyTorch, in turns."""
    from benchmarks.predict_torch import forward_steps

    images = model.decode(patient).images
    count = len(model.folds) * len(images) * len(SEQUENCES)
    steps: dict[str, Callable[[], Any]] = {
        "ours": lambda: explain_folds(model.steps, model.folds, images, with_maps=False)
    }
    counts = {"ours": count}
    for batch in map(int, _BATCHES.value):
        found = forward_steps(
            _ENCODER.value, batch, images.shape[1:], precision=_PRECISION.value
        )
        for name, run in found.items():
            steps[f"{name}_{batch}"] = run
            counts[f"{name}_{batch}"] = batch * len(SEQUENCES)
    seconds = time_alternately(steps, rounds=_ROUNDS.value)
    times = {n: summarize(values, images=counts[n]) for n, values in seconds.items()}
    best = max(times[name]["images_per_s"] for name in times if name != "ours")
    return {"ratio": round(times["ours"]["images_per_s"] / best, 3), **times}


if __name__ == "__main__":
    app.run(main)
