"""How well one score tells the classes apart in one split ([S], Tables S5 and S6)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from negspa_jax import stats
from negspa_jax.evaluate.operating import OperatingPoint, choose_points
from negspa_jax.evaluate.patients import Patients
from negspa_jax.shapes import Float
from negspa_jax.stats import (
    CalibrationCurve,
    Confusion,
    DecisionCurve,
    Estimate,
    PrecisionRecallCurve,
    Recalibration,
    RocCurve,
)


@dataclass(frozen=True)
class Calls:
    """What a cut-off makes of the labelled patients of one split."""

    point: OperatingPoint
    counts: Confusion
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    f1: Estimate
    kappa: Estimate  # with the label


@dataclass(frozen=True, eq=False)
class Performance:
    """One score of the labelled patients of one split; NaN where undefined.

    `auc`, `auc_logit`: DeLong, Wald and logit. `num_certain`: scores of exactly 0 or 1,
    whose logit is infinite: slope and intercepts rest on where they are moved to
    (`stats.fit_recalibration`). `calls`: at the points carried from
    elsewhere, in their order. `rederived`: at the cut-offs that the three rules choose
    on this very split (optimistic; empty where `calls` are already that, or a class is
    empty).
    """

    split: str
    score: str
    num_patients: int
    num_positive: int
    auc: Estimate
    auc_logit: Estimate
    average_precision: Estimate
    brier: float
    calibration_error: float
    num_certain: int
    recalibration: Recalibration
    roc: RocCurve
    precision_recall: PrecisionRecallCurve
    calibration: CalibrationCurve
    decision: DecisionCurve
    calls: tuple[Calls, ...]
    rederived: tuple[Calls, ...]


def assess_performance(
    patients: Patients,
    *,
    score: str,
    points: Sequence[OperatingPoint],
    num_resamples: int = 1000,
    seed: int = 0,
) -> Performance:
    """Assess one score on the labelled patients of one split.

    Args:
        patients: of one split; those without a label are left out.
        score: its name, one of the patients' scores.
        points: operating points; those of other scores are left out.
        num_resamples: of the bootstrap intervals (average precision, F1, kappa).
        seed: of the bootstrap; the same seed gives the same bytes.

    Returns:
        All measures, as `stats` defines them where a class or everybody is missing.

    Raises:
        ValueError: if the patients have no score of that name.
    """
    if score not in patients.scores:
        raise ValueError(
            f"score must be one of {', '.join(patients.scores)} of the split "
            f"{patients.split}, got {score!r}"
        )
    known = patients.labelled()
    labels, scores = known.labels, known.scores[score]

    def assess(chosen: Sequence[OperatingPoint]) -> tuple[Calls, ...]:
        return tuple(
            _assess_calls(labels, scores, point, num_resamples=num_resamples, seed=seed)
            for point in chosen
        )

    own = [point for point in points if point.score == score]
    rederived: tuple[OperatingPoint, ...] = ()
    if not any(point.source == known.split for point in own):
        rederived = choose_points(replace(known, scores={score: scores}))
    return Performance(
        split=known.split,
        score=score,
        num_patients=len(known),
        num_positive=int(np.sum(labels == 1)),
        auc=stats.delong_interval(labels, scores),
        auc_logit=stats.delong_interval(labels, scores, scale="logit"),
        average_precision=stats.average_precision_interval(
            labels, scores, num_resamples=num_resamples, seed=seed
        ),
        brier=stats.brier_score(labels, scores),
        calibration_error=stats.expected_calibration_error(labels, scores),
        num_certain=int(np.sum((scores == 0) | (scores == 1))),
        recalibration=stats.fit_recalibration(labels, scores),
        roc=stats.roc_curve(labels, scores),
        precision_recall=stats.pr_curve(labels, scores),
        calibration=stats.calibration_curve(labels, scores),
        decision=stats.decision_curve(labels, scores),
        calls=assess(own),
        rederived=assess(rederived),
    )


def _assess_calls(
    labels: Float[np.ndarray, " n"],
    scores: Float[np.ndarray, " n"],
    point: OperatingPoint,
    *,
    num_resamples: int,
    seed: int,
) -> Calls:
    calls = scores >= point.cutoff
    return Calls(
        point=point,
        counts=stats.confusion(labels, calls),
        accuracy=stats.accuracy(labels, calls),
        sensitivity=stats.sensitivity(labels, calls),
        specificity=stats.specificity(labels, calls),
        ppv=stats.ppv(labels, calls),
        npv=stats.npv(labels, calls),
        f1=stats.f1(labels, calls, num_resamples=num_resamples, seed=seed),
        kappa=stats.bootstrap_interval(
            labels,
            calls,
            statistic=stats.cohen_kappa,
            num_resamples=num_resamples,
            seed=seed,
        ),
    )
