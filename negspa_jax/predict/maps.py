"""Grad-CAM of a run's patients: by sequence, side and fold, beside the scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from negspa_jax.data.pipeline import Cache
from negspa_jax.predict.finished_run import FinishedRun
from negspa_jax.predict.network import build_model, compile_steps, load_variables
from negspa_jax.predict.sides import explain_sides
from negspa_jax.shapes import Float

# Between the same model's scores on another processor, or of a run whose evaluation
# had other batches; bfloat16 has eight bits (seen: 0.0015).
TOLERANCES = {"float32": 1e-4, "bfloat16": 1e-2}


@dataclass(frozen=True, eq=False)
class PatientMaps:
    """What the models that did not learn from a patient say of him or her.

    `folds`: which models. `maps`: each one's Grad-CAM for the positive class, in the
    unit of its logit. `scores`: each one's probability of the positive class.
    """

    patient_id: str
    folds: tuple[int, ...]
    maps: Float[np.ndarray, "f s m p q"]
    scores: Float[np.ndarray, "f s"]

    @property
    def mean(self) -> Float[np.ndarray, "s m p q"]:
        """The mean map over the folds."""
        return self.maps.mean(0)


def map_patients(
    run: FinishedRun,
    cache: Cache,
    patient_ids: Sequence[str],
    *,
    tolerance: float | None = None,
    watch: Callable[..., Any] = lambda items, **_: items,
) -> tuple[PatientMaps, ...]:
    """Compute the maps of patients by every model that scored them.

    A training patient has the map of the one fold that held him or her out, everybody
    else that of each fold.

    Args:
        run: from `open_run`.
        cache: the patients' sub-images, in the order of `patient_ids`.
        patient_ids: of the run's cohort.
        tolerance: largest difference from the scores in the run's predictions.csv;
            None: that of the run's precision.
        watch: passes on the folds, with `total` and `label` for a bar.

    Raises:
        ValueError: if a model is missing or damaged, or a score is another one than in
            predictions.csv.
    """
    if tolerance is None:
        tolerance = TOLERANCES[run.config.precision]
    model = build_model(run.config)
    steps = compile_steps(model)
    places = _scored_places(run, patient_ids)
    folds = sorted({fold for _, fold in places})
    found = {}
    # One fold's variables are held at a time.
    for fold in watch(folds, total=len(folds), label="mapping folds"):
        variables = load_variables(run.folder, model, fold=fold)
        for index, name in enumerate(patient_ids):
            if (name, fold) in places:
                images = [cache.read(index, s) for s in range(len(run.sides))]
                scores, maps = explain_sides(steps, variables, np.stack(images))
                _check_scores(run, name, fold, scores, tolerance)
                found[name, fold] = scores, maps
    return tuple(
        _join(
            name, {fold: found[name, fold] for fold in folds if (name, fold) in found}
        )
        for name in patient_ids
    )


def _scored_places(
    run: FinishedRun, patient_ids: Sequence[str]
) -> set[tuple[str, int]]:
    """Patient and fold of every model that scored one of the patients."""
    wanted = set(patient_ids)
    places = {
        (row.patient_id, row.fold)
        for row in run.predictions
        if row.fold != "mean" and row.patient_id in wanted
    }
    if missing := sorted(wanted - {name for name, _ in places}):
        raise ValueError(
            f"{run.folder / 'predictions.csv'} must hold the scores of patient "
            f"{missing[0]}, got none: it is another cohort's"
        )
    return places


def _check_scores(
    run: FinishedRun,
    patient_id: str,
    fold: int,
    scores: Float[np.ndarray, " s"],
    tolerance: float,
) -> None:
    written = {
        row.side: row.score
        for row in run.predictions
        if row.patient_id == patient_id and row.fold == fold
    }
    for side, score in zip(run.sides, scores, strict=True):
        if not abs(score - written.get(side, np.nan)) <= tolerance:
            raise ValueError(
                f"patient {patient_id}, fold {fold}, side {side}: the score must be "
                f"that of {run.folder / 'predictions.csv'}, {written.get(side)}, got "
                f"{score:.6f}: the map would explain another score; if the run was "
                "scored by another kind of processor, raise --tolerance"
            )


def _join(
    patient_id: str, found: Mapping[int, tuple[np.ndarray, np.ndarray]]
) -> PatientMaps:
    scores, maps = (np.stack(part) for part in zip(*found.values(), strict=True))
    return PatientMaps(patient_id, tuple(found), maps, scores)
