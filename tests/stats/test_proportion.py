"""Clopper-Pearson against statsmodels, scipy and the papers' printed tables."""

import math
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from negspa_jax.stats import (
    accuracy,
    clopper_pearson,
    confusion,
    npv,
    ppv,
    proportion_estimate,
    sensitivity,
    specificity,
)

counts = st.integers(1, 500).flatmap(
    lambda trials: st.tuples(st.integers(0, trials), st.just(trials))
)
levels = st.floats(0.5, 0.999)


@given(count=counts, level=levels)
def test_the_interval_is_statsmodels(count, level):
    ours = clopper_pearson(successes=count[0], trials=count[1], level=level)
    theirs = proportion_confint(*count, alpha=1 - level, method="beta")
    assert ours == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("count", [(0, 1), (1, 1), (0, 29), (29, 29), (41, 50)])
def test_the_interval_is_scipys(count):
    theirs = binomtest(*count).proportion_ci(method="exact")
    ours = clopper_pearson(successes=count[0], trials=count[1])
    assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(count=counts)
def test_failures_mirror_the_interval(count):
    successes, trials = count
    low, high = clopper_pearson(successes=successes, trials=trials)
    mirrored = clopper_pearson(successes=trials - successes, trials=trials)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)


@given(count=counts)
def test_the_interval_holds_the_proportion(count):
    found = proportion_estimate(successes=count[0], trials=count[1])
    assert found.low <= found.value <= found.high


def test_no_trials_leave_everything_possible():
    assert clopper_pearson(successes=0, trials=0) == (0.0, 1.0)
    assert math.isnan(proportion_estimate(successes=0, trials=0).value)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(ValueError, match="successes must lie between 0 and trials"):
        clopper_pearson(successes=successes, trials=trials)


# --- the papers' Tables S5 and S6 --------------------------------------------------


@pytest.fixture
def printed(paper_rows):
    """Of every printed proportion: table, row, the file's verdict, its gap to ours."""
    found = []
    for row in paper_rows:
        if row["quantity"] in ("acc", "sens", "spec"):
            successes, trials = map(int, row["count"].split("/"))
            estimate = proportion_estimate(successes=successes, trials=trials)
            ours = [100 * x for x in (estimate.value, estimate.low, estimate.high)]
            theirs = [float(x) for x in re.findall(r"\d+\.\d+", row["printed"])]
            gap = max(abs(a - b) for a, b in zip(theirs, ours, strict=True))
            found.append((row["table"], row["row"], row["consistent"], gap))
    return found


def test_the_tables_hold_the_entries_that_we_expect(printed):
    assert Counter((table, verdict) for table, _, verdict, _ in printed) == {
        ("S5", "yes"): 36,
        ("S6", "yes"): 26,
        ("S6", "yes (last digit)"): 7,
        ("S6", "NO"): 3,
    }


def test_consistent_entries_are_reproduced_to_the_last_digit(printed):
    gaps = [gap for *_, verdict, gap in printed if verdict == "yes"]
    assert max(gaps) <= 0.005 + 1e-9


def test_entries_with_a_digit_error_are_off_by_a_few_hundredths(printed):
    gaps = [gap for *_, verdict, gap in printed if verdict == "yes (last digit)"]
    assert min(gaps) > 0.005
    assert max(gaps) <= 0.035


def test_the_misprinted_row_of_s6_is_the_row_of_s5_and_not_ours(printed):
    wrong = {(table, row) for table, row, verdict, _ in printed if verdict == "NO"}
    assert wrong == {("S6", "4 Com D{T1W+FS}")}
    assert min(gap for *_, verdict, gap in printed if verdict == "NO") > 0.5


def test_the_misprinted_row_is_impossible_for_54_patients():
    possible = [f"{100 * k / 54:.2f}" for k in range(55)]
    assert "69.44" not in possible
    assert f"{100 * 50 / 72:.2f}" == "69.44"


# --- the operating points of Bressem et al. -----------------------------------------


@pytest.fixture
def printed_in_the_text(paper_rows):
    """Of each sensitivity and specificity: its name, print, counts, and the verdict."""
    found = []
    for row in paper_rows:
        if row["table"] == "Bressem" and row["quantity"].endswith("(text)"):
            successes, trials = map(int, re.findall(r"\d+", row["count"])[:2])
            name = row["quantity"].removesuffix(" (text)")
            verdict = row["consistent"].split(";")[0]
            found.append((name, float(row["printed"]), successes, trials, verdict))
    return found


def test_consistent_rates_of_the_text_are_reproduced(printed_in_the_text):
    gaps = [
        abs(proportion_estimate(successes=k, trials=n).value - value)
        for _, value, k, n, verdict in printed_in_the_text
        if verdict == "yes"
    ]
    assert len(gaps) == 4
    assert max(gaps) <= 0.0005 + 1e-12


def test_every_sensitivity_of_the_text_counts_one_patient_more(printed_in_the_text):
    sensitivities = [entry for entry in printed_in_the_text if entry[0] == "sens"]
    for _, value, k, n, verdict in sensitivities:
        assert verdict == "NO"
        assert abs(proportion_estimate(successes=k, trials=n).value - value) > 0.005
        one_more = proportion_estimate(successes=k + 1, trials=n).value
        assert abs(one_more - value) <= 0.0005 + 1e-12
    assert len(sensitivities) == 6


def test_two_specificities_of_the_text_are_not_the_tables(printed_in_the_text):
    wrong = [
        (value, round(proportion_estimate(successes=k, trials=n).value, 3))
        for name, value, k, n, verdict in printed_in_the_text
        if name == "spec" and verdict == "NO"
    ]
    # The first is its complement: 1 - 0.522.
    assert wrong == [(0.478, 0.522), (0.966, 0.957)]


# --- from labels and decisions ------------------------------------------------------

LABELS = np.array([1, 1, 1, 1, 0, 0, 0])
DECISIONS = np.array([1, 1, 1, 0, 0, 0, 1])


def test_the_four_cells_are_counted():
    assert confusion(LABELS, DECISIONS) == (3, 1, 1, 2)


def test_shares_are_of_their_own_patients():
    assert accuracy(LABELS, DECISIONS).value == 5 / 7
    assert sensitivity(LABELS, DECISIONS).value == 3 / 4
    assert specificity(LABELS, DECISIONS).value == 2 / 3


def test_exchanging_the_classes_exchanges_sensitivity_and_specificity():
    mirrored = specificity(1 - LABELS, 1 - DECISIONS)
    assert mirrored == sensitivity(LABELS, DECISIONS)


def test_predictive_values_are_of_those_called_so():
    assert ppv(LABELS, DECISIONS).value == 3 / 4
    assert npv(LABELS, DECISIONS).value == 2 / 3
    assert ppv(LABELS, 1 - DECISIONS).value == 1 / 3


def test_predictive_values_are_sensitivity_and_specificity_the_other_way_round():
    assert ppv(LABELS, DECISIONS) == sensitivity(DECISIONS, LABELS)
    assert npv(LABELS, DECISIONS) == specificity(DECISIONS, LABELS)


@pytest.mark.parametrize(
    ("cutoff", "positive_value", "negative_value"),
    [
        (0.205, 0.65, 0.794520547945205),
        (0.475, 0.823529411764706, 0.71875),
        (0.51, 1.0, 0.712871287128713),
        (-np.inf, 0.36283185840708, np.nan),
    ],
)
def test_predictive_values_are_procs(asah, cutoff, positive_value, negative_value):
    # pROC's own tests (helper-coords-expected.R, aSAH data, s100b).
    labels, called = asah["outcome_poor"], asah["s100b"] >= cutoff
    near = {"abs": 1e-14, "nan_ok": True}
    assert ppv(labels, called).value == pytest.approx(positive_value, **near)
    assert npv(labels, called).value == pytest.approx(negative_value, **near)


def test_without_a_call_there_is_no_predictive_value():
    assert math.isnan(ppv(LABELS, np.zeros(7)).value)
    assert math.isnan(npv(LABELS, np.ones(7)).low)


def test_an_absent_class_has_no_share():
    assert math.isnan(sensitivity(np.zeros(2), np.ones(2)).value)
    assert math.isnan(specificity(np.ones(2), np.ones(2)).low)
    assert math.isnan(accuracy(np.array([]), np.array([])).value)


def test_one_patient_has_a_wide_interval():
    found = accuracy(np.array([1]), np.array([True]))
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 0.025, 1.0))


def test_scores_are_no_decisions():
    with pytest.raises(ValueError, match="decisions must be 0 or 1, got"):
        accuracy(LABELS, np.linspace(0, 1, 7))
