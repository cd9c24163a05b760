"""Radiographs come out as a radiologist sees them, whatever the file's conventions."""

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from negspa_jax.data.errors import CaseError
from negspa_jax.data.radiograph import read_radiograph
from tests.data.dicom_files import (
    RAMP,
    as_sequence,
    make_elements,
    make_table,
    write_dicom,
)

FULL = {"BitsStored": 12, "WindowCenter": 2048, "WindowWidth": 4096}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.dcm"


def read(path, pixels=RAMP, *, options=None, **elements):
    return read_radiograph(write_dicom(path, pixels, **elements), **(options or {}))


def test_monochrome2_is_bright_where_its_values_are_high(path):
    image = read(path, **FULL).image
    np.testing.assert_allclose(image, RAMP / 4095, atol=1e-6)


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted"),
    [
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", True),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME2", "IDENTITY", False),
    ],
)
@pytest.mark.parametrize("window", [0, None])
def test_polarity_is_turned_once_and_never_twice(
    path, photometric, shape, inverted, window
):
    elements = {**FULL, "PhotometricInterpretation": photometric}
    if shape:
        elements["PresentationLUTShape"] = shape
    options = {"window": window}
    plain = read(path, options=options, **FULL).image
    image = read(path, options=options, **elements).image
    np.testing.assert_allclose(image, 1 - plain if inverted else plain, atol=1e-6)


def test_without_a_window_percentiles_stretch(path):
    got = read(path, BitsStored=12)
    low, high = np.percentile(RAMP, [0.5, 99.5])
    wanted = np.clip((RAMP - low) / (high - low), 0, 1)
    np.testing.assert_allclose(got.image, wanted, atol=1e-6)
    assert got.display == "percentiles"


def test_rescale_comes_before_the_window(path):
    scaled = {"RescaleSlope": 0.5, "RescaleIntercept": -100}
    image = read(path, BitsStored=12, WindowCenter=400, WindowWidth=801, **scaled).image
    wanted = np.clip((RAMP * 0.5 - 100 - 399.5) / 800 + 0.5, 0, 1)
    np.testing.assert_allclose(image, wanted, atol=1e-6)


def test_a_negative_slope_turns_the_greys_and_not_the_window(path):
    scaled = {"RescaleSlope": -1, "RescaleIntercept": 4095}
    image = read(path, **FULL, **scaled).image
    np.testing.assert_allclose(image, (4095.0 - RAMP) / 4095, atol=1e-6)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_agree_with_pydicom(path, function):
    elements = {"WindowCenter": 1500, "WindowWidth": 1000, "VOILUTFunction": function}
    made = make_elements(RAMP, BitsStored=12, **elements)
    wanted = apply_voi_lut(RAMP, made) / 4095
    got = read(path, BitsStored=12, **elements)
    np.testing.assert_allclose(got.image, wanted, atol=1e-6)
    assert got.display == "window"


def test_modality_and_voi_tables_agree_with_pydicom(path):
    modality = make_table(np.arange(4096)[::-1] * 8)
    voi = make_table((np.linspace(0, 1, 2**15) ** 2 * 65535).astype(int))
    elements = {
        "BitsStored": 12,
        "ModalityLUTSequence": as_sequence(modality),
        "VOILUTSequence": as_sequence(voi),
    }
    made = make_elements(RAMP, **elements)
    wanted = apply_voi_lut(apply_modality_lut(RAMP, made), made) / 65535
    got = read(path, **elements)
    np.testing.assert_allclose(got.image, wanted, atol=1e-6)
    assert got.display == "table"


def test_a_table_of_8_bits_shows_more_than_256_values(path):
    # Where pydicom's own index wraps around.
    voi = make_table(np.arange(4096) // 16, bits=8)
    image = read(path, BitsStored=12, VOILUTSequence=as_sequence(voi)).image
    np.testing.assert_allclose(image, (RAMP // 16) / 255, atol=1e-6)


def test_a_table_begins_at_its_first_value_even_below_zero(path):
    pixels = np.arange(-128, 128, dtype=np.int16).reshape(16, 16)
    voi = make_table(np.arange(200) * 100, first=-100, bits=15)
    image = read(path, pixels, VOILUTSequence=as_sequence(voi)).image
    wanted = np.clip(pixels + 100, 0, 199) * 100 / 32767
    np.testing.assert_allclose(image, wanted, atol=1e-6)


TWO = {
    "BitsStored": 12,
    "WindowCenter": [2048, 1000],
    "WindowWidth": [4096, 501],
    "WindowCenterWidthExplanation": ["NORMAL", "Bone"],
}


@pytest.mark.parametrize("window", [1, "bone", " BONE "])
def test_another_window_is_chosen_by_number_or_name(path, window):
    image = read(path, options={"window": window}, **TWO).image
    wanted = np.clip((RAMP - 999.5) / 500 + 0.5, 0, 1)
    np.testing.assert_allclose(image, wanted, atol=1e-6)


@pytest.mark.parametrize("window", [2, -1, "lung", ""])
def test_a_window_that_is_not_there_is_refused(path, window):
    with pytest.raises(CaseError, match="but has 2 windows or tables"):
        read(path, options={"window": window}, **TWO)


@pytest.mark.parametrize("width", [0, -5, 0.5])
def test_an_unusable_window_is_refused_with_the_way_out(path, width):
    elements = {"BitsStored": 12, "WindowCenter": 5, "WindowWidth": width}
    with pytest.raises(CaseError, match="show it by percentiles"):
        read(path, **elements)
    assert read(path, options={"window": None}, **elements).display == "percentiles"


def test_a_window_beside_the_image_is_refused(path):
    with pytest.raises(CaseError, match="makes every pixel the same"):
        read(path, BitsStored=12, WindowCenter=9000, WindowWidth=10)


def test_a_window_that_leaves_little_is_a_warning(path):
    (warning,) = read(path, BitsStored=12, WindowCenter=2000, WindowWidth=32).warnings
    assert "of the pixels black or white" in warning


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("low", [0, 3])
def test_overlays_in_unused_bits_are_masked(path, signed, low):
    values = np.arange(-128, 128) * 8 if signed else np.arange(256) * 15
    values = values.reshape(16, 16)
    rubbish = np.random.default_rng(0).integers(0, 2**16, (16, 16))
    mask = 0xFFF << low
    bits = ((values << low) & mask) | (rubbish & ~mask & 0xFFFF)
    pixels = bits.astype(np.uint16).view(np.int16 if signed else np.uint16)
    high = {"BitsStored": 12, "HighBit": 11 + low}
    centered = {"WindowCenter": 0 if signed else 2048, "WindowWidth": 4096}
    image = read(path, pixels, **high, **centered).image
    wanted = (values + (2048 if signed else 0)) / 4095
    np.testing.assert_allclose(image, wanted, atol=1e-6)


def test_byte_order_and_compression_change_nothing(path):
    images = [
        read(path, syntax=syntax, **FULL).image
        for syntax in (ImplicitVRLittleEndian, ExplicitVRBigEndian)
    ]
    elements = make_elements(RAMP, **FULL)
    elements.compress(RLELossless)
    elements.save_as(path, enforce_file_format=True)
    images.append(read_radiograph(path).image)
    for image in images:
        np.testing.assert_array_equal(image, read(path, **FULL).image)


def test_padding_is_black_and_left_out_of_the_percentiles(path):
    pixels = np.full((40, 40), 4000, np.uint16)
    pixels[10:26, 10:26] = RAMP // 4
    elements = {"PhotometricInterpretation": "MONOCHROME2", "PixelPaddingValue": 4000}
    image = read(path, pixels, BitsStored=12, **elements).image
    alone = read(path, RAMP // 4, BitsStored=12).image
    np.testing.assert_allclose(image[10:26, 10:26], alone, atol=1e-6)
    assert image[0].max() == 0.0


def test_percentiles_are_taken_inside_the_crop_box(path):
    pixels = np.full((40, 40), 4000, np.uint16)
    pixels[5:21, 10:26] = RAMP // 4
    got = read(path, pixels, BitsStored=12, options={"crop": (5, 10, 21, 26)}).image
    np.testing.assert_array_equal(got, read(path, RAMP // 4, BitsStored=12).image)


@pytest.mark.parametrize("crop", [(0, 0, 17, 5), (4, 4, 4, 8), (-1, 0, 4, 4)])
def test_a_crop_box_outside_the_image_is_refused(path, crop):
    with pytest.raises(CaseError, match=r"crop box .* within 16 x 16 pixels"):
        read(path, options={"crop": crop})


@pytest.mark.parametrize(
    ("elements", "shape", "spacing"),
    [
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [9, 9]}, (16, 16), 0.2),
        ({"ImagerPixelSpacing": [0.15, 0.15]}, (16, 16), 0.15),
        ({"PixelSpacing": [0.4, 0.2]}, (32, 16), 0.2),
        ({"PixelAspectRatio": [1, 2]}, (16, 32), None),
        ({}, (16, 16), None),
    ],
)
def test_pixels_become_square_and_keep_their_millimetres(
    path, elements, shape, spacing
):
    got = read(path, **FULL, **elements)
    assert got.image.shape == shape
    assert got.spacing_mm == (None if spacing is None else pytest.approx(spacing))
    assert abs(got.image.mean() - (RAMP / 4095).mean()) < 1e-3


def test_spacing_that_cannot_be_is_a_warning(path):
    got = read(path, **FULL, PixelSpacing=[0, 0])
    assert got.spacing_mm is None
    assert got.warnings == ("has an unusable PixelSpacing: ignored",)


@pytest.mark.parametrize("planar", [0, 1])
def test_rgb_becomes_grey_by_its_luma(path, planar):
    colours = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    stored = colours if planar == 0 else colours.transpose(2, 0, 1).copy()
    elements = {"Rows": 16, "Columns": 16, "PlanarConfiguration": planar}
    image = read(path, stored, **elements, Modality="OT").image
    grey = colours @ np.array([0.299, 0.587, 0.114])
    low, high = np.percentile(grey, [0.5, 99.5])
    wanted = np.clip((grey - low) / (high - low), 0, 1)
    np.testing.assert_allclose(image, wanted, atol=1e-6)


def test_ybr_has_its_grey_in_its_first_value(path):
    stored = np.full((16, 16, 3), 128, np.uint8)
    stored[..., 0] = np.arange(256).reshape(16, 16)
    image = read(path, stored, PhotometricInterpretation="YBR_FULL").image
    low, high = np.percentile(stored[..., 0], [0.5, 99.5])
    wanted = np.clip((stored[..., 0] - low) / (high - low), 0, 1)
    np.testing.assert_allclose(image, wanted, atol=1e-6)


def test_a_palette_gives_its_colours_grey(path):
    entries = np.arange(256, dtype=np.uint8)[::-1]
    names = [f"{name}PaletteColorLookupTable" for name in ("Red", "Green", "Blue")]
    elements = {f"{name}Descriptor": [256, 0, 8] for name in names}
    elements |= {f"{name}Data": entries.tobytes() for name in names}
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = read(path, pixels, PhotometricInterpretation="PALETTE COLOR", **elements)
    assert (np.diff(image.image.ravel()) <= 0).all()
    assert {image.image.min(), image.image.max()} == {0.0, 1.0}


def test_pixels_are_read_from_a_file_without_preamble(path):
    elements = make_elements(RAMP, **FULL)
    wanted = read(path, **FULL).image
    pydicom.dcmwrite(
        path, elements, implicit_vr=True, little_endian=True, force_encoding=True
    )
    path.write_bytes(path.read_bytes()[path.read_bytes().find(b"\x08\x00\x16\x00") :])
    got = read_radiograph(path)
    np.testing.assert_array_equal(got.image, wanted)
    assert got.warnings == ("has no DICOM preamble: its encoding was deduced",)
