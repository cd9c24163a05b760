"""Clopper-Pearson against statsmodels, scipy and the papers' printed tables."""

import csv
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
def printed(shared):
    """Of every printed proportion: table, row, the file's verdict, its gap to ours."""
    path = shared / "vectors" / "paper_tables.tsv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    found = []
    for row in rows:
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
