"""The synthetic patients' table has the printed frequencies, caused by one load."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from negspa_jax.columns import FEATURES
from negspa_jax.data.phantom_lesions import lesion_load
from negspa_jax.data.phantom_tables import (
    AGE_RANGE,
    GROUPS,
    READERS,
    activity_quantile,
    draw_clinic,
)

NUM_DRAWN = 500
SIGNIFICANCE = 1e-5  # over some hundred comparisons: a false alarm in 1,000 seeds


@pytest.fixture(scope="module")
def drawn():
    return {
        (split, label): [
            draw_clinic(np.random.default_rng([7, label, i]), split, label)
            for i in range(NUM_DRAWN)
        ]
        for split, label in GROUPS
    }


def assert_frequency(num_positive, num_printed, num_patients):
    share = num_printed / num_patients
    if share in (0, 1):
        assert num_positive == share * NUM_DRAWN
    else:
        assert binomtest(num_positive, NUM_DRAWN, share).pvalue > SIGNIFICANCE


@pytest.mark.parametrize(("split", "label"), GROUPS)
def test_features_have_the_printed_frequencies(drawn, split, label):
    group, patients = GROUPS[split, label], drawn[split, label]
    for name, printed in zip(FEATURES, group.num_positive, strict=True):
        count = sum(patient.features[name] for patient in patients)
        assert_frequency(count, printed, group.num_patients)


@pytest.mark.parametrize(("split", "label"), GROUPS)
def test_sex_and_structural_damage_have_the_printed_frequencies(drawn, split, label):
    group, patients = GROUPS[split, label], drawn[split, label]
    num_male = sum(patient.sex == "male" for patient in patients)
    num_damaged = sum(patient.structural_damage for patient in patients)
    assert_frequency(num_male, group.num_male, group.num_patients)
    assert_frequency(num_damaged, group.num_damaged, group.num_patients)


@pytest.mark.parametrize(("split", "label"), GROUPS)
def test_age_has_the_printed_mean_and_deviation_and_is_bounded(drawn, split, label):
    group = GROUPS[split, label]
    ages = np.array([patient.age for patient in drawn[split, label]])
    assert abs(ages.mean() - group.age_mean) < 4.5 * group.age_sd / NUM_DRAWN**0.5
    assert abs(ages.std() / group.age_sd - 1) < 0.12
    assert AGE_RANGE[0] <= ages.min() <= ages.max() <= AGE_RANGE[1]


@pytest.mark.parametrize(("split", "label"), GROUPS)
def test_disease_duration_has_the_printed_quartiles(drawn, split, label):
    months = [patient.disease_duration_months for patient in drawn[split, label]]
    quartiles = GROUPS[split, label].duration_quartiles
    for share, printed in zip((0.25, 0.5, 0.75), quartiles, strict=True):
        # rounding to 0.1 month makes ties with the printed quartile: both sides count
        below, up_to = np.mean(np.less(months, printed - 0.1)), None
        up_to = np.mean(np.less_equal(months, printed + 0.1))
        assert below - 0.075 < share < up_to + 0.075


def test_no_one_is_ill_for_longer_than_alive(drawn):
    for patients in drawn.values():
        assert all(p.disease_duration_months < 12 * p.age for p in patients)


def test_printed_columns_add_up_to_the_papers_cohorts():
    sizes = {key: group.num_patients for key, group in GROUPS.items()}
    assert sizes == {
        ("train", 1): 138,
        ("train", 0): 190,
        ("internal", 1): 45,
        ("internal", 0): 27,
        ("external", 1): 25,
        ("external", 0): 29,
        ("prospective", 1): 53,
        ("prospective", 0): 34,
    }


def test_the_load_separates_the_classes_almost_wholly_but_not_wholly(drawn):
    patients = [(p, label) for (_, label), group in drawn.items() for p in group]
    loads = [lesion_load(patient.activity) for patient, _ in patients]
    auc = roc_auc_score([label for _, label in patients], loads)
    assert 0.98 < auc < 1.0


def test_activity_given_the_label_mixes_to_a_standard_normal():
    ranks = np.linspace(0.0005, 0.9995, 1000)
    both = [activity_quantile(rank, label) for label in (0, 1) for rank in ranks]
    assert abs(np.mean(both)) < 0.01
    assert abs(np.std(both) - 1) < 0.01


@pytest.mark.parametrize("name", READERS)
def test_readers_are_as_often_right_as_stated_and_better_with_the_ai(drawn, name):
    groups = [drawn["train", label] for label in (0, 1)]
    alone, assisted = (
        np.mean(
            [
                getattr(p, field)[name] == label
                for label, patients in enumerate(groups)
                for p in patients
            ]
        )
        for field in ("readers", "readers_ai")
    )
    assert alone == pytest.approx(READERS[name][0], abs=0.05)
    assert assisted == pytest.approx(READERS[name][1], abs=0.05)
    assert assisted > alone


def test_readers_err_where_the_load_is_near_the_classes_border(drawn):
    patients = drawn["train", 1]
    loads = np.array([lesion_load(patient.activity) for patient in patients])
    missed = np.array([patient.readers["rad4"] == 0 for patient in patients])
    assert loads[missed].mean() < loads[~missed].mean()
