"""What the end of a run prints, also where little can be said."""

import math

import numpy as np
import pytest

from negspa_jax import stats
from negspa_jax.predictions import Fold, Prediction
from negspa_jax.train.summary import DISCLAIMER, format_summary, summarise


def rows(split, labels, scores, fold: Fold = "mean", side="both"):
    return [
        Prediction(f"{split}{number}", split, label, fold, side, float(score))
        for number, (label, score) in enumerate(zip(labels, scores, strict=True))
    ]


TRAIN = rows("train", [0, 0, 1, 1], [0.1, 0.35, 0.3, 0.8], fold=1)
TEST = rows("internal", [0, 0, 1, 1, None], [0.29, 0.25, 0.31, 0.2, 0.9])


def test_the_training_split_stands_first():
    table = [*TEST, *TRAIN, *rows("a", [0], [0.5])]
    assert [found.split for found in summarise(table)] == ["train", "a", "internal"]


def test_the_cutoff_comes_from_the_out_of_fold_scores_and_is_carried_unchanged():
    cutoff = stats.choose_cutoff(
        np.array([0, 0, 1, 1]), np.array([0.1, 0.35, 0.3, 0.8])
    )
    found = summarise([*TRAIN, *TEST])
    assert [summary.cutoff for summary in found] == [cutoff, cutoff]
    assert found[1].sensitivity.value == 0.5
    assert found[1].specificity.value == 1.0


def test_the_figures_are_the_statistics_rooms():
    found = summarise([*TRAIN, *TEST])[1]
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.29, 0.25, 0.31, 0.2])
    assert found.auc == stats.delong_interval(labels, scores)
    assert found.accuracy == stats.accuracy(labels, scores >= 0.3)


def test_patients_without_label_are_counted_apart():
    found = summarise([*TRAIN, *TEST])[1]
    assert (found.num_labelled, found.num_unlabelled, found.num_positive) == (4, 1, 2)


def test_single_sides_and_folds_do_not_count_as_patients():
    sides = rows("internal", [0, 0, 1, 1, None], [0.9] * 5, side="left")
    folds = rows("internal", [0, 0, 1, 1, None], [0.9] * 5, fold=0)
    assert summarise([*TRAIN, *TEST, *sides, *folds]) == summarise([*TRAIN, *TEST])


@pytest.mark.parametrize("labels", [[1, 1], [0, 0], [None, None]])
def test_a_split_of_one_class_has_no_auc_and_says_so(labels):
    found = summarise([*TRAIN, *rows("b", labels, [0.1, 0.9])])
    assert math.isnan(found[1].auc.value)
    text = format_summary(found)
    assert "undefined" in text
    reason = "no labels, so nothing is counted"
    if labels != [None, None]:
        reason = "one class only, so no AUC"
    assert f"b: {reason}." in text


def test_without_training_scores_there_is_no_cutoff():
    found = summarise(TEST)
    assert found[0].cutoff is None
    assert math.isnan(found[0].accuracy.value)
    assert "No cut-off: it needs scores of patients of both" in format_summary(found)


def test_the_text_is_aligned_and_ends_with_the_disclaimer():
    assert format_summary(summarise([*TRAIN, *TEST])).splitlines() == [
        "split                n  positive  AUC                  accuracy             "
        "sensitivity          specificity",
        "train (out of fold)  4  2         0.750 (0.057-1.000)  0.750 (0.194-0.994)  "
        "1.000 (0.158-1.000)  0.500 (0.013-0.987)",
        "internal             4  2         0.500 (0.000-1.000)  0.750 (0.194-0.994)  "
        "0.500 (0.013-0.987)  1.000 (0.158-1.000)",
        "95 % intervals: DeLong (AUC), Clopper-Pearson (shares).",
        "Positive from 0.3 on (Youden, chosen on the out-of-fold scores, for which "
        "the shares are therefore optimistic).",
        "internal: 1 more without a label, scored but not counted.",
        DISCLAIMER,
    ]


def test_without_training_scores_the_validation_split_chooses_and_says_so():
    chosen = rows("validation", [0, 0, 1, 1], [0.1, 0.35, 0.3, 0.8], fold="mean")
    found = summarise([*TEST, *chosen])
    assert [summary.split for summary in found] == ["validation", "internal"]
    cutoff = stats.choose_cutoff(
        np.array([0, 0, 1, 1]), np.array([0.1, 0.35, 0.3, 0.8])
    )
    assert [summary.cutoff for summary in found] == [cutoff, cutoff]
    text = format_summary(found)
    assert "validation (chose the epoch)" in text
    assert "which chose the best epoch, too: its figures are optimistic" in text
