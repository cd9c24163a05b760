"""PNG and TIFF, as viewers export them, come out as they were seen."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from negspa_jax.data import radiograph_grey
from negspa_jax.data.errors import CaseError
from negspa_jax.data.radiograph import read_radiograph

DEEP = np.random.default_rng(0).integers(0, 2**16, (30, 40)).astype(np.uint16)
FLAT = (DEEP >> 8).astype(np.uint8)
COLOURS = np.random.default_rng(1).integers(0, 256, (30, 40, 3), np.uint8)


def stretch(values):
    low, high = np.percentile(values, [0.5, 99.5])
    return np.clip((values - low) / (high - low), 0, 1)


def reason(path) -> str:
    with pytest.raises(CaseError) as caught:
        read_radiograph(path)
    assert "\n" not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("pixels", [DEEP, FLAT], ids=["16 bits", "8 bits"])
def test_grey_exports_keep_their_values(tmp_path, suffix, pixels):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pixels).save(path)
    got = read_radiograph(path)
    np.testing.assert_allclose(got.image, stretch(pixels), atol=1e-6)
    assert (got.spacing_mm, got.display, got.warnings) == (None, "percentiles", ())


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colour_exports_become_grey(tmp_path, mode):
    path, image = tmp_path / "a.png", Image.fromarray(COLOURS).convert(mode)
    image.save(path)
    grey = np.asarray(image.convert("RGB")) @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(read_radiograph(path).image, stretch(grey), atol=1e-6)


@pytest.mark.parametrize("pixels", [DEEP, FLAT], ids=["16 bits", "8 bits"])
@pytest.mark.parametrize("photometric", [0, 1])
def test_tiff_whose_white_is_zero_is_turned_once(tmp_path, pixels, photometric):
    path = tmp_path / "a.tif"
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    Image.fromarray(pixels).save(path, tiffinfo=tags)
    # The photometric interpretation's entry: tag 262, one short; Pillow writes 1.
    content = path.read_bytes()
    entry = b"\x06\x01\x03\x00\x01\x00\x00\x00"
    assert content.count(entry) == 1
    place = content.find(entry) + len(entry)
    path.write_bytes(content[:place] + bytes([photometric]) + content[place + 1 :])
    wanted = stretch(pixels)
    wanted = wanted if photometric else 1 - wanted
    np.testing.assert_allclose(read_radiograph(path).image, wanted, atol=1e-6)


def test_different_resolutions_make_pixels_square(tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(FLAT).save(path, dpi=(100, 50))
    assert read_radiograph(path).image.shape == (60, 40)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_an_export_that_is_not_upright_is_refused(tmp_path, suffix):
    path, exif = tmp_path / f"a.{suffix}", Image.Exif()
    exif[274] = 6
    Image.fromarray(FLAT).save(path, exif=exif)
    assert "upright (orientation 1), got 6" in reason(path)


def make_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return (
        struct.pack(">L", len(content)) + kind + content + struct.pack(">L", checksum)
    )


def test_colours_of_16_bits_are_read_with_a_warning(tmp_path):
    path = tmp_path / "a.png"
    rows = np.repeat(DEEP[..., None], 3, axis=2).astype(">u2").reshape(30, -1)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    content = make_chunk(b"IHDR", struct.pack(">LLBBBBB", 40, 30, 16, 2, 0, 0, 0))
    content += make_chunk(b"IDAT", zlib.compress(lines)) + make_chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    got = read_radiograph(path)
    assert got.warnings == ("colours of 16 bits are read with 8",)
    np.testing.assert_allclose(got.image, stretch(DEEP), atol=0.01)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (Image.fromarray(DEEP.astype(np.float32)), "got 32 bits as Pillow's mode F"),
        (Image.fromarray(DEEP.astype(np.int32)), "got 32 bits"),
        (Image.fromarray(FLAT > 99), "got 1 bits"),
        (Image.fromarray(np.full((9, 9), 7, np.uint8)), "the same value"),
    ],
)
def test_what_is_no_grey_of_8_or_16_bits_is_refused(tmp_path, image, words):
    path = tmp_path / "a.tif"
    image.save(path)
    assert words in reason(path)


def test_several_pages_are_refused(tmp_path):
    path, page = tmp_path / "a.tif", Image.fromarray(FLAT)
    page.save(path, save_all=True, append_images=[page])
    assert "got 2 pages" in reason(path)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_truncated_exports_are_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(DEEP).save(path)
    content = path.read_bytes()
    for length in (20, 200, len(content) // 2, len(content) - 9):
        path.write_bytes(content[:length])
        assert "undamaged PNG or TIFF" in reason(path)


def test_a_flipped_bit_in_a_png_is_caught_by_its_checksums(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(DEEP).save(path, compress_level=0)
    content = path.read_bytes()
    for place in np.random.default_rng(0).integers(41, len(content) - 12, 40):
        flipped = bytearray(content)
        flipped[place] ^= 16
        path.write_bytes(flipped)
        assert "undamaged PNG or TIFF" in reason(path)


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.fromarray(DEEP).save(path)
    monkeypatch.setattr(radiograph_grey, "MAX_PIXELS", 1000)
    monkeypatch.setattr(Image.Image, "load", None)
    assert "at most 1,000 pixels, got 30 x 40" in reason(path)
