"""The record of epochs: rewound at a resume, whole after a kill, a table at the end."""

import csv
import json
import sys

import pytest

from negspa_jax.train.history import History


def row(stage: int, epoch: int) -> dict:
    return {
        "stage": stage,
        "epoch": epoch,
        "train_loss": 0.1 + 0.2,
        "validation_auc": 0.5,
        "learning_rate": 1e-4,
    }


@pytest.fixture
def history(tmp_path):
    """Two stages of three epochs."""
    history = History(tmp_path, tensorboard=False)
    for stage in (0, 1):
        for epoch in range(3):
            history.add(row(stage, epoch))
    return history


def epochs(folder) -> list[tuple[int, int]]:
    lines = (folder / "history.jsonl").read_text().splitlines()
    return [(r["stage"], r["epoch"]) for r in map(json.loads, lines)]


def test_each_epoch_is_one_line_of_json(history, tmp_path):
    assert epochs(tmp_path) == [(s, e) for s in (0, 1) for e in range(3)]


@pytest.mark.parametrize(
    ("stage", "epoch", "left"), [(0, 0, 0), (0, 2, 2), (1, 0, 3), (1, 2, 5), (2, 0, 6)]
)
def test_rewinding_forgets_the_epochs_from_one_on(
    history, tmp_path, stage, epoch, left
):
    history.rewind(stage, epoch)
    assert len(epochs(tmp_path)) == left


def test_an_epoch_trained_again_stands_once(history, tmp_path):
    history.rewind(1, 1)
    history.add(row(1, 1))
    assert epochs(tmp_path)[-2:] == [(1, 0), (1, 1)]


def test_rewinding_nothing_makes_no_file(tmp_path):
    History(tmp_path, tensorboard=False).rewind(0, 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kept", [0, 1, 20])
def test_a_line_that_a_kill_cut_short_is_forgotten(history, tmp_path, kept):
    file = tmp_path / "history.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:5], lines[5][:kept]]))
    history.rewind(1, 2)
    history.add(row(1, 2))
    assert epochs(tmp_path) == [(s, e) for s in (0, 1) for e in range(3)]


def test_the_table_has_the_lines_to_the_last_digit(history, tmp_path):
    history.close()
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert {k: float(v) for k, v in rows[-1].items()} == row(1, 2)


def test_closing_an_empty_history_makes_no_table(tmp_path):
    History(tmp_path, tensorboard=False).close()
    assert not list(tmp_path.iterdir())


def test_a_second_run_goes_on_with_the_same_table(history, tmp_path):
    history.close()
    again = History(tmp_path, tensorboard=False)
    again.rewind(1, 2)
    again.close()
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 1 + 5


def test_missing_tensorboard_is_one_sentence_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ValueError, match=r"pip install negspa_jax\[tensorboard\]"):
        History(tmp_path, tensorboard=True)


def test_tensorboard_is_given_each_epochs_numbers(tmp_path, monkeypatch):
    points = []

    class Writer:
        def __init__(self, folder):
            self.folder = folder

        def add_scalar(self, name, value, step):
            points.append((name, value, step))

        def close(self):
            points.append(("closed", self.folder, None))

    class Module:
        SummaryWriter = Writer

    monkeypatch.setitem(sys.modules, "tensorboardX", Module)
    history = History(tmp_path, tensorboard=True)
    history.add(row(0, 0))
    history.close()
    assert ("validation_auc", 0.5, 1) in points
    assert points[-1] == ("closed", str(tmp_path / "tensorboard"), None)
