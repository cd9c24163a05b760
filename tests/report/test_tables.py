"""Tables show what their files hold, and files hold what was computed."""

import math
from dataclasses import replace

import pytest

from negspa_jax.report.blocks import Section
from negspa_jax.report.digits import MINUS, UNDEFINED
from negspa_jax.report.tables.origin import list_learned
from negspa_jax.report.tables.scores import list_calibration
from negspa_jax.report.tables.table import (
    COUNT,
    ESTIMATE,
    PERCENT,
    TEXT,
    Table,
    make_columns,
)
from negspa_jax.stats import Estimate
from tests.report.conftest import read_csv

DASH = UNDEFINED
RIGHT = {
    f"{name} right"
    for name in ("First", "Second", "Reader", "Model", "With help", "Alone")
}
CURVES = ("roc", "precision_recall", "calibration", "decision")


def test_every_table_of_the_page_equals_its_file(files, page, sections):
    assert len(page.tables) > 15
    for table in tables_of(sections):
        header, rows = read_csv(files[f"tables/{table.name}.csv"])
        shown = page.tables.get(table.name, [])
        if not rows:
            assert not shown, table.name
            continue
        titles = [column.title for column in table.columns]
        assert shown[0] == titles, table.name
        assert [group_title(header, place) for place in starts(table)] == titles
        assert len(shown) == len(rows) + 1, table.name
        for cells, stored in zip(shown[1:], rows, strict=True):
            assert cells == [written(*pair) for pair in grouped(table, stored)]


def test_every_file_of_a_table_is_a_table_or_a_figures_points(files, sections):
    names = {f"tables/{table.name}.csv" for table in tables_of(sections)}
    points = {f"tables/curve_{name}.csv" for name in (*CURVES, "cutoffs")}
    assert names | points == {name for name in files if name.startswith("tables/")}


def test_no_file_has_two_columns_of_one_name(files):
    names = [name for name in files if name.startswith("tables/")]
    assert len(names) > 20
    for name in names:
        header, _ = read_csv(files[name])
        assert len(header) == len(set(header)), name


def test_two_columns_of_one_name_are_refused():
    columns = make_columns(("A", ESTIMATE), ("A, low", COUNT))
    with pytest.raises(ValueError, match=r"table t .* got 'A, low' twice; name the"):
        Table("t", "T", "", columns, ())


@pytest.mark.parametrize("name", CURVES)
def test_a_curves_file_holds_its_points_unrounded(name, study, files, page):
    _, rows = read_csv(files[f"tables/curve_{name}.csv"])
    expected = [
        [row.split, row.score, *map(float, values)]
        for row in study.performances
        for values in zip(*getattr(row, name), strict=True)
    ]
    assert [[*row[:2], *map(float, row[2:])] for row in rows] == expected
    assert f"tables/curve_{name}.csv" in page.text
    assert f"curve_{name}" not in page.tables


def test_a_table_with_nothing_in_it_is_a_sentence(files, page):
    assert "Every patient of the tables that were read has a score." in page.text
    assert "No clinical feature was empty in any patient." in page.text
    assert "Patients without a score" not in page.text
    assert not {"tables/unscored.csv", "tables/fusion_missing.csv"} & set(files)


def test_folds_of_the_learned_fusion_keep_their_numbers(study):
    learned = replace(study.fusion.learned, folds=(3, 7))
    table = list_learned(replace(study, fusion=replace(study.fusion, learned=learned)))
    assert [row[0] for row in table.rows] == [3, 7]
    assert "L2 penalty (C = 1)" in table.caption


def test_scores_of_0_or_1_are_counted_beside_the_slope(study):
    rows = [replace(row, num_certain=5) for row in study.performances]
    table = list_calibration(replace(study, performances=tuple(rows)))
    place = [column.title for column in table.columns].index("Scores of 0 or 1")
    assert {row[place] for row in table.rows} == {5}
    assert "moved to 1e-7 from the end" in table.caption


def test_files_hold_unrounded_numbers(files, study):
    header, rows = read_csv(files["tables/discrimination.csv"])
    found = [float(row[header.index("AUC")]) for row in rows]
    assert found == [row.auc.value for row in study.performances]


def test_what_is_undefined_is_a_dash_on_the_page_and_empty_in_the_file():
    undefined = Estimate(math.nan, math.nan, math.nan, level=0.95, method="none")
    table = Table("t", "T", "", make_columns(("A", ESTIMATE)), ((undefined,),))
    assert table.shown()[0][0].value == DASH
    assert table.as_csv() == 'A,"A, low","A, high"\n,,\n'


def test_an_undefined_share_has_no_unit():
    table = Table("t", "T", "", make_columns(("A", PERCENT)), ((math.nan,), (0.5,)))
    assert [row[0].value for row in table.shown()] == [DASH, "50.0 %"]


def test_an_estimate_without_interval_says_so():
    alone = Estimate(0.5, math.nan, math.nan, level=0.95, method="none")
    table = Table("t", "T", "", make_columns(("A", ESTIMATE)), ((alone,),))
    assert table.shown()[0][0][:2] == ("0.500", "(no interval)")


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="table t must have 2 cells, got 1"):
        Table("t", "T", "", make_columns(("A", TEXT), ("B", COUNT)), (("a",),))


def test_every_wrong_call_is_listed_with_all_its_scores(study, files):
    header, rows = read_csv(files["tables/errors.csv"])
    wrong = [case for case in study.cases if case.outcome.startswith("false")]
    assert wrong
    found = {(row[0], row[1]): dict(zip(header, row, strict=True)) for row in rows}
    assert len(found) == len(wrong)
    for case in wrong:
        cells = found[case.split, case.patient_id]
        assert cells["Outcome"] == case.outcome
        for name, score in case.scores.items():
            assert float(cells[f"Score {name}"]) == score


def test_one_row_says_yes_or_no_covariates(files):
    header, rows = read_csv(files["tables/characteristics_categories.csv"])
    place = header.index("Covariate"), header.index("Category")
    pairs = {(row[place[0]], row[place[1]]) for row in rows}
    assert ("arthritis", "1") in pairs
    assert ("arthritis", "0") not in pairs
    assert {("sex", "F"), ("sex", "M")} <= pairs


def test_rederived_cut_offs_stand_only_under_that_name(study, files, page):
    _, rows = read_csv(files["tables/calls_rederived.csv"])
    assert {row[0] for row in rows} == {"external"}
    assert "Cut-offs re-derived on each split itself (optimistic)" in page.text
    header, carried = read_csv(files["tables/calls.csv"])
    chosen = {point.cutoff for point in study.operating_points}
    assert {float(row[header.index("Cut-off")]) for row in carried} <= chosen


# --- the page's words, written here once more ---------------------------------------


def tables_of(sections: list[Section]):
    blocks = [block for section in sections for block in section.blocks]
    return [block for block in blocks if isinstance(block, Table)]


def starts(table):
    """Where each column of the table begins in its file."""
    lengths = [len(column.kind.suffixes) for column in table.columns]
    return [sum(lengths[:place]) for place in range(len(lengths))]


def group_title(header, place):
    """The title that the file's columns from this place on share."""
    for suffix in (", patients", ", mean", ", median"):
        if header[place].endswith(suffix) and place + 1 < len(header):
            return header[place].removesuffix(suffix)
    return header[place]


def grouped(table, stored):
    for column, start in zip(table.columns, starts(table), strict=True):
        suffixes = column.kind.suffixes
        yield (
            column,
            dict(zip(suffixes, stored[start : start + len(suffixes)], strict=True)),
        )


def written(column, cells):
    """What the page must say where a file says `cells` (by the suffix of a title)."""
    first = next(iter(cells.values()))
    title = column.title
    if ", of" in cells and "" in cells:  # a rate
        counts = f"{cells[', patients']}/{cells[', of']}"
        return percent(first, cells, note=f" {counts}") if first else DASH
    if ", of" in cells:  # a share
        count, total = int(first), int(cells[", of"])
        return f"{count}/{total} ({100 * count / total:.1f} %)" if total else DASH
    if ", SD" in cells:
        known = f"n = {cells[', n']}"
        return f"{tenth(first)} {known} ± {tenth(cells[', SD'])}"
    if ", Q1" in cells:
        bounds = tenth(cells[", Q1"]), tenth(cells[", Q3"])
        return f"{tenth(first)} ({DASH.join(bounds)})" if first else DASH
    if ", low" in cells:
        shares = title in ("Sensitivity", "Specificity", "Accuracy")
        if shares or title in ("Agreement with model", "Absolute agreement"):
            return percent(first, cells, note="") if first else DASH
        return interval(first, cells[", low"], cells[", high"]) if first else DASH
    if column.kind.style != "number":
        return first or ("" if column.kind.style.startswith("long") else DASH)
    return plain(title, first)


def plain(title, cell):
    if not cell:
        return DASH
    if title in ("p", "p, Holm"):
        return "<0.001" if float(cell) < 0.001 else f"{float(cell):.3f}"
    if title == "Cut-off":
        return "∞" if cell == "inf" else f"{float(cell):.4f}"
    if title in RIGHT:
        return f"{100 * float(cell):.1f} %"
    if cell.isdecimal():
        return f"{int(cell):,}"
    return signed(f"{float(cell):.3f}")


def percent(value, cells, *, note):
    value, low, high = (100 * float(cells[name]) for name in ("", ", low", ", high"))
    return f"{value:.1f} %{note} ({low:.1f}{DASH}{high:.1f})"


def interval(value, low, high):
    value = signed(f"{float(value):.3f}")
    if not low:
        return f"{value} (no interval)"
    if low == high:
        return f"{value} (no spread)"
    ends = [signed(f"{float(end):.3f}") for end in (low, high)]
    between = " to " if min(float(low), float(high)) < 0 else DASH
    return f"{value} ({between.join(ends)})"


def tenth(cell):
    return signed(f"{float(cell):.1f}") if cell else DASH


def signed(text):
    if float(text) == 0:
        return text.lstrip("-")
    return text.replace("-", MINUS)
