"""How fast patients become sub-images, how fast these are read, in how much memory.

python -m benchmarks.pipeline --out=benchmarks/results/pipeline.jsonl

decode   Patients/s from NIfTI files to cached sub-images: table, hashes, windows of
         three sequences and both sides at 224 px. Reference: nibabel's `get_fdata` and
         `scipy.ndimage.zoom` of each whole volume to the same pixel size, in as many
         threads, and no more than that: no mask, no hash, no z-score, no file. The
         ratio is to linear interpolation, which is ours; cubic is scipy's default.
batches  Batches/s of an epoch from a cache of the paper's training cohort, against
         what the package's own train step (tri-ResNet18, augmentation and Mixup)
         consumes on the same machine in the same run. The ratio is to stage 1, the
         faster consumer.
memory   Peak memory of a fresh process that builds the cache, and of one that finds it
         and reads an epoch, with a cohort and with one ten times as large.
All files are in the page cache when they are read.
"""

import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from absl import app, flags, logging
from scipy import ndimage

from benchmarks.record import describe_machine, keep, summarize, time_alternately
from benchmarks.step_loop import loop_step
from benchmarks.workload import (
    BATCH,
    SEQUENCES,
    WINDOW_MM,
    copy_cache,
    decode,
    enlarge,
    read_epoch,
)
from negspa_jax.config import Config, Encoder, Mixing
from negspa_jax.data.cohort import Patient, read_cohort
from negspa_jax.data.phantom import Preset, write_phantom
from negspa_jax.train.network import build_network, first_variables

_PART = flags.DEFINE_multi_enum(
    "part", ["decode", "batches", "memory"], ["decode", "batches", "memory"], "which"
)
_THREADS = flags.DEFINE_integer("threads", 2, "of both sides", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "rounds measured", lower_bound=3)
_STEP_BATCH = flags.DEFINE_integer("step_batch", 4, "samples of a train step")
_COHORT = flags.DEFINE_integer(
    "cohort", 541, "patients of the smaller cohort of the memory part", lower_bound=32
)
_OUT = flags.DEFINE_string("out", None, "file to which the JSON lines are added")

IMAGE_SIZE = 224
NUM_DECODED, NUM_TRAINING, TIMES = 6, 328, 10
SMALL_IMAGE_SIZE = 64  # of the memory part, so that its cache takes 1.6 GB
SMALL = Preset({"train": (3000, 2410)}, matrix=(64, 64), slices=(8, 8))
PACKAGES = ("jax", "flax", "grain", "numpy", "scipy", "nibabel")


def main(_: list[str]) -> None:
    """Measure all parts; one JSON line each."""
    logging.set_verbosity(logging.WARNING)
    machine = describe_machine(PACKAGES)
    parts = {
        "decode": measure_decoding,
        "batches": measure_batches,
        "memory": measure_memory,
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in _PART.value:
            row = {"benchmark": name, **parts[name](Path(folder)), **machine}
            keep(row, _OUT.value)


def measure_decoding(folder: Path) -> dict[str, Any]:
    """Patients/s of the package and of a plain script."""
    table = write_patients(folder)
    patients = read_cohort(table, sequences=SEQUENCES).patients

    def ours() -> None:
        fresh = Path(tempfile.mkdtemp(dir=folder))
        decode(table, fresh, image_size=IMAGE_SIZE, threads=_THREADS.value)

    def zoom(order: int) -> None:
        with ThreadPoolExecutor(_THREADS.value) as pool:
            list(pool.map(lambda patient: zoom_whole(patient, order), patients))

    runs = {"ours": ours, "zoom_1": lambda: zoom(1), "zoom_3": lambda: zoom(3)}
    seconds = time_alternately(runs, rounds=_ROUNDS.value)
    times = {n: summarize(s, patients=len(patients)) for n, s in seconds.items()}
    return {
        "patients": len(patients),
        "threads": _THREADS.value,
        "image_size": IMAGE_SIZE,
        "ratio": round(times["zoom_1"]["ms"] / times["ours"]["ms"], 2),
        "ratio_to": "zoom_1",
        **times,
    }


def write_patients(folder: Path) -> Path:
    """Synthetic patients of the paper's matrix; return their table."""
    count = NUM_DECODED
    return write_phantom(folder / "paper", preset="paper", num_patients=count)


def zoom_whole(patient: Patient, order: int) -> None:
    """Resample a patient's volumes in plane, as a first script would."""
    for path in patient.images.values():
        image: Any = nibabel.load(path)
        spacing = np.array(image.header.get_zooms())
        factors = spacing * IMAGE_SIZE / WINDOW_MM
        factors[np.argmax(spacing)] = 1  # slices stay as they are
        ndimage.zoom(image.get_fdata(), factors, order=order)


def measure_batches(folder: Path) -> dict[str, Any]:
    """Samples/s read from the cache, and consumed by both stages' train steps."""
    table = write_patients(folder)
    cache = decode(table, folder, image_size=IMAGE_SIZE, threads=_THREADS.value)
    training = copy_cache(cache, folder / "training", NUM_TRAINING)
    steps = NUM_TRAINING * 2 // BATCH
    runs = {"read": lambda: read_epoch(training, _THREADS.value), **train_steps()}
    seconds = time_alternately(runs, rounds=_ROUNDS.value)
    size = _STEP_BATCH.value
    times = {
        "read": summarize(seconds.pop("read"), batches=steps, samples=steps * BATCH),
        **{name: summarize(values, samples=size) for name, values in seconds.items()},
    }
    rates = {name: row["samples_per_s"] for name, row in times.items()}
    return {
        "batch": BATCH,
        "step_batch": size,
        "threads": _THREADS.value,
        "image_size": IMAGE_SIZE,
        "ratio": round(rates["read"] / rates["stage_1"], 1),
        "ratio_to": "stage_1",
        "ratio_to_stage_2": round(rates["read"] / rates["stage_2"], 1),
        **times,
    }


def train_steps() -> dict[str, Callable[[], None]]:
    """The package's train step at both stages; a call returns when it has finished."""
    # Mixup costs the step nothing: the faster the step, the harder it is to feed.
    encoder, mixing = Encoder(name="resnet18", weights="none"), Mixing(preset="mixup")
    config = Config(encoder=encoder, mixing=mixing)
    model, network = build_network(config, num_inputs=len(SEQUENCES))
    start = first_variables(model, config, None, fold=0)
    shape = (_STEP_BATCH.value, len(SEQUENCES), IMAGE_SIZE, IMAGE_SIZE, 3)
    images = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    labels = np.eye(2, dtype=np.float32)[np.arange(len(images)) % 2]
    return {
        f"stage_{number}": loop_step(
            step, network, start, frozen=stage.frozen, batch=(images, labels)
        )
        for number, (step, stage) in enumerate(
            zip(network.train_steps, config.stages, strict=True), 1
        )
    }


def measure_memory(folder: Path) -> dict[str, Any]:
    """Peaks with a cohort and with a larger one."""
    folder = folder / "memory"
    small = write_phantom(folder, preset=SMALL, num_patients=_COHORT.value)
    tables = {_COHORT.value: small, TIMES * _COHORT.value: enlarge(small, TIMES)}
    peaks: dict[str, dict[str, float]] = {}
    for count, table in tables.items():
        place = folder / f"run_{count}"
        for reading, name in enumerate(("build", "epoch")):
            found = in_fresh_process(peak_memory, table, place, bool(reading))
            peaks[f"{name}_{count}"] = found
    low, high = tables
    ratios, growth = {}, {}
    for name in ("build", "epoch"):
        few, many = (max(peaks[f"{name}_{n}"].values()) for n in (low, high))
        ratios[f"ratio_{name}"] = round(many / few, 3)
        growth[f"{name}_kb_a_patient"] = round((many - few) * 1024 / (high - low), 2)
    return {
        "patients": list(tables),
        "image_size": SMALL_IMAGE_SIZE,
        "batch": BATCH,
        "unit": "MB",
        **ratios,
        **growth,
        **peaks,
    }


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new interpreter."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def peak_memory(table: Path, folder: Path, reading: bool) -> dict[str, float]:
    """The peak so far in MB: after the imports, with the cache, after an epoch."""
    folder.mkdir(exist_ok=True)
    peaks = {"imports": peak_so_far()}
    cache = decode(table, folder, image_size=SMALL_IMAGE_SIZE, threads=2)
    peaks["cache"] = peak_so_far()
    if reading:
        read_epoch(cache, threads=2)
        peaks["epoch"] = peak_so_far()
    return peaks


def peak_so_far() -> float:
    """This process's largest resident memory in MB.

    Not `ru_maxrss`: a child inherits it from the process that started it.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return round(int(peak) / 1024, 1)


if __name__ == "__main__":
    app.run(main)
