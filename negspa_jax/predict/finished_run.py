"""A finished run of training, opened to be used: its config, patients and scores."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negspa_jax.config import Config, cohort_keywords, image_keywords, unflatten
from negspa_jax.data.cohort import Cohort, read_cohort
from negspa_jax.data.kinds import list_sides
from negspa_jax.data.manifest import record_inputs
from negspa_jax.data.pipeline import Cache, build_cache
from negspa_jax.data.volume import file_sha256
from negspa_jax.evaluate.provenance import read_manifest
from negspa_jax.predictions import Table, read_predictions


@dataclass(frozen=True)
class FinishedRun:
    """A run directory whose folds are all trained, and the cohort it was made of."""

    folder: Path
    config: Config
    cohort: Cohort
    predictions: Table

    @property
    def sides(self) -> tuple[str, ...]:
        """The names of the axis s of its sub-images."""
        return list_sides(self.config.data.kind, self.config.data.sides)

    def select(self, patient_ids: Sequence[str]) -> Cohort:
        """Return these patients alone, in this order.

        Raises:
            ValueError: if one is not in the cohort table.
        """
        known = {patient.patient_id: patient for patient in self.cohort.patients}
        if missing := [name for name in patient_ids if name not in known]:
            raise ValueError(
                f"{self.folder / 'predictions.csv'} must be of the patients of "
                f"{self.cohort.path}, got {missing[0]!r}: restore the run's own"
            )
        patients = tuple(known[name] for name in patient_ids)
        return dataclasses.replace(self.cohort, patients=patients)


def open_run(folder: Path, *, cohort: Path | None = None) -> FinishedRun:
    """Open a run directory and check that its cohort table is the one it was made of.

    Args:
        folder: the `--workdir` of the training.
        cohort: where the table lies now, if it has moved.

    Raises:
        ValueError: if the run is not finished, or the table is another one.
    """
    manifest, config = read_run(folder)
    table = cohort or _find_table(folder, config)
    _check_table(table, manifest["inputs"].get("cohort_sha256", ""))
    return FinishedRun(
        folder=folder,
        config=config,
        cohort=read_cohort(table, **cohort_keywords(config)),
        predictions=read_predictions(folder / "predictions.csv"),
    )


def read_run(folder: Path) -> tuple[dict[str, dict[str, Any]], Config]:
    """Return the manifest and the config of a finished run.

    Raises:
        ValueError: if there is no such run, or it is not finished.
    """
    manifest = read_manifest(folder)
    config = unflatten(manifest["config"])
    if not (folder / "predictions.csv").is_file():
        raise ValueError(
            f"{folder} must hold a finished run, but predictions.csv is not there: "
            "train every fold first, the same command goes on"
        )
    return manifest, config


def decode_patients(run: FinishedRun, cohort: Cohort) -> Cache:
    """Return the sub-images of some patients as the run's last stage saw them.

    Args:
        run: from `open_run`; its cache is used, and filled where it was emptied.
        cohort: from `FinishedRun.select`.

    Raises:
        ValueError: if an image or a mask is not the file that the run was made of.
    """
    seen = run.folder / "inputs.csv"
    if not seen.is_file():
        raise ValueError(
            f"{seen} must be there to compare the images with: restore it from a copy "
            "of the run"
        )
    runtime, size = run.config.runtime, run.config.stages[-1].image_size
    return build_cache(
        cohort,
        record_inputs(cohort, manifest=seen),
        cache_dir=_expand(runtime.cache_dir) or run.folder / "cache",
        crop_options=image_keywords(run.config, image_size=size),
        kind=run.config.data.kind,
        workers=runtime.workers,
    )


def _find_table(folder: Path, config: Config) -> Path:
    # As training finds it: without a table it wrote the synthetic cohort.
    synthetic = folder / f"phantom_{config.data.phantom}" / "cohort.csv"
    return _expand(config.data.cohort) or synthetic


def _expand(path: str) -> Path | None:
    return Path(os.path.expanduser(path)) if path else None


def _check_table(table: Path, sha256: str) -> None:
    if not table.is_file():
        raise ValueError(
            f"the run's cohort table must be at {table}, but it is not there: name it "
            "with --cohort=FILE"
        )
    found = file_sha256(table)
    if found != sha256:
        raise ValueError(
            f"{table} must be the table that the run was made of (SHA-256 "
            f"{sha256[:12]}), got another (SHA-256 {found[:12]}): restore it, or name "
            "it with --cohort=FILE"
        )
