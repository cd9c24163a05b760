"""Subgroups: who belongs to which, where thresholds come from, what is too few."""

import math

import numpy as np
import pytest

from negspa_jax import stats
from negspa_jax.evaluate.subgroups import (
    assess_subgroups,
    assign_groups,
    find_groupings,
)
from tests.evaluate.cohorts import give_point, make_cohort, make_patients


def group_by(patients, covariate, *, reference=""):
    splits = {patients.split: patients}
    return find_groupings(splits, covariates=[covariate], reference=reference)[0]


# --- groupings ------------------------------------------------------------------------


def test_the_median_of_the_reference_split_divides_all_splits():
    splits = {
        "train": make_patients([0, 1, 1], split="train", age=[20, 28, 40]),
        "internal": make_patients([0, 1, 1], age=[27.9, 28, 28.1]),
    }
    (grouping,) = find_groupings(splits, covariates=["age"], reference="train")
    assert (grouping.threshold, grouping.source) == (28.0, "median of train")
    groups = assign_groups(splits["internal"], grouping)
    assert groups == ("age < 28", "age >= 28", "age >= 28")


def test_without_reference_the_median_is_that_of_all_splits_together():
    splits = {
        "a": make_patients([0, 1], split="a", age=[10, 20]),
        "b": make_patients([0, 1, 1], split="b", age=[30, 40, 50]),
    }
    (grouping,) = find_groupings(splits, covariates=["age"], reference="")
    assert (grouping.threshold, grouping.source) == (30.0, "median of all splits")


def test_a_reference_without_the_covariate_is_said_to_have_none():
    splits = {
        "train": make_patients([0, 1], split="train", age=["", ""]),
        "b": make_patients([0, 1, 1], split="b", age=[30, 40, 50]),
    }
    (grouping,) = find_groupings(splits, covariates=["age"], reference="train")
    assert grouping.threshold == 40.0
    assert grouping.source == "median of all splits (train has none)"


def test_the_median_is_carried_unrounded():
    ages = [20.125, 30.2468013579, 40]
    grouping = group_by(make_patients([0, 1, 1], age=ages), "age")
    assert grouping.threshold == 30.2468013579
    assert grouping.groups == ("age < 30.2468", "age >= 30.2468")


def test_patients_without_a_label_count_for_the_median():
    grouping = group_by(make_patients([None, None, 1], age=[20, 30, 40]), "age")
    assert grouping.threshold == 30.0


def test_words_are_categories_each_as_it_is_written():
    patients = make_patients([0, 1, 1, 0], sex=["M", "F", " M ", "f"])
    grouping = group_by(patients, "sex")
    assert grouping.groups == ("sex F", "sex M", "sex f")
    assert (grouping.threshold, grouping.source) == (None, "")
    assert assign_groups(patients, grouping) == ("sex M", "sex F", "sex M", "sex f")


def test_two_numbers_are_categories_however_pandas_wrote_them():
    patients = make_patients([0, 1, 1, 0], damage=["1", "0.0", "1.0", ""])
    grouping = group_by(patients, "damage")
    assert grouping.groups == ("damage 0", "damage 1")
    groups = assign_groups(patients, grouping)
    assert groups == ("damage 1", "damage 0", "damage 1", "")


def test_numbers_beside_words_keep_their_spelling():
    patients = make_patients([0, 1, 1], grade=["1", "1.0", "II"])
    assert group_by(patients, "grade").groups == ("grade 1", "grade 1.0", "grade II")


def test_an_empty_cell_belongs_to_no_group():
    patients = make_patients(
        [0, 1, 1, 0], age=[20, "", " ", 30], sex=["", "F", "M", ""]
    )
    age = group_by(make_patients([0, 1, 1], age=[10, 20, 30]), "age")
    assert assign_groups(patients, age) == ("age >= 20", "", "", "age >= 20")
    found = assign_groups(patients, group_by(patients, "sex"))
    assert found == ("", "sex F", "sex M", "")


def test_a_covariate_that_is_no_column_is_refused():
    with pytest.raises(ValueError, match=r"one of the columns sex .* got 'age'"):
        group_by(make_patients([0, 1], sex=["F", "M"]), "age")


def test_a_covariate_that_is_empty_everywhere_is_refused():
    with pytest.raises(ValueError, match="covariate age must be filled for at least"):
        group_by(make_patients([0, 1], age=["", " "]), "age")


def test_thirteen_categories_are_refused_with_a_word_that_is_no_number():
    cells = [*map(str, range(12)), "unknown"]
    with pytest.raises(
        ValueError, match=r"at most 12 categories.* 13 such as 'unknown'"
    ):
        group_by(make_patients([0] * 13, site=cells), "site")


def test_an_age_that_is_no_number_is_refused_by_patient():
    ages = [*map(str, range(20, 32)), "NA"]
    wanted = "column age must be a number or empty, got 'NA' of patient P012"
    with pytest.raises(ValueError, match=wanted):
        group_by(make_patients([0] * 13, age=ages), "age")


def test_a_reference_that_is_no_split_is_refused():
    with pytest.raises(ValueError, match=r"reference must be one of .* got 'trian'"):
        group_by(make_patients([0, 1], sex=["F", "M"]), "sex", reference="trian")


def test_a_word_above_or_below_a_median_is_refused_with_its_patient():
    grouping = group_by(make_patients([0, 1, 1], age=[10, 20, 30]), "age")
    strangers = make_patients([0, 1], ids=("007", "008"), age=[25, "old"])
    with pytest.raises(
        ValueError, match=r"column age must be a number.*'old' of pat.* 008"
    ):
        assign_groups(strangers, grouping)


def test_a_new_category_is_refused_with_its_patient():
    grouping = group_by(make_patients([0, 1], sex=["F", "M"]), "sex")
    strangers = make_patients([0, 1], ids=("007", "008"), sex=["M", "X"])
    with pytest.raises(
        ValueError, match=r"sex must be one of F, M, .*'X' of patient 008"
    ):
        assign_groups(strangers, grouping)


# --- results --------------------------------------------------------------------------


@pytest.fixture
def cohort():
    names = "train", "external", "internal"
    return {name: make_cohort(split=name, seed=i) for i, name in enumerate(names)}


@pytest.fixture
def groupings(cohort):
    covariates = ["age", "sex", "structural_damage"]
    return find_groupings(cohort, covariates=covariates, reference="train")


@pytest.fixture
def subgroups(cohort, groupings):
    return assess_subgroups(
        cohort, score="image", point=give_point(), groupings=groupings
    )


def test_every_group_of_every_split_is_there_once(subgroups, cohort, groupings):
    found = [(s.split, s.covariate, s.group) for s in subgroups]
    assert found == [
        (split, g.covariate, group)
        for split in cohort
        for g in groupings
        for group in g.groups
    ]


def test_a_groups_numbers_are_those_of_its_members(subgroups, cohort):
    for subgroup in subgroups:
        if subgroup.covariate != "sex":
            continue
        patients = cohort[subgroup.split]
        sex = np.array(patients.columns["sex"]) == subgroup.group[-1]
        keep = sex & ~np.isnan(patients.labels)
        labels, scores = patients.labels[keep], patients.scores["image"][keep]
        assert subgroup.num_patients == len(labels)
        assert subgroup.num_positive == labels.sum()
        assert subgroup.auc == stats.delong_interval(labels, scores)
        assert subgroup.accuracy == stats.accuracy(labels, scores >= 0.5)
        assert subgroup.sensitivity == stats.sensitivity(labels, scores >= 0.5)
        assert subgroup.specificity == stats.specificity(labels, scores >= 0.5)


def test_groups_and_unknown_make_up_all_labelled_patients(subgroups, cohort):
    for split, patients in cohort.items():
        for covariate in ("age", "sex", "structural_damage"):
            found = [
                s for s in subgroups if (s.split, s.covariate) == (split, covariate)
            ]
            (unknown,) = {s.num_unknown for s in found}
            assert unknown > 0
            total = sum(s.num_patients for s in found) + unknown
            assert total == len(patients.labelled())


def test_a_score_equal_to_the_cut_off_is_positive():
    patients = make_patients([1, 0], scores=[0.5, 0.5], sex=["F", "F"])
    (found,) = assess_one(patients, "sex")
    assert (found.sensitivity.value, found.specificity.value) == (1.0, 0.0)


def assess_one(patients, covariate, *, point="default"):
    return assess_subgroups(
        {"internal": patients},
        score="image",
        point=give_point() if point == "default" else point,
        groupings=[group_by(patients, covariate)],
    )


@pytest.mark.parametrize(("positive", "warned"), [(9, True), (10, False)])
def test_nine_patients_of_a_class_are_too_few(positive, warned):
    patients = make_patients([1] * positive + [0] * 10, sex=["F"] * (positive + 10))
    (found,) = assess_one(patients, "sex")
    assert found.warning.startswith("9 positive and 10 negative patients") == warned
    assert bool(found.warning) == warned


def test_a_group_without_a_patient_is_undefined_and_warned_of():
    patients = make_patients([1, 0, None], sex=["F", "F", "M"])
    _, empty = assess_one(patients, "sex")
    assert (empty.group, empty.num_patients) == ("sex M", 0)
    assert math.isnan(empty.auc.value)
    assert math.isnan(empty.accuracy.value)
    assert empty.warning.startswith("0 positive and 0 negative")


def test_a_group_of_one_class_has_no_auc_but_that_classes_share():
    (found,) = assess_one(make_patients([1, 1], sex=["F", "F"]), "sex")
    assert math.isnan(found.auc.value)
    assert math.isnan(found.specificity.value)
    assert found.sensitivity.value == 1.0


def test_without_an_operating_point_the_auc_alone_is_estimated():
    patients = make_patients([1, 0], scores=[0.9, 0.1], sex=["F", "F"])
    (found,) = assess_one(patients, "sex", point=None)
    assert found.auc.value == 1.0
    shares = found.accuracy, found.sensitivity, found.specificity
    assert all(math.isnan(share.value) for share in shares)


def test_a_split_without_labels_has_no_subgroups():
    assert assess_one(make_patients([None, None], sex=["F", "M"]), "sex") == ()
