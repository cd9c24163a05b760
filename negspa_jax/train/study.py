"""What all folds of a run share: patients, folds, sub-images."""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from negspa_jax.config import Config, ConfigError, cohort_keywords, image_keywords
from negspa_jax.csv_table import read_table
from negspa_jax.data.cohort import Cohort, read_cohort
from negspa_jax.data.doubts import (
    describe_labels,
    find_contradictions,
    find_unread_columns,
)
from negspa_jax.data.errors import RefusedError
from negspa_jax.data.fingerprint import fit_fingerprint
from negspa_jax.data.fingerprint_json import FINGERPRINT, write_fingerprint
from negspa_jax.data.folds import check_held_out, check_leakage
from negspa_jax.data.kinds import KINDS, list_sides
from negspa_jax.data.manifest import record_inputs
from negspa_jax.data.pipeline import (
    Cache,
    Samples,
    all_sides,
    build_cache,
    patients_of,
)
from negspa_jax.data.reference import find_rule
from negspa_jax.predictions import TRAIN
from negspa_jax.shapes import Int
from negspa_jax.train import parallel
from negspa_jax.train.assignment import Folds, assign, check_labels, save_folds
from negspa_jax.train.console import Reporter
from negspa_jax.train.interrupt import Interrupted, StopRequest


@dataclass(frozen=True)
class Study:
    """The patients of a run, ready to be trained on."""

    cohort: Cohort
    hashes: Mapping[Path, str]
    folds: Folds  # who holds a patient out; None: nobody
    validation: str  # of one model: "table" or "drawn", else ""
    caches: Mapping[int, Cache]  # by image size
    sides: tuple[str, ...]

    @property
    def labels(self) -> Int[np.ndarray, " n"]:
        """The label of every patient, -1 where unknown."""
        labels = [p.label for p in self.cohort.patients]
        return np.array([-1 if label is None else label for label in labels])

    def samples(self, fold: int) -> tuple[Samples, Samples]:
        """Return a fold's training and validation samples, checked for leakage."""
        held_out = [name for name in self.folds if self.folds[name] == fold]
        rest = [name for name in self.folds if self.folds[name] != fold]
        training, validation = (self._of(names) for names in (rest, held_out))
        ids = [p.patient_id for p in self.cohort.patients]
        check_held_out(
            [ids[i] for i in training.patient],
            [ids[i] for i in validation.patient],
            fold=fold,
        )
        return training, validation

    def _of(self, names: list[str]) -> Samples:
        patients = patients_of(self.cohort, names)
        return all_sides(patients, num_sides=len(self.sides))


def find_cohort(config: Config, workdir: Path, reporter: Reporter) -> Path:
    """Return the cohort table; without one, the synthetic cohort's, written once.

    Raises:
        ConfigError: there is no such table.
    """
    if config.data.cohort:
        table = Path(os.path.expanduser(config.data.cohort))
        if not table.is_file():
            found = "a directory" if table.is_dir() else "no such file"
            must = "config.data.cohort must be the path of a CSV file"
            raise ConfigError(f"{must}, got {str(table)!r}: {found}")
        return table
    folder = workdir / f"phantom_{config.data.phantom}"
    writing = "" if folder.exists() else ", written now ('paper' takes some minutes)"
    reporter.tell(
        f"No cohort was given (--config.data.cohort=FILE): this run uses the synthetic "
        f"cohort '{config.data.phantom}' in {folder}{writing}."
    )
    if not folder.exists() and parallel.is_first():
        part = folder.with_suffix(".part")
        write = KINDS[config.data.kind].write_synthetic
        write(part, preset=config.data.phantom, seed=config.seed)
        part.rename(folder)
    parallel.wait_for_all("phantom")
    return folder / "cohort.csv"


def resolve_reference(config: Config, table: Path) -> Config:
    """Return the config with the rule that `auto` stands for in a table."""
    columns = read_table(table, key="patient_id").columns
    try:
        rule = find_rule(config.data.reference, columns, kind=config.data.kind)
    except RefusedError:
        return config  # `read_cohort` says so, with all else that is wrong
    return dataclasses.replace(
        config, data=dataclasses.replace(config.data, reference=rule)
    )


def prepare(
    config: Config,
    table: Path,
    workdir: Path,
    reporter: Reporter,
    *,
    stop: StopRequest,
    resumed: bool,
) -> Study:
    """Read and check the cohort, decode the images, assign the folds.

    Args:
        config: of the run.
        table: the cohort's.
        workdir: of the run.
        reporter: is told what happens.
        stop: asks to leave while images are decoded.
        resumed: compare the inputs with the run's; otherwise this is their first
            sight.

    Raises:
        ValueError: listing everything in the table or the files that cannot be used.
        Interrupted: if asked to leave; what is decoded stays in the cache.
    """
    cohort = read_cohort(table, **cohort_keywords(config))
    check_labels(cohort, config)
    doubts = [*find_contradictions(cohort), *find_unread_columns(cohort)]
    for line in [*describe_labels(cohort), *(f"warning: {doubt}" for doubt in doubts)]:
        reporter.tell(line)
    seen = workdir / "inputs.csv"
    if not resumed and parallel.is_first():
        seen.unlink(missing_ok=True)
    parallel.wait_for_all("first sight")
    hashes = record_inputs(cohort, manifest=seen)
    check_leakage(cohort, hashes)
    assigned = assign(cohort, config, workdir / "folds.csv")
    cohort = assigned.cohort
    if assigned.validation == "drawn":
        count = sum(fold is not None for fold in assigned.folds.values())
        reporter.tell(
            f"The table has no split 'validation': {count} of the "
            f"{len(assigned.folds)} patients of 'train' are held out as such."
        )
    caches = {
        size: _decode(cohort, hashes, config, workdir, size, reporter, stop)
        for size in sorted({stage.image_size for stage in config.stages})
    }
    # A table may be mended until here: only now is it settled who is held out.
    save_folds(assigned.folds, workdir / "folds.csv")
    if parallel.is_first():
        last = caches[config.stages[-1].image_size]
        _save_fingerprint(cohort, last, workdir / FINGERPRINT)
    parallel.wait_for_all("folds")
    sides = list_sides(config.data.kind, config.data.sides)
    return Study(cohort, hashes, assigned.folds, assigned.validation, caches, sides)


def _save_fingerprint(cohort: Cohort, cache: Cache, path: Path) -> None:
    """Describe the images that are learned from, so that others can be compared."""
    seen = zip(cohort.patients, cache.traits, strict=True)
    write_fingerprint(
        path, fit_fingerprint([traits for p, traits in seen if p.split == TRAIN])
    )


def _decode(
    cohort: Cohort,
    hashes: Mapping[Path, str],
    config: Config,
    workdir: Path,
    image_size: int,
    reporter: Reporter,
    stop: StopRequest,
) -> Cache:
    def watch(items: Iterable[Any], **words: Any) -> Iterator[Any]:
        for item in reporter.bar(items, **words):
            # Several processes agree on stopping only between epochs.
            if stop.requested and not parallel.is_one_of_many():
                raise Interrupted
            yield item

    cache = build_cache(
        cohort,
        hashes,
        cache_dir=Path(
            os.path.expanduser(config.runtime.cache_dir) or workdir / "cache"
        ),
        crop_options=image_keywords(config, image_size=image_size),
        kind=config.data.kind,
        workers=config.runtime.workers,
        watch=watch,
    )
    for line in cache.warnings:
        reporter.tell(f"warning: {line}")
    return cache
