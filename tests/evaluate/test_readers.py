"""Readers: counted by hand and by slow loops, against the model and with its help."""

import dataclasses
import math

import numpy as np
import pytest

from negspa_jax import stats
from negspa_jax.evaluate.readers import assess_assistance, assess_readers
from negspa_jax.evaluate.rescues import list_rescues
from negspa_jax.evaluate.subgroups import find_groupings
from tests.evaluate.cohorts import give_point, make_cohort, make_patients


@pytest.fixture
def cohort():
    names = "train", "internal"
    return {name: make_cohort(split=name, seed=i) for i, name in enumerate(names)}


def assess(patients, *, point="default"):
    return assess_readers(
        {"internal": patients},
        score="image",
        point=give_point() if point == "default" else point,
    )


def undefined(*estimates):
    return all(math.isnan(estimate.value) for estimate in estimates)


# --- readers alone and with help ------------------------------------------------------


def test_every_reader_is_there_alone_then_with_help(cohort):
    found = assess_readers(cohort, score="image", point=give_point())
    assert [(r.split, r.reader, r.assisted) for r in found] == [
        (split, *reader)
        for split in cohort
        for reader in (("A", False), ("A", True), ("B", False))
    ]


def test_a_reader_is_judged_on_labelled_patients_with_a_call(cohort):
    for reading in assess_readers(cohort, score="image", point=give_point()):
        patients = cohort[reading.split]
        prefix = "reader_ai:" if reading.assisted else "reader:"
        cells = patients.columns[prefix + reading.reader]
        pairs = [
            (int(label), int(cell))
            for label, cell in zip(patients.labels, cells, strict=True)
            if not math.isnan(label) and cell
        ]
        labels, calls = map(np.array, zip(*pairs, strict=True))
        assert reading.num_patients == len(pairs)
        assert reading.num_patients + reading.num_missing == len(patients.labelled())
        assert reading.num_missing > 0
        assert reading.counts == stats.confusion(labels, calls)
        assert reading.accuracy == stats.accuracy(labels, calls)
        assert reading.sensitivity == stats.sensitivity(labels, calls)
        assert reading.specificity == stats.specificity(labels, calls)


# Label, reader and score: the model at 0.5 says 1 1 0 0 1 0.
SIX = {
    "labels": [1, 1, 1, 0, 0, 0],
    "scores": [0.9, 0.5, 0.4, 0.3, 0.6, 0.1],
    "reader:A": ["1", "0", "0", "1", "1.0", "0.0"],
}


def test_kappa_and_agreement_are_with_the_model():
    (reading,) = assess(make_patients(**SIX))
    reader, model = np.array([1, 0, 0, 1, 1, 0]), np.array([1, 1, 0, 0, 1, 0])
    assert reading.kappa.value == stats.cohen_kappa(reader, model).value
    assert reading.kappa == stats.bootstrap_interval(
        reader, model, statistic=stats.cohen_kappa
    )
    assert reading.agreement == stats.absolute_agreement(reader, model)
    assert reading.agreement.value == 4 / 6
    assert reading.point == "Youden"


def test_the_reader_stands_first_against_the_model():
    (reading,) = assess(make_patients(**SIX))
    accuracy, sensitivity, specificity = reading.against_model
    assert accuracy.measure == "accuracy"
    assert (accuracy.first, accuracy.second) == (2 / 6, 4 / 6)
    assert (accuracy.only_first, accuracy.only_second) == (0, 2)
    assert (sensitivity.only_first, sensitivity.only_second) == (0, 1)
    assert (specificity.only_first, specificity.only_second) == (0, 1)


def test_a_call_equal_to_the_label_beside_a_score_equal_to_the_cut_off_agrees():
    patients = make_patients([1], scores=[0.5], **{"reader:A": ["1"]})
    assert assess(patients)[0].agreement.value == 1.0


def test_p_values_are_adjusted_over_a_splits_readers_alone_and_with_help_apart(cohort):
    readings = assess_readers(cohort, score="image", point=give_point())
    families = {(reading.split, reading.assisted) for reading in readings}
    for family in families:
        found = [r for r in readings if (r.split, r.assisted) == family]
        for place in range(3):
            calls = [reading.against_model[place] for reading in found]
            assert len({call.measure for call in calls}) == 1
            wanted = stats.holm(np.array([call.p_value for call in calls]))
            assert [call.p_adjusted for call in calls] == wanted.tolist()
    assert len(readings) > len(families) > 2


def test_a_reader_without_a_call_in_a_split_is_not_listed_there():
    columns = {"reader:A": ["", "1", ""], "reader:B": ["1", "", ""]}
    found = assess(make_patients([1, None, 0], **columns))
    assert [(reading.reader, reading.num_missing) for reading in found] == [("B", 1)]


def test_without_readers_or_labels_there_are_no_readings():
    assert assess(make_patients([1, 0])) == ()
    assert assess(make_patients([None], **{"reader:A": ["1"]})) == ()


def test_one_class_leaves_the_other_classes_share_undefined():
    patients = make_patients([1, 1], **{"reader:A": ["1", "0"]})
    (reading,) = assess(patients)
    assert undefined(reading.specificity)
    assert reading.sensitivity.value == 0.5
    assert math.isnan(reading.against_model[2].p_adjusted)


def test_without_an_operating_point_readers_stand_alone():
    (reading,) = assess(make_patients(**SIX), point=None)
    assert reading.accuracy.value == 2 / 6
    assert undefined(reading.kappa, reading.agreement)
    assert (reading.point, reading.against_model) == ("", ())


@pytest.mark.parametrize("column", ["reader:A", "reader_ai:A"])
@pytest.mark.parametrize("cell", ["2", "yes", "0.5", "nan"])
def test_a_call_that_is_not_0_or_1_is_refused_with_patient_and_column(column, cell):
    patients = make_patients([1, None], ids=("007", "008"), **{column: ["1", cell]})
    wanted = f"column {column} must be 0, 1 or empty, got '{cell}' of patient 008"
    with pytest.raises(ValueError, match=wanted):
        assess(patients)


# --- with help against alone ----------------------------------------------------------


def test_help_stands_first_against_alone_on_the_patients_with_both_calls():
    columns = {
        "reader:A": ["0", "1", "0", "1", ""],
        "reader_ai:A": ["1", "1", "0", "", "1"],
        "reader:B": ["1"] * 5,
    }
    patients = make_patients([1, 1, 0, 1, 1], **columns)
    (found,) = assess_assistance({"internal": patients})
    assert (found.split, found.reader, found.num_patients) == ("internal", "A", 3)
    accuracy, sensitivity, specificity = found.calls
    assert (accuracy.first, accuracy.second) == (1.0, 2 / 3)
    assert (sensitivity.only_first, sensitivity.only_second) == (1, 0)
    assert specificity.p_value == 1.0


def test_p_values_of_help_are_adjusted_over_the_readers_of_a_split(cohort):
    patients = cohort["train"]
    twice = {"reader:Z": "reader:A", "reader_ai:Z": "reader_ai:A"}
    columns = {new: patients.columns[old][::-1] for new, old in twice.items()}
    columns = {**patients.columns, **columns}
    splits = {**cohort, "train": dataclasses.replace(patients, columns=columns)}
    everything = assess_assistance(splits)
    for split in cohort:
        found = [one for one in everything if one.split == split]
        for place in range(3):
            calls = [assistance.calls[place] for assistance in found]
            wanted = stats.holm(np.array([call.p_value for call in calls]))
            assert [call.p_adjusted for call in calls] == wanted.tolist()
    assert len(everything) == len(assess_assistance(cohort)) + 1


def test_without_a_patient_called_twice_nothing_is_said_of_help():
    columns = {"reader:A": ["1", "", "0"], "reader_ai:A": ["", "1", "0"]}
    assert assess_assistance({"x": make_patients([1, 0, None], **columns)}) == ()


def test_calls_with_help_alone_say_nothing_of_help():
    patients = make_patients([1, 0], **{"reader_ai:A": ["1", "0"]})
    assert assess_assistance({"internal": patients}) == ()


# --- Table S7 -------------------------------------------------------------------------


@pytest.fixture
def groupings(cohort):
    return find_groupings(cohort, covariates=["age", "sex"], reference="train")


def find_slowly(covariate, cell, threshold):
    """The group of one patient, as text."""
    if not covariate or not cell:
        return ""
    if covariate == "sex":
        return f"sex {cell}"
    return f"age {'>=' if float(cell) >= threshold else '<'} {threshold:g}"


def count_slowly(patients, rescue, threshold):
    """Patients whom one alone calls rightly, patient by patient."""
    model_only = reader_only = 0
    for i, label in enumerate(patients.labels):
        call = patients.columns[f"reader:{rescue.reader}"][i]
        if math.isnan(label) or call == "":
            continue
        cell = rescue.covariate and patients.columns[rescue.covariate][i]
        if find_slowly(rescue.covariate, cell, threshold) != rescue.group:
            continue
        model = patients.scores["image"][i] >= 0.5
        model_only += bool(model) == bool(label) and int(call) != label
        reader_only += bool(model) != bool(label) and int(call) == label
    return model_only, reader_only


def test_rescues_are_those_of_a_slow_loop(cohort, groupings):
    rescues = list_rescues(
        cohort, score="image", point=give_point(), groupings=groupings
    )
    assert sum(rescue.model_only for rescue in rescues) > 0
    for rescue in rescues:
        patients, threshold = cohort[rescue.split], groupings[0].threshold
        found = rescue.model_only, rescue.reader_only
        assert found == count_slowly(patients, rescue, threshold)


def test_groups_and_unknown_sum_to_the_split(cohort, groupings):
    rescues = list_rescues(
        cohort, score="image", point=give_point(), groupings=groupings
    )
    totals = [rescue for rescue in rescues if not rescue.covariate]
    assert [(total.split, total.reader) for total in totals] == [
        (split, reader) for split in cohort for reader in "AB"
    ]
    for total in totals:
        place = total.split, total.reader
        for covariate in ("age", "sex"):
            groups = [
                rescue
                for rescue in rescues
                if (rescue.split, rescue.reader, rescue.covariate)
                == (*place, covariate)
            ]
            assert [group.group == "" for group in groups] == [False, False, True]
            assert sum(group.model_only for group in groups) == total.model_only
            assert sum(group.reader_only for group in groups) == total.reader_only


def test_where_every_covariate_is_known_there_is_no_group_of_unknown():
    patients = make_patients(**SIX, sex=list("FFFMMM"))
    splits = {"internal": patients}
    groupings = find_groupings(splits, covariates=["sex"], reference="")
    rescues = list_rescues(
        splits, score="image", point=give_point(), groupings=groupings
    )
    assert [rescue.group for rescue in rescues] == ["", "sex F", "sex M"]
    assert [rescue.model_only for rescue in rescues] == [2, 1, 1]


def test_readers_with_help_and_models_without_a_cut_off_rescue_nobody():
    patients = make_patients([1, 0], **{"reader_ai:A": ["1", "0"]})
    splits = {"internal": patients}
    assert list_rescues(splits, score="image", point=give_point(), groupings=[]) == ()
    patients = make_patients(**SIX)
    assert list_rescues({"x": patients}, score="image", point=None, groupings=[]) == ()
