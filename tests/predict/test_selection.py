"""Whose maps are drawn: those that a person names, or those that a report shows."""

import json

import pytest

from negspa_jax.evaluate import Options, find_examples, load_study
from negspa_jax.predict.finished_run import open_run
from negspa_jax.predict.selection import find_patients
from negspa_jax.predictions import read_predictions, write_predictions


@pytest.fixture(scope="module")
def run(trained_run):
    return open_run(trained_run)


def test_without_names_they_are_those_whom_the_report_shows(run):
    shown = find_examples(load_study(run=run.folder, options=Options(num_resamples=1)))
    assert find_patients(run) == tuple(case.patient_id for case in shown)
    assert find_patients(run, splits=["internal"]) == tuple(
        case.patient_id for case in shown if case.split == "internal"
    )


def test_named_patients_are_taken_once_in_their_order(run):
    names = ["P0009", "P0001", "P0009"]
    assert find_patients(run, patient_ids=names) == ("P0009", "P0001")


@pytest.mark.parametrize("words", [{"patient_ids": ["P9"]}, {"splits": ["intern"]}])
def test_an_unknown_patient_or_split_is_named(run, words):
    with pytest.raises(ValueError, match=r"must be in the run's predictions\.csv"):
        find_patients(run, **words)


def test_without_an_operating_point_patients_must_be_named(run_copy):
    path = run_copy / "predictions.csv"
    table = read_predictions(path)
    write_predictions(path, [row for row in table if row.split != "train"])
    with pytest.raises(ValueError, match="name patients by --patients") as caught:
        find_patients(open_run(run_copy))
    assert "in the split train or validation:" in str(caught.value)


def test_of_one_model_the_split_that_chooses_is_validation(run_copy):
    path = run_copy / "predictions.csv"
    table = read_predictions(path)
    write_predictions(path, [row for row in table if row.split != "train"])
    manifest = json.loads((run_copy / "manifest.json").read_text())
    manifest["config"]["data.num_folds"] = 1
    (run_copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="in the split validation: name patients"):
        find_patients(open_run(run_copy))
