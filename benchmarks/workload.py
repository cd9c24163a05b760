"""What the pipeline's benchmarks make the package do, and cohorts to do it with."""

import csv
import shutil
from pathlib import Path

import numpy as np

from negspa_jax.data.cohort import read_cohort
from negspa_jax.data.manifest import record_inputs
from negspa_jax.data.pipeline import Cache, all_sides, build_cache, training_batches

SEQUENCES = ("t1w", "t2w", "fs")
WINDOW_MM, BATCH = 100.0, 64


def decode(table: Path, folder: Path, *, image_size: int, threads: int) -> Cache:
    """Fill the cache in a folder as a run does, or find it there."""
    cohort = read_cohort(table, sequences=SEQUENCES)
    hashes = record_inputs(cohort, manifest=folder / "inputs.csv", workers=threads)
    options = {
        "sequences": SEQUENCES,
        "window_mm": WINDOW_MM,
        "image_size": image_size,
    }
    cache_dir = folder / "cache"
    return build_cache(
        cohort, hashes, cache_dir=cache_dir, crop_options=options, workers=threads
    )


def read_epoch(cache: Cache, threads: int) -> None:
    """Read an epoch's batches and drop them."""
    samples = all_sides(np.arange(len(cache.files)), num_sides=2)
    for _ in training_batches(
        cache, samples, seed=(0, 0), epoch=0, batch_size=BATCH, workers=threads
    ):
        pass


def copy_cache(cache: Cache, folder: Path, count: int) -> Cache:
    """Make a cache of so many patients by copying the files of a few."""
    folder.mkdir()
    paths = [folder / f"{number}.npy" for number in range(count)]
    for number, path in enumerate(paths):
        shutil.copyfile(cache.files[number % len(cache.files)], path)
    return Cache(tuple(paths), ())


def enlarge(table: Path, times: int) -> Path:
    """Return a cohort so many times as large; a copy's files differ in their bytes.

    Gzip's header holds a time that nobody reads: another one makes another file, which
    must be hashed, decoded and cached for itself, in a hundredth of a phantom's time.
    """
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    larger = table.with_name("larger.csv")
    with larger.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for copy in range(times):
            writer.writerows(copy_patient(row, table.parent, copy) for row in rows)
    return larger


def copy_patient(row: dict[str, str], folder: Path, copy: int) -> dict[str, str]:
    """Write a patient's files once more; return the row of the copy."""
    name = f"{row['patient_id']}c{copy}"
    (folder / name).mkdir()
    copied = {"patient_id": name}
    for column in (*SEQUENCES, "rvoi"):
        content = bytearray((folder / row[column]).read_bytes())
        content[4:8] = (1 + copy).to_bytes(4, "little")
        copied[column] = f"{name}/{column}.nii.gz"
        (folder / copied[column]).write_bytes(content)
    return row | copied
