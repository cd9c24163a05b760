"""The files of a study: found, named, joined, hashed, or refused in a sentence."""

import hashlib
import json

import pytest

from negspa_jax.evaluate.inputs import read_inputs
from negspa_jax.evaluate.provenance import read_maps

SCORES = "patient_id,split,label,score\n1,test,0,0.25\n2,test,1,0.75\n"
HISTORY = (
    "fold,stage,epoch,learning_rate,train_loss,validation_auc,best_epoch,seconds\n"
    "{fold},0,0,0.001,0.7,0.5,0,1.5\n{fold},1,0,0.0005,0.6,0.75,0,1.5\n"
)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def run(tmp_path):
    """A run directory with two folds, as far as a report reads it."""
    folder = tmp_path / "tri"
    write(folder / "predictions.csv", SCORES)
    manifest = {"config": {"seed": 3}, "environment": {"git_commit": "abc"}}
    manifest |= {"weights": {"sha256": "f00d"}, "inputs": {}}
    write(folder / "manifest.json", json.dumps(manifest))
    for fold in (0, 1):
        write(folder / f"fold_{fold}" / "history.csv", HISTORY.format(fold=fold))
    return folder


def test_a_run_brings_its_predictions_config_and_training(run):
    inputs = read_inputs(run=run)
    provenance = inputs.provenance
    assert inputs.name == "tri"
    assert [row.score for row in inputs.table] == [0.25, 0.75]
    assert provenance.config == {"seed": 3}
    assert provenance.environment == {"git_commit": "abc"}
    assert provenance.weights_sha256 == "f00d"
    assert [(e.fold, e.stage, e.validation_auc) for e in provenance.training] == [
        (0, 0, 0.5),
        (0, 1, 0.75),
        (1, 0, 0.5),
        (1, 1, 0.75),
    ]


def test_a_validation_split_drawn_from_train_is_no_contradiction(tmp_path):
    scores = write(tmp_path / "a.csv", SCORES.replace("test", "validation"))
    cohort = write(tmp_path / "b.csv", "patient_id,split,age\n1,train,30\n2,train,40\n")
    inputs = read_inputs(predictions=[scores], cohort=cohort)
    assert {row.split for row in inputs.table} == {"validation"}
    other = write(tmp_path / "c.csv", "patient_id,split\n1,external\n2,external\n")
    with pytest.raises(ValueError, match="must have the split validation"):
        read_inputs(predictions=[scores], cohort=other)


def test_a_path_of_the_machine_that_trained_does_not_travel(run):
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["config"] = {"data.cohort": "/data/clinic/cohort.csv", "seed": 3}
    write(run / "manifest.json", json.dumps(manifest))
    config = read_inputs(run=run).provenance.config
    assert config == {"data.cohort": "cohort.csv", "seed": 3}


def test_every_file_that_was_read_is_named_with_its_hash(run, tmp_path):
    cohort = write(tmp_path / "cohort.csv", "patient_id,age\n1,30\n2,40\n3,50\n")
    inputs = read_inputs(run=run, cohort=cohort)
    found = {source.role: source for source in inputs.provenance.sources}
    assert list(found) == ["predictions of tri", "cohort table", "manifest of the run"]
    assert found["cohort table"].name == "cohort.csv"
    digest = hashlib.sha256(SCORES.encode()).hexdigest()
    assert found["predictions of tri"].sha256 == digest
    assert {"numpy", "scipy", "negspa_jax"} <= set(inputs.provenance.versions)


def test_a_cohort_tables_columns_reach_every_table(run, tmp_path):
    other = write(tmp_path / "b.csv", SCORES)
    cohort = write(tmp_path / "cohort.csv", "patient_id,age\n1,30\n2,40\n3,50\n")
    inputs = read_inputs(run=run, predictions=[other], cohort=cohort)
    assert [row.extra for row in inputs.table] == [{"age": "30"}, {"age": "40"}]
    assert [row.extra for row in inputs.others["b"]] == [{"age": "30"}, {"age": "40"}]
    assert inputs.unscored == ("3",)


@pytest.mark.parametrize("rule", ["grades", "readers", "agreement", "auto"])
def test_labels_that_a_rule_made_are_not_the_cohort_tables(run, tmp_path, rule):
    write(run / "predictions.csv", SCORES.replace("test,1", "test,"))
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["config"]["data.reference"] = rule
    write(run / "manifest.json", json.dumps(manifest))
    cohort = write(tmp_path / "cohort.csv", "patient_id,label\n1,1\n2,1\n")
    inputs = read_inputs(run=run, cohort=cohort)
    assert [row.label for row in inputs.table] == [0, None]


@pytest.mark.parametrize("config", [{}, {"data.reference": "label"}])
def test_labels_of_the_column_label_are_the_cohort_tables(run, tmp_path, config):
    write(run / "predictions.csv", SCORES.replace("test,1", "test,"))
    manifest = json.loads((run / "manifest.json").read_text())
    write(run / "manifest.json", json.dumps({**manifest, "config": config}))
    cohort = write(tmp_path / "cohort.csv", "patient_id,label\n1,0\n2,1\n")
    inputs = read_inputs(run=run, cohort=cohort)
    assert [row.label for row in inputs.table] == [0, 1]
    write(cohort, "patient_id,label\n1,1\n2,1\n")
    assert "must have the label 0" in refused(run=run, cohort=cohort)


@pytest.mark.parametrize(
    ("said", "known"), [({"validation": "drawn"}, "drawn"), ({}, "")]
)
def test_the_manifest_says_where_validation_comes_from(run, said, known):
    manifest = json.loads((run / "manifest.json").read_text())
    write(run / "manifest.json", json.dumps({**manifest, "inputs": said}))
    assert read_inputs(run=run).provenance.validation == known


def test_models_can_be_named(tmp_path):
    paths = [write(tmp_path / name, SCORES) for name in ("a.csv", "b.csv")]
    inputs = read_inputs(predictions=paths, names=["ours", "theirs"])
    assert (inputs.name, list(inputs.others)) == ("ours", ["theirs"])


def refused(**words):
    with pytest.raises(ValueError, match="must") as caught:
        read_inputs(**words)
    return str(caught.value)


def test_what_cannot_be_a_study_is_refused_in_a_sentence(run, tmp_path):
    one = write(tmp_path / "one" / "a.csv", SCORES)
    two = write(tmp_path / "two" / "a.csv", SCORES)
    assert "--run or --predictions must be given" in refused()
    assert "give --names" in refused(predictions=[one, two])
    assert "--names must be one for each" in refused(
        predictions=[one], names=["a", "b"]
    )
    assert "manifest.json is not there" in refused(run=tmp_path)
    (run / "predictions.csv").unlink()
    write(run / "fold_0" / "predictions.csv", SCORES)
    assert "(1 folds are done)" in refused(run=run)
    for damaged in ("{", "[]", '{"config": 1}'):
        write(run / "manifest.json", damaged)
        assert "must be a run's manifest" in refused(run=run)


# --- maps -----------------------------------------------------------------------


@pytest.fixture
def maps(tmp_path):
    """A folder with two patients' pictures."""
    lines = ["patient_id,split,file,sha256"]
    for name in ("1", "2"):
        png = f"picture {name}".encode()
        (tmp_path / f"{name}.png").write_bytes(png)
        lines.append(f"{name},test,{name}.png,{hashlib.sha256(png).hexdigest()}")
    write(tmp_path / "gradcam.csv", "\n".join(lines) + "\n")
    return tmp_path


def test_the_pictures_of_the_patients_asked_for_are_read(maps):
    (found,) = read_maps(maps, ["2", "unknown"])
    assert (found.patient_id, found.split, found.png) == ("2", "test", b"picture 2")


def test_a_picture_that_changed_or_vanished_is_refused(maps):
    (maps / "1.png").write_bytes(b"another")
    (maps / "2.png").unlink()
    for name in ("1", "2"):
        with pytest.raises(ValueError, match=rf"patient {name}, file .*{name}\.png"):
            read_maps(maps, [name])


def test_a_folder_without_a_list_of_pictures_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"(?s)--maps must be a folder .*gradcam\.csv is not there"
    ):
        read_maps(tmp_path, ["1"])
