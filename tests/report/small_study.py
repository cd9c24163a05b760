"""A study written by hand, with one fact of every kind, and one with next to none."""

import math
from dataclasses import replace

import numpy as np

from negspa_jax.config import Config, flatten
from negspa_jax.evaluate.agreement import ReaderPair
from negspa_jax.evaluate.cases import Case
from negspa_jax.evaluate.characteristics import CategoryRow, NumericRow, Summary
from negspa_jax.evaluate.fusion import Fusion
from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.performance import Calls, Performance
from negspa_jax.evaluate.provenance import CaseMap, Provenance, SourceFile
from negspa_jax.evaluate.readers import Reading
from negspa_jax.evaluate.study import Flow, Names, Study
from negspa_jax.evaluate.subgroups import Grouping, Subgroup
from negspa_jax.stats import (
    Confusion,
    Estimate,
    HypothesisTest,
    average_precision_interval,
    brier_score,
    calibration_curve,
    decision_curve,
    delong_interval,
    expected_calibration_error,
    fit_recalibration,
    pr_curve,
    proportion_estimate,
    roc_curve,
)

LABELS = np.array([0, 0, 1, 0, 1, 1, 0, 1])
SCORES = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9])
POINT = OperatingPoint("image", "Youden", "youden", 0.45, "train", 8)
HIGH_SENSITIVITY = replace(
    POINT, name="high sensitivity", rule="sensitivity>=0.99", cutoff=0.3
)
TEST = HypothesisTest(1.0, 0.5, "t-test")


def share(successes: int, trials: int) -> Estimate:
    return proportion_estimate(successes=successes, trials=trials)


def performance(split: str) -> Performance:
    auc = delong_interval(LABELS, SCORES)
    calls = Calls(
        POINT,
        Confusion(3, 1, 1, 3),
        accuracy=share(6, 8),
        sensitivity=share(3, 4),
        specificity=share(3, 4),
        ppv=share(3, 4),
        npv=share(3, 4),
        f1=replace(share(3, 4), method="bootstrap, percentile, 1000 resamples"),
        kappa=replace(share(1, 2), method="bootstrap, percentile, 1000 resamples"),
    )
    return Performance(
        split,
        "image",
        num_patients=8,
        num_positive=4,
        auc=auc,
        auc_logit=delong_interval(LABELS, SCORES, scale="logit"),
        average_precision=average_precision_interval(LABELS, SCORES, num_resamples=20),
        brier=brier_score(LABELS, SCORES),
        calibration_error=expected_calibration_error(LABELS, SCORES),
        num_certain=0,
        recalibration=fit_recalibration(LABELS, SCORES),
        roc=roc_curve(LABELS, SCORES),
        precision_recall=pr_curve(LABELS, SCORES),
        calibration=calibration_curve(LABELS, SCORES),
        decision=decision_curve(LABELS, SCORES),
        calls=(calls,),
        rederived=(),
    )


def bare_study() -> Study:
    """Three columns from elsewhere: one split, no cut-off, nothing beside scores."""
    return Study(
        names=Names("A table", "positive", "negative", "image"),
        reference="",
        selection="",
        unscored_train=None,
        out_of_fold=False,
        flow=(Flow("all", 8, 0, 4, 4),),
        unscored=(),
        unused=(),
        numeric=(),
        categories=(),
        fusion=None,
        operating_points=(),
        performances=(replace(performance("all"), calls=()),),
        comparisons=(),
        groupings=(),
        subgroups=(),
        readings=(),
        reader_pairs=(),
        assistance=(),
        rescues=(),
        cases=(),
        provenance=Provenance((), {}, {}, {}, "", (), ()),
        missing={},
        warnings=(),
    )


def full_study() -> Study:
    """A run of two splits with covariates, readers, cases and maps."""
    nobody = Summary(0, 0, *[math.nan] * 5)
    ages = Summary(4, 0, 28.0, 6.0, 27.0, 24.0, 31.0)
    return replace(
        bare_study(),
        names=Names("NegSpA", "axSpA", "non-SpA", "image"),
        reference="train",
        out_of_fold=True,
        flow=(Flow("train", 8, 0, 4, 4), Flow("internal", 10, 2, 4, 4)),
        unscored=("031",),
        unused=(),
        numeric=(
            NumericRow("train", "age", ages, ages, TEST),
            NumericRow("internal", "age", ages, replace(nobody, num_unknown=4), TEST),
        ),
        categories=(CategoryRow("train", "sex", "F", 1, 4, 2, 3, TEST, ""),),
        fusion=Fusion({"uveitis": 2, "arthritis": 0}, None),
        operating_points=(POINT, HIGH_SENSITIVITY),
        performances=(performance("train"), performance("internal")),
        groupings=(Grouping("sex", ("sex F", "sex M"), None, ""),),
        subgroups=(
            Subgroup(
                *("internal", "image", "sex", "sex F", 3, 1, 0),
                *[share(1, 3)] * 4,
                warning="too few",
            ),
        ),
        readings=(
            Reading(
                *("internal", "A", False, 7, 1, Confusion(3, 1, 1, 2)),
                *[share(5, 7)] * 7,
                point="Youden",
                against_model=(),
            ),
        ),
        reader_pairs=(ReaderPair("internal", "A", "", 7, 2, share(1, 2), share(5, 7)),),
        cases=(
            Case("internal", "007", 0, "false positive", {}, {}, math.nan, {}),
            Case("internal", "008", 1, "true positive", {}, {}, math.nan, {}),
        ),
        provenance=Provenance(
            (SourceFile("predictions", "predictions.csv", "ab" * 32),),
            {"negspa_jax": "9.8.7", "numpy": "2.0.0"},
            flatten(Config()),
            {"negspa_jax": "9.8.6", "packages": {"flax": "0.1"}, "devices": ["H200"]},
            "cd" * 32,
            (),
            (CaseMap("007", "internal", b"", "ef" * 32),),
        ),
        warnings=("Wald intervals under-cover below 100 patients.",),
    )
