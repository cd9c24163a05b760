"""Table 1: the papers' p-values from their counts, tests against scipy, and gaps."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from negspa_jax.evaluate.characteristics import describe_patients
from tests.evaluate.cohorts import make_patients


def describe_number(positive, negative, *, name="months"):
    """The row of a number's values in each class."""
    labels = [1] * len(positive) + [0] * len(negative)
    patients = make_patients(labels, **{name: [*positive, *negative]})
    (row,), _ = describe_patients({"internal": patients}, numeric=[name], categories=[])
    return row


def describe_categories(labels, cells):
    patients = make_patients(labels, sex=cells)
    return describe_patients({"internal": patients}, numeric=[], categories=["sex"])[1]


# --- the paper's Tables S3 and S4 -----------------------------------------------------


@pytest.fixture
def printed(shared):
    """Of each printed p-value: covariate, print, counts, whether it is consistent."""
    path = shared / "vectors" / "paper_tables.tsv"
    lines = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    places = [lines[0].index(c) for c in ("table", "printed", "count", "consistent")]
    rows = [[line[i] for i in places] for line in lines if "p value" in line]
    return [(name, p, np.array(json.loads(counts)), ok) for name, p, counts, ok in rows]


def describe_counts(counts):
    """Table 1's rows of patients in such numbers: categories by class."""
    cells = np.repeat(["yes", "yes", "no", "no"], counts.ravel())
    labels = np.repeat([1, 0, 1, 0], counts.ravel())
    return describe_categories(labels.tolist(), cells.tolist())


def as_printed(p_value, printed):
    """The p-value with as many digits as the print has."""
    if "E" in printed:
        return f"{p_value:.2E}"
    return f"{p_value:.{len(printed) - 1}f}".lstrip("0")


def test_27_printed_p_values_are_found_from_patients(printed):
    right = [entry for entry in printed if entry[3] == "yes (Yates)"]
    assert len(right) == 27
    for _, p_value, counts, _ in right:
        for row in describe_counts(counts):
            assert row.test.method == "chi-square, Yates"
            assert as_printed(row.test.p_value, p_value) == p_value


def test_three_printed_p_values_are_misprints(printed):
    wrong = {
        name: (p_value, describe_counts(counts)[0].test.p_value)
        for name, p_value, counts, consistent in printed
        if consistent == "NO"
    }
    assert wrong == {
        "S4int CRP": (".795", 1.0),
        "S4pro enth": (".91", 1.0),
        "S4pro dact": (".95", 1.0),
    }


def test_counts_of_the_papers_tables_are_counted(printed):
    for _, _, counts, _ in printed:
        rows = {row.category: row for row in describe_counts(counts)}
        found = [[rows[c].positive, rows[c].negative] for c in ("yes", "no")]
        assert found == counts.tolist()


# --- numbers --------------------------------------------------------------------------

values = st.lists(st.integers(0, 300).map(lambda x: x / 4), min_size=2, max_size=30)


@given(positive=values, negative=values)
def test_ages_are_compared_by_welchs_test(positive, negative):
    test = describe_number(positive, negative, name="age").test
    assert test.method == "Welch's t-test"
    if np.ptp(positive) and np.ptp(negative):
        theirs = scipy_stats.ttest_ind(positive, negative, equal_var=False)
        assert test.statistic == pytest.approx(theirs.statistic, rel=1e-12, abs=1e-12)
        assert test.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


def test_the_papers_age_difference_is_found_from_means_and_deviations():
    # Table S3: 30.7 +- 12.9 of 138 against 41.4 +- 18.1 of 190.
    def draw(mean, sd, size):
        wave = np.linspace(-1, 1, size)
        return mean + sd * wave / np.std(wave, ddof=1)

    positive, negative = draw(30.7, 12.9, 138), draw(41.4, 18.1, 190)
    theirs = scipy_stats.ttest_ind_from_stats(
        30.7, 12.9, 138, 41.4, 18.1, 190, equal_var=False
    )
    row = describe_number(positive, negative, name="age")
    assert (row.positive.mean, row.positive.sd) == pytest.approx((30.7, 12.9))
    assert row.test.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


@given(positive=values, negative=values)
def test_other_numbers_are_compared_by_ranks(positive, negative):
    test = describe_number(positive, negative).test
    both = [*positive, *negative]
    exact = min(len(positive), len(negative)) <= 8 and len(set(both)) == len(both)
    assert test.method == f"Mann-Whitney, {'exact' if exact else 'asymptotic'}"
    if len(set(both)) > 2:
        method = "exact" if exact else "asymptotic"
        theirs = scipy_stats.mannwhitneyu(positive, negative, method=method)
        assert (test.statistic, test.p_value) == (theirs.statistic, theirs.pvalue)


@pytest.mark.parametrize(("fewest", "method"), [(8, "exact"), (9, "asymptotic")])
def test_eight_values_without_ties_are_compared_exactly(fewest, method):
    test = describe_number(range(fewest), range(100, 120)).test
    assert test.method == f"Mann-Whitney, {method}"


def test_ranks_of_few_patients_are_counted_out_by_hand():
    # Of the 20 ways to choose three of six, one lies as far out on either side.
    test = describe_number([4, 5, 6], [1, 2, 3]).test
    assert (test.statistic, test.p_value) == (9.0, pytest.approx(2 / 20))


def test_a_class_is_summarized_by_both_means_and_quartiles():
    row = describe_number([1, 2, 3, 4, 10], [1, 1, 1])
    assert row.positive.mean == 4.0
    assert row.positive.sd == pytest.approx(math.sqrt(50 / 4))
    quartiles = row.positive.first_quartile, row.positive.third_quartile
    assert (row.positive.median, quartiles) == (3.0, (2.0, 4.0))
    assert row.negative.sd == 0.0


def test_empty_cells_are_counted_as_unknown():
    row = describe_number([1, "", 3], ["", "", 2])
    assert (row.positive.num_known, row.positive.num_unknown) == (2, 1)
    assert (row.negative.num_known, row.negative.num_unknown) == (1, 2)
    assert row.positive.mean == 2.0


@pytest.mark.parametrize("name", ["age", "months"])
@pytest.mark.parametrize(
    ("positive", "negative"),
    [([1, 2], []), ([], []), (["", ""], [1, 2]), ([0.1] * 3, [0.1] * 4)],
)
def test_there_is_no_test_without_both_classes_or_variation(name, positive, negative):
    if positive or negative:
        test = describe_number(positive, negative, name=name).test
        assert math.isnan(test.statistic)
        assert math.isnan(test.p_value)


def test_one_age_of_a_class_has_no_variance_and_no_test():
    row = describe_number([30], [20, 25, 40], name="age")
    assert math.isnan(row.test.p_value)
    assert row.positive.mean == 30.0
    assert math.isnan(row.positive.sd)


def test_ages_that_are_constant_in_each_class_but_differ_have_no_test():
    assert math.isnan(describe_number([0.1] * 3, [0.3] * 3, name="age").test.p_value)


def test_ages_that_are_constant_in_one_class_are_compared():
    test = describe_number([30, 30, 30], [20, 25, 42], name="age").test
    theirs = scipy_stats.ttest_1samp([20, 25, 42], 30)
    assert test.statistic == pytest.approx(-theirs.statistic)
    assert test.p_value == pytest.approx(theirs.pvalue)


def test_one_value_of_a_class_still_has_a_rank():
    assert describe_number([5], [1, 2, 3]).test.p_value == pytest.approx(2 / 4)


@pytest.mark.parametrize("cell", ["old", "2,8,5", "nan", "inf"])
def test_a_cell_that_is_no_number_is_refused_with_its_patient(cell):
    wanted = rf"column age must be a number .* got '{cell}' of patient P001"
    with pytest.raises(ValueError, match=wanted):
        describe_number([30, cell], [20], name="age")


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(
        ValueError, match="one of the columns sex of the split internal"
    ):
        describe_patients(
            {"internal": make_patients([1, 0], sex=["F", "M"])},
            numeric=["age"],
            categories=[],
        )


# --- categories -----------------------------------------------------------------------


def test_shares_are_of_the_patients_whose_category_is_known():
    female, male = describe_categories([1, 1, 1, 0, 0], ["F", "F", "", "M", "F"])
    assert (female.category, male.category) == ("F", "M")
    assert (female.positive, female.positive_known) == (2, 2)
    assert (female.negative, female.negative_known) == (1, 2)
    assert (male.positive, male.negative) == (0, 1)


def test_every_row_of_a_covariate_bears_its_test():
    rows = describe_categories([1, 1, 0, 0, 0], ["a", "b", "c", "a", "c"])
    assert {row.test.method for row in rows} == {"chi-square"}
    assert {row.test.degrees_of_freedom for row in rows} == {2}


def test_low_expected_counts_are_remarked():
    row, _ = describe_categories([1] * 4 + [0] * 16, ["F"] * 10 + ["M"] * 10)
    assert row.remark == "expected counts below 5 in 2 of 4 cells"


def test_expected_counts_of_five_are_not_remarked():
    row, _ = describe_categories([1] * 10 + [0] * 10, ["F", "M"] * 10)
    assert row.remark == ""


@pytest.mark.parametrize(
    ("labels", "cells", "remark"),
    [
        ([1, 0, 1], ["F", "F", ""], "no test: one category only"),
        ([1, 1, 0], ["F", "M", ""], "no test: known in one class only"),
        ([1, 1], ["F", "M"], "no test: known in one class only"),
    ],
)
def test_without_a_test_the_remark_says_why(labels, cells, remark):
    for row in describe_categories(labels, cells):
        assert math.isnan(row.test.p_value)
        assert row.remark == remark


def test_categories_of_any_split_have_a_row_in_every_split():
    splits = {
        "a": make_patients([1, 0], split="a", sex=["F", "F"]),
        "b": make_patients([1, 0], split="b", sex=["", ""]),
        "c": make_patients([1, 0], split="c", sex=["M", "M"]),
    }
    _, rows = describe_patients(splits, numeric=[], categories=["sex"])
    assert [(row.split, row.category) for row in rows] == [
        (split, category) for split in splits for category in ("F", "M")
    ]
    assert {row.remark for row in rows if row.split == "b"} == {"no test: unknown"}
    assert [row.positive_known for row in rows] == [1, 1, 0, 0, 1, 1]


def test_a_column_that_is_empty_everywhere_has_no_rows():
    assert describe_categories([1, 0], ["", " "]) == ()


def test_patients_without_a_label_are_not_described():
    patients = make_patients([1, 0, None], age=[20, 30, 99], sex=["F", "F", "M"])
    (number,), (female, male) = describe_patients(
        {"internal": patients}, numeric=["age"], categories=["sex"]
    )
    assert number.negative.mean == 30.0
    assert (female.positive_known, male.positive, male.negative) == (1, 0, 0)


def test_a_split_without_labels_is_not_described():
    patients = make_patients([None], age=[20], sex=["F"])
    found = describe_patients(
        {"internal": patients}, numeric=["age"], categories=["sex"]
    )
    assert found == ((), ())
