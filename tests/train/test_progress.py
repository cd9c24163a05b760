"""How far a fold has come: steps count up, restarts hit their epochs, sizes divide."""

import json
import math
from dataclasses import asdict, replace

import jax
import pytest

from negspa_jax.config import Optimizer, Stage
from negspa_jax.train.optim import annealed_rate, one_cycle_rate
from negspa_jax.train.progress import (
    Progress,
    batch_size_of,
    check_batch_sizes,
    is_plain,
    rate_at,
    samples_at_a_time,
    steps_done,
    steps_of,
)

STAGES = (
    Stage(epochs=3, batch_size=4, frozen="encoders"),
    Stage(epochs=2, batch_size=6),
    Stage(epochs=1, batch_size=100),
)
NUM_SAMPLES = 26


@pytest.fixture
def devices(monkeypatch):
    """Let jax say that there are so many devices."""

    def pretend(count: int) -> None:
        monkeypatch.setattr(jax, "device_count", lambda: count)

    return pretend


def walk():
    """Every progress of a whole run, as the training loop makes them."""
    progress = Progress()
    while progress.stage < len(STAGES):
        for _ in range(steps_of(STAGES[progress.stage], NUM_SAMPLES)):
            yield progress
            progress = progress.after_step().after_loss(0.5)
        progress = progress.after_validation(0.7).after_epoch(STAGES)
    yield progress


def test_a_run_has_all_steps_of_all_epochs_of_all_stages():
    # floor(26/4) = 6, floor(26/6) = 4, one batch of 26
    assert len(list(walk())) == 3 * 6 + 2 * 4 + 1 * 1 + 1


def test_the_steps_done_count_every_step_once():
    done = [steps_done(progress, STAGES, NUM_SAMPLES) for progress in walk()]
    assert done == list(range(len(done)))


def test_an_epochs_end_has_the_number_of_the_next_ones_start():
    end = Progress(stage=0, epoch=1, step=6)
    start = end.after_epoch(STAGES)
    assert steps_done(end, STAGES, 26) == steps_done(start, STAGES, 26) == 12


def test_a_new_epoch_begins_with_its_first_step_and_no_loss():
    after = Progress(epoch=1, step=6, loss_sum=3.0, best_auc=0.8).after_epoch(STAGES)
    assert (after.epoch, after.step, after.loss_sum, after.best_auc) == (2, 0, 0.0, 0.8)


def test_a_new_stage_has_a_best_of_its_own():
    after = Progress(epoch=2, best_auc=0.9, best_epoch=1).after_epoch(STAGES)
    assert after == Progress(stage=1)


def test_the_best_is_the_highest_and_of_equals_the_earlier():
    progress = Progress()
    for epoch, auc in enumerate([0.6, 0.8, 0.8, 0.7]):
        progress = replace(progress, epoch=epoch).after_validation(auc)
    assert (progress.best_auc, progress.best_epoch) == (0.8, 1)


def test_a_first_validation_of_zero_is_a_best():
    assert Progress().after_validation(0.0).best_epoch == 0


def test_losses_are_summed():
    assert Progress().after_loss(1.5).after_loss(2.0).loss_sum == 3.5


def test_progress_survives_json_to_the_last_bit():
    progress = Progress(1, 2, 3, loss_sum=0.1 + 0.2, best_auc=-math.inf)
    assert Progress(**json.loads(json.dumps(asdict(progress)))) == progress


@pytest.mark.parametrize(
    ("plain_epochs", "plain"), [(0, []), (1, [2]), (2, [1, 2]), (9, [0, 1, 2])]
)
def test_the_last_epochs_of_a_stage_are_plain(plain_epochs, plain):
    epochs = [Progress(epoch=epoch) for epoch in range(3)]
    found = [p.epoch for p in epochs if is_plain(p, STAGES[0], plain_epochs)]
    assert found == plain


# --- batch sizes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "num_samples", "expected"),
    [(1, 1000, 64), (1, 64, 64), (1, 63, 63), (2, 63, 62), (8, 63, 56), (8, 8, 8)],
)
def test_a_batch_is_the_stages_or_all_samples_that_the_devices_divide(
    devices, count, num_samples, expected
):
    devices(count)
    assert batch_size_of(Stage(batch_size=64), num_samples) == expected


def test_an_epoch_has_the_whole_batches_only(devices):
    devices(1)
    assert steps_of(Stage(batch_size=64), 640 - 1) == 9


def test_fewer_samples_than_devices_is_one_sentence(devices):
    devices(8)
    with pytest.raises(ValueError, match="each of the 8 devices, got 7: add patients"):
        batch_size_of(Stage(), 7)


def test_a_batch_size_that_the_devices_do_not_divide_is_refused_by_its_stage(devices):
    devices(3)
    stages = (Stage(batch_size=6), Stage(batch_size=64))
    with pytest.raises(ValueError, match=r"config\.stages\[1\]\.batch_size must .* 64"):
        check_batch_sizes(stages)


def test_batch_sizes_that_the_devices_divide_pass(devices):
    devices(4)
    check_batch_sizes((Stage(batch_size=4), Stage(batch_size=64)))


@pytest.mark.parametrize(
    ("count", "part", "num_samples", "expected"),
    [
        (1, 16, 63, 48),
        (2, 8, 63, 48),
        (1, 16, 15, 15),
        (2, 16, 31, 30),
        (4, 16, 70, 64),
    ],
)
def test_a_batch_of_too_few_samples_is_whole_parts_or_one(
    devices, count, part, num_samples, expected
):
    devices(count)
    stage = Stage(batch_size=64, device_batch=part)
    assert batch_size_of(stage, num_samples) == expected


@pytest.mark.parametrize(
    ("count", "part", "expected"), [(1, 0, 64), (1, 16, 16), (2, 16, 32), (8, 16, 64)]
)
def test_devices_score_no_more_samples_than_they_train_at_a_time(
    devices, count, part, expected
):
    devices(count)
    assert samples_at_a_time(Stage(batch_size=64, device_batch=part)) == expected


def test_a_part_that_does_not_divide_a_devices_samples_is_refused(devices):
    devices(2)
    stages = (Stage(batch_size=84, device_batch=21), Stage(batch_size=84))
    check_batch_sizes(stages)
    stages[1].device_batch = 20
    sentence = r"stages\[1\]\.device_batch must divide the 42 samples .* got 20: choose"
    with pytest.raises(ValueError, match=sentence):
        check_batch_sizes(stages)


def test_a_part_larger_than_a_devices_samples_is_no_part(devices):
    devices(8)
    check_batch_sizes([Stage(batch_size=64, device_batch=20)])


@pytest.mark.parametrize("frozen", ["none", "convolutions"])
@pytest.mark.parametrize("sizes", [(1, 0), (4, 1)], ids=["batch", "part"])
def test_one_small_image_at_a_time_has_no_statistics(devices, frozen, sizes):
    devices(1)
    batch, part = sizes
    stage = Stage(frozen=frozen, image_size=32, batch_size=batch, device_batch=part)
    with pytest.raises(ValueError, match="at least 2 images at a time"):
        check_batch_sizes([stage])
    stage.frozen = "encoders"
    check_batch_sizes([stage])


# --- rates ----------------------------------------------------------------------------


def rate(epoch: int, step: int, **options) -> float:
    return rate_at(
        Progress(epoch=epoch, step=step),
        Stage(learning_rate=1e-4),
        Optimizer(**options),
        10,
    )


@pytest.mark.parametrize("epoch", [0, 30, 90, 210])
def test_the_rate_restarts_at_its_epochs(epoch):
    assert rate(epoch, 0) == 1e-4


def test_annealed_each_epoch_the_rate_is_the_same_within_it():
    assert rate(7, 9) == rate(7, 0) == annealed_rate(7, learning_rate=1e-4)


def test_annealed_each_step_the_rate_follows_the_fraction():
    options = {"anneal_each": "step"}
    assert rate(7, 9, **options) == annealed_rate(7.9, learning_rate=1e-4)


def test_the_options_of_the_optimizer_reach_the_rate():
    options = {"restart_epochs": 5, "restart_factor": 3, "minimum_rate": 1e-5}
    assert rate(13, 0, **options) == annealed_rate(13, learning_rate=1e-4, **options)


def cycle(epoch: int, step: int, **options) -> float:
    stage = Stage(learning_rate=1e-3, epochs=20)
    place = Progress(epoch=epoch, step=step)
    return rate_at(place, stage, Optimizer(schedule="one_cycle", **options), 10)


def test_a_cycle_lasts_a_stage_and_follows_each_epoch_or_step():
    whole = {"epochs": 20, "learning_rate": 1e-3}
    assert cycle(7, 9) == cycle(7, 0) == one_cycle_rate(7, **whole)
    assert cycle(7, 9, anneal_each="step") == one_cycle_rate(7.9, **whole)
    assert cycle(5, 0, anneal_each="step") == 1e-3


def test_the_options_of_the_optimizer_reach_the_cycle():
    options = {"rising_share": 0.5, "start_division": 4.0, "end_division": 8.0}
    wanted = one_cycle_rate(13, epochs=20, learning_rate=1e-3, **options)
    assert cycle(13, 0, **options) == wanted


@pytest.mark.parametrize(
    ("frozen", "sizes"), [("none", (8, 1)), ("none", (1, 0)), ("encoders", (1, 0))]
)
def test_the_head_of_fastai_needs_two_images_of_any_size(devices, frozen, sizes):
    devices(1)
    batch, part = sizes
    stage = Stage(frozen=frozen, batch_size=batch, device_batch=part)
    check_batch_sizes([stage])
    with pytest.raises(ValueError, match=r"stages\[0\] must compute at least 2 images"):
        check_batch_sizes([stage], form="fastai")


def test_the_head_of_frozen_encoders_sees_the_whole_batch(devices):
    devices(1)
    stage = Stage(frozen="encoders", batch_size=8, device_batch=1)
    check_batch_sizes([stage], form="fastai")
