"""The picture: what stands where, and in which colours."""

import numpy as np
import pytest

from negspa_jax.predict.colours import colour_values, lay_over
from negspa_jax.predict.sheet import draw_sheet

WORDS = {"title": "Patient Žofie", "subtitle": "what is shown"}
GREYS = np.array([[0.2, 0.4], [0.6, 0.8]])  # side (left, right) by sequence


def draw(maps, sides=("left", "right")):
    slices = np.ones((8, 8)) * GREYS[: len(sides), :, None, None]
    sheet = draw_sheet(slices, maps, sides=sides, sequences=("t1w", "fs"), **WORDS)
    return np.asarray(sheet).astype(int)


def find_tile(sheet, grey):
    """Top left corner of the tile that is wholly of one grey."""
    found = (sheet == round(255 * grey)).all(-1)
    # Letters have single pixels of the same grey.
    rows = np.flatnonzero(found.sum(1) >= 240)
    columns = np.flatnonzero(found[rows].all(0))
    assert len(rows) == 240
    return rows[0], columns[0]


def middle_beside(sheet, grey):
    """The colour in the middle of the map beside a plain slice."""
    row, column = find_tile(sheet, grey)
    return sheet[row + 120, column + 240 + 3 + 120]


def test_the_patients_right_stands_above_the_left():
    sheet = draw(np.zeros((2, 2, 8, 8)))
    corners = [find_tile(sheet, grey) for grey in (0.6, 0.8, 0.2, 0.4)]
    assert corners[0][0] == corners[1][0] < corners[2][0] == corners[3][0]
    assert corners[0][1] == corners[2][1] < corners[1][1] == corners[3][1]


def test_a_map_without_evidence_leaves_the_slice_as_it_is():
    sheet = draw(np.zeros((2, 2, 8, 8)))
    assert middle_beside(sheet, 0.6).tolist() == [153, 153, 153]


def test_the_colour_scale_is_common_to_all_sides_and_sequences():
    maps = np.zeros((2, 2, 8, 8))
    maps[1, 0], maps[0, 1] = 5.0, 2.5
    sheet = draw(maps)
    for grey, value in ((0.6, 1.0), (0.4, 0.5), (0.8, 0.0)):
        wanted = lay_over(np.array([grey]), np.array([value]))[0]
        assert middle_beside(sheet, grey).tolist() == wanted.tolist()
    assert (draw(3 * maps)[:-66] == sheet[:-66]).all()


@pytest.mark.parametrize("sides", [("whole",), ("right",)])
def test_one_window_has_one_row(sides):
    two, one = draw(np.zeros((2, 2, 8, 8))), draw(np.zeros((1, 2, 8, 8)), sides)
    assert two.shape[0] - one.shape[0] == 240 + 18


def test_colours_grow_lighter_with_the_value():
    colours = colour_values(np.linspace(0, 1, 50))
    lightness = colours @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()
    assert colours.min() >= 0
    assert colours.max() <= 255


def test_one_radiograph_is_drawn_large_and_called_an_image():
    maps = np.zeros((1, 1, 8, 8))
    slices = np.full((1, 1, 8, 8), 0.5)
    words = {"sides": ("whole",), "sequences": ("image",), **WORDS}
    large = np.asarray(draw_sheet(slices, maps, kind="radiograph", **words))
    assert ((large == 128).all(-1).sum(0) >= 480).sum() == 2 * 480
