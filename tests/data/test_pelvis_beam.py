"""The beam: Beer-Lambert's law, noise, collimation and the marker's side."""

from dataclasses import replace

import numpy as np
import pytest

from negspa_jax.data.pelvis_beam import (
    add_soft_tissue,
    blur,
    collimate,
    draw_exposure,
    expose,
    mark_side,
)
from negspa_jax.data.pelvis_build import draw_build

ACROSS = np.linspace(-180, 180, 181, dtype=np.float32)[None]
ALONG = np.linspace(-130, 180, 156, dtype=np.float32)[:, None]
MIDDLE = np.s_[50:110, 60:120]


@pytest.fixture
def plain():
    """No scatter, no processing, nearly no noise; the marker out of the way."""
    build = draw_build(np.random.default_rng(0), age=40.0, sex="male")
    exposure = replace(
        draw_exposure(np.random.default_rng(0)),
        scatter=0.0,
        evenness=0.0,
        photons=1e12,
        marker=("L", 140.0, 80.0, 12.0),
    )
    return build, exposure


def shoot(build, exposure, bone, seed=0):
    key = np.random.default_rng(seed)
    return expose(key, bone, build, exposure, across=ACROSS, along=ALONG)


def test_attenuations_along_a_ray_add_up(plain):
    build, exposure = plain
    exposure = replace(exposure, hardness=1.0)
    bone = np.zeros((156, 181), np.float32)
    bone[80, 90] = 0.1
    signal = shoot(build, exposure, bone)
    expected = add_soft_tissue(build, exposure, ACROSS, ALONG) + bone
    # what leaks everywhere takes a little of the thickest part
    assert np.allclose(signal[MIDDLE], expected[MIDDLE], atol=0.02)
    assert signal[80, 90] - signal[80, 89] == pytest.approx(0.1, abs=0.01)


def test_noise_doubles_with_a_quarter_of_the_photons(plain):
    build, exposure = plain
    bone = np.zeros((156, 181), np.float32)
    clean = shoot(build, exposure, bone)[MIDDLE]
    widths = [
        (shoot(build, replace(exposure, photons=n), bone)[MIDDLE] - clean).std()
        for n in (4e5, 1e5)
    ]
    assert widths[1] / widths[0] == pytest.approx(2, rel=0.1)


def test_scatter_lowers_contrast(plain):
    build, exposure = plain
    bone = np.zeros((156, 181), np.float32)
    bone[80, 90] = 0.1
    steps = []
    for scatter in (0.0, 0.7):
        signal = shoot(build, replace(exposure, scatter=scatter), bone)
        steps.append(signal[80, 90] - signal[80, 89])
    assert steps[1] < 0.75 * steps[0]


@pytest.mark.parametrize("shutter", [False, True])
def test_what_the_collimator_shades_is_at_one_end_of_the_scale(plain, shutter):
    build, exposure = plain
    exposure = replace(exposure, shutter=shutter)
    signal = shoot(build, exposure, np.zeros((156, 181), np.float32))
    dark = collimate(exposure, ACROSS, ALONG) == 0
    assert dark.any()
    end = signal.min() if shutter else signal.max()
    assert np.all(signal[dark] == end)


def test_the_collimated_field_holds_both_joints():
    for seed in range(50):
        exposure = draw_exposure(np.random.default_rng(seed))
        left, top, right, bottom = exposure.collimation
        assert left < -80
        assert right > 80
        assert top < -60
        assert bottom > 60


def test_a_marker_lies_on_the_side_it_names():
    """The patient faces the viewer: their left is on the viewer's right."""
    letters = set()
    for seed in range(20):
        marker = draw_exposure(np.random.default_rng(seed)).marker
        nepers = mark_side(marker, ACROSS, ALONG)
        columns = np.flatnonzero(nepers.any(axis=0))
        letters.add(marker[0])
        assert (ACROSS[0, columns].mean() > 0) == (marker[0] == "L")
    assert letters == {"L", "R"}


def test_a_blur_keeps_what_is_even_and_spreads_what_is_not():
    assert np.allclose(
        blur(np.ones((80, 90), np.float32), 6.0)[30:50, 30:60], 1, atol=0.01
    )
    point = np.zeros((81, 81), np.float32)
    point[36:45, 36:45] = 1
    spread = blur(point, 8.0)
    assert spread[40, 40] < 0.3
    assert spread[40, 40] > spread[40, 55] > spread[40, 70]
