"""One score in one split: the papers' printed rows, carried points, degenerate sets."""

import csv
import math
import re
from dataclasses import astuple, replace

import numpy as np
import pytest

from negspa_jax import stats
from negspa_jax.evaluate.operating import OperatingPoint, choose_points, given_points
from negspa_jax.evaluate.patients import Patients
from negspa_jax.evaluate.performance import assess_performance

RULES = ["Youden", "high sensitivity", "high specificity"]


def patients(split="internal", *, labels=None, scores=None, seed=0, size=72):
    generator = np.random.default_rng(seed)
    if labels is None:
        labels = generator.integers(0, 2, size)
    labels = np.asarray(labels, dtype=np.float64)
    if scores is None:
        scores = np.clip(generator.normal(0.4 + 0.2 * (labels == 1), 0.2), 0, 1)
    size = len(labels)
    return Patients(
        split=split,
        ids=tuple(map(str, range(size))),
        labels=labels,
        scores={"image": np.asarray(scores, dtype=np.float64)},
        folds=("mean",) * size,
        columns={},
    )


def assess(one, points=(), **options):
    options = {"num_resamples": 20, **options}
    return assess_performance(one, score="image", points=points, **options)


def as_called(*, num_positive, num_negative, right_positive, right_negative):
    """Patients who are called so at a cut-off of 0.5."""
    counts = [right_positive, num_positive - right_positive]
    counts += [right_negative, num_negative - right_negative]
    return patients(
        labels=np.repeat([1, 1, 0, 0], counts),
        scores=np.repeat([0.9, 0.1, 0.1, 0.9], counts),
    )


# --- the papers' rows -----------------------------------------------------------------


@pytest.fixture
def paper_rows(shared):
    """Tables S5 and S6 by table and row: quantity -> printed, counts, consistent."""
    path = shared / "vectors" / "paper_tables.tsv"
    rows = {}
    with path.open(encoding="utf-8") as file:
        for line in csv.DictReader(file, delimiter="\t"):
            if line["quantity"] in ("acc", "sens", "spec", "F1"):
                rows.setdefault((line["table"], line["row"]), {})[line["quantity"]] = (
                    line
                )
    return rows


def test_printed_rows_are_reproduced_from_their_counts(paper_rows):
    seen = {"acc": 0, "sens": 0, "spec": 0, "F1": 0}
    for row in paper_rows.values():
        (tp, positives), (tn, negatives) = (
            map(int, row[name]["count"].split("/")) for name in ("sens", "spec")
        )
        one = as_called(
            num_positive=positives,
            num_negative=negatives,
            right_positive=tp,
            right_negative=tn,
        )
        (calls,) = assess(one, given_points(["image"], [0.5])).calls
        found = {
            "acc": calls.accuracy,
            "sens": calls.sensitivity,
            "spec": calls.specificity,
        }
        for name, estimate in found.items():
            verdict, printed = row[name]["consistent"], row[name]["printed"]
            if verdict.startswith("yes"):
                numbers = [float(number) for number in re.findall(r"[\d.]+", printed)]
                ours = [100 * number for number in astuple(estimate)[:3]]
                # A last digit was cut off instead of rounded, or mistyped.
                apart = 0.035 if "last digit" in verdict else 0.0051
                assert ours == pytest.approx(numbers, abs=apart)
                seen[name] += 1
        if row["F1"]["consistent"].startswith("yes"):
            assert calls.f1.value == pytest.approx(
                float(row["F1"]["printed"]), abs=5e-4
            )
            seen["F1"] += 1
    assert seen == {"acc": 23, "sens": 23, "spec": 23, "F1": 19}


def test_the_papers_best_model_on_its_internal_test_set():
    # Table S5, row 12: 40 of 45 and 20 of 27.
    one = as_called(
        num_positive=45, num_negative=27, right_positive=40, right_negative=20
    )
    (calls,) = assess(one, given_points(["image"], [0.5])).calls
    assert calls.counts == (40, 7, 5, 20)
    assert str(calls.accuracy) == "0.833 (0.727-0.911)"
    assert str(calls.sensitivity) == "0.889 (0.759-0.963)"
    assert str(calls.specificity) == "0.741 (0.537-0.889)"
    assert (calls.ppv.value, calls.npv.value) == (40 / 47, 20 / 25)
    assert round(calls.f1.value, 3) == 0.870


# --- every measure is stats' ----------------------------------------------------------


def test_areas_and_calibration_are_those_of_stats():
    one = patients()
    labels, scores = one.labels, one.scores["image"]
    found = assess(one)
    assert (found.split, found.score) == ("internal", "image")
    assert (found.num_patients, found.num_positive) == (72, int(labels.sum()))
    assert found.auc == stats.delong_interval(labels, scores)
    assert found.auc_logit == stats.delong_interval(labels, scores, scale="logit")
    assert found.brier == stats.brier_score(labels, scores)
    assert found.recalibration == stats.fit_recalibration(labels, scores)
    assert found.calibration_error == stats.expected_calibration_error(labels, scores)
    assert found.average_precision == stats.average_precision_interval(
        labels, scores, num_resamples=20
    )


def test_curves_are_those_of_stats():
    one = patients()
    labels, scores = one.labels, one.scores["image"]
    found = assess(one)
    pairs = [
        (found.roc, stats.roc_curve(labels, scores)),
        (found.precision_recall, stats.pr_curve(labels, scores)),
        (found.calibration, stats.calibration_curve(labels, scores)),
        (found.decision, stats.decision_curve(labels, scores)),
    ]
    for ours, theirs in pairs:
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


def test_kappa_is_of_calls_and_labels_with_resampled_patients():
    one = patients()
    (calls,) = assess(
        one, given_points(["image"], [0.5]), num_resamples=200, seed=3
    ).calls
    wanted = stats.bootstrap_interval(
        one.labels,
        one.scores["image"] >= 0.5,
        statistic=stats.cohen_kappa,
        num_resamples=200,
        seed=3,
    )
    assert calls.kappa == wanted
    assert wanted.low < calls.kappa.value < wanted.high


def test_patients_without_a_label_count_nowhere():
    labels = np.array([0.0, 1.0, np.nan] * 20)
    one = patients(labels=labels)
    points = given_points(["image"], [0.5])
    assert repr(assess(one, points)) == repr(assess(one.labelled(), points))
    assert assess(one).num_patients == 40


def test_the_same_seed_gives_the_same_numbers():
    one, points = patients(), given_points(["image"], [0.5])
    assert repr(assess(one, points)) == repr(assess(one, points))
    other = assess(one, points, seed=1)
    assert other.average_precision != assess(one, points).average_precision


# --- operating points -----------------------------------------------------------------


def test_points_are_carried_to_every_split_as_the_very_same_number():
    points = choose_points(patients("train", seed=5, size=200), cutoffs=[1 / 3])
    for split in ("external", "internal", "prospective"):
        found = assess(patients(split, seed=len(split)), points)
        assert tuple(calls.point for calls in found.calls) == points
        for calls, point in zip(found.calls, points, strict=True):
            assert calls.point.cutoff.hex() == point.cutoff.hex()


def test_a_score_at_the_cutoff_is_called_positive():
    one = patients(labels=[0, 1, 1], scores=[0.1, 0.3, 0.7])
    point = OperatingPoint("image", "Youden", "youden", 0.3, "train", 9)
    (calls,) = assess(one, [point]).calls
    assert calls.counts == (2, 0, 0, 1)


def test_points_of_other_scores_are_left_alone():
    points = given_points(["fused", "image"], [0.5])
    assert [calls.point.score for calls in assess(patients(), points).calls] == [
        "image"
    ]


def test_cutoffs_of_the_set_itself_stand_apart_under_their_name():
    one = patients()
    points = choose_points(patients("train", seed=9))
    found = assess(one, points)
    assert [calls.point.name for calls in found.rederived] == RULES
    for calls in found.rederived:
        assert (calls.point.source, calls.point.num_patients) == ("internal", 72)
        assert calls.point.cutoff == stats.choose_cutoff(
            one.labels, one.scores["image"], rule=calls.point.rule
        )
    assert {calls.point.source for calls in found.calls} == {"train"}


def test_where_the_points_were_chosen_nothing_is_rederived():
    train = patients("train")
    found = assess(train, choose_points(train))
    assert [calls.point.name for calls in found.calls] == RULES
    assert found.rederived == ()


def test_without_any_point_the_sets_own_are_shown_apart():
    found = assess(patients())
    assert found.calls == ()
    assert [calls.point.name for calls in found.rederived] == RULES


# --- degenerate sets ------------------------------------------------------------------


def test_one_class_only_has_no_area():
    found = assess(patients(labels=np.ones(8)), given_points(["image"], [0.5]))
    assert math.isnan(found.auc.value)
    assert math.isnan(found.recalibration.slope.value)
    assert math.isnan(found.calls[0].specificity.value)
    assert found.calls[0].sensitivity.value == found.calls[0].accuracy.value
    assert found.rederived == ()


def test_only_ties_separate_nobody():
    one = patients(labels=[0, 1, 0, 1, 1], scores=np.full(5, 0.4))
    found = assess(one, given_points(["image"], [0.5]))
    assert found.auc.value == 0.5
    assert math.isnan(found.recalibration.slope.value)
    assert found.calls[0].kappa.value == 0.0
    assert math.isnan(found.calls[0].ppv.value)


@pytest.mark.parametrize("label", [0, 1])
def test_one_patient_has_shares_but_no_area(label):
    found = assess(patients(labels=[label]), given_points(["image"], [0.5]))
    assert (found.num_patients, found.num_positive) == (1, label)
    assert math.isnan(found.auc.value)
    assert math.isnan(found.calls[0].f1.low)
    assert not math.isnan(found.calls[0].accuracy.value)


@pytest.mark.parametrize("labels", [[], [np.nan, np.nan]])
def test_nobody_with_a_label_leaves_everything_undefined(labels):
    found = assess(patients(labels=labels), given_points(["image"], [0.5]))
    assert (found.num_patients, found.num_positive) == (0, 0)
    (calls,) = found.calls
    estimates = [found.auc, found.auc_logit, found.average_precision]
    estimates += [*found.recalibration, calls.accuracy, calls.sensitivity]
    estimates += [calls.specificity, calls.ppv, calls.npv, calls.f1, calls.kappa]
    assert all(math.isnan(estimate.value) for estimate in estimates)
    assert np.isnan([found.brier, found.calibration_error]).all()
    assert calls.counts == (0, 0, 0, 0)
    assert found.rederived == ()


def test_a_score_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"score must be one of image .* got 'fused'"):
        assess_performance(patients(), score="fused", points=())


def test_scores_of_zero_and_one_are_assessed():
    one = patients()
    sure = replace(one, scores={"image": one.labels})
    found = assess(sure, given_points(["image"], [0.5]))
    assert found.auc.value == found.calls[0].kappa.value == 1.0
