"""Image score and clinical features become one patient-level score ([S], Equation 9).

With x the number of positive features out of nine:

    p = 0 if x = 0, else (x + 7) / 16        fused score = (image score + p) / 2

Beside it, beyond the paper, a fusion that is learned from the training patients.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from negspa_jax.columns import FEATURES
from negspa_jax.evaluate.covariates import read_calls
from negspa_jax.evaluate.patients import Patients, list_names
from negspa_jax.predictions import TRAIN
from negspa_jax.shapes import Float
from negspa_jax.stats.recalibration import finite_logits

# Names of the first table's scores, and how the fused score of another model ends.
SCORES = ("image", "model", "clinical", "fused", "learned")
FUSED = ", fused"


@dataclass(frozen=True, eq=False)
class LearnedFusion:
    """Logistic regressions on the image score's logit and the features, one a fold.

    `names`: of the inputs, the image score first. That of `folds[k]` was fitted on the
    training patients of all other folds, with scikit-learn's L2 penalty (C = 1).
    """

    names: tuple[str, ...]
    folds: tuple[int, ...]
    coefficients: Float[np.ndarray, "k d"]
    intercepts: Float[np.ndarray, " k"]


@dataclass(frozen=True, eq=False)
class Fusion:
    """`missing`: feature -> patients in whom it is empty and was taken as absent."""

    missing: Mapping[str, int]
    learned: LearnedFusion | None


def score_features(
    features: Float[np.ndarray, "n 9"], *, missing: str = "error"
) -> Float[np.ndarray, " n"]:
    """The clinical score: p = 0 if x = 0, else (x + 7) / 16 ([S], Equation 9).

    Args:
        features: 1 where a feature is positive, 0 where it is not, NaN where it is
            unknown; in the order of `columns.FEATURES`.
        missing: `error` refuses an unknown feature, `absent` takes it as 0.

    Returns:
        Each patient's p: 0, or from 0.5 (one feature) to 1 (all nine).

    Raises:
        ValueError: if a feature is none of these, or unknown under `error`.

    Example:
        >>> features = np.array([[0.0] * 9, [1.0] + [0.0] * 8, [1.0] * 9])
        >>> score_features(features).tolist()
        [0.0, 0.5, 1.0]
    """
    if missing not in ("error", "absent"):
        raise ValueError(f"missing must be error or absent, got {missing!r}")
    strange = features[~(np.isin(features, (0, 1)) | np.isnan(features))]
    if len(strange):
        raise ValueError(f"features must be 0, 1 or NaN, got {strange[0]}")
    if missing == "error":
        _refuse_unknown((f"row {row}", found) for row, found in enumerate(features))
    num_positive = np.sum(features == 1, axis=1)
    return np.where(num_positive > 0, (num_positive + 7) / 16, 0.0)


def fuse_scores(
    image: Float[np.ndarray, " n"], clinical: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """The patient-level score: the mean of image score and clinical score.

    Args:
        image: probability of the positive class, in [0, 1].
        clinical: what `score_features` gives, in [0, 1].

    Example:
        >>> fuse_scores(np.array([0.25, 0.75]), np.array([0.5, 1.0])).tolist()
        [0.375, 0.875]
    """
    return (image + clinical) / 2


def read_features(
    patients: Patients,
) -> tuple[Float[np.ndarray, "n d"], tuple[str, ...]]:
    """The features that have a column, NaN where a cell is empty, and their names.

    Raises:
        ValueError: naming the patients and the column whose cell is neither empty nor
            0, 1, 0.0 or 1.0.
    """
    names = tuple(name for name in FEATURES if name in patients.columns)
    columns = [read_calls(patients, name) for name in names]
    return np.array(columns).reshape(len(names), len(patients)).T, names


def add_fusion(
    splits: Mapping[str, Patients], *, images: Sequence[str], missing: str
) -> tuple[dict[str, Patients], Fusion]:
    """Add the scores `clinical`, `fused` and `learned`, and `<name>, fused` of others.

    The learned fusion is scikit-learn's logistic regression, with its usual penalty
    (C = 1), on the image score's logit and the features that have a column. Patients
    of training fold k are scored by the fit on all other folds, everybody else by the
    mean over the fits. Those folds' image scores are out of fold themselves, yet come
    from networks that learned from fold k; only nested training would undo that.

    Args:
        splits: the patients of each split.
        images: names of the image scores; the first is fused under the plain names.
        missing: what an empty feature means: `error`, or `absent` (taken as 0).

    Returns:
        The splits with the new scores, and what was missing and learned. Nothing is
        learned unless all of `train` is scored by folds, of which two hold both
        classes.

    Raises:
        ValueError: naming patients and features that are empty, and features without
            a column, under `error`; if no feature has a column at all.
    """
    read = {split: read_features(patients) for split, patients in splits.items()}
    names = next(iter(read.values()))[1]
    _check_columns(names, missing)
    features = {split: _spread(found, names) for split, (found, _) in read.items()}
    if missing == "error":
        for split, patients in splits.items():
            people = (f"patient {patient_id}" for patient_id in patients.ids)
            _refuse_unknown(zip(people, features[split], strict=True))
    inputs = {
        split: _stack_inputs(patients.scores[images[0]], read[split][0])
        for split, patients in splits.items()
    }
    learned = None
    if TRAIN in splits:
        learned = _fit_fusion(splits[TRAIN], inputs[TRAIN], (images[0], *names))
    fused = {}
    for split, patients in splits.items():
        clinical = score_features(features[split], missing=missing)
        added = {"clinical": clinical}
        for image in images:
            name = "fused" if image == images[0] else f"{image}{FUSED}"
            added[name] = fuse_scores(patients.scores[image], clinical)
        if learned:
            added["learned"] = _score_learned(learned, patients, inputs[split])
        fused[split] = replace(patients, scores={**patients.scores, **added})
    unknown = np.isnan(np.concatenate(list(features.values()))).sum(axis=0)
    counts = zip(FEATURES, unknown.tolist(), strict=True)
    return fused, Fusion({name: count for name, count in counts if count}, learned)


def _check_columns(names: Sequence[str], missing: str) -> None:
    absent = [name for name in FEATURES if name not in names]
    if not names or (absent and missing == "error"):
        raise ValueError(
            f"the nine features must have a column each, got none for "
            f"{', '.join(absent)}; add them, or take them as absent (--missing=absent)"
        )


def _refuse_unknown(rows: Iterable[tuple[str, Float[np.ndarray, " 9"]]]) -> None:
    offenders = []
    for who, found in rows:
        empty = [name for name, x in zip(FEATURES, found, strict=True) if np.isnan(x)]
        if empty:
            offenders.append(f"{who} ({', '.join(empty)})")
    if offenders:
        raise ValueError(
            f"features must be known of everybody, got empty ones of "
            f"{list_names(offenders)}; fill them, or take them as absent "
            "(--missing=absent)"
        )


def _spread(
    features: Float[np.ndarray, "n d"], names: Sequence[str]
) -> Float[np.ndarray, "n 9"]:
    """All nine features; those without a column are unknown."""
    nine = np.full((len(features), len(FEATURES)), np.nan)
    nine[:, [FEATURES.index(name) for name in names]] = features
    return nine


def _stack_inputs(
    image: Float[np.ndarray, " n"], features: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, "n e"]:
    return np.column_stack([finite_logits(image), np.nan_to_num(features, nan=0.0)])


def _fit_fusion(
    train: Patients, inputs: Float[np.ndarray, "n d"], names: tuple[str, ...]
) -> LearnedFusion | None:
    folds = np.array([-1 if fold == "mean" else fold for fold in train.folds])
    classes = [set(train.labels[folds == fold]) for fold in np.unique(folds)]
    if -1 in folds or sum({0.0, 1.0} <= found for found in classes) < 2:
        return None
    coefficients, intercepts = [], []
    for fold in np.unique(folds):
        others = (folds != fold) & ~np.isnan(train.labels)
        # Newton's method reaches the maximum itself, whatever the inputs' scale.
        model = LogisticRegression(solver="newton-cholesky", tol=1e-8, max_iter=1000)
        model.fit(inputs[others], train.labels[others])
        coefficients.append(model.coef_[0])
        intercepts.append(model.intercept_[0])
    numbers = tuple(int(fold) for fold in np.unique(folds))
    return LearnedFusion(names, numbers, np.array(coefficients), np.array(intercepts))


def _score_learned(
    learned: LearnedFusion, patients: Patients, inputs: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " n"]:
    probabilities = expit(inputs @ learned.coefficients.T + learned.intercepts)
    if patients.split != TRAIN:
        return np.mean(probabilities, axis=1)
    _, place = np.unique(np.array(patients.folds), return_inverse=True)
    return probabilities[np.arange(len(patients)), place]
