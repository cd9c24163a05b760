"""The door: what it makes, and a sentence for every mistake."""

import csv

import pytest

from negspa_jax.report.__main__ import main
from tests.report.studies import write_bare

FEW = "--num_resamples=10"


@pytest.fixture
def scores(tmp_path):
    return write_bare(tmp_path / "scores.csv")


def refuse(capsys, *arguments):
    """Run a mistaken command; what it said."""
    assert main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert captured.err.startswith("report: ")
    return captured.err


def test_a_report_is_written_and_said(scores, tmp_path, capsys):
    out = tmp_path / "report"
    arguments = [f"--predictions={scores}", f"--out={out}", "--cutoffs=0.5", FEW]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert f"Wrote {out / 'report.html'}" in said
    assert "not a medical device" in said
    assert (out / "study.json").is_file()


def test_names_and_options_reach_the_page(scores, tmp_path, capsys):
    out = tmp_path / "report"
    flags = ["--title=My study", "--positive=ill", "--negative=well", "--cutoffs=0.4"]
    assert main([f"--predictions={scores}", f"--out={out}", FEW, *flags]) == 0
    page = (out / "report.html").read_text("utf-8")
    assert "<h1>My study</h1>" in page
    assert "tells ill from well" in page
    assert "given" in (out / "tables" / "operating_points.csv").read_text("utf-8")


def test_answers_reach_checklist_and_page(scores, tmp_path, capsys):
    answers = tmp_path / "answers.csv"
    with answers.open("w", newline="") as file:
        rows = [["checklist", "item", "text"], ["CLAIM 2024", "4", "Our aim."]]
        csv.writer(file).writerows(rows)
    out = tmp_path / "report"
    arguments = [f"--predictions={scores}", f"--out={out}", f"--answers={answers}"]
    assert main([*arguments, FEW]) == 0
    assert "Our aim." in (out / "checklist.csv").read_text("utf-8")
    assert "Our aim." in (out / "report.html").read_text("utf-8")


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_explains_every_flag(word, capsys):
    assert main([word]) == 0
    said = capsys.readouterr().out
    for flag in ("run", "predictions", "cohort", "out", "answers", "missing", "maps"):
        assert f"--{flag}=" in said


def test_without_flags_the_help_is_shown_and_the_code_is_2(capsys):
    assert main([]) == 2
    assert "--predictions=" in capsys.readouterr().out


def test_out_must_be_given(capsys, scores):
    said = refuse(capsys, f"--predictions={scores}")
    assert said == "report: --out must be given, see --help\n"


def test_something_to_read_must_be_given(capsys, tmp_path):
    said = refuse(capsys, f"--out={tmp_path / 'report'}")
    assert "--run or --predictions must be given" in said
    assert not (tmp_path / "report").exists()


def test_a_misspelt_flag_is_named(capsys, tmp_path):
    assert "prediction" in refuse(capsys, "--prediction=a.csv", f"--out={tmp_path}")


def test_a_word_is_no_flag(capsys, tmp_path):
    said = refuse(capsys, "scores.csv", f"--out={tmp_path}")
    assert said == "report: every argument must be a --flag, got 'scores.csv'\n"


def test_a_missing_file_is_named(capsys, tmp_path):
    path = tmp_path / "nobody.csv"
    said = refuse(capsys, f"--predictions={path}", f"--out={tmp_path / 'report'}")
    assert str(path) in said
    assert not (tmp_path / "report").exists()


def test_cut_offs_must_be_numbers(capsys, scores, tmp_path):
    command = f"--predictions={scores}", f"--out={tmp_path}", "--cutoffs=half"
    assert "--cutoffs must be numbers from 0 to 1, got 'half'" in refuse(
        capsys, *command
    )


def test_a_run_that_is_none_is_named(capsys, tmp_path):
    said = refuse(capsys, f"--run={tmp_path}", f"--out={tmp_path / 'report'}")
    assert "--run must be the directory of a training run" in said
