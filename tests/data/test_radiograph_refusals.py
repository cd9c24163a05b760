"""What is no radiograph, or damaged, is refused in one sentence naming the file."""

import io
import random
import subprocess
import sys
import time
import zlib

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    MediaStorageDirectoryStorage,
    RLELossless,
)

from negspa_jax.data import dicom_file, dicom_pixels
from negspa_jax.data.errors import CaseError
from negspa_jax.data.radiograph import read_radiograph
from tests.data.dicom_files import (
    RAMP,
    as_sequence,
    make_elements,
    make_table,
    write_dicom,
)

BYTES = (RAMP // 16).astype(np.uint8)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.dcm"


def reason(path, **options) -> str:
    with pytest.raises(CaseError) as caught:
        read_radiograph(path, patient_id="17", **options)
    message = str(caught.value)
    assert message.startswith(f"patient 17, file {path}: ")
    assert "\n" not in message
    return caught.value.reason


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"Modality": "MR"}, "got MR (magnetic resonance)"),
        ({"Modality": "SR", "PixelData": None}, "got SR (a structured report)"),
        ({"Modality": "RTPLAN", "PixelData": None}, "a radiotherapy plan"),
        ({"Modality": "DOE"}, "CR, DX, RG, OT, got another"),
        ({"PixelData": None}, "it has no pixel data"),
        ({"PixelData": None, "FloatPixelData": b"\0" * 1024}, "floating-point"),
        ({"PixelData": RAMP.tobytes()[:-2]}, "512 bytes of pixel data, got 510"),
        ({"Rows": 0}, "got 0 x 16 pixels"),
        ({"Rows": None}, "a whole number as Rows"),
        ({"Rows": 65535, "Columns": 65535}, "at most 33,554,432 pixels"),
        ({"NumberOfFrames": 2}, "one image, got 2 frames"),
        ({"BitsAllocated": 1}, "8, 16 or 32 bits allocated to a pixel, got 1"),
        ({"BitsAllocated": 64}, "got 64"),
        ({"BitsStored": 17}, "got 17 up to bit 16"),
        ({"BitsStored": 12, "HighBit": 10}, "got 12 up to bit 10"),
        ({"PixelRepresentation": None}, "PixelRepresentation"),
        ({"PhotometricInterpretation": "HSV"}, "photometric interpretation of"),
        ({"PhotometricInterpretation": "RGB"}, "3 values a pixel as RGB, got 1"),
        ({"RescaleSlope": 0}, "slope other than 0"),
        ({"RescaleSlope": [1, 2]}, "one finite number as RescaleSlope"),
        ({"RescaleSlope": "1e308", "RescaleIntercept": 0}, "within 1e+30 once"),
        ({"Rows": 65535, "Columns": 512}, "at most 32,768 pixels a side"),
        ({"PixelSpacing": [1, 20]}, "nearly square pixels, got 1 x 20"),
        ({"PixelData": b"\7\0" * 256}, "every pixel has the same value"),
        ({"VOILUTSequence": [make_table(np.arange(9))]}, ""),
    ],
)
def test_what_is_not_one_whole_radiograph_is_refused(path, elements, words):
    if "VOILUTSequence" in elements:
        elements["VOILUTSequence"][0].LUTData = b"\0\0"
        words = "one without the entries it describes"
    assert words in reason(write_dicom(path, **elements))


def test_any_modality_is_read_where_the_user_says_so(path):
    write_dicom(path, Modality="MR")
    assert read_radiograph(path, modalities=None).image.shape == (16, 16)


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"Modality": None}, "says nothing of its modality"),
        ({"BurnedInAnnotation": "YES"}, "look for names"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw values"),
    ],
)
def test_what_is_doubtful_is_a_warning(path, elements, words):
    (warning,) = read_radiograph(write_dicom(path, **elements)).warnings
    assert words in warning


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a text named .dcm, as long as a preamble" * 9, "but is none"),
        (b"", "but is none"),
        (b"\x1f\x8b\x08 zipped", "it is gzip: unpack it"),
        (b"\x08\x00 like DICOM but not", "no pixel data"),
        (b"\0" * 128 + b"DICM", "no pixel data"),
        (b"\x89PNG\r\n\x1a\n but no further", "undamaged PNG or TIFF"),
        (b"II*\0\xff\xff\xff\xff", "undamaged PNG or TIFF"),
    ],
)
def test_other_files_are_refused(path, content, words):
    path.write_bytes(content)
    assert words in reason(path)


def test_missing_files_and_directories_are_refused(tmp_path):
    assert "no such file" in reason(tmp_path / "absent.dcm")
    assert "a directory" in reason(tmp_path)


def test_a_dicomdir_is_told_from_an_image(path):
    elements = make_elements(RAMP)
    elements.SOPClassUID = MediaStorageDirectoryStorage
    elements.save_as(path, enforce_file_format=True)
    assert "DICOMDIR" in reason(path)


def test_pixel_data_that_declare_more_than_is_there_are_truncated(path):
    content = bytearray(write_dicom(path).read_bytes())
    start = content.index(b"\xe0\x7f\x10\x00OW") + 8
    content[start : start + 4] = (2**32 - 2).to_bytes(4, "little")
    path.write_bytes(content)
    assert "4,294,967,294 bytes of pixel data, got 512" in reason(path)


def test_a_window_or_table_that_overflows_shows_an_image_without_a_warning(path):
    tiny = {"WindowCenter": "2000", "WindowWidth": "1e-320"}
    write_dicom(path, VOILUTFunction="LINEAR_EXACT", **tiny)
    assert read_radiograph(path).display == "window"
    table = as_sequence(make_table(np.arange(4096)))
    write_dicom(path, VOILUTSequence=table, RescaleSlope="1e25", RescaleIntercept=0)
    assert read_radiograph(path).image.max() == pytest.approx(4095 / 65535)


def test_a_side_in_millimetres_is_finite_whatever_the_file_says(path):
    write_dicom(path, PixelSpacing=["1e200", "1e200"])
    assert read_radiograph(path).spacing_mm == pytest.approx(1e200)


def test_a_long_image_is_refused_before_it_is_padded_to_a_square(path):
    pixels = np.tile(RAMP, (600, 1))
    write_dicom(path, pixels)
    assert "at most 8,192 pixels a side, got 9600 x 16: crop it" in reason(path)
    assert read_radiograph(path, crop=(0, 0, 99, 16)).image.shape == (99, 16)


def test_the_decoded_bytes_are_bounded_whatever_the_file_holds(path, monkeypatch):
    monkeypatch.setattr(dicom_pixels, "_MAX_BYTES", 511)
    assert "at most 511 bytes of pixels, got 512" in reason(write_dicom(path))


def test_a_deflated_bomb_is_refused_before_it_is_inflated(path, monkeypatch):
    write_dicom(path, syntax=DeflatedExplicitVRLittleEndian)
    assert read_radiograph(path).image.shape == (16, 16)
    squeeze = zlib.compressobj(wbits=-15)
    bomb = squeeze.compress(bytes(2**24)) + squeeze.flush()
    whole = path.read_bytes()
    meta_length = int.from_bytes(whole[140:144], "little")
    path.write_bytes(whole[: 144 + meta_length] + bomb)
    monkeypatch.setattr(dicom_file, "MAX_FILE_BYTES", 2**22)
    monkeypatch.setattr(pydicom, "dcmread", None)
    assert "once inflated" in reason(path)


def compress(path, syntax, frame, pixels=BYTES, **elements):
    made = make_elements(pixels, **elements)
    made.file_meta.TransferSyntaxUID = syntax
    made.PixelData = encapsulate([frame])
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    made.save_as(path, enforce_file_format=True)
    return path


def encode(pixels, kind):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("syntax", "kind"), [(JPEGBaseline8Bit, "JPEG"), (JPEG2000Lossless, "JPEG2000")]
)
def test_a_compressed_image_is_as_large_and_as_whole_as_the_file_says(
    path, syntax, kind
):
    frame = encode(BYTES, kind)
    assert read_radiograph(compress(path, syntax, frame)).image.shape == (16, 16)
    large = encode(np.tile(BYTES, (2, 1)), kind)
    assert "(32, 16, 1), got (16, 16, 1)" in reason(compress(path, syntax, large))
    half = frame[: len(frame) // 2]
    assert reason(compress(path, syntax, half)).endswith(("truncated", "damaged"))
    assert "header is damaged" in reason(compress(path, syntax, b"\0" * 100))


def test_a_jpeg_2000_box_of_no_length_does_not_hang(path):
    frame = encode(BYTES, "JPEG2000")
    assert frame[12:16] != b"\0" * 4
    broken = frame[:12] + b"\0" * 4 + frame[16:]
    assert "header is damaged" in reason(compress(path, JPEG2000Lossless, broken))


def test_damaged_run_lengths_do_not_panic(path):
    made = make_elements(RAMP)
    made.compress(RLELossless)
    frame = get_frame(made.PixelData, 0, number_of_frames=1)
    compress(path, RLELossless, frame[:-60], RAMP)
    assert "got RLE Lossless: it is damaged" in reason(path)
    long = frame[:-60] + b"\x7f" * 60
    (warning,) = read_radiograph(compress(path, RLELossless, long, RAMP)).warnings
    assert "breaks DICOM's rules" in warning


def test_a_video_is_refused_by_the_name_of_its_syntax(path):
    compress(path, MPEG2MPML, encode(BYTES, "JPEG"))
    assert f"got {MPEG2MPML.name}: no package reads it" in reason(path)


def test_a_missing_decoder_is_named_with_its_package(path):
    jls = b"\xff\xd8\xff\xf7\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0\xff\xd9"
    compress(path, JPEGLSLossless, jls)
    code = f"""
import sys
sys.modules["gdcm"] = None
from negspa_jax.data.radiograph import read_radiograph
try:
    read_radiograph({str(path)!r})
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    name = "JPEG-LS Lossless Image Compression"
    assert done.stdout.rstrip().endswith(f"got {name}: install python-gdcm")


def mutate(content: bytes, dice: random.Random) -> bytes:
    """Cut, overwrite, remove or insert bytes, more often in the header."""
    changed, how = bytearray(content), dice.randrange(4)
    place = dice.randrange(len(changed) if dice.random() < 0.5 else 600)
    if how == 0:
        return bytes(changed[:place])
    if how == 1:
        for _ in range(dice.choice((1, 4, 20))):
            changed[dice.randrange(len(changed))] = dice.choice((0, 1, 127, 255))
    elif how == 2:
        del changed[place : place + dice.choice((1, 2, 8, 100))]
    else:
        changed[place:place] = dice.randbytes(dice.choice((1, 2, 8, 100)))
    return bytes(changed)


def test_damage_ends_in_a_refusal_or_an_image_and_never_hangs(path):
    sources = [write_dicom(path, BitsStored=12, WindowCenter=9, WindowWidth=9)]
    contents = [sources[0].read_bytes()]
    for syntax, kind in ((JPEGBaseline8Bit, "JPEG"), (JPEG2000Lossless, "JPEG2000")):
        contents.append(compress(path, syntax, encode(BYTES, kind)).read_bytes())
    contents += [encode(BYTES, "PNG"), encode(RAMP, "TIFF")]
    num_images = 0
    for seed in range(300):
        dice = random.Random(seed)
        path.write_bytes(mutate(dice.choice(contents), dice))
        start = time.monotonic()
        try:
            image = read_radiograph(path, patient_id="17").image
        except CaseError as error:
            assert "\n" not in error.reason  # noqa: PT017
        else:
            assert image.min() >= 0
            assert image.max() <= 1
            num_images += 1
        assert time.monotonic() - start < 5
    assert 20 < num_images < 280
