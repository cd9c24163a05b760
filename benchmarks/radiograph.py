"""Radiographs: files read, images augmented, images trained on, each per second.

python -m benchmarks.radiograph --out=benchmarks/results/radiograph_cpu.jsonl

- `read`: a DICOM file to [0, 1] by `read_radiograph`, with all its checks, against what
  a script would do: pydicom's pixels, rescale, window or percentiles, inversion by
  numpy, nothing checked. Synthetic files of the paper preset (several depths, both
  polarities, with and without window). `prepared`: the same and resized to 768 pixels.
- `augment`: see `benchmarks.augmentation`; on the CPU, also where there is a GPU.
- `train`: a step of `configs/radiograph_r50.py` as it is (all layers, augmentation,
  Mixup and smoothing on the device) against the same network, loss and optimizer in
  PyTorch without augmentation and mixing, contiguous and channels_last, on a GPU
  compiled, too; the ratio is to its fastest.
- `memory`: what XLA plans for temporaries of the paper's step at its last size, all of
  the batch at once and in the config's parts; compiled for where this runs, not run.

On a GPU, with the paper's batches in parts that fit:

python -m benchmarks.radiograph --part=train --batch=64,32,84 --device_batch=0,0,42 \
    --precision=bfloat16 --out=benchmarks/results/radiograph_gpu.jsonl
"""

import dataclasses
import os
import runpy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # torch needs some too

import jax
import numpy as np
import pydicom
from absl import app, flags, logging

from benchmarks import augmentation
from benchmarks.radiograph_torch import torch_steps
from benchmarks.record import (
    ROOT,
    describe_machine,
    keep,
    summarize,
    time_alternately,
)
from benchmarks.step_loop import loop_step
from negspa_jax.config import Config
from negspa_jax.data.pelvis import PRESETS, PelvisPreset, write_pelvis
from negspa_jax.data.radiograph import read_radiograph
from negspa_jax.data.radiograph_grey import PERCENTILES
from negspa_jax.data.views import fit_square
from negspa_jax.train.network import build_network, first_variables
from negspa_jax.train.optim import split_frozen
from negspa_jax.train.step import start_state

_PARTS = ("read", "augment", "train", "memory")
_PART = flags.DEFINE_multi_enum("part", list(_PARTS), list(_PARTS), "what to measure")
_FILES = flags.DEFINE_integer("files", 24, "radiographs to read", lower_bound=2)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "rounds measured", lower_bound=3)
_SIZES = flags.DEFINE_list("sizes", ["224", "512", "768"], "pixels")
_BATCH = flags.DEFINE_list("batch", ["8", "2", "2"], "samples, for each size")
_DEVICE_BATCH = flags.DEFINE_list("device_batch", ["0", "0", "0"], "at a time; 0: all")
_PRECISION = flags.DEFINE_enum(
    "precision", "float32", ["float32", "bfloat16"], "computing type of the encoder"
)
_OUT = flags.DEFINE_string("out", None, "file to which the JSON lines are added")


def main(_: list[str]) -> None:
    """Measure the parts asked for; one JSON line each."""
    logging.set_verbosity(logging.WARNING)
    if not len(_SIZES.value) == len(_BATCH.value) == len(_DEVICE_BATCH.value):
        raise app.UsageError("--batch and --device_batch must have a number a size")
    machine = describe_machine(("jax", "flax", "torch", "torchvision", "pydicom"))
    load = {"load_average": round(os.getloadavg()[0], 2)}
    if "read" in _PART.value:
        keep({"part": "read", **measure_reading(), **load, **machine}, _OUT.value)
    if "memory" in _PART.value:
        keep({"part": "memory", **measure_memory(), **load, **machine}, _OUT.value)
    for text, batch, share in zip(
        _SIZES.value, _BATCH.value, _DEVICE_BATCH.value, strict=True
    ):
        size = int(text)
        if "augment" in _PART.value:
            row = augmentation.measure_augmentation(size, rounds=_ROUNDS.value)
            keep({"part": "augment", **row, **load, **machine}, _OUT.value)
        if "train" in _PART.value:
            row = measure_step(size, int(batch), int(share))
            keep({"part": "train", **row, **load, **machine}, _OUT.value)


def measure_memory() -> dict[str, Any]:
    """GiB of temporaries, with all layers trained and with frozen encoders."""
    config = load_config()
    last = config.stages[-1]
    found: dict[str, float] = {}
    for frozen in ("none", "encoders"):
        for share in (0, last.device_batch):
            stage = dataclasses.replace(last, frozen=frozen, device_batch=share)
            plan = _compile_step(dataclasses.replace(config, stages=(stage,)))
            size = plan.memory_analysis().temp_size_in_bytes / 2**30
            found[f"frozen_{frozen}_device_batch_{share}_gib"] = round(size, 1)
    setting = {"image_size": last.image_size, "batch": last.batch_size}
    return {**setting, "precision": config.precision, **found}


def _compile_step(config: Config) -> Any:
    (stage,) = config.stages
    model, network = build_network(config, num_inputs=1)
    start = first_variables(model, config, None, fold=0)
    trainable, rest = split_frozen(start, frozen=stage.frozen)
    state = start_state(trainable, network.optimizer)
    devices = jax.local_device_count()
    rows = devices, stage.batch_size // devices
    shape = (*rows, 1, stage.image_size, stage.image_size, 1)
    images = jax.ShapeDtypeStruct(shape, np.float32)
    labels = jax.ShapeDtypeStruct((*rows, 2), np.float32)
    numbers = jax.random.key(0), np.int32(0), np.float64(1e-4)
    step: Any = network.train_steps[0]
    return step.lower(state, rest, *numbers, images, labels).compile()


def measure_reading() -> dict[str, Any]:
    """Images read per second, ours and straight, and the ratio."""
    half = _FILES.value // 2
    preset = PelvisPreset({"train": (half, half)}, PRESETS["paper"].columns)
    with tempfile.TemporaryDirectory() as folder:
        write_pelvis(folder, preset=preset)
        files = sorted(Path(folder).glob("images/*.dcm"))
        _check_alike(files)
        candidates: dict[str, Callable[[], Any]] = {
            "ours": lambda: [read_radiograph(path) for path in files],
            "straight": lambda: [read_straight(path) for path in files],
            "prepared": lambda: [
                fit_square(read_radiograph(path).image, 768) for path in files
            ],
        }
        times = time_alternately(candidates, rounds=_ROUNDS.value)
    rows = {n: summarize(spans, images=len(files)) for n, spans in times.items()}
    ratio = rows["straight"]["ms"] / rows["ours"]["ms"]
    return {"files": len(files), "ratio": round(ratio, 3), **rows}


def read_straight(path: Path) -> np.ndarray:
    """What a script does that knows its files: no check of anything."""
    elements = pydicom.dcmread(path)
    slope = float(elements.get("RescaleSlope", 1))
    values = elements.pixel_array * slope + float(elements.get("RescaleIntercept", 0))
    if "WindowCenter" in elements:
        centre, width = float(elements.WindowCenter), float(elements.WindowWidth)
        low, high = centre - width / 2, centre + width / 2
    else:
        low, high = np.percentile(values, PERCENTILES)
    shown = np.clip((values - low) / (high - low), 0, 1).astype(np.float32)
    return 1 - shown if elements.PhotometricInterpretation == "MONOCHROME1" else shown


def _check_alike(files: list[Path]) -> None:
    """Both read the same picture, but for half a grey value of the window's formula."""
    for path in files:
        ours, straight = read_radiograph(path).image, read_straight(path)
        # Oblong pixels are made square by ours alone.
        if ours.shape == straight.shape:
            np.testing.assert_allclose(ours, straight, atol=0.01)


def load_config() -> Config:
    """`configs/radiograph_r50.py` from random weights."""
    names = runpy.run_path(str(ROOT / "configs" / "radiograph_r50.py"))
    config: Config = names["get_config"]()
    config.encoder.weights, config.precision = "none", _PRECISION.value
    return config


def measure_step(size: int, batch: int, share: int) -> dict[str, Any]:
    """Images trained on per second at one size, all layers, and the ratio."""
    key = np.random.default_rng(0)
    images = key.random((batch, 1, size, size, 1), np.float32)
    labels = np.eye(2, dtype=np.float32)[key.integers(0, 2, batch)]
    steps = {"ours": jax_step(images, labels, device_batch=share)}
    steps |= torch_steps(images, labels, precision=_PRECISION.value, parts=share)
    times = time_alternately(steps, rounds=_ROUNDS.value)
    rows = {name: summarize(spans, images=batch) for name, spans in times.items()}
    fastest = min(row["ms"] for name, row in rows.items() if name != "ours")
    return {
        "image_size": size,
        "batch": batch,
        "device_batch": share,
        "precision": _PRECISION.value,
        "ratio": round(fastest / rows["ours"]["ms"], 3),
        **rows,
    }


def jax_step(
    images: np.ndarray, labels: np.ndarray, *, device_batch: int
) -> Callable[[], None]:
    """One step of ours; it returns when the device has finished."""
    config = load_config()
    stage = config.stages[-1]
    stage.image_size, stage.batch_size = images.shape[2], len(images)
    stage.device_batch = device_batch
    config.stages = (stage,)
    model, network = build_network(config, num_inputs=1)
    start = first_variables(model, config, None, fold=0)
    (step,), frozen = network.train_steps, stage.frozen
    return loop_step(step, network, start, frozen=frozen, batch=(images, labels))


if __name__ == "__main__":
    app.run(main)
