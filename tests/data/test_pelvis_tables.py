"""The synthetic radiographs' table: grades make the label, readers err as printed."""

import numpy as np
import pytest

from negspa_jax.data.pelvis_tables import (
    AGE_RANGE,
    ERRORS,
    GRADES,
    draw_chart,
    find_doubt,
)
from negspa_jax.data.reference import is_definite

NUM_DRAWN = 1500


@pytest.fixture(scope="module")
def charts():
    return {
        label: [
            draw_chart(np.random.default_rng([5, label, i]), "validation", label)
            for i in range(NUM_DRAWN)
        ]
        for label in (0, 1)
    }


@pytest.mark.parametrize("label", GRADES)
def test_every_pair_of_grades_belongs_to_its_label_and_shares_add_up(label):
    assert all(is_definite(*pair) == label for pair in GRADES[label])
    assert sum(GRADES[label].values()) == pytest.approx(1)


@pytest.mark.parametrize("label", GRADES)
def test_grades_are_drawn_on_either_side_as_often_as_stated(charts, label):
    for pair, share in GRADES[label].items():
        drawn = [
            (c.grade_right, c.grade_left) in (pair, pair[::-1]) for c in charts[label]
        ]
        assert np.mean(drawn) == pytest.approx(share, abs=0.04)
    sides = np.mean([c.grade_right - c.grade_left for c in charts[label]])
    assert abs(sides) < 0.1


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("label", GRADES)
def test_readers_err_as_often_as_the_paper_counted(charts, name, label):
    wrong = np.mean([c.calls[name] != label for c in charts[label]])
    assert wrong == pytest.approx(ERRORS[name][label], abs=0.03)


def test_the_errors_are_the_papers_67_disagreements_in_247():
    expected = 87 * sum(e[0] for e in ERRORS.values())
    expected += 160 * sum(e[1] for e in ERRORS.values())
    assert expected == pytest.approx(67)


@pytest.mark.parametrize("label", GRADES)
def test_a_third_reader_decides_where_two_disagree_and_only_there(charts, label):
    for chart in charts[label]:
        disagree = chart.calls["local"] != chart.calls["central"]
        assert chart.calls["third"] == (label if disagree else "")
        assert disagree or chart.calls["local"] == label


def test_on_the_external_set_both_readers_agree():
    for number in range(300):
        chart = draw_chart(np.random.default_rng(number), "external", number % 2)
        assert chart.calls == {"local": number % 2, "central": number % 2, "third": ""}


def test_readers_err_more_at_the_border_between_the_classes(charts):
    doubts, wrong = zip(
        *(
            (find_doubt(c.grade_right, c.grade_left), c.calls["third"] != "")
            for group in charts.values()
            for c in group
        ),
        strict=True,
    )
    near = np.array(doubts) > 1
    assert np.mean(np.array(wrong)[near]) > 2 * np.mean(np.array(wrong)[~near])


def test_age_and_sex_are_alike_in_both_classes(charts):
    ages = [np.mean([c.age for c in charts[label]]) for label in (0, 1)]
    men = [np.mean([c.sex == "male" for c in charts[label]]) for label in (0, 1)]
    assert abs(ages[0] - ages[1]) < 1.5
    assert abs(men[0] - men[1]) < 0.06
    drawn = [c.age for group in charts.values() for c in group]
    assert AGE_RANGE[0] <= min(drawn) <= max(drawn) <= AGE_RANGE[1]
