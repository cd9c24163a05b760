"""Whole runs as a user starts them: one command, one directory, files at the end."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from negspa_jax.columns import COVARIATES, FEATURES
from negspa_jax.data.fingerprint_json import FINGERPRINT, read_fingerprint
from negspa_jax.data.phantom import Preset, write_phantom
from negspa_jax.predictions import patient_scores, read_predictions

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
from negspa_jax.config import Config, Data, Encoder, Mixing, Runtime, Stage

def get_config():
    small = {"image_size": 32, "batch_size": 4, "learning_rate": 1e-3}
    return Config(
        data=Data(num_folds=2),
        encoder=Encoder(name="resnet18", weights="none"),
        mixing=Mixing(num_blocks=(2,)),
        stages=(Stage(epochs=2, frozen="encoders", **small), Stage(epochs=2, **small)),
        runtime=Runtime(checkpoint_epochs=1),
    )
"""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    """Eight training and four test patients, as NIfTI files."""
    preset = Preset({"train": (4, 4), "internal": (2, 2)}, (56, 64), (6, 7))
    return write_phantom(tmp_path_factory.mktemp("cohort"), preset=preset, seed=1)


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.py"
    path.write_text(CONFIG)
    return path


def command(config: Path, cohort: Path, workdir: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "tests.train.tiny_train"),
        *(f"--config={config}", f"--workdir={workdir}"),
        *(f"--config.data.cohort={cohort}", *more),
    ]


def run(words: list[str], **variables: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"XLA_FLAGS": "", "COLUMNS": "200"} | variables
    return subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def finished(cohort, config, tmp_path_factory):
    """A run that nothing disturbed, and what it printed."""
    workdir = tmp_path_factory.mktemp("runs") / "whole"
    done = run(command(config, cohort, workdir))
    assert done.returncode == 0, done.stderr
    return workdir, done.stdout


@pytest.mark.slow
def test_a_run_ends_with_a_score_for_everybody_and_says_where(finished, cohort):
    workdir, printed = finished
    table = read_predictions(workdir / "predictions.csv")
    with cohort.open() as file:
        labels = {row["patient_id"]: int(row["label"]) for row in csv.DictReader(file)}
    assert {row.patient_id: row.label for row in table} == labels
    assert len(patient_scores(table, split="train").scores) == 8
    assert len(patient_scores(table, split="internal").scores) == 4
    assert {row.fold for row in table if row.split == "internal"} == {0, 1, "mean"}
    assert {row.side for row in table} == {"left", "right", "both"}
    assert "AUC" in printed
    assert "not a medical device" in printed
    assert str(workdir / "predictions.csv") in printed
    manifest = json.loads((workdir / "manifest.json").read_text())
    assert manifest["config"]["stages[0].frozen"] == "encoders"
    assert manifest["config"]["mixing.local"] == "box"
    assert None not in manifest["config"].values()
    assert {"jax", "numpy"} <= set(manifest["environment"]["packages"])
    assert len((workdir / "fold_1" / "history.csv").read_text().splitlines()) == 5


@pytest.mark.slow
def test_the_predictions_carry_what_is_known_of_the_patients(finished, cohort):
    table = read_predictions(finished[0] / "predictions.csv")
    with cohort.open() as file:
        rows = {row["patient_id"]: row for row in csv.DictReader(file)}
    wanted = (*FEATURES, *COVARIATES, "reader:rad1", "reader_ai:rad1")
    for row in table:
        cells = rows[row.patient_id]
        for name in wanted:
            assert float_or_text(row.extra[name]) == float_or_text(cells[name])
    assert not {"lesions", "t1w"} & set(table[0].extra)


def float_or_text(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 3, 6])
def test_a_killed_run_ends_in_the_bytes_of_an_undisturbed_one(
    finished, cohort, config, tmp_path, epoch
):
    words = command(config, cohort, tmp_path / "run")
    killed = run(words, KILL_AFTER_EPOCH=str(epoch))
    assert killed.returncode == -signal.SIGKILL
    assert run(words).returncode == 0
    for name in ("predictions.csv", "folds.csv", "inputs.csv", FINGERPRINT):
        assert (tmp_path / "run" / name).read_bytes() == (
            finished[0] / name
        ).read_bytes()
    for fold in range(2):
        assert hashes(tmp_path / "run", fold) == hashes(finished[0], fold)


def hashes(workdir: Path, fold: int) -> dict[str, str]:
    notes = workdir / f"fold_{fold}" / "model" / "0" / "notes" / "metadata"
    return json.loads(notes.read_text())["sha256"]


@pytest.mark.slow
def test_sigterm_saves_leaves_with_code_75_and_the_same_command_goes_on(
    finished, cohort, config, tmp_path
):
    words = command(config, cohort, tmp_path / "run")
    process = subprocess.Popen(
        words, cwd=ROOT, env=os.environ | {"XLA_FLAGS": ""}, stdout=subprocess.PIPE
    )
    history = tmp_path / "run" / "fold_0" / "history.jsonl"
    while not history.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 75
    assert b"the same command goes on" in printed
    assert run(words).returncode == 0
    assert (tmp_path / "run" / "predictions.csv").read_bytes() == (
        finished[0] / "predictions.csv"
    ).read_bytes()


@pytest.mark.slow
def test_folds_trained_apart_are_merged_by_whoever_finishes_last(
    finished, cohort, config, tmp_path
):
    first = run(command(config, cohort, tmp_path, "--folds=1"))
    assert first.returncode == 0
    assert "fold_0 not trained yet" in first.stdout
    assert not (tmp_path / "predictions.csv").exists()
    second = run(command(config, cohort, tmp_path, "--folds=0"))
    assert second.returncode == 0
    assert (tmp_path / "predictions.csv").read_bytes() == (
        finished[0] / "predictions.csv"
    ).read_bytes()


@pytest.mark.slow
def test_another_config_in_the_same_directory_is_refused_with_the_difference(
    finished, cohort, config
):
    changes = ("--config.stages[1].epochs=3", "--config.mixing.preset=cutmix")
    refused = run(command(config, cohort, finished[0], *changes))
    assert refused.returncode == 2
    assert "stages[1].epochs: 2 in the run, 3 now" in refused.stderr
    assert "mixing.local: 'box' in the run, 'paste' now" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.slow
def test_an_option_spelt_out_as_the_preset_has_it_is_the_same_run(
    finished, cohort, config
):
    same = run(command(config, cohort, finished[0], "--config.mixing.alpha=1"))
    assert same.returncode == 0, same.stderr
    assert "fold 1: done before" in same.stdout


@pytest.mark.slow
def test_the_fingerprint_is_of_the_training_patients_and_written_again_if_lost(
    finished, cohort, config
):
    path = finished[0] / FINGERPRINT
    content = path.read_bytes()
    assert read_fingerprint(path).num_patients == 8
    assert str(path) in finished[1]
    path.unlink()
    assert run(command(config, cohort, finished[0])).returncode == 0
    assert path.read_bytes() == content


@pytest.mark.slow
def test_a_changed_input_file_is_refused_by_patient(finished, cohort, config):
    path = next((cohort.parent).rglob("*t1w*.nii*"))
    content = path.read_bytes()
    try:
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        refused = run(command(config, cohort, finished[0]))
    finally:
        path.write_bytes(content)
    assert refused.returncode == 2
    assert path.name in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.slow
def test_a_mended_cohort_is_accepted_in_the_same_directory(cohort, config, tmp_path):
    lines = cohort.read_text().splitlines()
    broken = cohort.with_name("broken.csv")
    broken.write_text("\n".join([*lines, lines[1]]) + "\n")
    try:
        refused = run(command(config, broken, tmp_path / "run"))
        assert refused.returncode == 2
        assert "broken.csv" in refused.stderr
        broken.write_text("\n".join(lines) + "\n")
        words = command(config, broken, tmp_path / "run", "--folds=0")
        assert run(words).returncode == 0
    finally:
        broken.unlink()


@pytest.mark.parametrize(
    ("flag", "sentence"),
    [
        ("--config.encoder.weights=missing.pth", "missing.pth"),
        ("--config.data.cohort=missing.csv", "missing.csv': no such file"),
        ("--config.data.cohort=configs", "'configs': a directory"),
        ("--config.runtime.cache_dir=/proc/x", "/proc/x cannot be read or written (No"),
        ("--config.encoder.weights=README.md", "README.md must be a .safetensors"),
        ("--config.stages[0].batch_size=0", "stages[0].batch_size must be"),
        ("--config.mixing.num_blocks=3", "must hold a divisor of the 32 pixels of"),
        ("--config.mixing.label=asmixcut", "config.mixing.label must be another rule"),
        ("--folds=7", "--folds must be 0 to 1"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(config, cohort, tmp_path, flag, sentence):
    refused = run(command(config, cohort, tmp_path / "run", flag))
    assert refused.returncode == 2
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    # The mended command may have the same directory.
    assert not (tmp_path / "run" / "manifest.json").exists()
