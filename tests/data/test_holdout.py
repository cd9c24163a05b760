"""Who is held out once: drawn by class, saved, obeyed."""

import pytest

from negspa_jax.data.folds import format_folds
from negspa_jax.data.holdout import draw_held_out, read_held_out

LABELS = {f"P{i:03}": int(i % 3 == 0) for i in range(100)}


def test_the_share_is_the_same_in_both_classes():
    drawn = draw_held_out(LABELS, share=0.15, seed=0)
    assert len(drawn) == 15
    assert sum(LABELS[name] for name in drawn) == 5


def test_the_tables_order_plays_no_part_and_the_seed_does():
    backwards = dict(reversed(LABELS.items()))
    first = draw_held_out(LABELS, share=0.15, seed=0)
    assert draw_held_out(backwards, share=0.15, seed=0) == first
    assert draw_held_out(LABELS, share=0.15, seed=1) != first


@pytest.mark.parametrize("share", [0.01, 0.15, 0.5, 0.7])
@pytest.mark.parametrize("count", [7, 9, 40])
def test_both_classes_are_on_both_sides(share, count):
    labels = {f"P{i}": i % 2 for i in range(count)}
    drawn = draw_held_out(labels, share=share, seed=0)
    for side in (drawn, labels.keys() - drawn):
        assert {labels[name] for name in side} == {0, 1}


@pytest.mark.parametrize(("share", "count"), [(0.15, 3), (0.9, 9), (0.9, 12)])
def test_a_share_that_leaves_too_few_is_refused(share, count):
    labels = {f"P{i}": i % 2 for i in range(count)}
    with pytest.raises(ValueError, match="must leave both classes on both sides"):
        draw_held_out(labels, share=share, seed=0)


def test_a_rare_class_that_would_not_be_held_out_is_refused():
    labels = {f"P{i:03}": int(i < 2) for i in range(100)}
    with pytest.raises(ValueError, match="must leave both classes on both sides"):
        draw_held_out(labels, share=0.05, seed=0)


def test_one_patient_of_a_class_is_refused():
    with pytest.raises(ValueError, match="3 training patients \\(1 with label 1\\)"):
        draw_held_out({"a": 0, "b": 0, "c": 1}, share=0.5, seed=0)


def test_the_list_is_read_back(tmp_path):
    drawn = draw_held_out(LABELS, share=0.15, seed=0)
    path = tmp_path / "folds.csv"
    path.write_text(format_folds(dict.fromkeys(drawn, 0)))
    assert read_held_out(path, labels=LABELS) == drawn


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("P000,0\nP001,0\nP000,0\n", "'P000' is given twice"),
        ("P000,0\nQ,0\n", "'Q' is no training patient"),
        ("P000,0\nP001,1\n", "fold must be 0, got '1'"),
        ("P000,0\nP003,0\n", "patients of both classes must be held out"),
        ("", "patients of both classes must be held out"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path, rows, words):
    path = tmp_path / "folds.csv"
    path.write_text("patient_id,fold\n" + rows)
    with pytest.raises(ValueError, match="under fold 0") as caught:
        read_held_out(path, labels=LABELS)
    assert words in str(caught.value)


def test_nobody_may_be_left_over_of_a_given_split(tmp_path):
    path = tmp_path / "folds.csv"
    path.write_text("patient_id,fold\nP000,0\n")
    with pytest.raises(ValueError, match="'P001' is missing"):
        read_held_out(path, labels={"P000": 1, "P001": 0}, whole=True)
    labels = {"P000": 1}
    assert read_held_out(path, labels=labels, whole=True) == {"P000"}
