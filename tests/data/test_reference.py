"""Labels from grades and readers, as the modified New York criteria and [B] say."""

import itertools

import pytest

from negspa_jax.data.errors import RefusedError
from negspa_jax.data.reference import (
    adjudicate,
    agree,
    find_rule,
    is_definite,
    judge_grades,
    list_readers,
)

GRADES = range(5)


@pytest.mark.parametrize("pair", [*itertools.product(GRADES, GRADES)])
def test_definite_is_grade_2_on_both_sides_or_3_on_one(pair):
    # van der Linden 1984: "grade >= 2 bilaterally or grade 3-4 unilaterally".
    unilateral = any(grade in (3, 4) for grade in pair)
    bilateral = all(grade in (2, 3, 4) for grade in pair)
    assert is_definite(*pair) == (unilateral or bilateral)
    assert judge_grades(*pair) == int(is_definite(*pair))
    assert is_definite(*pair) == is_definite(*pair[::-1])


@pytest.mark.parametrize("grade", [3, 4])
def test_one_side_of_grade_3_decides_alone(grade):
    assert judge_grades(grade, None) == judge_grades(None, grade) == 1


@pytest.mark.parametrize("grade", [0, 1, 2])
def test_one_side_below_3_decides_nothing(grade):
    for pair in ((grade, None), (None, grade)):
        with pytest.raises(RefusedError, match="must be filled"):
            judge_grades(*pair)


def test_without_grades_there_is_no_label():
    assert judge_grades(None, None) is None


@pytest.mark.parametrize("calls", [*itertools.product([0, 1], repeat=3)])
def test_the_label_is_two_of_three_readers(calls):
    assert adjudicate(calls) == (sum(calls) >= 2)


@pytest.mark.parametrize("call", [0, 1])
@pytest.mark.parametrize("missing", [0, 1, 2])
def test_any_two_who_agree_are_two_of_three(call, missing):
    calls = [call, call, call]
    calls[missing] = None
    assert adjudicate(calls) == call


@pytest.mark.parametrize("call", [0, 1])
def test_two_who_agree_need_no_third(call):
    assert adjudicate([call, call]) == adjudicate([call, call, None]) == call
    assert agree([call, call]) == agree([call, call, 1 - call]) == call


def test_two_who_disagree_leave_no_label_where_nobody_decides():
    assert adjudicate([0, 1]) is adjudicate([1, 0, None]) is agree([0, 1, 1]) is None


@pytest.mark.parametrize("calls", [(None, None, 1), (0, None, None), (None, 0, 1)])
def test_one_reader_or_two_who_disagree_decide_nothing(calls):
    assert adjudicate(calls) is None
    assert agree(calls) is None


BOTH = ["grade_right", "grade_left"]
TWO = ["reader:local", "reader:central"]


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        (["label", *BOTH, *TWO], "label"),
        ([*BOTH, *TWO], "grades"),
        (TWO, "readers"),
        ([*TWO, "reader:third"], "readers"),
        ([*TWO, "reader:third", "reader:fourth"], "agreement"),
        ([], "label"),
    ],
)
def test_auto_is_the_first_rule_that_the_columns_allow(columns, rule):
    assert find_rule("auto", columns, kind="radiograph") == rule


@pytest.mark.parametrize("columns", [[*BOTH, *TWO], TWO, []])
def test_of_an_mri_readers_make_no_label_unless_it_is_asked_for(columns):
    assert find_rule("auto", columns, kind="mri") == "label"
    assert find_rule("readers", [*columns, *TWO], kind="mri") == "readers"


@pytest.mark.parametrize(
    ("rule", "columns", "words"),
    [
        ("label", BOTH, "must have a column label"),
        ("grades", ["label", "grade_left"], "must have the columns grade_right and"),
        ("readers", ["reader:A"], r"got 1 \(A\)"),
        ("readers", [f"reader:{x}" for x in "ABCD"], r"got 4 \(A, B, C, D\): rename"),
        ("agreement", ["label"], "at least two readers"),
    ],
)
def test_a_rule_without_its_columns_is_refused(rule, columns, words):
    with pytest.raises(RefusedError, match=words):
        find_rule(rule, columns, kind="radiograph")


def test_readers_are_those_of_calls_and_of_grades_in_the_columns_order():
    columns = ["reader:B", "grade_left:A", "grade_right:A", "reader_ai:C", "reader:A"]
    assert list_readers(columns) == ["B", "A"]
