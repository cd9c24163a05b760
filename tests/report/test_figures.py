"""Drawings: where labels go, how values are read, and that bytes repeat."""

import matplotlib
import pytest

from negspa_jax.report.figures.curves import draw_roc
from negspa_jax.report.figures.cutoffs import draw_cutoffs
from negspa_jax.report.figures.drawing import draw_panel, slug
from negspa_jax.report.figures.flow import draw_flow
from negspa_jax.report.figures.forest import draw_forest
from negspa_jax.report.figures.labels import place_labels
from negspa_jax.report.figures.readers import draw_readers

WIDTH, HEIGHT = 0.021, 0.045


def box(corner, text):
    x, y = corner
    return x, y, x + WIDTH * len(text), y + HEIGHT


def test_labels_of_points_on_a_heap_do_not_overlap():
    points = [(0.20 + 0.01 * n, 0.80 - 0.01 * n) for n in range(6)]
    texts = ["A", "B", "C", "Dr Long", "E", "F"]
    boxes = [
        box(corner, text)
        for corner, text in zip(place_labels(points, texts), texts, strict=True)
    ]
    for place, one in enumerate(boxes):
        for other in boxes[:place]:
            apart = (
                one[2] <= other[0]
                or other[2] <= one[0]
                or one[3] <= other[1]
                or other[3] <= one[1]
            )
            assert apart, (one, other)


@pytest.mark.parametrize("point", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_labels_stay_inside(point):
    left, bottom, right, top = box(place_labels([point], ["reader"])[0], "reader")
    assert min(left, bottom) >= 0
    assert max(right, top) <= 1


def test_a_label_does_not_hide_another_point():
    corner = place_labels([(0.5, 0.5)], ["A"], taken=[(0.53, 0.5)])[0]
    left, bottom, right, top = box(corner, "A")
    assert not (left < 0.53 < right and bottom < 0.5 < top)


def test_a_style_of_the_machine_changes_nothing(study):
    plain = draw_flow(study)[0].svg
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30}):
        assert draw_flow(study)[0].svg == plain


def test_drawing_leaves_the_style_of_others_alone(study):
    with matplotlib.rc_context({"lines.linewidth": 9}):
        draw_flow(study)
        assert matplotlib.rcParams["lines.linewidth"] == 9


def test_ids_of_two_drawings_differ():
    def draw(axes):
        axes.plot([0, 1], [0, 1], marker="o")

    one, two = (
        draw_panel(draw, name=name, title="", words="").svg for name in ("one", "two")
    )
    assert one != two
    assert one.replace("one-", "two-").count("two-") == two.count("two-")
    assert 'id="figure_1"' not in one


def test_text_stays_text_and_a_dollar_is_no_formula():
    def draw(axes):
        axes.text(0.5, 0.5, 'a $x^2$ id="b" <c>')

    svg = draw_panel(draw, name="p", title="", words="").svg
    assert 'a $x^2$ id="b" &lt;c&gt;' in svg


def test_every_split_has_its_panels(study):
    splits = [flow.split for flow in study.flow]
    assert [panel.title.split(",")[0] for panel in draw_roc(study)] == splits
    assert len(draw_forest(study)) == 3 * len(splits)
    assert len(draw_readers(study)) == 2 * len(splits)
    assert [panel.title.split(",")[0] for panel in draw_cutoffs(study)] == splits


def test_the_forest_says_its_numbers_in_words(study):
    panel = next(p for p in draw_forest(study) if p.title == "external, AUC")
    row = next(r for r in study.performances if r.split == "external")
    assert row.score == "image"
    fused = next(
        r for r in study.performances if (r.split, r.score) == ("external", "fused")
    )
    assert f"all patients {fused.auc.value:.2f}" in panel.words


def test_names_of_files_are_plain_whatever_the_split_is_called():
    assert slug("roc", "1-../a/b") == "roc_1-a-b"
    assert slug("roc", "患者") == "roc_x"
