"""Checklists: the items, what the machine says, and that a person has the last word."""

import csv
import io
from collections import Counter
from dataclasses import replace

import pytest

from negspa_jax.report.answers import ANSWERS
from negspa_jax.report.checklist import (
    fill_checklists,
    format_checklist,
    is_draft,
    read_answers,
    write_checklist,
)
from negspa_jax.report.questions import list_questions
from tests.report.small_study import bare_study, full_study

TRIPOD = (
    "1 2 3a 3b 3c 4 5a 5b 6a 6b 6c 7 8a 8b 8c 9a 9b 9c 10 11 12a 12b 12c 12d 12e 12f "
    "12g 13 14 15 16 17 18a 18b 18c 18d 18e 18f 19 20a 20b 20c 21 22 23a 23b 24 25 26 "
    "27a 27b 27c"
)
STARD = (
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15a 15b 15c 15d 16a 16b 16c 17a 17b 18 19 20 21 "
    "22 23 24 25 26a 26b 27 28 29 30 31 32 33 34 35 36 37 38 39 40a 40b"
)
# Facts that no file of a study holds: ethics, money, dates, who gave the labels, ...
ONLY_PERSONS = {
    "CLAIM 2024": "3 4 5 6 8 11 15 16 17 34 41 42 44",
    "TRIPOD+AI": "5b 6a 6b 6c 8b 8c 17 18a 18b 18c 18d 18e 19 25 27a 27b 27c",
    "STARD-AI": "5 6 7 8 9 10 12 15d 16b 17a 17b 26b 27 32 34 35 36 37 38 39",
}
ETHICS = ("STARD-AI", "6")


def by_key(items):
    return {(item.checklist, item.item): item for item in items}


@pytest.fixture
def filled():
    return by_key(fill_checklists(full_study()))


def table(path, *rows, columns=("checklist", "item", "text")):
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


# --- the items ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("checklist", "items"),
    [
        ("CLAIM 2024", " ".join(str(number) for number in range(1, 45))),
        ("TRIPOD+AI", TRIPOD),
        ("STARD-AI", STARD),
    ],
)
def test_items_have_the_published_numbers_in_order(checklist, items):
    found = [q.item for q in list_questions() if q.checklist == checklist]
    assert found == items.split()


def test_every_item_has_a_section_and_asks_something():
    assert all(q.section and q.asks for q in list_questions())


def test_every_name_in_fills_is_an_answer_and_every_answer_fills_something():
    named = {name for question in list_questions() for name in question.fills}
    assert named == set(ANSWERS)


def test_what_remains_is_said_only_of_items_that_the_machine_begins():
    assert not [q for q in list_questions() if q.remains and not q.fills]


@pytest.mark.parametrize("checklist", ONLY_PERSONS)
def test_what_only_a_person_knows_is_left_to_a_person(filled, checklist):
    items = [filled[checklist, item] for item in ONLY_PERSONS[checklist].split()]
    assert {(item.text, item.status, item.source) for item in items} == {
        ("TODO", "TODO", "")
    }


# --- the machine ----------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(ANSWERS) - {"data_source"}))
def test_a_full_study_holds_every_answer(name):
    assert ANSWERS[name].write(full_study())


@pytest.mark.parametrize(
    "name",
    [
        *("technology", "preprocessing", "subsets", "model", "initialization"),
        *("training", "augmentation", "selection", "ensembling", "imbalance"),
        *("inputs", "data_source", "operating_points", "cross_tables", "subgroups"),
        *("subgroup_methods", "characteristics", "set_comparison", "errors"),
        *("software", "code", "explainability", "audit", "warnings"),
        *("training_performance", "reference_standard", "variability"),
    ],
)
def test_a_study_without_something_says_nothing_of_it(name):
    assert ANSWERS[name].write(bare_study()) == ""


def test_a_study_without_anything_answers_nothing():
    empty = replace(bare_study(), flow=(), performances=())
    assert {answer.write(empty) for answer in ANSWERS.values()} == {""}


@pytest.mark.parametrize(
    ("key", "fact"),
    [
        (("CLAIM 2024", "19"), "train 8 (4 axSpA, 4 non-SpA, 0 without label)"),
        (("CLAIM 2024", "19"), "5 folds"),
        (("CLAIM 2024", "14"), "The label is taken from the table's column label"),
        (
            ("CLAIM 2024", "18"),
            "internal, A and the final label 0.500 (0.013\u20130.987)",
        ),
        (("CLAIM 2024", "18"), "2 disagreements in 7 patients"),
        (("CLAIM 2024", "12"), "uveitis in 2 patients"),
        (("CLAIM 2024", "12"), "age in internal of 0 positive and 4 negative"),
        (("CLAIM 2024", "12"), "sex in train, known of 4 positive and 3 negative"),
        (("CLAIM 2024", "12"), "1 patient has no score and is left out"),
        (("CLAIM 2024", "12"), "internal 2"),
        (("CLAIM 2024", "12"), "A in internal 1"),
        (("CLAIM 2024", "22"), "resnet50"),
        (("CLAIM 2024", "23"), "numpy 2.0.0"),
        (("CLAIM 2024", "23"), "flax 0.1"),
        (("CLAIM 2024", "25"), "stage 2: 100 epochs, rate 5e-05"),
        (("CLAIM 2024", "29"), "AUC by DeLong, Wald"),
        (("CLAIM 2024", "29"), "proportions by Clopper-Pearson"),
        (("CLAIM 2024", "38"), "internal (4 axSpA of 8) AUC 0.750 (0.350-1.000)"),
        (("CLAIM 2024", "39"), "internal 1 false positive and 0 false negative"),
        (("TRIPOD+AI", "15"), "0.45 (rule youden, on 8 labelled patients of train)"),
        (("TRIPOD+AI", "23a"), "sex F: 0.333 (0.008-0.906), 3 patients (too few)"),
        (("STARD-AI", "30"), "internal, Youden: 3 true positive, 1 false positive"),
        (("STARD-AI", "40b"), "predictions.csv (SHA-256 abababababab)"),
    ],
)
def test_a_texts_facts_are_the_studys(filled, key, fact):
    assert fact in filled[key].text


def test_out_of_fold_scores_are_called_optimistic(filled):
    assert "somewhat optimistic" in filled["CLAIM 2024", "26"].text


@pytest.mark.parametrize("cohort", ["", "hospital/cohort.csv"])
def test_only_synthetic_patients_have_a_source_that_the_machine_knows(cohort):
    study = full_study()
    config = {**study.provenance.config, "data.cohort": cohort}
    study = replace(study, provenance=replace(study.provenance, config=config))
    text = by_key(fill_checklists(study))["CLAIM 2024", "7"].text
    assert text.startswith("TODO" if cohort else "Synthetic patients")


@pytest.mark.parametrize("sides", ["both", "left", "whole"])
@pytest.mark.parametrize("window", ["square", "half"])
def test_the_used_part_of_the_images_names_the_sides(sides, window):
    study = full_study()
    changes = {"data.sides": sides, "data.window": window}
    config = {**study.provenance.config, **changes}
    study = replace(study, provenance=replace(study.provenance, config=config))
    expected = "whole region" if sides == "whole" else f"sides: {sides}"
    assert expected in by_key(fill_checklists(study))["CLAIM 2024", "10"].text


def test_what_another_versions_config_lacks_is_left_to_a_person():
    study = full_study()
    config = dict(study.provenance.config)
    del config["optimizer.decay"]
    study = replace(study, provenance=replace(study.provenance, config=config))
    items = by_key(fill_checklists(study))
    assert items["CLAIM 2024", "25"].status == "TODO"
    assert "Adam" not in items["CLAIM 2024", "25"].text
    assert "rotation" in items["CLAIM 2024", "25"].text


def test_a_complete_answer_is_the_machines_and_says_where_it_stands(filled):
    item = filled["CLAIM 2024", "20"]
    assert item.status == "machine"
    assert item.source == "study.json: flow"


def test_an_answer_with_a_rest_stays_to_do(filled):
    item = filled["CLAIM 2024", "21"]
    assert item.text.endswith("TODO: how the size was determined")
    assert item.status == "TODO"


def test_an_item_of_several_answers_names_those_that_the_study_lacks():
    item = by_key(fill_checklists(bare_study()))["CLAIM 2024", "22"]
    assert item.text.endswith(
        "TODO: technology, inputs, model (not in this study's files)"
    )


def test_texts_stand_on_one_line_whatever_the_tables_say():
    names = replace(full_study().names, positive="axial\nSpA | <b>")
    items = fill_checklists(replace(full_study(), names=names))
    assert not [item for item in items if "\n" in item.text]
    assert any("axial SpA | <b>" in item.text for item in items)


# --- the person -----------------------------------------------------------------------


def test_a_persons_answer_wins():
    key = ("CLAIM 2024", "20")
    item = by_key(fill_checklists(full_study(), answers={key: "By patient."}))[key]
    assert item.machine
    assert item.text == f"{item.machine} By patient."
    assert item.status == "person"


def test_a_persons_answer_that_says_todo_is_not_done():
    answers = {ETHICS: "Approved, TODO: number"}
    item = by_key(fill_checklists(full_study(), answers=answers))[ETHICS]
    assert (item.text, item.status) == ("Approved, TODO: number", "TODO")
    assert item.answer == item.text


def test_a_study_is_a_draft_until_nothing_is_left_to_do():
    items = fill_checklists(full_study())
    assert is_draft(items)
    answers = {(i.checklist, i.item): "Done." for i in items if i.status == "TODO"}
    last = answers.popitem()
    assert is_draft(fill_checklists(full_study(), answers=answers))
    assert not is_draft(fill_checklists(full_study(), answers=dict([last]) | answers))


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (("CLAIM 2024", "45"), "item of CLAIM 2024 must be one of 1 to 44.*'45'"),
        (("TRIPOD+AI", "3"), "item of TRIPOD.AI must be one of 1 to 27c.*'3'"),
        (("CLAIM", "1"), "checklist must be one of CLAIM 2024, TRIPOD.AI, .*'CLAIM'"),
    ],
)
def test_an_unknown_item_is_refused_by_name(tmp_path, key, words):
    with pytest.raises(ValueError, match=words):
        fill_checklists(full_study(), answers={key: "Yes."})
    with pytest.raises(ValueError, match=f"row 2: {words}"):
        read_answers(table(tmp_path / "a.csv", (*key, "Yes.")))


def test_a_small_table_of_answers_is_read(tmp_path):
    path = table(tmp_path / "a.csv", (*ETHICS, "Yes, 12/3"), ("STARD-AI", "7", ""))
    assert read_answers(path) == {ETHICS: "Yes, 12/3"}


def test_every_wrong_row_is_named_at_once(tmp_path):
    rows = [("CLAIM 2024", "0", "a"), (*ETHICS, "b"), (*ETHICS, "c")]
    with pytest.raises(ValueError, match=r"row 2: .*\n.*row 4: STARD-AI 6 must be"):
        read_answers(table(tmp_path / "a.csv", *rows))


def test_a_table_without_text_is_refused(tmp_path):
    path = table(tmp_path / "a.csv", ETHICS, columns=("checklist", "item"))
    with pytest.raises(ValueError, match="must have a column 'text'"):
        read_answers(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        read_answers(tmp_path / "none.csv")


# --- the file -------------------------------------------------------------------------


def test_a_checklist_has_the_documented_columns():
    rows = list(
        csv.reader(io.StringIO(format_checklist(fill_checklists(bare_study()))))
    )
    columns = "checklist item section asks machine remains text status source"
    assert " ".join(rows[0]) == columns
    assert Counter(len(row) for row in rows) == {9: 145}


def test_a_checklist_that_nobody_touched_holds_no_answers(tmp_path):
    path = tmp_path / "checklist.csv"
    write_checklist(path, fill_checklists(full_study()))
    assert read_answers(path) == {}


def test_a_machines_words_follow_the_study_beside_a_persons(tmp_path):
    path, key = tmp_path / "checklist.csv", ("CLAIM 2024", "38")
    first = full_study()
    write_checklist(path, fill_checklists(first, answers={key: "As we hoped."}))
    auc = replace(first.performances[1].auc, value=0.123)
    changed = replace(first.performances[1], auc=auc)
    later = replace(first, performances=(first.performances[0], changed))
    text = by_key(fill_checklists(later, answers=read_answers(path)))[key].text
    assert "AUC 0.123" in text
    assert "AUC 0.750" not in text.split("internal", 1)[1]
    assert text.endswith("As we hoped.")


def test_a_word_that_is_changed_in_the_machines_column_is_the_machines(tmp_path):
    path, key = tmp_path / "checklist.csv", ("CLAIM 2024", "20")
    items = fill_checklists(full_study())
    write_checklist(path, items)
    path.write_text(path.read_text().replace(by_key(items)[key].machine, "Never."))
    assert read_answers(path) == {}


def test_untouched_texts_follow_the_study_when_it_changes(tmp_path):
    path = tmp_path / "checklist.csv"
    write_checklist(path, fill_checklists(bare_study()))
    items = fill_checklists(full_study(), answers=read_answers(path))
    assert items == fill_checklists(full_study())


def test_answers_come_back_from_a_written_checklist_unchanged(tmp_path):
    path = tmp_path / "checklist.csv"
    answers = {
        ETHICS: 'Yes: "A | B", 12/3;\nsecond line',
        ("STARD-AI", "7"): "TODO: ask",
    }
    items = fill_checklists(full_study(), answers=answers)
    write_checklist(path, items)
    assert read_answers(path) == answers
    assert fill_checklists(full_study(), answers=read_answers(path)) == items


def test_a_written_checklist_does_not_lose_a_persons_answers(tmp_path):
    path = tmp_path / "checklist.csv"
    write_checklist(path, fill_checklists(full_study(), answers={ETHICS: "Yes."}))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="STARD-AI 6 must not be lost: pass --answers"):
        write_checklist(path, fill_checklists(full_study()))
    assert path.read_bytes() == before
    write_checklist(path, fill_checklists(full_study(), answers={ETHICS: "Yes, 12/3."}))
    assert read_answers(path) == {ETHICS: "Yes, 12/3."}
