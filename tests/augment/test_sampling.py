"""Interpolation at any positions, against torch's grid_sample."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from negspa_jax.augment import sample

SHAPE = (11, 14)
RANDOM = np.random.default_rng(1)
IMAGE = RANDOM.random((*SHAPE, 3)).astype(np.float32)
# Up to three images away on every side.
ROW, COLUMN = (
    RANDOM.uniform(-3 * side, 4 * side, (9, 20)).astype(np.float32) for side in SHAPE
)
sampled = {name: jax.jit(partial(sample, border=name)) for name in ("zero", "reflect")}


@pytest.mark.reference
@pytest.mark.parametrize(
    ("border", "padding"), [("zero", "zeros"), ("reflect", "reflection")]
)
def test_positions_inside_and_outside_give_torchs_values(border, padding):
    import torch

    grid = np.stack([COLUMN / (SHAPE[1] - 1), ROW / (SHAPE[0] - 1)], -1) * 2 - 1
    expected = torch.nn.functional.grid_sample(
        torch.from_numpy(IMAGE.transpose(2, 0, 1)[None].astype(np.float64)),
        torch.from_numpy(grid[None].astype(np.float64)),
        padding_mode=padding,
        align_corners=True,
    )
    found = sampled[border](IMAGE, ROW, COLUMN)
    np.testing.assert_allclose(found, expected[0].permute(1, 2, 0), atol=5e-5)


@pytest.mark.parametrize("border", sampled)
def test_a_position_on_a_pixel_gives_its_value_bit_for_bit(border):
    rows, columns = np.indices(SHAPE).astype(np.float32)
    found = np.asarray(sampled[border](IMAGE, rows, columns))
    assert found.tobytes() == IMAGE.tobytes()


def test_the_reflected_image_is_numpys_without_the_edge_repeated():
    wide = np.pad(IMAGE, ((25, 25), (33, 33), (0, 0)), mode="reflect")
    rows, columns = np.indices(wide.shape[:2]).astype(np.float32)
    found = sampled["reflect"](IMAGE, rows - 25, columns - 33)
    np.testing.assert_allclose(found, wide, atol=1e-5)


def test_a_single_row_or_column_is_reflected_into_itself():
    for image in (IMAGE[:1], IMAGE[:, :1]):
        rows, columns = (jnp.full((2, 2), value) for value in (-3.7, 8.2))
        found = np.asarray(sampled["reflect"](image, rows, columns))
        assert image.min() <= found.min() <= found.max() <= image.max()


def test_channels_are_sampled_alike():
    together = np.asarray(sampled["reflect"](IMAGE, ROW, COLUMN))
    for c in range(3):
        alone = sampled["reflect"](IMAGE[..., c : c + 1], ROW, COLUMN)
        np.testing.assert_allclose(together[..., c : c + 1], alone, atol=1e-6)


def test_another_border_is_refused():
    with pytest.raises(ValueError, match=r"border must be zero \| reflect, got 'wrap'"):
        sample(jnp.asarray(IMAGE), jnp.zeros((1, 1)), jnp.zeros((1, 1)), border="wrap")
