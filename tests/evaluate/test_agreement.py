"""Readers with each other and with the label: counted by hand."""

import math

import numpy as np
import pytest

from negspa_jax import stats
from negspa_jax.evaluate.agreement import pair_readers
from tests.evaluate.cohorts import make_cohort, make_patients

# Six patients, the last without a label; reader C was asked of two alone.
SIX = {
    "labels": [1, 1, 1, 0, 0, None],
    "reader:A": ["1", "1", "0", "0", "0", "1"],
    "reader:B": ["1", "0", "1", "0", "", "0"],
    "reader:C": ["", "1", "1", "", "", ""],
    "reader_ai:A": ["0"] * 6,
}


@pytest.fixture(scope="module")
def pairs():
    found = pair_readers({"internal": make_patients(**SIX)})
    return {(pair.first, pair.second): pair for pair in found}


def test_pairs_stand_in_the_order_of_columns_and_the_label_last(pairs):
    assert list(pairs) == [
        *(("A", "B"), ("A", "C"), ("B", "C")),
        *(("A", ""), ("B", ""), ("C", "")),
    ]


@pytest.mark.parametrize(
    ("pair", "patients", "disagreements"),
    [
        (("A", "B"), 5, 3),
        (("A", "C"), 2, 1),
        (("B", "C"), 2, 1),
        (("A", ""), 5, 1),
        (("B", ""), 4, 1),
        (("C", ""), 2, 0),
    ],
)
def test_all_whom_both_called_are_counted(pairs, pair, patients, disagreements):
    assert pairs[pair].num_patients == patients
    assert pairs[pair].num_disagreements == disagreements
    assert pairs[pair].agreement.value == 1 - disagreements / patients


def test_intervals_are_those_of_the_statistics(pairs):
    a, b = np.array([1, 1, 0, 0, 1.0]), np.array([1, 0, 1, 0, 0.0])
    pair = pairs["A", "B"]
    assert pair.agreement == stats.absolute_agreement(a, b)
    assert pair.kappa == stats.bootstrap_interval(a, b, statistic=stats.cohen_kappa)


def test_help_is_no_reader(pairs):
    assert not [pair for pair in pairs if "ai" in pair[0]]


def test_kappa_is_undefined_where_both_call_everybody_the_same():
    patients = make_patients([1, 1], **{"reader:A": ["1", "1"]})
    (pair,) = pair_readers({"internal": patients})
    assert math.isnan(pair.kappa.value)
    assert pair.agreement.value == 1


def test_readers_without_a_common_patient_are_not_paired():
    patients = make_patients(
        [None, None], **{"reader:A": ["1", ""], "reader:B": ["", "1"]}
    )
    assert pair_readers({"internal": patients}) == ()


def test_every_split_has_its_pairs():
    splits = {name: make_cohort(split=name) for name in ("train", "internal")}
    found = pair_readers(splits, num_resamples=10)
    assert [pair.split for pair in found] == ["train"] * 3 + ["internal"] * 3


def test_a_strange_call_is_refused_by_name():
    patients = make_patients([1], ids=("007",), **{"reader:A": ["2"]})
    with pytest.raises(ValueError, match="'2' of patient 007"):
        pair_readers({"internal": patients})
