"""The model card: Mitchell's headings, honest about drafts, safe against odd names."""

from dataclasses import replace

import pytest

from negspa_jax.report.checklist import fill_checklists
from negspa_jax.report.model_card import escape, format_model_card
from tests.report.small_study import bare_study, full_study

HEADINGS = (
    *("Model details", "Intended use and out-of-scope use", "Factors", "Metrics"),
    *("Evaluation data", "Training data", "Quantitative analyses"),
    *("Ethical considerations", "Caveats and recommendations"),
)
ODD = "a|b\n## c <script> [x](y) `d` *e* \\"


def card(study, **answers):
    return format_model_card(study, fill_checklists(study, **answers))


@pytest.fixture
def answered():
    items = fill_checklists(full_study())
    return {(i.checklist, i.item): "Said." for i in items if i.status == "TODO"}


def section(text, heading):
    return text.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_the_headings_are_mitchells_in_order():
    lines = card(full_study()).splitlines()
    assert [line[3:] for line in lines if line.startswith("## ")] == list(HEADINGS)


@pytest.mark.parametrize("make", [bare_study, full_study])
def test_the_card_says_that_this_is_no_medical_device(make):
    assert "Research software, not a medical device" in card(make()).split("##")[0]


def test_a_card_with_something_to_do_is_a_draft():
    assert "**Draft**: " in card(full_study()).split("##")[0]


def test_a_card_that_is_all_said_is_no_draft(answered):
    text = card(full_study(), answers=answered)
    assert "Draft" not in text
    assert "TODO" not in text


def test_a_persons_answer_stands_in_the_card():
    key = ("TRIPOD+AI", "3b")
    text = section(
        card(full_study(), answers={key: "To compare networks."}),
        "Intended use and out-of-scope use",
    )
    assert "(TRIPOD+AI, item 3b): To compare networks." in text


def test_care_of_patients_is_out_of_scope_whatever_a_person_says(answered):
    text = card(full_study(), answers=answered)
    scope = section(text, "Intended use and out-of-scope use")
    assert "Out of scope: every use in the care of patients" in scope


def test_the_table_has_a_row_for_every_performance():
    rows = section(card(full_study()), "Quantitative analyses").splitlines()
    found = [row for row in rows if row.startswith("| ")]
    assert len(found) == 4
    assert found[3].startswith("| internal | image | 8 | 4 | 0.750 (0.350-1.000) |")
    assert found[3].count("0.750 (0.194-0.994) at Youden") == 2
    assert found[3].endswith(" |  |")


def test_the_table_says_which_rows_are_no_test():
    rows = section(card(full_study()), "Quantitative analyses").splitlines()
    found = next(row for row in rows if row.startswith("| train "))
    said = "training split, scores out of fold; cut-off chosen here: optimistic"
    assert found.endswith(f"| {said} |")


def test_a_study_without_cut_off_says_so():
    assert "| no cut-off | no cut-off |  |" in card(bare_study())


def test_odd_names_break_neither_table_nor_headings():
    study = full_study()
    odd = [replace(p, split=ODD, score=ODD) for p in study.performances]
    names = replace(study.names, title=ODD, positive=ODD, primary=ODD)
    study = replace(study, names=names, performances=tuple(odd))
    lines = card(study).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {9}
    assert [line[3:] for line in lines if line.startswith("## ")] == list(HEADINGS)
    assert not [line for line in lines if "<script" in line.replace("\\<", "")]
    assert lines[0].startswith("# Model card: a\\|b ## c")


@pytest.mark.parametrize("mark", list("\\`*|<[]"))
def test_a_mark_of_markdown_is_escaped(mark):
    assert escape(f"a{mark}b") == f"a\\{mark}b"


def test_escaped_text_stands_on_one_line():
    assert escape(" a\r\n\tb ") == "a b"
