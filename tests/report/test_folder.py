"""Files are written whole, the same each time, and nobody's work is lost."""

import hashlib
import shutil
from pathlib import Path

import pytest

from negspa_jax.report import folder
from negspa_jax.report.checklist import fill_checklists
from negspa_jax.report.folder import make_files, write_report


@pytest.fixture(scope="module")
def written(study, tmp_path_factory):
    """A folder that holds the small study's report, made once and left as it is."""
    folder = tmp_path_factory.mktemp("written") / "report"
    write_report(study, folder)
    return folder


@pytest.fixture
def report(written, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(written, tmp_path / "report"))


@pytest.fixture(scope="module")
def bare_files(bare):
    return make_files(bare, fill_checklists(bare))


@pytest.fixture
def drawn(study, bare, files, bare_files, monkeypatch):
    """No study is drawn again, in tests of where files go."""
    made = {id(study): files, id(bare): bare_files}
    monkeypatch.setattr(folder, "make_files", lambda given, _: made[id(given)])


def contents(path):
    return {
        str(found.relative_to(path)): found.read_bytes()
        for found in sorted(path.rglob("*"))
        if found.is_file()
    }


def test_everything_is_there(written, files):
    assert set(contents(written)) == {*files, "checklist.csv", "SHA256SUMS"}
    assert {"report.html", "study.json", "model_card.md"} <= set(files)
    assert {"maps/map_001.png", "tables/flow.csv", "figures/flow.svg"} <= set(files)


def test_the_sums_are_those_of_the_files(written, files):
    lines = (written / "SHA256SUMS").read_text().splitlines()
    assert len(lines) == len(files)
    for line in lines:
        sha256, name = line.split("  ")
        assert hashlib.sha256((written / name).read_bytes()).hexdigest() == sha256


def test_the_same_study_leaves_the_same_files(report, study):
    before = contents(report)
    write_report(study, report)
    assert contents(report) == before


@pytest.mark.usefixtures("drawn")
def test_what_this_report_has_not_is_removed(report, bare):
    assert (report / "tables/readers.csv").exists()
    write_report(bare, report)
    assert not (report / "tables/readers.csv").exists()
    assert (report / "tables/flow.csv").exists()


@pytest.mark.usefixtures("drawn")
def test_files_of_others_stay(report, bare):
    (report / "notes.txt").write_text("mine")
    write_report(bare, report)
    assert (report / "notes.txt").read_text() == "mine"


@pytest.mark.usefixtures("drawn")
def test_a_changed_file_is_not_overwritten(report, bare):
    page = report / "report.html"
    page.write_text("mine")
    before = contents(report)
    with pytest.raises(ValueError, match=r"report\.html was changed"):
        write_report(bare, report)
    assert contents(report) == before


@pytest.mark.usefixtures("drawn")
def test_a_file_that_no_report_wrote_is_not_overwritten(study, tmp_path):
    (tmp_path / "study.json").write_text("mine")
    with pytest.raises(ValueError, match=r"study\.json was changed .* or was written"):
        write_report(study, tmp_path)
    assert list(contents(tmp_path)) == ["study.json"]


@pytest.mark.usefixtures("drawn")
def test_answers_in_the_folder_are_not_lost(report, study):
    path = report / "checklist.csv"
    text = path.read_text("utf-8")
    path.write_text(text.replace(",,TODO,", ",We say so.,TODO,", 1), "utf-8")
    before = contents(report)
    with pytest.raises(ValueError, match=r"answer to .* must not be lost"):
        write_report(study, report)
    assert contents(report) == before


@pytest.mark.usefixtures("drawn")
def test_a_file_in_place_of_the_folder_is_refused(study, tmp_path):
    (tmp_path / "report").write_text("")
    with pytest.raises(ValueError, match="--out must be a folder, got the file"):
        write_report(study, tmp_path / "report")


@pytest.mark.usefixtures("drawn")
def test_an_interruption_leaves_each_file_whole(report, bare, monkeypatch):
    before, done = contents(report), []

    def stop_halfway(source, target):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(target)
        source.rename(target)

    with monkeypatch.context() as patched:
        patched.setattr(folder.os, "replace", stop_halfway)
        with pytest.raises(KeyboardInterrupt):
            write_report(bare, report)
    halfway = contents(report)
    assert set(halfway) == set(before)
    write_report(bare, report)
    after = contents(report)
    for name in set(halfway) & set(after):
        assert halfway[name] in (before[name], after[name]), name
