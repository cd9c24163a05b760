"""Tests on counts against statsmodels, scipy and the printed p-values of S3 and S4."""

import json
import math

import numpy as np
import pytest
import statsmodels.stats.contingency_tables as reference
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from negspa_jax.stats import chi_square, mcnemar

counts = st.integers(0, 60)


@given(b=counts, c=counts)
def test_mcnemar_is_statsmodels_exact_test(b, c):
    found = mcnemar(b, c)
    theirs = reference.mcnemar(np.array([[11, b], [c, 5]]), exact=True)
    assert found.p_value == pytest.approx(theirs.pvalue, abs=1e-12)
    assert found.statistic == theirs.statistic


@given(b=counts, c=counts)
def test_exchanging_the_decisions_changes_nothing(b, c):
    assert mcnemar(b, c) == mcnemar(c, b)


def test_equal_counts_speak_for_no_difference():
    assert mcnemar(7, 7).p_value == 1.0
    assert mcnemar(0, 0).p_value == 1.0


def test_one_patient_proves_nothing():
    assert mcnemar(1, 0).p_value == 1.0
    assert mcnemar(0, 6).p_value == pytest.approx(2 / 2**6)


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="b and c must be counts of patients, got -1"):
        mcnemar(-1, 3)


# --- chi-square -----------------------------------------------------------------------


@st.composite
def full_tables(draw):
    shape = draw(st.tuples(st.integers(2, 4), st.integers(2, 4)))
    cells = st.lists(st.integers(1, 50), min_size=16, max_size=16)
    return np.array(draw(cells)[: shape[0] * shape[1]]).reshape(shape)


@given(table=full_tables())
def test_chi_square_is_statsmodels(table):
    theirs = reference.Table(table, shift_zeros=False).test_nominal_association()
    found = chi_square(table, yates=False)
    assert found.statistic == pytest.approx(theirs.statistic, abs=1e-10)
    assert found.p_value == pytest.approx(theirs.pvalue, abs=1e-12)
    assert found.degrees_of_freedom == theirs.df


@given(cells=st.tuples(*[st.integers(1, 60)] * 4))
def test_yates_correction_is_its_formula(cells):
    a, b, c, d = cells
    found = chi_square(np.array([[a, b], [c, d]]))
    n, sides = a + b + c + d, (a + b) * (c + d) * (a + c) * (b + d)
    shortened = max(0.0, abs(a * d - b * c) - n / 2)
    assert found.statistic == pytest.approx(n * shortened**2 / sides, abs=1e-9)
    assert found.method == "chi-square, Yates"
    assert found.p_value == pytest.approx(scipy_stats.chi2.sf(found.statistic, 1))


def test_larger_tables_are_not_corrected():
    table = np.array([[10, 20, 30], [6, 9, 17]])
    assert chi_square(table) == chi_square(table, yates=False)
    assert chi_square(table).method == "chi-square"


def test_exchanging_rows_and_columns_changes_nothing():
    table = np.array([[10, 20, 30], [6, 9, 1]])
    found, turned = chi_square(table), chi_square(table.T)
    assert found.p_value == pytest.approx(turned.p_value, abs=1e-14)


def test_rows_and_columns_without_patients_are_left_out():
    table = np.array([[51, 0, 93], [0, 0, 0], [87, 0, 97]])
    assert chi_square(table) == chi_square(np.array([[51, 93], [87, 97]]))


@pytest.mark.parametrize(
    "table", [[[3, 4]], [[3, 0], [4, 0]], [[0, 0], [0, 0]], [[3], [4]], [[1]]]
)
def test_a_single_group_has_nothing_to_compare(table):
    found = chi_square(np.array(table))
    assert math.isnan(found.statistic)
    assert math.isnan(found.p_value)


@pytest.mark.parametrize("cell", [-1, 0.5, math.nan, math.inf])
def test_cells_that_are_no_counts_are_refused(cell):
    with pytest.raises(ValueError, match="table must hold counts of patients"):
        chi_square(np.array([[1, 2], [3, cell]]))


# --- the papers' Tables S3 and S4 -----------------------------------------------------


def as_printed(p_value, printed):
    """The p-value with as many digits as the print has."""
    if "E" in printed:
        return f"{p_value:.2E}"
    return f"{p_value:.{len(printed) - 1}f}".lstrip("0")


@pytest.fixture
def printed_p(paper_rows):
    """Of each printed p-value: its covariate, the print, the table, and its row."""
    return [
        (row["table"], row["printed"], np.array(json.loads(row["count"])), row)
        for row in paper_rows
        if row["quantity"] == "p value"
    ]


def test_27_printed_p_values_are_yates_to_the_last_digit(printed_p):
    right = [entry for entry in printed_p if entry[3]["consistent"] == "yes (Yates)"]
    assert len(right) == 27
    for _, printed, table, _ in right:
        assert as_printed(chi_square(table).p_value, printed) == printed


def test_without_correction_none_of_them_is_reproduced(printed_p):
    for _, printed, table, row in printed_p:
        plain = chi_square(table, yates=False).p_value
        assert f"uncorrected {plain:.3g}" in row["recomputed"]
        assert as_printed(plain, printed) != printed


def test_three_printed_p_values_are_misprints(printed_p):
    wrong = {
        name: (printed, chi_square(table).p_value)
        for name, printed, table, row in printed_p
        if row["consistent"] == "NO"
    }
    # All three tables hold what is expected, to within half a patient.
    assert wrong == {
        "S4int CRP": (".795", 1.0),
        "S4pro enth": (".91", 1.0),
        "S4pro dact": (".95", 1.0),
    }
