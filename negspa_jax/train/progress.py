"""How far a fold has come, and what follows from it: sizes, rates, numbers."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax

from negspa_jax.config import Optimizer, Stage
from negspa_jax.train.optim import annealed_rate, one_cycle_rate


@dataclass(frozen=True)
class Progress:
    """The next step to be trained, and the stage's best so far."""

    stage: int = 0
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    best_auc: float = -math.inf
    best_epoch: int = -1

    def after_step(self) -> "Progress":
        """Return the progress with one more step."""
        return dataclasses.replace(self, step=self.step + 1)

    def after_loss(self, loss: float) -> "Progress":
        """Return the progress with one more step's loss."""
        return dataclasses.replace(self, loss_sum=self.loss_sum + loss)

    def after_validation(self, auc: float) -> "Progress":
        """Return the progress with a new best, if it is one; ties: the earlier."""
        if auc <= self.best_auc:
            return self
        return dataclasses.replace(self, best_auc=auc, best_epoch=self.epoch)

    def after_epoch(self, stages: Sequence[Stage]) -> "Progress":
        """Return the first step of the next epoch, or of the next stage.

        Each stage has a best of its own, which the next one starts from (choice:
        the supplement says so of the first stage only).
        """
        if self.epoch + 1 == stages[self.stage].epochs:
            return Progress(stage=self.stage + 1)
        return dataclasses.replace(self, epoch=self.epoch + 1, step=0, loss_sum=0.0)


def batch_size_of(stage: Stage, num_samples: int) -> int:
    """Return the batch size of training, a multiple of the number of devices.

    A training epoch has floor(N/B) full batches; one batch of N if there are fewer
    (choice), rounded down to a multiple of what the devices compute at a time.

    Raises:
        ValueError: there are fewer samples than devices.
    """
    devices = jax.device_count()
    if num_samples < devices:
        raise ValueError(
            f"a fold must have a training sample for each of the {devices} devices, "
            f"got {num_samples}: add patients, or use fewer devices"
        )
    size = min(stage.batch_size, num_samples // devices * devices)
    at_a_time = min(size, samples_at_a_time(stage))
    return size // at_a_time * at_a_time


def samples_at_a_time(stage: Stage) -> int:
    """Return how many samples of a batch all devices compute together."""
    if stage.device_batch == 0:
        return stage.batch_size
    return min(stage.batch_size, jax.device_count() * stage.device_batch)


def steps_of(stage: Stage, num_samples: int) -> int:
    """Return the number of steps of an epoch."""
    return num_samples // batch_size_of(stage, num_samples)


def steps_done(progress: Progress, stages: Sequence[Stage], num_samples: int) -> int:
    """Return the number of steps from the first stage's start."""
    counts = [steps_of(stage, num_samples) for stage in stages]
    whole = zip(stages[: progress.stage], counts, strict=False)
    done = sum(stage.epochs * count for stage, count in whole)
    if progress.stage < len(stages):
        done += progress.epoch * counts[progress.stage] + progress.step
    return done


def is_plain(progress: Progress, stage: Stage, plain_epochs: int) -> bool:
    """Return whether the epoch is one of the stage's last, which mix nothing."""
    return progress.epoch >= stage.epochs - plain_epochs


def rate_at(
    progress: Progress, stage: Stage, options: Optimizer, num_steps: int
) -> float:
    """Return the learning rate of the next step."""
    part = progress.step / num_steps if options.anneal_each == "step" else 0
    epoch = progress.epoch + part
    if options.schedule == "one_cycle":
        return one_cycle_rate(
            epoch,
            epochs=stage.epochs,
            learning_rate=stage.learning_rate,
            rising_share=options.rising_share,
            start_division=options.start_division,
            end_division=options.end_division,
        )
    return annealed_rate(
        epoch,
        learning_rate=stage.learning_rate,
        restart_epochs=options.restart_epochs,
        restart_factor=options.restart_factor,
        minimum_rate=options.minimum_rate,
    )


def check_batch_sizes(stages: Sequence[Stage], *, form: str = "plain") -> None:
    """Refuse batches that cannot be split evenly, or have too few for their statistics.

    Args:
        stages: of the run.
        form: of the head; fastai's has batch statistics of its own.

    Raises:
        ValueError: naming the stage.
    """
    devices = jax.device_count()
    for index, stage in enumerate(stages):
        if stage.batch_size % devices:
            raise ValueError(
                f"config.stages[{index}].batch_size must be a multiple of the "
                f"{devices} devices, got {stage.batch_size}"
            )
        share = stage.batch_size // devices
        if 0 < stage.device_batch < share and share % stage.device_batch:
            raise ValueError(
                f"config.stages[{index}].device_batch must divide the {share} samples "
                f"of a device, got {stage.device_batch}: choose a divisor, or 0 for "
                "all at once"
            )
        # The head of frozen encoders is trained on the whole batch at once.
        whole = stage.frozen == "encoders"
        alone = (stage.batch_size if whole else samples_at_a_time(stage)) == 1
        # The plain head has no statistics; an encoder's are of pixels, too.
        needs_two = form == "fastai" or (not whole and stage.image_size <= 32)
        if alone and needs_two:
            raise ValueError(
                f"config.stages[{index}] must compute at least 2 images at a time, got "
                "1: batch statistics need two values, raise batch_size or device_batch"
            )
