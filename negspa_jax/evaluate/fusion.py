"""Image score and clinical features become one score ([S], Equation 9)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from negspa_jax.shapes import Float


@dataclass(frozen=True, eq=False)
class LearnedFusion:
    """Logistic regressions on the image score's logit and the features, one a fold.

    `names`: of the inputs, the image score first. Fold k's was fitted on the training
    patients of all other folds.
    """

    names: tuple[str, ...]
    coefficients: Float[np.ndarray, "k d"]
    intercepts: Float[np.ndarray, " k"]


@dataclass(frozen=True, eq=False)
class Fusion:
    """`missing`: feature -> patients in whom it is empty and was taken as absent."""

    missing: Mapping[str, int]
    learned: LearnedFusion | None
