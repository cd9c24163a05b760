"""Operating points: chosen on the reference, carried as the very same number."""

import doctest
from dataclasses import replace

import numpy as np
import pytest

from negspa_jax import stats
from negspa_jax.evaluate import operating
from negspa_jax.evaluate.operating import choose_points, given_points
from negspa_jax.evaluate.patients import Patients


def patients(labels=None, *, size=400):
    generator = np.random.default_rng(0)
    if labels is None:
        labels = np.arange(size) % 2
    labels = np.asarray(labels, dtype=np.float64)
    chances = {
        name: np.clip(generator.normal(0.4 + 0.2 * (labels == 1), 0.15), 0, 1)
        for name in ("image", "fused")
    }
    size = len(labels)
    ids = tuple(map(str, range(size)))
    return Patients("train", ids, labels, chances, (0,) * size, {})


def test_the_examples_hold():
    found = doctest.testmod(operating)
    assert found.attempted > 0
    assert found.failed == 0


def test_every_score_has_three_points_of_its_own():
    found = choose_points(patients())
    assert [(point.score, point.name, point.rule) for point in found] == [
        ("image", "Youden", "youden"),
        ("image", "high sensitivity", "sensitivity>=0.99"),
        ("image", "high specificity", "specificity>=0.99"),
        ("fused", "Youden", "youden"),
        ("fused", "high sensitivity", "sensitivity>=0.99"),
        ("fused", "high specificity", "specificity>=0.99"),
    ]


def test_cutoffs_are_those_of_the_rules_unrounded():
    one = patients()
    for point in choose_points(one):
        scores = one.scores[point.score]
        assert point.cutoff == stats.choose_cutoff(one.labels, scores, rule=point.rule)
        assert point.cutoff in scores


def test_points_keep_what_their_names_promise():
    one = patients()
    points = {p.name: p.cutoff for p in choose_points(one) if p.score == "image"}
    scores = one.scores["image"]
    sensitive = scores >= points["high sensitivity"]
    specific = scores >= points["high specificity"]
    assert stats.sensitivity(one.labels, sensitive).value >= 0.99
    assert stats.specificity(one.labels, specific).value >= 0.99


def test_points_say_where_they_were_chosen_and_on_how_many():
    labels = np.array([0.0, 1.0, np.nan] * 20)
    for point in choose_points(patients(labels)):
        assert (point.source, point.num_patients) == ("train", 40)


def test_given_points_stand_behind_each_scores_own():
    found = choose_points(patients(), cutoffs=(0.5, 0.25))
    image = [(point.name, point.cutoff) for point in found if point.score == "image"]
    assert image[3:] == [("given", 0.5), ("given", 0.25)]
    assert (found[3].source, found[3].rule, found[3].num_patients) == ("", "", 0)


@pytest.mark.parametrize("labels", [[], [1, 1], [np.nan, np.nan], [0]])
def test_a_reference_without_both_classes_chooses_nothing(labels):
    one = patients(labels)
    assert choose_points(one) == ()
    assert choose_points(one, cutoffs=[0.5]) == given_points(one.scores, [0.5])


def test_equal_scores_give_that_score():
    one = patients([0, 1, 0, 1])
    same = replace(one, scores={"image": np.full(4, 0.3)})
    assert [point.cutoff for point in choose_points(same)] == [0.3, 0.3, np.inf]


@pytest.mark.parametrize("cutoff", [-0.1, 1.5, float("nan")])
def test_cutoffs_outside_of_probabilities_are_refused(cutoff):
    with pytest.raises(ValueError, match="cutoffs must lie between 0 and 1, got"):
        given_points(["image"], [cutoff])
