"""Statistics of diagnostic tests on plain arrays: numpy and scipy, float64.

`labels` are 0 or 1, `scores` any finite numbers that are higher for the positive class,
`probabilities` such scores from 0 to 1, `decisions` 0 or 1. One array element is one
patient. Every function says what it returns where its quantity is undefined; NaN means
undefined, never zero.

    >>> import numpy as np
    >>> from negspa_jax import stats
    >>> labels = np.array([0, 0, 0, 1, 1, 1])
    >>> scores = np.array([0.1, 0.3, 0.6, 0.4, 0.7, 0.9])
    >>> print(stats.delong_interval(labels, scores))
    0.889 (0.581-1.000)
    >>> cutoff = stats.choose_cutoff(labels, scores, rule="youden")
    >>> print(cutoff, stats.sensitivity(labels, scores >= cutoff))
    0.4 1.000 (0.292-1.000)
"""

from negspa_jax.stats.agreement import absolute_agreement, cohen_kappa
from negspa_jax.stats.bootstrap import bootstrap_interval
from negspa_jax.stats.calibration import (
    CalibrationCurve,
    brier_score,
    calibration_curve,
    expected_calibration_error,
)
from negspa_jax.stats.contingency import chi_square, mcnemar
from negspa_jax.stats.cutoff import choose_cutoff
from negspa_jax.stats.decision import DecisionCurve, decision_curve
from negspa_jax.stats.delong import delong_interval, delong_test
from negspa_jax.stats.multiplicity import holm
from negspa_jax.stats.precision_recall import (
    PrecisionRecallCurve,
    average_precision,
    average_precision_interval,
    f1,
    pr_curve,
)
from negspa_jax.stats.proportion import (
    Confusion,
    accuracy,
    clopper_pearson,
    confusion,
    npv,
    ppv,
    proportion_estimate,
    sensitivity,
    specificity,
)
from negspa_jax.stats.recalibration import Recalibration, fit_recalibration
from negspa_jax.stats.result import Comparison, Estimate, HypothesisTest, Interval
from negspa_jax.stats.roc import RocCurve, auc, roc_curve

__all__ = [
    "CalibrationCurve",
    "Comparison",
    "Confusion",
    "DecisionCurve",
    "Estimate",
    "HypothesisTest",
    "Interval",
    "PrecisionRecallCurve",
    "Recalibration",
    "RocCurve",
    "absolute_agreement",
    "accuracy",
    "auc",
    "average_precision",
    "average_precision_interval",
    "bootstrap_interval",
    "brier_score",
    "calibration_curve",
    "chi_square",
    "choose_cutoff",
    "clopper_pearson",
    "cohen_kappa",
    "confusion",
    "decision_curve",
    "delong_interval",
    "delong_test",
    "expected_calibration_error",
    "f1",
    "fit_recalibration",
    "holm",
    "mcnemar",
    "npv",
    "ppv",
    "pr_curve",
    "proportion_estimate",
    "roc_curve",
    "sensitivity",
    "specificity",
]
