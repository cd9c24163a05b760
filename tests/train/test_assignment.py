"""Who is learned from and who is held out, by folds or once; written and obeyed."""

from dataclasses import replace
from pathlib import Path

import pytest

from negspa_jax.config import Config, Data
from negspa_jax.data.cohort import Cohort
from negspa_jax.data.patient import Patient
from negspa_jax.train.assignment import assign, check_labels, save_folds

ONE = Config(data=Data(num_folds=1, validation_share=0.2))
FIVE = Config(data=Data(num_folds=5))


def make_cohort(**splits: int) -> Cohort:
    """Patients of splits, labels in turn."""
    patients = [
        Patient(f"{split}{number:02}", split, number % 2, {})
        for split, count in splits.items()
        for number in range(count)
    ]
    return Cohort(Path("cohort.csv"), ("image",), tuple(patients))


def splits_of(cohort: Cohort) -> dict[str, str]:
    return {patient.patient_id: patient.split for patient in cohort.patients}


def test_with_several_folds_every_patient_of_train_is_held_out_once(tmp_path):
    cohort = make_cohort(train=20, validation=4)
    same, folds, _ = assign(cohort, FIVE, tmp_path / "folds.csv")
    assert same is cohort
    assert sorted(folds) == [f"train{i:02}" for i in range(20)]
    assert set(folds.values()) == {0, 1, 2, 3, 4}


def test_with_one_the_tables_validation_split_is_held_out(tmp_path):
    cohort = make_cohort(train=20, validation=4, external=3)
    moved, folds, origin = assign(cohort, ONE, tmp_path / "folds.csv")
    assert splits_of(moved) == splits_of(cohort)
    assert {name for name in folds if folds[name] == 0} == {
        f"validation{i:02}" for i in range(4)
    }
    assert sum(fold is None for fold in folds.values()) == 20
    assert origin == "table"


def test_without_such_a_split_a_share_of_train_becomes_it(tmp_path):
    cohort = make_cohort(train=20, external=3)
    moved, folds, origin = assign(cohort, ONE, tmp_path / "folds.csv")
    held_out = {name for name in folds if folds[name] == 0}
    assert len(held_out) == 4
    validation = {n for n, split in splits_of(moved).items() if split == "validation"}
    assert validation == held_out
    assert origin == "drawn"
    assert set(moved.labels_of("validation").values()) == {0, 1}


def test_the_file_is_obeyed_where_it_is_there(tmp_path):
    path = tmp_path / "folds.csv"
    path.write_text("patient_id,fold\ntrain03,0\ntrain08,0\n")
    moved, folds, _ = assign(make_cohort(train=20), ONE, path)
    assert {name for name in folds if folds[name] == 0} == {"train03", "train08"}
    assert splits_of(moved)["train03"] == "validation"


def test_a_file_that_leaves_out_part_of_a_given_split_is_refused(tmp_path):
    path = tmp_path / "folds.csv"
    path.write_text("patient_id,fold\nvalidation00,0\n")
    with pytest.raises(ValueError, match="'validation01' is missing"):
        assign(make_cohort(train=8, validation=2), ONE, path)


def test_patients_without_a_label_are_neither_learned_from_nor_held_out(tmp_path):
    cohort = make_cohort(train=20, validation=4)
    unlabelled = tuple(
        replace(p, label=None) if p.patient_id in ("train00", "validation01") else p
        for p in cohort.patients
    )
    cohort = replace(cohort, patients=unlabelled)
    _, folds, _ = assign(cohort, ONE, tmp_path / "folds.csv")
    assert not {"train00", "validation01"} & folds.keys()
    assert len(folds) == 22


def test_a_cohort_that_nothing_can_be_learned_from_is_refused():
    with pytest.raises(ValueError, match="'train' must be there to train on"):
        check_labels(make_cohort(validation=4), ONE)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_split_of_one_class_is_refused_where_one_model_is_trained(split):
    cohort = make_cohort(train=8, validation=4)
    same = tuple(
        replace(p, label=1) if p.split == split else p for p in cohort.patients
    )
    with pytest.raises(ValueError, match=f"'{split}' must have patients of both"):
        check_labels(replace(cohort, patients=same), ONE)


@pytest.mark.parametrize("name", ["Validation", "val", "VALID"])
def test_a_validation_split_in_another_spelling_is_refused(name):
    cohort = make_cohort(train=16, other=8)
    named = tuple(
        replace(p, split=name) if p.split == "other" else p for p in cohort.patients
    )
    cohort = replace(cohort, patients=named)
    with pytest.raises(ValueError, match=f"must be named 'validation', got '{name}'"):
        check_labels(cohort, ONE)
    check_labels(cohort, FIVE)


@pytest.mark.parametrize("config", [ONE, FIVE])
def test_what_is_saved_is_read_back(config, tmp_path):
    path, cohort = tmp_path / "folds.csv", make_cohort(train=20)
    first = assign(cohort, config, path)
    assert not path.exists()
    save_folds(first.folds, path)
    assert assign(cohort, config, path) == first
    assert list(assign(cohort, config, path).folds) == list(first.folds)
