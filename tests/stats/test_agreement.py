"""Kappa against statsmodels, scikit-learn and the printed tables of Bressem et al."""

import json
import math
import re
from statistics import NormalDist

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from negspa_jax.stats import absolute_agreement, bootstrap_interval, cohen_kappa
from tests.stats.tables import patients_of


@st.composite
def readings(draw):
    """Two readers' categories of 3 to 30 patients, at least two categories in all."""
    category = st.integers(0, 3)
    pairs = draw(st.lists(st.tuples(category, category), min_size=1, max_size=28))
    a, b = np.array([(0, 1), (1, 1), *pairs]).T
    return a, b


@given(pair=readings())
def test_kappa_is_scikit_learns(pair):
    theirs = sklearn.metrics.cohen_kappa_score(*pair)
    assert cohen_kappa(*pair).value == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(
    "table",
    [
        [[58, 2], [29, 158]],
        [[44, 8], [2, 46]],
        [[3, 0], [5, 1]],
        [[20, 5, 1], [4, 30, 2], [0, 6, 12]],
        [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]],
    ],
)
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_kappa_and_its_interval_are_statsmodels(table, level):
    theirs = cohens_kappa(np.array(table))
    margin = NormalDist().inv_cdf((1 + level) / 2) * theirs.std_kappa
    found = cohen_kappa(*patients_of(table), level=level)
    assert found.value == pytest.approx(theirs.kappa, abs=1e-12)
    assert found.low == pytest.approx(max(theirs.kappa - margin, -1), abs=1e-12)
    assert found.high == pytest.approx(min(theirs.kappa + margin, 1), abs=1e-12)


@given(pair=readings())
def test_exchanging_the_readers_changes_nothing(pair):
    a, b = pair
    forward, backward = cohen_kappa(a, b), cohen_kappa(b, a)
    assert forward.value == pytest.approx(backward.value, abs=1e-12)
    assert forward.low == pytest.approx(backward.low, abs=1e-9)


@given(pair=readings())
def test_the_interval_holds_kappa_within_its_range(pair):
    found = cohen_kappa(*pair)
    assert -1 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (["sacroiliitis", "none", "none"], ["sacroiliitis", "none", "sacroiliitis"]),
        ([True, False, False], [True, False, True]),
        ([1.0, 0.0, 0.0], [1.0, 0.0, 1.0]),
    ],
)
def test_categories_may_be_of_any_kind(a, b):
    found = cohen_kappa(np.array(a), np.array(b))
    assert found.value == pytest.approx(0.4)
    assert absolute_agreement(np.array(a), np.array(b)).value == pytest.approx(2 / 3)


# --- the papers' tables ---------------------------------------------------------------


@pytest.fixture
def kappas(paper_rows):
    """Of each operating point of Bressem et al.: table, printed kappa and bounds."""
    return [
        (json.loads(row["count"]), *map(float, re.findall(r"\d+\.\d+", row["printed"])))
        for row in paper_rows
        if row["table"] == "Bressem" and row["quantity"] == "kappa"
    ]


def test_all_six_printed_kappas_are_reproduced(kappas):
    found = [f"{cohen_kappa(*patients_of(table)).value:.3f}" for table, *_ in kappas]
    assert found == [f"{printed:.3f}" for _, printed, *_ in kappas]
    assert len(found) == 6


def test_their_intervals_are_bootstraps_as_ours(kappas):
    for table, _, low, high in kappas:
        pair = patients_of(table)
        found = bootstrap_interval(*pair, statistic=cohen_kappa)
        # Theirs is another thousand resamples; the widest gap is 0.019 in 0.23.
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.025)


def test_all_six_printed_agreements_are_reproduced(paper_rows):
    tables = {r["row"]: r["count"] for r in paper_rows if r["quantity"] == "kappa"}
    rows = [row for row in paper_rows if row["quantity"] == "agreement"]
    for row in rows:
        found = absolute_agreement(*patients_of(json.loads(tables[row["row"]])))
        assert abs(found.value - float(row["printed"])) <= 0.0005 + 1e-12
        same, total = map(int, row["count"].split("/"))
        assert found.value == same / total
    assert len(rows) == 6


def test_both_readers_figures_are_reproduced(paper_rows):
    rows = [row for row in paper_rows if row["quantity"] == "all"]
    for row in rows:
        right_of_positives, positives, right_of_negatives, negatives = map(
            int, re.findall(r"\d+", row["count"])
        )
        table = [
            [right_of_negatives, negatives - right_of_negatives],
            [positives - right_of_positives, right_of_positives],
        ]
        kappa, agreement = re.search(r"kappa (\S+) agr (\d+)%", row["printed"]).groups()
        pair = patients_of(table)
        assert f"{cohen_kappa(*pair).value:.2f}".lstrip("0") == kappa
        assert f"{100 * absolute_agreement(*pair).value:.0f}" == agreement
    assert len(rows) == 2


# --- where it is undefined ------------------------------------------------------------


def test_perfect_agreement_is_its_own_interval():
    a = np.array([0, 1, 1, 0])
    found = cohen_kappa(a, a)
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1), abs=1e-12)


def test_perfect_disagreement_is_minus_one():
    a = np.array([0, 1, 1, 0])
    assert cohen_kappa(a, 1 - a).value == pytest.approx(-1, abs=1e-12)


def test_one_category_for_all_leaves_nothing_to_agree_on():
    same = np.zeros(5)
    found = cohen_kappa(same, same)
    assert all(map(math.isnan, (found.value, found.low, found.high)))
    assert absolute_agreement(same, same).value == 1.0


def test_a_reader_who_calls_all_alike_agrees_by_chance_only():
    assert cohen_kappa(np.array([0, 0, 0, 0]), np.array([0, 1, 0, 1])).value == 0.0


def test_one_patient_has_no_interval():
    found = cohen_kappa(np.array([0]), np.array([1]))
    assert found.value == 0.0
    assert math.isnan(found.low)


def test_nobody_has_no_agreement():
    nobody = np.array([])
    assert math.isnan(cohen_kappa(nobody, nobody).value)
    assert math.isnan(absolute_agreement(nobody, nobody).value)


def test_unknown_readings_are_refused():
    with pytest.raises(ValueError, match="a and b must be known of every patient"):
        cohen_kappa(np.array([0.0, np.nan]), np.array([0.0, 1.0]))


def test_readings_of_other_patients_are_refused():
    with pytest.raises((ValueError, TypeError)):
        absolute_agreement(np.array([0, 1]), np.array([0, 1, 1]))
