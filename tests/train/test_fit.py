"""A fold that stops anywhere and goes on ends in the same bytes."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from negspa_jax.config import (
    Augmentation,
    Config,
    Head,
    Mixing,
    Optimizer,
    Runtime,
    Stage,
)
from negspa_jax.train.fit import Fitting, NonFiniteLossError
from negspa_jax.train.interrupt import Interrupted
from tests.train.tiny import (
    make_fitting,
    tiny_config,
    use_tiny_encoder,
    write_cache,
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    use_tiny_encoder(monkeypatch)


def radiograph_like() -> dict[str, Any]:
    """Head, stages and course of the rate as fastai has them."""
    stage = partial(Stage, epochs=2, image_size=32, batch_size=8, device_batch=2)
    return {
        "head": Head(form="fastai", hidden=8, dropout=0.5),
        "label_smoothing": 0.1,
        "optimizer": Optimizer(
            weight_decay=0.01,
            decay_all=False,
            schedule="one_cycle",
            anneal_each="step",
        ),
        "stages": (stage(frozen="convolutions"), stage(stem_rate=0.1)),
    }


@pytest.fixture
def config(request) -> Config:
    """Everything random is on, and a checkpoint is written after every epoch."""
    return tiny_config(
        augmentation=Augmentation(),
        mixing=Mixing(preset="supplement", num_blocks=(2, 4)),
        runtime=Runtime(checkpoint_epochs=1),
        **getattr(request, "param", {}),
    )


def train(folder: Path, config: Config, *, network=None):
    """Train a fold to its end in one go, or on from where it stopped."""
    fitting, start = make_fitting(folder, config, network=network)
    try:
        return fitting.run(start), fitting
    finally:
        close(fitting)


def close(fitting: Fitting) -> None:
    fitting.history.close()
    fitting.checkpoints.close()


def bytes_of(tree) -> list[bytes]:
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree)]


def stop_after(fitting: Fitting, steps: int) -> None:
    """Raise the stop request when that many training batches have been read."""
    batches, seen = fitting._batches, []

    def counted(progress):
        for batch in batches(progress):
            seen.append(batch)
            if len(seen) == steps:
                fitting.stop.requested = True
            yield batch

    object.__setattr__(fitting, "_batches", counted)


@pytest.mark.parametrize(
    "config", [{}, radiograph_like()], indirect=True, ids=["paper", "fastai"]
)
def test_a_stopped_run_ends_in_the_same_bytes_and_the_same_history(tmp_path, config):
    whole, fitting = train(tmp_path / "whole", config)
    broken, start = make_fitting(tmp_path / "broken", config, network=fitting.network)
    for steps in (2, 5):  # within an epoch of the first stage, then later
        stop_after(broken, steps)
        with pytest.raises(Interrupted):
            broken.run(start)
        close(broken)
        broken, start = make_fitting(
            tmp_path / "broken", config, network=fitting.network
        )
    again = broken.run(start)
    close(broken)
    assert bytes_of(again) == bytes_of(whole)
    assert any("goes on at stage" in line for line in broken.reporter.lines)
    histories = [
        [
            {k: v for k, v in json.loads(line).items() if k != "seconds"}
            for line in (tmp_path / name / "history.jsonl").read_text().splitlines()
        ]
        for name in ("whole", "broken")
    ]
    assert histories[0] == histories[1]
    assert [row["epoch"] for row in histories[0]] == [0, 1, 0, 1]


def test_a_damaged_newest_checkpoint_costs_its_epoch_and_is_said_in_one_line(
    tmp_path, config
):
    whole, fitting = train(tmp_path, config)
    newest = max((tmp_path / "checkpoints").iterdir(), key=lambda p: int(p.name))
    largest = max(
        (p for p in newest.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size
    )
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(bytes(content))
    again, fitting = train(tmp_path, config, network=fitting.network)
    assert bytes_of(again) == bytes_of(whole)
    said = [line for line in fitting.reporter.lines if str(newest) in line]
    assert len(said) == 1


def test_a_loss_that_is_not_finite_names_the_patients_and_leaves_the_checkpoint(
    tmp_path, config
):
    folder = tmp_path / "run"
    config.stages[0].epochs, config.stages[1].epochs = 1, 1
    fitting, start = make_fitting(folder, config)
    cache = write_cache(folder / "nan", num_patients=18)
    for path in cache.files[:12]:
        np.save(path, np.full_like(np.load(path), np.nan))
    fold = fitting.fold
    later = _NanLater(fold.caches[32], cache, folder)
    object.__setattr__(fold, "caches", later)
    with pytest.raises(NonFiniteLossError, match=r"stage 2.*patients P\d\d, P\d\d"):
        fitting.run(start)
    steps = sorted(int(p.name) for p in (folder / "checkpoints").iterdir())
    assert fitting.checkpoints.load(steps[-1])[1]["stage"] == 1
    close(fitting)


class _NanLater(dict):
    """The good cache until a checkpoint is there, then the one with NaN."""

    def __init__(self, good, bad, folder):
        super().__init__()
        self.good, self.bad, self.folder = good, bad, folder

    def __getitem__(self, size):
        saved = any((self.folder / "checkpoints").glob("[1-9]*"))
        return self.bad if saved else self.good


def test_stage_two_starts_from_the_best_of_stage_one(tmp_path, config):
    fitting, start = make_fitting(tmp_path, config)
    begun = []
    begin = fitting._begin_stage

    def watched(progress, best):
        begun.append((progress, best))
        return begin(progress, best)

    object.__setattr__(fitting, "_begin_stage", watched)
    rows = []
    object.__setattr__(fitting.history, "add", rows.append)
    fitting.run(start)
    close(fitting)
    first = [row for row in rows if row["stage"] == 0]
    top = max(row["validation_auc"] for row in first)
    best_epoch = next(r["epoch"] for r in first if r["validation_auc"] == top)
    assert first[-1]["best_epoch"] == best_epoch
    # The encoders are still the first ones, the head is not.
    progress, best = begun[1]
    assert progress.stage == 1
    assert bytes_of(best["params"]["encoders_0"]) == bytes_of(
        start["params"]["encoders_0"]
    )
    assert bytes_of(best["params"]["head"]) != bytes_of(start["params"]["head"])


def losses_of(folder: Path) -> list[float]:
    lines = (folder / "history.jsonl").read_text().splitlines()
    return [json.loads(line)["train_loss"] for line in lines]


def test_the_last_epochs_of_a_stage_are_plain_where_it_is_asked_for(tmp_path):
    network = None
    for epochs in range(3):
        config = tiny_config(mixing=Mixing(preset="mixup", plain_epochs=epochs))
        config.stages = config.stages[:1]
        _, fitting = train(tmp_path / f"{epochs}", config, network=network)
        network = fitting.network
    mixed, last, plain = (losses_of(tmp_path / f"{epochs}") for epochs in range(3))
    assert last[0] == mixed[0] != plain[0]
    # The second epoch starts where the mixed first one ended, and is plain itself.
    assert last[1] not in (mixed[1], plain[1])
