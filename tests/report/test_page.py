"""The page stands alone, says what it must, and shows foreign text as text."""

import csv
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from negspa_jax.evaluate import Options, load_study
from negspa_jax.report.chapters import list_sections
from negspa_jax.report.checklist import fill_checklists
from negspa_jax.report.folder import make_files
from negspa_jax.report.page import format_page
from tests.report.conftest import read_page


def make_page(study, items):
    return format_page(study, list_sections(study, items), items)


def test_the_page_needs_nothing_from_outside(files, page):
    text = files["report.html"].decode()
    assert not re.search(r"https?:|//[a-z]+\.|@import", text)
    links = {
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("href", "src", "srcset", "data", "action", "xlink:href")
    }
    assert {link[:1] for link in links} == {"#", "d"}
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not re.search(r"url\((?!#)", text)


def test_the_page_holds_no_script(page):
    assert "script" not in {tag for tag, _ in page.elements}
    names = {name for _, attributes in page.elements for name in attributes}
    assert not [name for name in names if name.startswith("on")]


def test_every_link_within_the_page_has_its_place_once(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {
        attributes["href"][1:]
        for _, attributes in page.elements
        if attributes.get("href", "").startswith("#")
    }
    assert wanted <= set(ids)


def test_references_inside_drawings_have_their_place(files):
    text = files["report.html"].decode()
    ids = set(re.findall(r'\bid="([^"]+)"', text))
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= ids


def test_the_first_screen_says_what_was_measured_on_whom_how_surely(page, study):
    first = page.text[: page.text.index("Flow of patients")]
    assert "Research software, not a medical device" in first
    assert (
        "“fused” tells positive from negative, in 17 labelled patients of 1 test "
        "split, and 30 of train."
    ) in first
    for row in study.performances:
        if row.score == "fused":
            assert f"{row.auc.value:.3f} ({row.auc.low:.3f}" in first
    assert "95 % interval (DeLong" in first
    said = "training split, scores out of fold; cut-off chosen here: optimistic"
    assert first.count(said) == 1


def test_a_draft_is_called_so_until_nothing_is_left_to_do(study, items, page):
    assert "Draft: " in page.text
    done = [replace(item, answer="said") for item in items]
    assert "Draft: " not in format_page(study, [], done)


def test_every_caption_says_where_its_numbers_come_from(page):
    captions = re.findall(r"(?:Table|Figure) \d+\. [^.]+\..*", page.text)
    assert len(captions) > 25
    silent = [line for line in captions if not re.search(r"\.(csv|svg)|maps/", line)]
    assert not silent


def test_what_cannot_be_there_says_why(bare):
    items = fill_checklists(bare)
    text = read_page(make_page(bare, items)).text
    for part in ("Table 1 of the cohort", "Subgroups", "Readers", "Training curves"):
        assert f"{part}: not in this report. " in text
    assert all(sentence in text for sentence in bare.missing.values())


def test_a_bare_table_is_enough_for_a_report(bare):
    files = make_files(bare, fill_checklists(bare))
    page = read_page(files["report.html"].decode())
    assert {"discrimination", "calibration", "flow"} <= set(page.tables)
    assert "figures/roc_1-all.svg" in files


def test_a_study_of_one_class_is_shown_without_curves(tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("patient_id,label,score\na,1,0.4\nb,1,0.9\n", "utf-8")
    study = load_study(predictions=[path])
    files = make_files(study, fill_checklists(study))
    text = read_page(files["report.html"].decode()).text
    for figure in ("ROC curves", "Calibration curves"):
        assert f"{figure}: not in this report. They need a split with labelled" in text
    assert "a class is empty" in text


def test_the_same_study_gives_the_same_bytes(study, items, files):
    again = make_files(study, items)
    assert [name for name in files if again[name] != files[name]] == []


def test_maps_are_inlined_with_outcome_and_score(page, study):
    pictures = [found for tag, found in page.elements if tag == "img"]
    assert [found["src"][:22] for found in pictures] == ["data:image/png;base64,"] * 2
    wrong = next(case for case in study.cases if case.outcome.startswith("false"))
    named = f"{wrong.split}, patient {wrong.patient_id}: {wrong.outcome}, score fused"
    assert any(found["alt"].startswith(named) for found in pictures)


def test_drawings_are_files_of_their_own(files):
    names = [name for name in files if name.startswith("figures/")]
    assert {"figures/flow.svg", "figures/training_train_loss.svg"} <= set(names)
    for name in names:
        root = ElementTree.fromstring(files[name])
        assert root.tag == "{http://www.w3.org/2000/svg}svg", name
        assert files[name].count(b"http") == 1, name


def test_drawings_of_the_page_say_what_they_show(page):
    drawings = [found for tag, found in page.elements if tag == "svg"]
    assert len(drawings) > 20
    assert all(found["role"] == "img" and found["aria-label"] for found in drawings)


EVIL = '<script>alert("1")</script>\' id="x" url(#x) $x^2$ 患者'


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A study whose every name is foreign text."""
    path = tmp_path_factory.mktemp("evil") / "evil.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = ["patient_id", "split", "label", "score", "sex", f"reader:{EVIL}"]
        writer.writerow(names)
        for number in range(60):
            label, split = number % 2, "train" if number < 40 else EVIL
            score = 0.1 + 0.07 * (number % 12)
            who = f"{number} {EVIL}", split, label
            writer.writerow([*who, score, f"{EVIL}{number % 3 > 0}", label])
    options = Options(title=EVIL, positive=EVIL, negative=EVIL + "0", num_resamples=20)
    return load_study(predictions=[path], names=[EVIL], options=options)


def test_foreign_text_is_shown_as_text(planted):
    files = make_files(planted, fill_checklists(planted))
    page = read_page(files["report.html"].decode())
    assert "script" not in {tag for tag, _ in page.elements}
    assert page.text.count(EVIL) > 50
    assert not any(found.get("id") == "x" for _, found in page.elements)


def test_foreign_text_in_drawings_is_text(planted):
    files = make_files(planted, fill_checklists(planted))
    flow = ElementTree.fromstring(files["figures/flow.svg"])
    shown = "".join(flow.itertext())
    assert EVIL[:20] in shown
    assert "script" not in {element.tag for element in flow.iter()}
