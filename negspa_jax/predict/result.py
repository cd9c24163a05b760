"""What a model says of one patient: every fold, their mean, decisions, doubts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

import jax.numpy as jnp
import numpy as np
from PIL import Image

from negspa_jax.columns import FEATURES
from negspa_jax.config import Config
from negspa_jax.data.flags import Flag
from negspa_jax.data.patient import Patient
from negspa_jax.evaluate import fuse_scores, score_features
from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.models import bilinear
from negspa_jax.predict.sheet import describe_images, draw_sheet
from negspa_jax.predictions import Prediction, Table, bilateral, merge_folds
from negspa_jax.shapes import Float

# The scores that a new patient may have.
DECIDED = ("image", "model", "clinical", "fused")


@dataclass(frozen=True)
class Call:
    """A decision: `value` of the score is, or is not, at or above a cut-off.

    `score`: "image" ("model" where no patient of the training had clinical features),
    "clinical" or "fused". `point`: name of the operating point.
    """

    score: str
    point: str
    cutoff: float
    value: float
    positive: bool


@dataclass(frozen=True)
class Variation:
    """Image scores of an image and its mirrored and shifted copies.

    `mean`, `spread` (standard deviation) and `count`, the image itself among them.
    """

    mean: float
    spread: float
    count: int


@dataclass(frozen=True, eq=False)
class Result:
    """One patient's scores, decisions and maps.

    `sides`, `folds`: names of the axes of `scores`, probabilities of the positive
    class. `clinical`, `fused`: [S], Equation 9; None where features are `lacking`.
    `flags`: why the images may be none that the model can judge. `warnings`: of the
    files. `images`: what the network saw, in [0, 1]. `maps`: Grad-CAM, mean of the
    folds, in logits. `variation`: only where it was asked for.
    """

    patient: Patient
    config: Config
    sides: tuple[str, ...]
    folds: tuple[int, ...]
    scores: Float[np.ndarray, "f s"]
    clinical: float | None
    lacking: tuple[str, ...]
    calls: tuple[Call, ...]
    flags: tuple[Flag, ...]
    warnings: tuple[str, ...]
    images: Float[np.ndarray, "s m h w c"]
    maps: Float[np.ndarray, "s m p q"]
    variation: Variation | None = None

    @cached_property
    def table(self) -> Table:
        """The rows of `predictions.csv`: sides and `both` by fold, and their mean."""
        return tabulate(self.patient, self.sides, self.scores)

    @property
    def score(self) -> float:
        """The image score: the mean over folds of the mean over sides."""
        return next(row.score for row in self._both if row.fold == "mean")

    @property
    def fold_scores(self) -> Float[np.ndarray, " f"]:
        """Each fold's image score."""
        return np.array([row.score for row in self._both if row.fold != "mean"])

    @property
    def spread(self) -> float:
        """The standard deviation of the folds' image scores; 0 where there is one."""
        return measure_spread(self.fold_scores)

    @property
    def fused(self) -> float | None:
        """The mean of image score and clinical score."""
        return fuse(self.score, self.clinical)

    @property
    def _both(self) -> list[Prediction]:
        return [row for row in self.table if row.side == "both"]

    def draw(self) -> Image.Image:
        """Draw the sub-images, each beside itself with its Grad-CAM."""
        height, width = self.images.shape[2:4]
        large = bilinear(jnp.asarray(self.maps), height=height, width=width)
        many = f"mean of {len(self.folds)} folds"
        models = many if len(self.folds) > 1 else "one model"
        return draw_sheet(
            self.images[..., self.images.shape[-1] // 2],
            np.asarray(large),
            sides=self.sides,
            sequences=self.config.data.sequences,
            title=f"Patient {self.patient.patient_id}   image score {self.score:.3f}",
            subtitle=f"Grad-CAM for the positive class, {models}; "
            f"{describe_images(self.config)}",
            kind=self.config.data.kind,
        )

    def encode_png(self) -> bytes:
        """The picture that `draw` gives, as a file."""
        content = BytesIO()
        self.draw().save(content, "PNG")
        return content.getvalue()


def tabulate(
    patient: Patient, sides: Sequence[str], scores: Float[np.ndarray, "f s"]
) -> Table:
    """The rows of a patient in a predictions table.

    Args:
        patient: in no split that a model learned from.
        sides: names of the axis s.
        scores: of each fold and side.
    """
    name, split, label = patient.patient_id, patient.split, patient.label
    tables = []
    for fold, values in enumerate(scores.tolist()):
        rows = [
            Prediction(name, split, label, fold, side, value)
            for side, value in zip(sides, values, strict=True)
        ]
        tables.append([*rows, *bilateral(rows)])
    return merge_folds(tables)


def measure_spread(scores: Float[np.ndarray, " f"]) -> float:
    """The standard deviation of scores that are a sample; 0 of a single one."""
    return float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0


def score_clinic(
    patient: Patient, *, missing: str
) -> tuple[float | None, tuple[str, ...]]:
    """The clinical score, and the features without a value.

    Args:
        patient: with the nine features of `columns.FEATURES`, or some of them.
        missing: what a feature without a value means: "error", then there is no score,
            or "absent", unless nothing at all is known.
    """
    known = [patient.features.get(name) for name in FEATURES]
    named = zip(FEATURES, known, strict=True)
    lacking = tuple(name for name, value in named if value is None)
    if len(lacking) == len(FEATURES) or (lacking and missing == "error"):
        return None, lacking
    values = np.array([np.nan if value is None else value for value in known], float)
    return float(score_features(values[None], missing=missing)[0]), lacking


def fuse(image: float, clinical: float | None) -> float | None:
    """The fused score, None without a clinical one."""
    if clinical is None:
        return None
    return float(fuse_scores(np.array([image]), np.array([clinical]))[0])


def decide(
    points: Sequence[OperatingPoint], image: float, clinical: float | None
) -> tuple[Call, ...]:
    """Compare each score that there is with its operating points.

    Args:
        points: of a model.
        image: the image score.
        clinical: the clinical score, if there is one.
    """
    fused = fuse(image, clinical)
    found = dict(zip(DECIDED, (image, image, clinical, fused), strict=True))
    return tuple(
        Call(point.score, point.name, point.cutoff, value, value >= point.cutoff)
        for point in points
        if (value := found[point.score]) is not None
    )
