"""How well one score tells the classes apart in one split ([S], Tables S5 and S6)."""

from dataclasses import dataclass

from negspa_jax.evaluate.operating import OperatingPoint
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

    `auc`, `auc_logit`: DeLong, Wald and logit. `calls`: at the points carried from
    elsewhere, in their order. `rederived`: at the same rules' cut-offs chosen on this
    very split (optimistic; empty where `calls` are already that, or a class is empty).
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
    recalibration: Recalibration
    roc: RocCurve
    precision_recall: PrecisionRecallCurve
    calibration: CalibrationCurve
    decision: DecisionCurve
    calls: tuple[Calls, ...]
    rederived: tuple[Calls, ...]
