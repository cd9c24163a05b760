"""Captions say what is so: given cut-offs, none, splits of one class, adjustments."""

import math
from dataclasses import replace

import pytest

from negspa_jax.evaluate import Options, load_study
from negspa_jax.report.answers import ANSWERS
from negspa_jax.report.chapters import list_sections
from negspa_jax.report.figures.forest import draw_forest
from negspa_jax.report.figures.readers import draw_readers
from negspa_jax.report.galleries import show_confusion, show_readers
from negspa_jax.report.headline import write_headline
from negspa_jax.report.tables.table import Table
from negspa_jax.stats import Estimate
from tests.report.studies import write_tables

SIZES = {"external": (9, 8), "internal": (5, 0)}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Two models' scores in two splits, of which one lacks a class, and no train."""
    return write_tables(tmp_path_factory.mktemp("given"), SIZES)


@pytest.fixture(scope="module")
def given(tables):
    """Calls at a cut-off that a person gives."""
    options = Options(cutoffs=(0.5,), num_resamples=5)
    return load_study(predictions=tables, options=options)


@pytest.fixture(scope="module")
def uncut(tables):
    """No cut-off at all."""
    return load_study(predictions=tables, options=Options(num_resamples=5))


def captions(sections):
    """By the table's name, or "figure" and the figure's."""
    return {
        f"{'' if isinstance(block, Table) else 'figure '}{block.name}": block.caption
        for section in sections
        for block in section.blocks
    }


@pytest.fixture(scope="module")
def of_given(given):
    return captions(list_sections(given, ()))


@pytest.fixture(scope="module")
def of_uncut(uncut):
    return captions(list_sections(uncut, ()))


@pytest.fixture(scope="module")
def of_chosen(sections):
    return captions(sections)


@pytest.mark.parametrize(
    "word", ["Youden", "carried", "observed in", "chosen on ", "“”"]
)
def test_no_caption_speaks_of_a_choice_where_there_is_none(word, of_given, of_uncut):
    assert len(of_given) > 15
    # The cut-offs re-derived on each split are the only ones that were chosen.
    found = {**of_given, "calls_rederived": ""}.items() | of_uncut.items()
    assert not [name for name, caption in found if word in caption]


@pytest.mark.parametrize(
    "name",
    [
        *("errors", "subgroups", "readers_against_model", "readers_rescues"),
        "readers_model_agreement",
    ],
)
def test_a_caption_names_the_cut_off_of_its_calls(name, of_given, of_chosen, study):
    assert "at the given cut-off 0.500" in of_given[name]
    chosen = f"at the cut-off {study.point.cutoff:.3f} (“Youden”, chosen on train)"
    assert chosen in of_chosen[name]


def test_the_first_screen_names_a_given_cut_off(given, uncut):
    assert "at the given cut-off 0.500, with 95 %" in write_headline(given).reading
    assert "cut-off" not in write_headline(uncut).reading


def test_marks_of_roc_curves_are_explained_if_there_are_any(
    of_given, of_uncut, of_chosen
):
    assert "Diamond: given; those" in of_given["figure roc"]
    assert "no point is marked" in of_uncut["figure roc"]
    assert (
        "Circle: Youden; triangle: high sensitivity; square" in of_chosen["figure roc"]
    )


def test_the_forest_has_everybodys_line_at_a_given_cut_off(given):
    panels = [p for p in draw_forest(given) if p.title == "external, Sensitivity, %"]
    assert "all patients" in panels[0].words


def test_without_a_cut_off_nobody_agrees_with_the_model(uncut, of_uncut):
    assert "readers_model_agreement" not in of_uncut
    section = next(s for s in list_sections(uncut, ()) if s.name == "readers")
    assert any("Without a cut-off there is no agreement" in s for s in section.absent)


def test_without_a_cut_off_there_are_no_shares(uncut, of_uncut):
    assert {p.title.split(", ")[1] for p in draw_forest(uncut)} == {"AUC"}
    assert "AUC only: there is no cut-off." in of_uncut["figure forest"]
    assert "without a cut-off there are no shares" in of_uncut["subgroups"]


def test_without_a_cut_off_readers_stand_beside_a_curve_alone(given, uncut, of_uncut):
    assert "score at given" in draw_readers(given)[0].svg
    assert "score at" not in draw_readers(uncut)[0].svg
    assert "blue point" not in of_uncut["figure readers"]


CURVES = ("roc", "precision_recall", "calibration", "decision", "readers")


@pytest.mark.parametrize("name", CURVES)
def test_a_split_that_cannot_be_drawn_is_named(name, of_given, of_chosen):
    assert "Not drawn: internal (a class is empty)." in of_given[f"figure {name}"]
    assert "Not drawn" not in of_chosen[f"figure {name}"]


def test_a_reader_of_one_class_is_named(study):
    nothing = Estimate(math.nan, math.nan, math.nan, level=0.95, method="none")
    first, *others = study.readings
    study = replace(study, readings=(replace(first, specificity=nothing), *others))
    words = f"Not drawn: {first.reader} in {first.split}, alone (called patients of one"
    assert words in show_readers(study).caption


def test_confusion_matrices_of_one_class_are_drawn(given):
    titles = [panel.title for panel in show_confusion(given).panels]
    assert "internal, fused" in titles
    assert "external, fused" in titles


def test_a_split_has_the_same_number_in_every_file(given):
    names = [panel.name for panel in show_confusion(given).panels]
    names += [panel.name for panel in draw_forest(given)]
    assert {name.split("_")[1] for name in names} == {"1-external", "2-internal"}


def test_captions_say_over_what_p_values_are_adjusted(of_given):
    assert "adjusted over all comparisons of the split." in of_given["comparisons"]
    for name in ("comparisons_calls", "readers_against_model", "readers_assistance"):
        assert "all tests of the same measure in the split" in of_given[name]
    apart = [name for name, text in of_given.items() if "with help apart" in text]
    assert apart == ["readers_against_model"]


def test_a_score_without_a_models_name_is_explained(of_given):
    for name in ("comparisons", "comparisons_calls"):
        assert "without a model's name is the first table's" in of_given[name]


def test_the_logit_interval_is_not_praised_too_much(of_chosen):
    assert "the logit interval is closer to its level" in of_chosen["discrimination"]


def test_thresholds_say_whose_medians_they_are(of_chosen):
    said = "median of all patients, with and without a label, of the split"
    assert said in of_chosen["groupings"]


def test_methods_name_the_tests_of_table_1_and_of_calibration(study):
    text = ANSWERS["uncertainty"].write(study)
    for method in ("Welch's t-test", "Mann-Whitney", "chi-square, Yates"):
        assert method in text
    assert "calibration slope and intercepts by logistic, Wald" in text


def test_methods_do_not_name_what_was_not_measured(uncut):
    bare = replace(uncut, numeric=(), categories=())
    assert "Table 1" not in ANSWERS["uncertainty"].write(bare)


def test_the_learned_fusion_states_its_penalty(study):
    assert "L2 penalty (C = 1)" in ANSWERS["prediction"].write(study)
