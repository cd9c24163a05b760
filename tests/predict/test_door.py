"""The door on a run that was really trained: what it writes, what it refuses."""

import csv
import dataclasses
import hashlib
import json
import shutil

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from negspa_jax.models import MultiEncoder, grad_cam
from negspa_jax.predict.__main__ import main
from negspa_jax.predict.finished_run import decode_patients, open_run
from negspa_jax.predict.network import load_variables
from negspa_jax.predictions import read_predictions, write_predictions
from tests.train.tiny import use_tiny_encoder


def gradcam(run, *words) -> int:
    return main(["gradcam", f"--run={run}", *words])


def read_rows(folder) -> dict[str, dict[str, str]]:
    with (folder / "gradcam.csv").open() as file:
        return {row["patient_id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def written(trained_run, tmp_path_factory):
    """The maps of two test patients and all training patients."""
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_encoder(patch)
        out = tmp_path_factory.mktemp("maps")
        names = ",".join(f"P{number:04d}" for number in range(1, 11))
        assert gradcam(trained_run, f"--out={out}", f"--patients={names}") == 0
    return out


def test_the_table_lists_every_patients_files_scores_and_hash(written, trained_run):
    rows = read_rows(written)
    table = read_predictions(trained_run / "predictions.csv")
    assert list(rows) == [f"P{number:04d}" for number in range(1, 11)]
    for name, row in rows.items():
        png = (written / row["file"]).read_bytes()
        assert hashlib.sha256(png).hexdigest() == row["sha256"]
        final = [r for r in table if r.patient_id == name and r.side == "both"]
        wanted = final[-1]  # `mean` comes last
        assert float(row["score"]) == wanted.score
        assert (row["split"], row["label"]) == (wanted.split, str(wanted.label))


def test_training_patients_are_explained_by_the_fold_that_held_them_out(
    written, trained_run
):
    with (trained_run / "folds.csv").open() as file:
        held_out = {row["patient_id"]: row["fold"] for row in csv.DictReader(file)}
    for name, row in read_rows(written).items():
        assert row["folds"] == held_out.get(name, "0,1")
        with np.load(written / row["npz"]) as arrays:
            assert ",".join(map(str, arrays["folds"])) == row["folds"]


def test_arrays_are_grad_cam_of_each_folds_model_and_their_mean(written, trained_run):
    run = open_run(trained_run)
    cache = decode_patients(run, run.select(["P0009"]))
    images = np.stack([cache.read(0, side) for side in range(2)])
    model = MultiEncoder("resnet18", num_inputs=2)
    with np.load(written / "P0009.npz") as arrays:
        assert arrays["maps"].shape == (2, 2, 2, 16, 16)
        assert arrays["axes_of_maps"].tolist() == [
            *("fold", "side", "sequence", "row", "column")
        ]
        assert arrays["sides"].tolist() == ["left", "right"]
        assert arrays["sequences"].tolist() == ["t1w", "fs"]
        np.testing.assert_array_equal(arrays["mean"], arrays["maps"].mean(0))
        for fold in range(2):
            variables = load_variables(trained_run, model, fold=fold)
            wanted = grad_cam(model, variables, jnp.asarray(images))
            got = arrays["maps"][fold]
            np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-6)


def test_a_sheet_shows_both_sides_of_every_sequence(written):
    with Image.open(written / "P0009.png") as sheet:
        assert sheet.mode == "RGB"
        assert sheet.width > 4 * 240
        assert sheet.height > 2 * 240


def test_without_names_typical_and_wrong_cases_of_a_split_are_shown(run_copy, capsys):
    assert gradcam(run_copy, "--split=internal") == 0
    rows = read_rows(run_copy / "gradcam")
    assert {row["split"] for row in rows.values()} == {"internal"}
    printed = capsys.readouterr().out
    assert f"the maps of {len(rows)} patient" in printed
    assert "not a medical device" in printed


# --- what is refused ------------------------------------------------------------------


def remove(name):
    def damage(run):
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return damage


def edit(name, change):
    def damage(run):
        path = run / name
        path.write_text(change(path.read_text()))

    return damage


def swap_folds(run):
    (run / "fold_0").rename(run / "other")
    (run / "fold_1").rename(run / "fold_0")
    (run / "other").rename(run / "fold_1")


def change_fields(text, **fields):
    manifest = json.loads(text)
    manifest["config"] |= fields
    return json.dumps(manifest)


def forget_table(text):
    manifest = json.loads(text)
    manifest["inputs"]["cohort_sha256"] = "0" * 64
    return json.dumps(manifest)


def move_scores(run):
    path = run / "predictions.csv"
    moved = [
        dataclasses.replace(row, score=row.score + (1e-3 if row.score < 0.5 else -1e-3))
        for row in read_predictions(path)
    ]
    write_predictions(path, moved)


def rename_patients(run):
    path = run / "predictions.csv"
    rows = read_predictions(path)
    strangers = [dataclasses.replace(r, patient_id=f"X{r.patient_id}") for r in rows]
    write_predictions(path, strangers)


def flip_a_bit(run):
    files = [path for path in (run / "fold_1" / "model").rglob("*") if path.is_file()]
    largest = max(files, key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)


def forget_images(text):
    header, *lines = text.splitlines()
    return "\n".join([header, *(f"{line[:-8]}00000000" for line in lines)]) + "\n"


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (remove("manifest.json"), "--run must be the directory of a training run"),
        (edit("manifest.json", lambda text: text[:99]), "must be a run's manifest"),
        (edit("manifest.json", lambda text: "[]"), "must be a run's manifest"),
        (
            edit("manifest.json", lambda text: change_fields(text, depth=3)),
            "0 missing and 1 unknown, depth first",
        ),
        (
            edit(
                "manifest.json",
                lambda text: change_fields(text, **{"data.cohort": "moved.csv"}),
            ),
            "must be at moved.csv, but it is not there: name it with --cohort=FILE",
        ),
        (edit("manifest.json", forget_table), "must be the table that the run was"),
        (remove("predictions.csv"), "predictions.csv is not there: train every fold"),
        (remove("inputs.csv"), "inputs.csv must be there to compare the images with"),
        (edit("inputs.csv", forget_images), "restore it, or start another run"),
        (move_scores, "fold 0, side left: the score must be"),
        (flip_a_bit, "must hold the files that were written, but 1 differ"),
        (remove("fold_1/model"), "must hold the model of fold 1, but it is not there"),
        (swap_folds, "must hold the model of fold 0, got fold 1"),
    ],
)
def test_a_run_that_is_not_whole_is_refused(run_copy, capsys, damage, sentence):
    damage(run_copy)
    assert gradcam(run_copy, "--patients=P0009") == 2
    error = capsys.readouterr().err
    assert error.startswith("gradcam: ")
    assert sentence in error
    assert not (run_copy / "gradcam").exists()


def test_scores_of_another_processor_can_be_allowed(run_copy):
    move_scores(run_copy)
    assert gradcam(run_copy, "--patients=P0009", "--tolerance=0.01") == 0


def test_a_table_that_moved_can_be_named(run_copy):
    table = open_run(run_copy).cohort.path
    moved = {"data.cohort": "moved.csv"}
    edit("manifest.json", lambda text: change_fields(text, **moved))(run_copy)
    assert gradcam(run_copy, "--patients=P0009", f"--cohort={table}") == 0


def test_predictions_of_another_cohort_are_refused(run_copy, capsys):
    rename_patients(run_copy)
    assert gradcam(run_copy, "--patients=XP0010") == 2
    assert "must be of the patients of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--patients=P0009,X1"], "--patients must be in the run's predictions.csv"),
        (["--split=external"], "--split must be in the run's predictions.csv"),
        (["--split=train", "--patients=P0001"], "not both"),
        (["--tolerance=-1"], "tolerance"),
        (["--colour=red"], "colour"),
        (["internal"], "every argument must be a --flag, got 'internal'"),
    ],
)
def test_a_command_that_cannot_be_followed_is_refused(
    trained_run, capsys, words, sentence
):
    assert gradcam(trained_run, *words) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error


@pytest.mark.parametrize("words", [["gradcam"], ["draw"], []])
def test_a_command_without_a_run_or_a_name_says_what_is_missing(words, capsys):
    assert main(words) == 2
    said = capsys.readouterr()
    assert "--run" in said.err + said.out or "gradcam" in said.err


def test_help_names_every_flag(capsys):
    assert main(["gradcam", "--help"]) == 0
    printed = capsys.readouterr().out
    for flag in ("run", "out", "split", "patients", "cohort", "tolerance"):
        assert f"--{flag}=" in printed
