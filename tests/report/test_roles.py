"""Train and the split that chose cut-offs are never taken for a test."""

import re
from dataclasses import replace

import pytest

from negspa_jax.report.answers import ANSWERS
from negspa_jax.report.checklist import fill_checklists
from negspa_jax.report.headline import write_headline
from negspa_jax.report.roles import describe_point, is_test, remark_split
from tests.report.small_study import POINT, bare_study, full_study, performance

CHOSEN = "cut-off chosen here: optimistic"
OUT_OF_FOLD = "training split, scores out of fold"
UNKNOWN = "training split, not known to be out of fold"


@pytest.mark.parametrize(
    ("split", "reference", "out_of_fold", "said"),
    [
        ("train", "train", True, f"{OUT_OF_FOLD}; {CHOSEN}"),
        ("train", "train", False, f"{UNKNOWN}; {CHOSEN}"),
        ("train", "validation", True, OUT_OF_FOLD),
        ("validation", "validation", True, CHOSEN),
        ("internal", "train", True, ""),
    ],
)
def test_a_split_says_why_it_is_no_test(split, reference, out_of_fold, said):
    study = replace(full_study(), reference=reference, out_of_fold=out_of_fold)
    assert remark_split(study, split) == said
    assert is_test(study, split) == (not said)


def test_a_cut_off_says_where_it_comes_from():
    assert describe_point(POINT) == "the cut-off 0.450 (“Youden”, chosen on train)"
    given = replace(POINT, name="given", source="")
    assert describe_point(given) == "the given cut-off 0.450"


def test_the_split_that_chose_cut_offs_is_no_test_performance():
    study = replace(full_study(), reference="internal")
    assert ANSWERS["test_performance"].write(study) == ""
    text = ANSWERS["training_performance"].write(study)
    assert f"internal ({CHOSEN}; 4 axSpA of 8) AUC 0.750" in text
    assert f"train ({OUT_OF_FOLD}; 4 axSpA of 8) AUC 0.750" in text


def test_train_is_no_test_performance_whoever_chose_the_cut_offs():
    text = ANSWERS["test_performance"].write(replace(full_study(), reference=""))
    assert "internal (4 axSpA of 8)" in text
    assert "train" not in text


@pytest.mark.parametrize("name", ["headline", "accuracy", "cross_tables", "errors"])
def test_numbers_of_the_split_that_chose_cut_offs_are_marked(name):
    study = full_study()
    cases = [replace(case, split="train") for case in study.cases]
    text = ANSWERS[name].write(replace(study, cases=(*study.cases, *cases)))
    assert CHOSEN in re.findall(r"train[^.]*", text)[0]
    assert "internal" in text
    assert not re.search(rf"internal \([^)]*{CHOSEN}", text)


def test_no_text_calls_scores_out_of_fold_that_are_not_known_to_be():
    study = replace(full_study(), out_of_fold=False)
    texts = [item.text for item in fill_checklists(study)]
    texts += [card.remark for card in write_headline(study).cards]
    found = [text.replace("not known to be out of fold", "") for text in texts]
    assert any(text != other for text, other in zip(texts, found, strict=True))
    assert not [text for text in found if re.search("out.of.fold", text)]


def lead(study, counts):
    rows = [
        replace(performance(split), num_patients=count)
        for split, count in counts.items()
    ]
    return write_headline(replace(study, performances=tuple(rows))).measured


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"train": 320, "a": 100, "b": 106}, "206 labelled patients of 2 test splits"),
        ({"train": 320, "a": 100, "b": 106}, "splits, and 320 of train."),
        ({"train": 1320, "a": 1}, "in 1 labelled patient of 1 test split, and 1,320 "),
        ({"train": 8}, "in 8 labelled patients of train."),
    ],
)
def test_the_first_sentence_counts_tests_and_training_apart(counts, said):
    assert said in lead(full_study(), counts)


def test_the_first_sentence_counts_another_reference_apart():
    study = replace(full_study(), reference="validation")
    said = (
        "in 9 labelled patients of 1 test split, and 8 of train, and 7 of validation."
    )
    assert said in lead(study, {"train": 8, "a": 9, "validation": 7})


def test_nothing_is_called_a_test_that_nobody_called_so():
    assert "in 8 labelled patients of 1 split." in lead(bare_study(), {"all": 8})


def test_tests_stand_before_training_and_reference():
    rows = [performance(split) for split in ("train", "a", "validation", "b")]
    study = replace(full_study(), reference="validation", performances=tuple(rows))
    splits = [card.split for card in write_headline(study).cards]
    assert splits == ["a", "b", "train", "validation"]


def test_one_patient_is_no_patients():
    study = full_study()
    group = replace(study.subgroups[0], num_patients=1)
    row = replace(study.numeric[1], negative=replace(study.numeric[1].negative))
    row = replace(row, negative=replace(row.negative, num_unknown=1))
    point = replace(POINT, num_patients=1)
    study = replace(
        study,
        subgroups=(group,),
        numeric=(row,),
        fusion=replace(study.fusion, missing={"uveitis": 1}),
        operating_points=(point,),
        performances=tuple(replace(p, num_patients=1) for p in study.performances),
    )
    texts = [answer.write(study) for answer in ANSWERS.values()]
    found = write_headline(study)
    texts += [found.measured, found.reading, *(card.patients for card in found.cards)]
    text = " ".join(texts)
    assert len(re.findall(r"\b1 (?:\w+ ){0,2}patient\b", text)) > 8
    assert not re.findall(
        r"[^.\w]1 (?:labelled |negative )?(?:patients|epochs|stages)\b", text
    )
