"""A whole run on radiographs: one model, three sizes, a held-out split; no secrets."""

import csv
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest

import negspa_jax
from negspa_jax.data.pelvis import PelvisPreset, write_pelvis
from negspa_jax.predict.__main__ import main as predict
from negspa_jax.predictions import patient_scores, read_predictions
from negspa_jax.report.__main__ import main as report
from tests.data.test_radiograph_privacy import DATE, NAME, SECRETS, UID, plant
from tests.train.test_run import command, run
from tests.train.tiny import use_tiny_encoder

PRESET = PelvisPreset(
    {"train": (6, 6), "validation": (3, 3), "external": (2, 2)}, (64, 80)
)
CONFIG = """
from functools import partial

from negspa_jax.config import *

def get_config():
    stages = []
    for size in (32, 48, 64):
        stage = partial(Stage, image_size=size, batch_size=4, device_batch=2)
        stages.append(stage(epochs=1, learning_rate=1e-3, frozen="encoders"))
        stages.append(stage(epochs=2, learning_rate=5e-4, stem_rate=0.1))
    return Config(
        data=Data(kind="radiograph", sequences=("image",), num_folds=1),
        encoder=Encoder(name="resnet18", weights="none", normalize="imagenet"),
        head=Head(form="fastai", dropout=0.5, hidden=16),
        augmentation=Augmentation(
            shift=0.0, zoom=1.1, warp=0.2, brightness=0.2, contrast=0.2,
            probability=0.75, border="reflect",
        ),
        mixing=Mixing(preset="mixup", alpha=0.4, dominant=True),
        label_smoothing=0.1,
        optimizer=Optimizer(
            schedule="one_cycle", anneal_each="step", weight_decay=0.01,
            decay_all=False,
        ),
        stages=tuple(stages),
        runtime=Runtime(checkpoint_epochs=1),
    )
"""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    """Radiographs in which everything that names a patient is planted."""
    folder = tmp_path_factory.mktemp("pelvis")
    table = write_pelvis(folder, preset=PRESET, seed=2, num_processes=1)
    for path in folder.glob("images/*.dcm"):
        elements = pydicom.dcmread(path)
        for keyword in ("PatientName", "PatientID", "PatientBirthDate"):
            if keyword in elements:
                del elements[keyword]
        assert plant(elements) > 100
        elements.save_as(path)
    return table


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.py"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def finished(cohort, config, tmp_path_factory):
    """A run that nothing disturbed, and what it printed."""
    workdir = tmp_path_factory.mktemp("runs") / "radiographs"
    done = run(command(config, cohort, workdir))
    assert done.returncode == 0, done.stderr
    return workdir, done


@pytest.mark.slow
def test_all_but_those_learned_from_have_the_one_models_score(finished):
    table = read_predictions(finished[0] / "predictions.csv")
    assert {row.split for row in table} == {"validation", "external"}
    assert {row.side for row in table} == {"whole", "both"}
    for split, count in (("validation", 6), ("external", 4)):
        only, mean = (patient_scores(table, split=split, fold=f) for f in (0, "mean"))
        assert len(only.scores) == count
        np.testing.assert_array_equal(only.scores, mean.scores)
    assert table[0].extra["grade_right"] in set("01234")


@pytest.mark.slow
def test_those_learned_from_are_listed_with_what_is_known_of_them(finished, cohort):
    with (finished[0] / "unscored.csv").open() as file:
        rows = {row["patient_id"]: row for row in csv.DictReader(file)}
    with cohort.open() as file:
        wanted = {r["patient_id"]: r for r in csv.DictReader(file)}
    train = {name for name, row in wanted.items() if row["split"] == "train"}
    assert rows.keys() == train
    for name, row in rows.items():
        for column in ("label", "sex", "reader:local", "grade_left"):
            assert row[column] == wanted[name][column]


@pytest.mark.slow
def test_the_manifest_says_what_labels_were_taken_from(finished):
    manifest = json.loads((finished[0] / "manifest.json").read_text())
    assert manifest["config"]["data.reference"] == "label"
    assert manifest["inputs"]["validation"] == "table"


@pytest.mark.slow
def test_the_cut_off_is_chosen_on_the_validation_split(finished):
    printed = finished[1].stdout
    assert "validation (chose the epoch)" in printed
    assert "chosen on the split validation" in printed
    assert "not a medical device" in printed


@pytest.mark.slow
def test_every_stage_was_trained_at_its_size_from_the_best_before(finished):
    with (finished[0] / "fold_0" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["stage"]) for row in rows] == [0, 1, 1, 2, 3, 3, 4, 5, 5]
    assert len(list((finished[0] / "cache").glob("*.npy"))) == 3 * 22


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [2, 4])
def test_a_killed_run_ends_in_the_bytes_of_an_undisturbed_one(
    finished, cohort, config, tmp_path, epoch
):
    words = command(config, cohort, tmp_path / "run")
    killed = run(words, KILL_AFTER_EPOCH=str(epoch))
    assert killed.returncode == -9
    resumed = run(words)
    assert resumed.returncode == 0, resumed.stderr
    assert "goes on at stage" in resumed.stdout
    wanted = (finished[0] / "predictions.csv").read_bytes()
    assert (tmp_path / "run" / "predictions.csv").read_bytes() == wanted


@pytest.mark.slow
def test_without_a_validation_split_a_share_of_train_is_held_out(
    cohort, config, tmp_path
):
    folder = shutil.copytree(cohort.parent, tmp_path / "cohort")
    text = (folder / "cohort.csv").read_text().replace(",validation,", ",train,")
    (folder / "cohort.csv").write_text(text)
    share = "--config.data.validation_share=0.25"
    words = command(config, folder / "cohort.csv", tmp_path / "run", share)
    short = [f"--config.stages[{i}].epochs=1" for i in range(6)]
    done = run([*words, *short])
    assert done.returncode == 0, done.stderr
    assert "5 of the 18 patients of 'train' are held out" in done.stdout
    table = read_predictions(tmp_path / "run" / "predictions.csv")
    held_out = {row.patient_id for row in table if row.split == "validation"}
    assert len(held_out) == 5
    with (tmp_path / "run" / "folds.csv").open() as file:
        assert {row["patient_id"] for row in csv.DictReader(file)} == held_out
    with (tmp_path / "run" / "unscored.csv").open() as file:
        learned = {row["patient_id"] for row in csv.DictReader(file)}
    assert len(learned) == 13
    assert not learned & held_out


@pytest.fixture(scope="module")
def explained(finished, tmp_path_factory):
    """The run's maps and report."""
    workdir, out = finished[0], tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_encoder(patch)
        assert predict(["gradcam", f"--run={workdir}"]) == 0
    assert report([f"--run={workdir}", f"--out={out}", "--num_resamples=20"]) == 0
    return out


@pytest.mark.slow
def test_maps_and_report_are_made_of_the_run(finished, explained):
    with (finished[0] / "gradcam" / "gradcam.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        with np.load(finished[0] / "gradcam" / row["npz"]) as arrays:
            assert arrays["maps"].shape[:3] == (1, 1, 1)
            assert arrays["sequences"].tolist() == ["image"]
    page = (explained / "report.html").read_text()
    assert "validation" in page
    assert "external" in page


@pytest.mark.slow
def test_nothing_that_names_a_patient_reaches_any_file_or_log(
    finished, explained, cohort
):
    planted = cohort.parent.glob("images/*.dcm")
    # Four letters stand in any long binary file; 77777 in any list of numbers.
    needles = [secret.encode() for secret in (NAME, DATE, UID)]
    assert all(any(n in path.read_bytes() for n in needles) for path in planted)
    done: subprocess.CompletedProcess = finished[1]
    assert not [s for s in SECRETS if s in done.stdout + done.stderr]
    files = [path for path in finished[0].rglob("*") if path.is_file()]
    files += [path for path in explained.rglob("*") if path.is_file()]
    assert len(files) > 60
    leaks = [
        path for path in files if any(needle in path.read_bytes() for needle in needles)
    ]
    assert not leaks


@pytest.mark.slow
def test_one_radiograph_is_scored_as_training_scored_it(
    finished, cohort, capsys, monkeypatch
):
    use_tiny_encoder(monkeypatch)
    workdir, _ = finished
    table = read_predictions(workdir / "predictions.csv")
    row = next(r for r in table if r.split == "external" and r.fold == "mean")
    with cohort.open() as file:
        cells = {r["patient_id"]: r for r in csv.DictReader(file)}[row.patient_id]
    model = negspa_jax.load(workdir)
    path, crop = cohort.parent / cells["image"], cells.get("crop") or None
    result = model.predict(model.read_patient(image=path, crop=crop))
    assert result.score == row.score
    assert (result.sides, result.folds, result.spread) == (("whole",), (0,), 0.0)
    words = [f"--run={workdir}", f"--image={path}"]
    assert predict([*words, *([f"--crop={crop}"] if crop else [])]) == 0
    assert f"probability of positive {row.score:.3f}" in capsys.readouterr().out
