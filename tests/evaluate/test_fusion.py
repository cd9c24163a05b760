"""Equation 9 by hand, missing features by name, and a fusion learned out of fold."""

import doctest
import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from negspa_jax.columns import FEATURES
from negspa_jax.evaluate import fusion
from negspa_jax.evaluate.fusion import (
    add_fusion,
    fuse_scores,
    read_features,
    score_features,
)
from negspa_jax.evaluate.patients import Patients

# Equation 9 for 0, 1, ..., 9 positive features.
LADDER = [0, 0.5, 0.5625, 0.625, 0.6875, 0.75, 0.8125, 0.875, 0.9375, 1]


def patients(split="train", *, size=60, seed=0, columns=FEATURES, folds=None):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, size).astype(np.float64)
    cells = generator.random((len(FEATURES), size)) < 0.2 + 0.3 * labels[np.newaxis]
    if folds is None:
        folds = tuple(k % 5 for k in range(size)) if split == "train" else None
    return Patients(
        split=split,
        ids=tuple(f"{split}{place}" for place in range(size)),
        labels=labels,
        scores={"image": np.clip(generator.normal(0.3 + 0.3 * labels, 0.25), 0, 1)},
        folds=folds or ("mean",) * size,
        columns={
            name: tuple(str(int(cell)) for cell in row)
            for name, row in zip(FEATURES, cells, strict=True)
            if name in columns
        },
    )


def empty(one, feature, place):
    cells = list(one.columns[feature])
    cells[place] = ""
    return replace(one, columns={**one.columns, feature: tuple(cells)})


def add(splits, *, images=("image",), missing="error"):
    return add_fusion(splits, images=images, missing=missing)


def test_the_examples_hold():
    found = doctest.testmod(fusion)
    assert found.attempted > 0
    assert found.failed == 0


# --- Equation 9 -----------------------------------------------------------------------


def test_every_combination_of_features_scores_as_their_number():
    features = np.array(list(itertools.product((0.0, 1.0), repeat=9)))
    wanted = [LADDER[int(number)] for number in features.sum(axis=1)]
    assert score_features(features).tolist() == wanted


def test_every_subset_of_missing_features_counts_as_absent():
    subsets = np.array(list(itertools.product((0.0, np.nan), repeat=9)))
    found = score_features(subsets + 1.0, missing="absent")
    known = 9 - np.isnan(subsets).sum(axis=1)
    assert found.tolist() == [LADDER[number] for number in known]


def test_a_missing_feature_is_refused_by_place_and_name():
    features = np.ones((3, 9))
    features[1, [2, 5]] = np.nan
    with pytest.raises(ValueError, match=r"empty ones of row 1 \(uveitis, ibd\); fill"):
        score_features(features)


def test_a_feature_that_is_neither_is_refused():
    with pytest.raises(ValueError, match=r"must be 0, 1 or NaN, got 2\.0"):
        score_features(np.full((1, 9), 2.0))


def test_an_unknown_meaning_of_missing_is_refused():
    with pytest.raises(ValueError, match="missing must be error or absent, got 'no'"):
        score_features(np.ones((1, 9)), missing="no")


def test_the_fused_score_is_the_mean():
    found = fuse_scores(np.array([0.8, 0.0, 1.0]), np.array([0.5625, 0.0, 1.0]))
    assert found.tolist() == [0.68125, 0.0, 1.0]


# --- features as columns --------------------------------------------------------------


def test_features_are_read_in_the_order_of_the_equation():
    one = patients(columns=("ibd", "arthritis"))
    found, names = read_features(one)
    assert names == ("arthritis", "ibd")
    assert found[:, 1].tolist() == [float(cell) for cell in one.columns["ibd"]]


def test_an_empty_cell_is_unknown_and_numbers_with_a_point_are_read():
    one = replace(patients(size=4), columns={"ibd": ("0", "1.0", "", "0.0")})
    found, names = read_features(one)
    assert names == ("ibd",)
    np.testing.assert_array_equal(found, [[0], [1], [np.nan], [0]])


def test_another_cell_is_refused_with_its_patient_and_column():
    one = replace(patients(size=3), columns={"ibd": ("0", "yes", "1")})
    with pytest.raises(ValueError, match=r"column ibd.*'yes' of patient train1"):
        read_features(one)


def test_no_feature_at_all_is_no_column():
    found, names = read_features(patients(size=3, columns=()))
    assert (found.shape, names) == ((3, 0), ())


# --- adding scores --------------------------------------------------------------------


def test_every_split_gets_clinical_and_fused_scores():
    splits = {name: patients(name) for name in ("train", "external")}
    found, _ = add(splits)
    for split, before in splits.items():
        features, _ = read_features(before)
        clinical = np.array(LADDER)[features.sum(axis=1).astype(int)]
        scores = found[split].scores
        assert scores["clinical"].tolist() == clinical.tolist()
        np.testing.assert_array_equal(
            scores["fused"], (before.scores["image"] + clinical) / 2
        )


def test_other_models_are_fused_under_their_name():
    one = patients()
    one = replace(one, scores={**one.scores, "b": one.scores["image"][::-1]})
    found, _ = add({"train": one}, images=("image", "b"))
    scores = found["train"].scores
    assert list(scores) == ["image", "b", "clinical", "fused", "b, fused", "learned"]
    np.testing.assert_array_equal(
        scores["b, fused"], fuse_scores(one.scores["b"], scores["clinical"])
    )


def test_a_missing_feature_is_refused_by_patient_and_name():
    one = empty(empty(patients("external"), "uveitis", 3), "elevated_crp", 7)
    sentence = r"patient external3 \(uveitis\), patient external7 \(elevated_crp\)"
    with pytest.raises(ValueError, match=sentence):
        add({"external": one})


def test_missing_features_taken_as_absent_are_counted():
    splits = {
        "train": empty(empty(patients(), "uveitis", 3), "uveitis", 7),
        "external": empty(empty(patients("external"), "uveitis", 1), "ibd", 1),
    }
    found, counted = add(splits, missing="absent")
    assert counted.missing == {"uveitis": 3, "ibd": 1}
    features, _ = read_features(splits["train"])
    number = np.nansum(features, axis=1).astype(int)
    clinical = found["train"].scores["clinical"]
    assert clinical.tolist() == np.array(LADDER)[number].tolist()


def test_nothing_missing_counts_nothing():
    assert add({"train": patients()})[1].missing == {}


def test_a_feature_without_a_column_is_refused_by_name():
    one = patients(columns=FEATURES[:7])
    with pytest.raises(ValueError, match="got none for family_history, elevated_crp;"):
        add({"train": one})


def test_a_feature_without_a_column_may_be_absent_in_everybody():
    one = patients(columns=FEATURES[:8])
    found, counted = add({"train": one}, missing="absent")
    assert counted.missing == {"elevated_crp": 60}
    assert found["train"].scores["clinical"].max() <= LADDER[8]
    assert counted.learned is not None
    assert counted.learned.names == ("image", *FEATURES[:8])


def test_no_feature_with_a_column_is_no_fusion():
    with pytest.raises(ValueError, match="the nine features must have a column"):
        add({"train": patients(columns=())}, missing="absent")


# --- learned --------------------------------------------------------------------------


def design(one):
    image = np.clip(one.scores["image"], 1e-7, 1 - 1e-7)
    return np.column_stack([logit(image), read_features(one)[0]])


def refit(one, places, inputs):
    """scikit-learn's regression on some training patients, asked about others."""
    model = LogisticRegression(solver="newton-cholesky", tol=1e-8, max_iter=1000)
    model.fit(design(one)[places], one.labels[places])
    return model.predict_proba(inputs)[:, 1]


def test_training_patients_are_scored_by_the_fit_on_all_other_folds():
    one = patients()
    found = add({"train": one})[0]["train"].scores["learned"]
    folds = np.array(one.folds)
    for fold in range(5):
        wanted = refit(one, folds != fold, design(one)[folds == fold])
        np.testing.assert_allclose(found[folds == fold], wanted, rtol=0, atol=1e-12)


def test_other_patients_are_scored_by_the_mean_over_the_fits():
    train, external = patients(), patients("external", seed=1, size=20)
    found = add({"train": train, "external": external})[0]["external"]
    folds = np.array(train.folds)
    fits = [refit(train, folds != fold, design(external)) for fold in range(5)]
    np.testing.assert_allclose(
        found.scores["learned"], np.mean(fits, axis=0), rtol=0, atol=1e-12
    )


def test_the_fit_is_the_maximum_of_the_penalised_likelihood():
    one = patients(size=80)
    learned = add({"train": one})[1].learned
    others = np.array(one.folds) != 0
    inputs, signs = design(one)[others], 2 * one.labels[others] - 1

    def loss(weights):
        margins = signs * (inputs @ weights[1:] + weights[0])
        return np.sum(np.logaddexp(0, -margins)) + weights[1:] @ weights[1:] / 2

    theirs = minimize(loss, np.zeros(11), tol=1e-10).x
    ours = np.array([learned.intercepts[0], *learned.coefficients[0]])
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_patients_own_label_does_not_move_the_own_score():
    one = patients()
    before = add({"train": one})[0]["train"].scores["learned"]
    for place in (0, 17, 59):
        labels = one.labels.copy()
        labels[place] = 1 - labels[place]
        changed = add({"train": replace(one, labels=labels)})[0]["train"]
        after = changed.scores["learned"]
        same_fold = np.array(one.folds) == one.folds[place]
        np.testing.assert_array_equal(after[same_fold], before[same_fold])
        assert np.all(after[~same_fold] != before[~same_fold])


def test_patients_without_a_label_are_scored_but_not_learned_from():
    one = patients()
    labels = one.labels.copy()
    labels[5] = np.nan
    found = add({"train": replace(one, labels=labels)})[0]["train"].scores["learned"]
    assert np.all(np.isfinite(found))
    others = (np.array(one.folds) != 1) & ~np.isnan(labels)
    np.testing.assert_allclose(
        found[1], refit(one, others, design(one)[1:2])[0], rtol=0, atol=1e-12
    )


def test_the_learned_fusion_can_be_applied_by_its_numbers():
    train, external = patients(), patients("external", size=10)
    splits, made = add({"train": train, "external": external})
    learned = made.learned
    assert learned.names == ("image", *FEATURES)
    assert learned.coefficients.shape == (5, 10)
    chances = expit(design(external) @ learned.coefficients.T + learned.intercepts)
    np.testing.assert_allclose(splits["external"].scores["learned"], chances.mean(1))


def test_folds_may_have_any_numbers():
    one = patients(folds=tuple(3 + 4 * (k % 2) for k in range(60)))
    found = add({"train": one})[0]["train"].scores["learned"]
    others = np.array(one.folds) == 7
    wanted = refit(one, others, design(one)[~others])
    np.testing.assert_allclose(found[~others], wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        {"folds": ("mean",) * 60},
        {"folds": (0,) * 60},
        {"folds": (0,) * 59 + ("mean",)},
        {"labels": np.ones(60)},
        {"labels": np.full(60, np.nan)},
        {
            "labels": np.array([0.0, 1.0] * 6 + [1.0] * 48),
            "folds": (0,) * 12 + (1,) * 48,
        },
        {"split": "validation"},
    ],
)
def test_without_two_folds_of_both_classes_nothing_is_learned(change):
    one = replace(patients(), **change)
    splits, made = add({one.split: one})
    assert made.learned is None
    assert list(splits[one.split].scores) == ["image", "clinical", "fused"]


def test_certain_and_separated_image_scores_are_learned_from():
    one = patients()
    sure = replace(one, scores={"image": one.labels})
    found = add({"train": sure})[0]["train"].scores["learned"]
    assert np.all((found > 0.5) == (one.labels == 1))
