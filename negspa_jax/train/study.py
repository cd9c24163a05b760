"""What all folds of a run share: patients, folds, sub-images, network, first weights.

Here, and in `experiment`, a `Config` is unpacked into the rooms' keywords.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from negspa_jax.config import Config
from negspa_jax.data.cohort import Cohort, read_cohort
from negspa_jax.data.folds import (
    assign_folds,
    check_held_out,
    check_leakage,
    format_folds,
    read_folds,
)
from negspa_jax.data.manifest import record_inputs
from negspa_jax.data.phantom import write_phantom
from negspa_jax.data.pipeline import (
    Cache,
    Samples,
    all_sides,
    build_cache,
    patients_of,
)
from negspa_jax.mixcut import Options
from negspa_jax.models import MultiEncoder, load_encoder_weights, make_encoder
from negspa_jax.predictions import TRAIN
from negspa_jax.shapes import Int
from negspa_jax.train import parallel
from negspa_jax.train.console import Reporter
from negspa_jax.train.fit import Network
from negspa_jax.train.optim import Variables, make_adam
from negspa_jax.train.rundir import write_text
from negspa_jax.train.step import make_score_step, make_train_step

# Everything in config.data but these is a keyword of `crop_patient`.
_NOT_OF_CROPS = ("cohort", "phantom", "num_folds")
_SIDES = {"both": ("left", "right")}


@dataclass(frozen=True)
class Study:
    """The patients of a run, ready to be trained on."""

    cohort: Cohort
    hashes: Mapping[Path, str]
    folds: Mapping[str, int]  # of the training patients: who holds them out
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
    """Return the cohort table; without one, the synthetic cohort's, written once."""
    if config.data.cohort:
        return Path(config.data.cohort)
    folder = workdir / f"phantom_{config.data.phantom}"
    reporter.tell(
        f"No cohort was given (--config.data.cohort=FILE): this run uses the synthetic "
        f"cohort '{config.data.phantom}' in {folder}."
    )
    table = folder / "cohort.csv"
    if not table.exists() and parallel.is_first():
        write_phantom(folder, preset=config.data.phantom, seed=config.seed)
    parallel.wait_for_all("phantom")
    return table


def prepare(config: Config, workdir: Path, reporter: Reporter) -> Study:
    """Read and check the cohort, assign the folds, decode the volumes.

    Raises:
        ValueError: listing everything in the table or the files that cannot be used.
    """
    table = find_cohort(config, workdir, reporter)
    cohort = read_cohort(table, sequences=config.data.sequences)
    hashes = record_inputs(cohort, manifest=workdir / "inputs.csv")
    check_leakage(cohort, hashes)
    folds = _folds(cohort, config, workdir / "folds.csv")
    caches = {
        size: _decode(cohort, hashes, config, workdir, size, reporter)
        for size in sorted({stage.image_size for stage in config.stages})
    }
    sides = _SIDES.get(config.data.sides, (config.data.sides,))
    return Study(cohort, hashes, folds, caches, sides)


def _folds(cohort: Cohort, config: Config, path: Path) -> dict[str, int]:
    training = [p for p in cohort.patients if p.split == TRAIN]
    unknown = [p.patient_id for p in training if p.label is None]
    if unknown or not training:
        got = f"none for {', '.join(unknown)}" if unknown else "no such row"
        raise ValueError(
            f"{cohort.path}: rows of the split '{TRAIN}' must have a label, got {got}"
        )
    labels = {p.patient_id: int(p.label or 0) for p in training}
    if not path.exists():
        count, seed = config.data.num_folds, config.seed
        folds = assign_folds(labels, num_folds=count, seed=seed)
        write_text(path, format_folds(folds))
    return read_folds(path, labels=labels, num_folds=config.data.num_folds)


def _decode(
    cohort: Cohort,
    hashes: Mapping[Path, str],
    config: Config,
    workdir: Path,
    image_size: int,
    reporter: Reporter,
) -> Cache:
    options = dataclasses.asdict(config.data) | {"image_size": image_size}
    cache = build_cache(
        cohort,
        hashes,
        cache_dir=Path(config.runtime.cache_dir or workdir / "cache"),
        crop_options={k: v for k, v in options.items() if k not in _NOT_OF_CROPS},
        workers=config.runtime.workers,
        watch=reporter.bar,
    )
    for line in cache.warnings:
        reporter.tell(f"warning: {line}")
    return cache


def build_network(config: Config, *, num_inputs: int) -> tuple[MultiEncoder, Network]:
    """Return the model, and its steps spread over the devices."""
    model = MultiEncoder(
        encoder=config.encoder.name,
        num_inputs=num_inputs,
        shared=config.encoder.shared,
        normalize=config.encoder.normalize,
        hidden=config.head.hidden,
        dropout=config.head.dropout,
        dtype=jnp.bfloat16 if config.precision == "bfloat16" else None,
        axis_name=parallel.AXIS,
    )
    adam = make_adam(
        beta1=config.optimizer.beta1,
        beta2=config.optimizer.beta2,
        eps=config.optimizer.eps,
        weight_decay=config.optimizer.weight_decay,
    )
    steps = {
        frozen: parallel.spread(
            make_train_step(
                model,
                adam,
                frozen=frozen,
                augmentation=dataclasses.asdict(config.augmentation),
                mixing=Options(**dataclasses.asdict(config.mixing)),
            ),
            batched=(False, False, False, False, False, True, True),
            donate=True,
        )
        for frozen in {stage.frozen for stage in config.stages}
    }
    score = parallel.spread(make_score_step(model), batched=(False, True), donate=False)
    return model, Network(steps, score, adam)


def first_variables(
    model: MultiEncoder, config: Config, weights: Path | None, *, fold: int
) -> Variables:
    """Return a fold's variables before training: random head, pretrained encoders.

    Args:
        model: from `build_network`.
        config: of the run; its seed draws what is random.
        weights: file of the encoders' weights; None for random encoders.
        fold: each has another random head.
    """
    key = jax.random.fold_in(jax.random.key(config.seed), fold)
    key_head, *keys = jax.random.split(key, 1 + model.num_inputs)
    size = config.stages[0].image_size
    image = jax.ShapeDtypeStruct((1, size, size, 3), np.float32)
    encoders = _encoders(model, weights, keys, image)
    maps = jax.eval_shape(
        partial(make_encoder(model.encoder).apply, train=False), encoders[0], image
    )
    shape = (1, model.num_inputs, *maps.shape[1:])
    head = model.init(key_head, jnp.zeros(shape), train=False, method="classify")
    variables: Variables = {"params": dict(head["params"]), "batch_stats": {}}
    for index, encoder in enumerate(encoders):
        for collection in variables:
            variables[collection][f"encoders_{index}"] = encoder[collection]
    return parallel.to_host(variables)


def _encoders(
    model: MultiEncoder, weights: Path | None, keys: list[Any], image: Any
) -> list[Variables]:
    keys = keys[:1] if model.shared else keys
    if weights is not None:
        return [load_encoder_weights(weights, encoder=model.encoder)] * len(keys)
    encoder = make_encoder(model.encoder)

    # Compiled once for all encoders, which differ in their key alone.
    @jax.jit
    def draw(key: Any) -> Variables:
        drawn: Any = encoder.init(key, jnp.zeros(image.shape), train=False)
        return drawn

    return [draw(key) for key in keys]
