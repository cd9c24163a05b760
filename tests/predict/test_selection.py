"""Whom a reader should see, from a table of scores."""

import numpy as np
import pytest

from negspa_jax.predict.selection import choose_patients, find_patients, find_youden
from negspa_jax.predictions import PatientScores, Prediction
from negspa_jax.stats import choose_cutoff


def table_of(split, positive, negative, unknown=()):
    """Rows of patients named by split, class and score in per cent."""
    return [
        Prediction(f"{split}{mark}{score}", split, label, "mean", "both", score / 100)
        for mark, label, scores in (
            ("+", 1, positive),
            ("-", 0, negative),
            ("?", None, unknown),
        )
        for score in scores
    ]


TRAINING = table_of("train", positive=(50, 60, 70, 80, 90), negative=(10, 20, 30, 40))


def test_right_cases_are_those_nearest_to_their_groups_median():
    assert choose_patients(TRAINING, splits=["train"]) == (
        *("train+70", "train+60", "train+80"),
        *("train-20", "train-30", "train-10"),
    )


def test_wrong_cases_are_the_six_farthest_from_the_cutoff():
    test = table_of(
        "test", positive=(95, 49, 40), negative=(5, 50, 99, 61, 73, 65, 88, 80)
    )
    chosen = choose_patients([*TRAINING, *test], splits=["test"])
    assert chosen == (
        *("test+95", "test-5"),
        *("test-99", "test-88", "test-80", "test-73", "test-65", "test-61"),
        *("test+40", "test+49"),
    )


def test_the_cutoff_comes_from_training_scores_whatever_the_split():
    test = table_of("test", positive=(49,), negative=(49,))
    assert choose_patients([*TRAINING, *test], splits=["test"]) == (
        *("test-49", "test+49"),
    )
    assert choose_patients([*TRAINING, *test], splits=[]) == ()


def test_patients_without_a_label_are_not_chosen_but_can_be_named():
    table = [*TRAINING, *table_of("test", (), (), unknown=(30, 70))]
    assert choose_patients(table, splits=["test"]) == ()
    assert find_patients(table, patient_ids=["test?70"]) == ("test?70",)


def test_all_splits_are_shown_where_none_is_named():
    table = [*TRAINING, *table_of("test", (95,), (5,))]
    both = choose_patients(table, splits=["train", "test"])
    assert find_patients(table) == both
    assert find_patients(table, splits=["test", "test"]) == ("test+95", "test-5")


@pytest.mark.parametrize("seed", range(20))
def test_the_cutoff_is_the_statistics_rooms(seed):
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(12) % 3 == 0).astype(float)
    scores = generator.integers(0, 8, 12) / 8
    patients = PatientScores(tuple("abcdefghijkl"), labels, scores)
    assert find_youden(patients) == choose_cutoff(labels, scores)


def test_a_cutoff_needs_both_classes():
    patients = PatientScores(("a", "b"), np.ones(2), np.array([0.2, 0.4]))
    with pytest.raises(ValueError, match=r"both classes .* got 2 positive and 0"):
        find_youden(patients)
