"""Nothing that identifies a patient leaves the reader: not by value, word or log."""

import logging
import pickle
import traceback
import warnings

import numpy as np
import pydicom
import pytest
from PIL import Image, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.tag import Tag
from pydicom.uid import JPEG2000Lossless

from negspa_jax.data.errors import CaseError
from negspa_jax.data.radiograph import read_radiograph
from negspa_jax.data.radiograph_silence import read_silently
from tests.data.dicom_files import RAMP, make_elements
from tests.data.test_radiograph_refusals import compress

# What is planted: a name, a date of birth, an age, a UID, each unlike anything else.
NAME, DATE, AGE, UID = "ZZYZX", "19370411", "093Y", "1.2.826.0.1.3680043.9.77777"
SECRETS = (NAME, DATE, AGE, "77777")

# Every element of these groups and kinds that DICOM knows: a superset of the
# identifying ones in its confidentiality profile (PS3.15 table E.1-1).
_GROUPS = (0x0008, 0x0010, 0x0018, 0x0020, 0x0032, 0x0038, 0x0040, 0x4008)
_TEXT = ("PN", "LO", "SH", "LT", "ST", "UT", "CS", "AE")
_KEPT = {"SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "Modality"}


def plant(elements: pydicom.Dataset) -> int:
    """Put a secret into every element that could hold one; return how many."""
    count = 0
    for tag in sorted(pydicom.datadict.DicomDictionary):
        keyword = keyword_for_tag(tag)
        if Tag(tag).group not in _GROUPS or not keyword or keyword in _KEPT:
            continue
        kind = dictionary_VR(tag)
        secret = {"DA": DATE, "DT": DATE, "AS": AGE, "UI": UID}.get(kind)
        secret = NAME if kind in _TEXT else secret
        if secret is not None and keyword not in elements:
            elements.add_new(tag, kind, secret)
            count += 1
    private = elements.private_block(0x0009, NAME, create=True)
    private.add_new(0x01, "LO", NAME)
    return count + 1


def everything_said(path, caplog, **options) -> str:
    """All that reading lets out: result, message, traceback, warnings, log."""
    said = [""]
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(0):
        warnings.simplefilter("always")
        try:
            got = read_radiograph(path, **options)
            said += [repr(got), str(got.warnings), pickle.dumps(got).decode("latin1")]
        except CaseError as error:
            cause: BaseException | None = error
            while cause is not None:  # what a debugger would walk along
                said += [repr(cause), *traceback.format_exception(cause)]
                cause = cause.__cause__ or cause.__context__
    said += [str(warning.message) for warning in caught]
    said += [record.getMessage() for record in caplog.records]
    return "\n".join(said)


def assert_silent(said: str) -> None:
    assert not [secret for secret in SECRETS if secret in said], said[-2000:]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.dcm"


@pytest.fixture
def planted():
    elements = make_elements(RAMP, BitsStored=12)
    assert plant(elements) > 700
    return elements


def test_a_file_full_of_secrets_is_read_without_telling_one(planted, path, caplog):
    planted.save_as(path, enforce_file_format=True)
    assert NAME.encode() in path.read_bytes()
    said = everything_said(path, caplog)
    assert "Radiograph(" in said
    assert_silent(said)


# Elements that are used, holding what pydicom, asked for a number, would quote.
_MISUSED = (
    *("Modality", "PhotometricInterpretation", "RescaleSlope", "RescaleIntercept"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "PixelSpacing"),
    *("WindowCenterWidthExplanation", "NumberOfFrames", "PresentationLUTShape"),
    *("PixelAspectRatio", "BurnedInAnnotation", "PresentationIntentType"),
    *("ImagerPixelSpacing",),
)


@pytest.mark.parametrize("keyword", _MISUSED)
def test_a_secret_in_an_element_that_is_used_is_not_quoted(path, caplog, keyword):
    plain = make_elements(RAMP, BitsStored=12, WindowCenter=9, WindowWidth=9)
    harmless = "111111" if dictionary_VR(keyword) in ("DS", "IS") else "XXXXXX"
    setattr(plain, keyword, harmless)
    plain.save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    assert content.count(harmless.encode()) == 1
    path.write_bytes(content.replace(harmless.encode(), NAME.encode() + b" "))
    for window in (0, 1, None, "other"):
        assert_silent(everything_said(path, caplog, window=window))


def test_damage_to_a_file_full_of_secrets_tells_none(planted, path, caplog):
    planted.save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    dice = np.random.default_rng(0)
    for _ in range(30):
        damaged = bytearray(content)
        for place in dice.integers(132, len(content), 5):
            damaged[place] = dice.integers(256)
        path.write_bytes(damaged[: dice.integers(400, 2 * len(content))])
        assert_silent(everything_said(path, caplog))


def test_a_secret_transfer_syntax_is_not_quoted(path, caplog):
    compress(path, JPEG2000Lossless, b"\0" * 64)
    content = path.read_bytes()
    path.write_bytes(
        content.replace(JPEG2000Lossless.encode(), b"1.2.77777.10008.1.2.77")
    )
    said = everything_said(path, caplog)
    assert "CaseError" in said
    assert_silent(said)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_an_exports_texts_stay_inside(tmp_path, caplog, suffix):
    path = tmp_path / f"a.{suffix}"
    text, tags = PngInfo(), TiffImagePlugin.ImageFileDirectory_v2()
    for name in ("Author", "Description", "PatientName"):
        text.add_text(name, NAME)
    tags[270] = tags[315] = NAME
    options = {"pnginfo": text} if suffix == "png" else {"tiffinfo": tags}
    Image.fromarray(RAMP).save(path, **options)
    content = path.read_bytes()
    assert NAME.encode() in content
    for cut in (len(content), len(content) - 20, len(content) // 2):
        path.write_bytes(content[:cut])
        assert_silent(everything_said(path, caplog))


def test_what_libraries_raise_warn_and_log_becomes_a_count_or_our_sentence(caplog):
    def speak():
        logging.getLogger("pydicom.pixels").error(NAME)
        warnings.warn_explicit(NAME, UserWarning, pydicom.__file__, lineno=1)
        return 1

    def fail():
        raise ValueError(NAME)

    with caplog.at_level(0):
        assert read_silently(speak, damaged="") == (1, 1)
        with pytest.raises(ValueError, match=r"^is damaged$") as caught:
            read_silently(fail, damaged="is damaged")
    assert caught.value.__context__ is None
    assert not caplog.records
    assert logging.getLogger("pydicom").level == logging.WARNING
