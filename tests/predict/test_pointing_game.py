"""The pointing game on maps and masks that are known, and played by a network."""

import jax
import numpy as np
import pytest

from benchmarks.pointing_game import FLOOR, MARGIN, count_hits, play
from negspa_jax.models import grad_cam
from tests.models.blobs import draw_blobs, train_on_blobs
from tests.train.tiny import use_tiny_encoder


def map_at(side, row, column):
    maps = np.zeros((2, 4, 4))
    maps[side, row, column] = 1
    return maps


def mask_of(side, rows, columns):
    masks = np.zeros((2, 32, 32), bool)
    masks[side, rows, columns] = True
    return masks


# Cells have 8 pixels; cell (1, 2) has its centre at pixel (12, 20).
PIXEL = mask_of(0, slice(12, 13), slice(20, 21))


def test_a_cell_hits_if_its_centre_lies_in_the_mask():
    game = play(map_at(0, 1, 2), PIXEL, dilation=0)
    assert game.point == (0, 1, 2)
    assert np.argwhere(game.hits).tolist() == [[0, 1, 2]]


def test_dilated_by_one_cell_the_neighbours_hit_too_and_no_others():
    hits = play(map_at(0, 0, 0), PIXEL, dilation=1).hits
    assert np.argwhere(hits[0]).tolist() == [
        [row, column] for row in (0, 1, 2) for column in (1, 2, 3)
    ]
    moved = mask_of(0, slice(11, 12), slice(20, 21))
    hits = play(map_at(0, 0, 0), moved, dilation=1).hits
    assert {int(row) for row, _ in np.argwhere(hits[0])} == {0, 1}


def test_a_lesion_on_the_other_side_is_no_hit():
    game = play(map_at(1, 1, 2), PIXEL, dilation=1)
    assert not game.hits[game.point]
    assert not game.hits[1].any()


def test_the_centre_is_judged_on_the_side_that_the_map_points_at():
    middle = mask_of(0, slice(16, 17), slice(16, 17))
    counted = [
        count_hits([play(map_at(side, 1, 1), middle, dilation=0)] * 2)["centre"]
        for side in (0, 1)
    ]
    assert counted == [1.0, 0.0]


def test_shares_count_patients_and_what_would_have_hit_without_the_map():
    games = [
        play(map_at(0, 1, 2), PIXEL, dilation=0),
        play(map_at(0, 0, 0), PIXEL, dilation=0),
        play(map_at(0, 3, 3), mask_of(0, slice(28, 29), slice(28, 29)), dilation=0),
    ]
    found = count_hits(games)
    assert found["map"] == 0.667
    assert found["interval"] == [0.094, 0.992]
    assert found["centre"] == 0
    assert found["random_cell"] == 0.062
    # Of the six pairs only the first patient's point hits the second's lesion.
    assert found["other_patient"] == 0.167
    assert found["best_cell"] == 0.667


@pytest.fixture(scope="module")
def trained():
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_encoder(patch)
        yield train_on_blobs()


def play_blobs(model, variables):
    images, _, masks = draw_blobs(2, 80)
    maps = np.asarray(grad_cam(model, variables, images[1::2]))
    # The blob of a positive sample is in its first input.
    return count_hits(
        [play(maps[i, :1], masks[1::2][i, None], dilation=1) for i in range(len(maps))]
    )


def test_a_network_that_found_the_blobs_points_at_them(trained):
    found = play_blobs(*trained)
    assert found["map"] >= max(FLOOR, found["centre"] + MARGIN)
    assert found["map"] > found["other_patient"] + 0.4


def test_a_network_of_random_weights_does_not(trained):
    model, _ = trained
    images, _, _ = draw_blobs(2, 2)
    found = play_blobs(model, model.init(jax.random.key(9), images, train=False))
    assert found["map"] < FLOOR
