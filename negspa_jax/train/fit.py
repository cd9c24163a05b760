"""Training one fold through its stages, resumable at any step.

All that a continuation needs is in one checkpoint: the state, the best variables so
far, and how far the run had come. The order of samples and every random draw follow
from (seed, fold, stage, epoch, step), so that an interrupted run and an uninterrupted
one end in the same bytes (on the same machine and number of threads).
"""

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from negspa_jax.checkpoint import Checkpoints, from_leaves
from negspa_jax.config import Config
from negspa_jax.data.pipeline import Batch, Cache, Samples, training_batches
from negspa_jax.shapes import Int
from negspa_jax.train import parallel
from negspa_jax.train.console import Reporter
from negspa_jax.train.history import History
from negspa_jax.train.interrupt import Interrupted, StopRequest
from negspa_jax.train.network import Network
from negspa_jax.train.optim import Variables, join_variables, split_frozen
from negspa_jax.train.progress import (
    Progress,
    batch_size_of,
    is_plain,
    rate_at,
    samples_at_a_time,
    steps_done,
    steps_of,
)
from negspa_jax.train.score import patient_auc, predict_scores
from negspa_jax.train.step import State, start_state


class NonFiniteLossError(ValueError):
    """The loss is NaN or infinite; the message names the patients of the batch."""


@dataclass(frozen=True)
class Fold:
    """What the training of one fold reads, and where it writes."""

    number: int
    folder: Path
    caches: Mapping[int, Cache]  # by image size
    training: Samples
    validation: Samples
    labels: Int[np.ndarray, " n"]  # of every patient of the cohort
    names: tuple[str, ...]


class Position(NamedTuple):
    """Everything that changes from epoch to epoch."""

    progress: Progress
    state: State
    rest: Variables  # what this stage keeps frozen
    best: Variables  # on the host


@dataclass(frozen=True)
class Fitting:
    """One fold's training: everything that stays the same from step to step."""

    fold: Fold
    config: Config
    network: Network
    checkpoints: Checkpoints
    history: History
    stop: StopRequest
    reporter: Reporter

    def run(self, start: Variables) -> Variables:
        """Train all stages from `start`; return the last stage's best variables.

        Raises:
            Interrupted: if a signal asked for it; the state is saved.
            NonFiniteLossError: the last good checkpoint stays.
        """
        position = self._resume(start)
        while position.progress.stage < len(self.config.stages):
            began = time.monotonic()
            position = self._validate(self._train_epoch(position), began)
            position = self._next_epoch(position)
            stopping = parallel.any_process(self.stop.requested)
            every = self.config.runtime.checkpoint_epochs
            if stopping or position.progress.epoch % every == 0:
                self._save(position)
            if stopping:
                raise Interrupted
        return position.best

    def _resume(self, start: Variables) -> Position:
        found = self.checkpoints.load_newest(self.reporter.tell)
        if found is None:
            self.history.rewind(0, 0)
            return self._begin_stage(Progress(), start)
        leaves, notes = found
        progress = Progress(**notes)
        fresh = self._begin_stage(progress, start)
        saved = from_leaves({"state": fresh.state, "best": start}, leaves)
        self.history.rewind(progress.stage, progress.epoch)
        self.reporter.tell(
            f"fold {self.fold.number}: goes on at stage {progress.stage + 1}, "
            f"epoch {progress.epoch + 1}, step {progress.step + 1}"
        )
        position = self._begin_stage(progress, saved["best"])
        return position._replace(state=parallel.replicate(saved["state"]))

    def _begin_stage(self, progress: Progress, best: Variables) -> Position:
        # Past the last stage there is nothing to train; its state is a placeholder.
        stage = self.config.stages[min(progress.stage, len(self.config.stages) - 1)]
        trainable, rest = split_frozen(best, frozen=stage.frozen)
        state = start_state(trainable, self.network.optimizer)
        state, rest = parallel.replicate((state, rest))
        return Position(progress, state, rest, best)

    def _train_epoch(self, position: Position) -> Position:
        progress, state, rest, _ = position
        stage = self.config.stages[progress.stage]
        count = steps_of(stage, len(self.fold.training))
        plain = is_plain(progress, stage, self.config.mixing.plain_epochs)
        steps = self.network.plain_steps if plain else self.network.train_steps
        step = steps[progress.stage]
        key = self._key(progress.stage)
        waiting: tuple[Batch, Any] | None = None
        for batch in self._batches(progress):
            number = np.int32(progress.epoch * count + progress.step)
            rate = np.float64(rate_at(progress, stage, self.config.optimizer, count))
            arrays = map(parallel.split_over_devices, self._arrays(batch))
            state, loss = step(state, rest, key, number, rate, *arrays)
            # One step late, so that the device never waits for the check.
            progress = self._check(progress, waiting).after_step()
            waiting = (batch, loss)
            # Several processes agree on stopping only between epochs.
            if self.stop.requested and not parallel.is_one_of_many():
                progress = self._check(progress, waiting)
                self._save(position._replace(progress=progress, state=state))
                raise Interrupted
        return position._replace(progress=self._check(progress, waiting), state=state)

    def _batches(self, progress: Progress) -> Iterator[Batch]:
        stage = self.config.stages[progress.stage]
        size = batch_size_of(stage, len(self.fold.training))
        batches = training_batches(
            self.fold.caches[stage.image_size],
            self.fold.training,
            seed=(self.config.seed, self.fold.number, progress.stage),
            epoch=progress.epoch,
            batch_size=size,
            first_step=progress.step,
            rows=parallel.local_rows(size),
            workers=self.config.runtime.workers,
        )
        left = steps_of(stage, len(self.fold.training)) - progress.step
        label = f"fold {self.fold.number} epoch {progress.epoch + 1}/{stage.epochs}"
        return self.reporter.bar(batches, total=left, label=label)

    def _arrays(self, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        one_hot = np.eye(2, dtype=batch.images.dtype)
        return batch.images, one_hot[self.fold.labels[batch.patient]]

    def _check(self, progress: Progress, waiting: tuple[Batch, Any] | None) -> Progress:
        if waiting is None:
            return progress
        batch, loss = waiting
        value = float(loss)
        if math.isfinite(value):
            return progress.after_loss(value)
        names = ", ".join(sorted({self.fold.names[i] for i in batch.patient}))
        raise NonFiniteLossError(
            f"the loss must be finite, got {value} in fold {self.fold.number}, stage "
            f"{progress.stage + 1}, epoch {progress.epoch + 1}; the batch held "
            f"patients {names}. The last good checkpoint stays in {self.fold.folder}: "
            "look at these patients' images, or lower the learning rate"
        )

    def _validate(self, position: Position, began: float) -> Position:
        progress, state, rest, best = position
        stage = self.config.stages[progress.stage]
        variables = join_variables(state.variables, rest)
        scores = predict_scores(
            self.network.score_step,
            variables,
            self.fold.caches[stage.image_size],
            self.fold.validation,
            batch_size=samples_at_a_time(stage),
            workers=self.config.runtime.workers,
        )
        auc = patient_auc(scores, self.fold.validation, self.fold.labels)
        after = progress.after_validation(auc)
        if after != progress:
            best = parallel.to_host(variables)
        self._record(after, auc, time.monotonic() - began)
        return position._replace(progress=after, best=best)

    def _next_epoch(self, position: Position) -> Position:
        after = position.progress.after_epoch(self.config.stages)
        if after.epoch > 0 or after.stage == len(self.config.stages):
            return position._replace(progress=after)
        return self._begin_stage(after, position.best)

    def _save(self, position: Position) -> None:
        if parallel.is_first():
            progress, state, _, best = position
            number = steps_done(progress, self.config.stages, len(self.fold.training))
            tree = {"state": parallel.to_host(state), "best": best}
            self.checkpoints.save(number, tree, dataclasses.asdict(progress))

    def _record(self, progress: Progress, auc: float, seconds: float) -> None:
        stages = self.config.stages
        stage = stages[progress.stage]
        count = steps_of(stage, len(self.fold.training))
        at_start = dataclasses.replace(progress, step=0)
        row = {
            "fold": self.fold.number,
            "stage": progress.stage,
            "epoch": progress.epoch,
            "learning_rate": rate_at(at_start, stage, self.config.optimizer, count),
            "train_loss": progress.loss_sum / count,
            "validation_auc": auc,
            "best_epoch": progress.best_epoch,
            "seconds": round(seconds, 3),
        }
        self.history.add(row)
        self.reporter.tell(
            f"fold {self.fold.number} stage {progress.stage + 1}/{len(stages)} "
            f"epoch {progress.epoch + 1}/{stage.epochs} "
            f"rate {row['learning_rate']:.2e} loss {row['train_loss']:.4f} "
            f"validation AUC {auc:.3f} (best {progress.best_auc:.3f} "
            f"at {progress.best_epoch + 1}) {seconds:.1f} s"
        )

    def _key(self, stage: int) -> jax.Array:
        key = jax.random.key(self.config.seed)
        return jax.random.fold_in(jax.random.fold_in(key, self.fold.number), stage)
