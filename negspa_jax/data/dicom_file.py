"""One DICOM file's elements: those that make the picture, and no others.

Only the tags listed here are read into memory. A patient's name, birth date or
number is not among them, so that no later step could let it out.
"""

import math
import zlib
from pathlib import Path
from typing import Any

import pydicom
from pydicom.filereader import read_file_meta_info
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from negspa_jax.data.errors import RefusedError

# Twice what the largest image's pixels need.
MAX_FILE_BYTES = 2**28
_CHUNK = 2**20

_PALETTE = [
    f"{segmented}{colour}PaletteColorLookupTableData"
    for segmented in ("", "Segmented")
    for colour in ("Red", "Green", "Blue")
]
_TAGS = [
    *("Modality", "PresentationIntentType", "BurnedInAnnotation", "BodyPartExamined"),
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"),
    *("PixelAspectRatio", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation"),
    *("VOILUTFunction", "VOILUTSequence", "PresentationLUTShape"),
    *("RedPaletteColorLookupTableDescriptor", *_PALETTE),
    *("GreenPaletteColorLookupTableDescriptor", "PixelPresentation"),
    *("BluePaletteColorLookupTableDescriptor",),
    *("ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *("PixelData", "FloatPixelData", "DoubleFloatPixelData"),
]


def read_elements(path: Path, *, has_preamble: bool) -> pydicom.Dataset:
    """Read the elements that make the picture; call it in `read_silently`.

    Args:
      path: the file.
      has_preamble: whether "DICM" stands where it should.

    Returns:
      The elements, with a transfer syntax in `file_meta`, found or deduced.

    Raises:
      RefusedError: the file inflates to too much, or is a directory of other files.
    """
    if has_preamble:
        _check_meta(path)
    elements = pydicom.dcmread(path, force=not has_preamble, specific_tags=_TAGS)
    if "TransferSyntaxUID" not in elements.file_meta:
        is_implicit, is_little = elements.original_encoding
        explicit = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        syntax = ImplicitVRLittleEndian if is_implicit else explicit
        elements.file_meta.TransferSyntaxUID = syntax
    return elements


def read_number(elements: pydicom.Dataset, keyword: str) -> float | None:
    """One finite number; None where the element is absent or empty."""
    value = elements.get(keyword)
    if value is None or value == "":
        return None
    number = _as_number(value)
    if number is None:
        raise RefusedError(f"must have one finite number as {keyword}, but it has not")
    return number


def read_count(elements: pydicom.Dataset, keyword: str) -> int:
    """One whole number that must be there."""
    number = read_number(elements, keyword)
    if number is None or number != int(number):
        raise RefusedError(f"must have a whole number as {keyword}, but it has not")
    return int(number)


def read_pair(elements: pydicom.Dataset, keyword: str) -> tuple[float, float] | None:
    """Two finite numbers above 0; None where absent, empty or unusable."""
    value = elements.get(keyword)
    if value is None or isinstance(value, str | bytes) or not hasattr(value, "__len__"):
        return None
    numbers = [_as_number(part) for part in value]
    first, second = numbers if len(numbers) == 2 else (None, None)
    if first is None or second is None or min(first, second) <= 0:
        return None
    return first, second


def read_word(elements: pydicom.Dataset, keyword: str) -> str:
    """A code in capitals, "" where absent; for comparison, never for a message."""
    value = elements.get(keyword)
    return value.strip().upper() if isinstance(value, str) else ""


def _as_number(value: Any) -> float | None:
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _check_meta(path: Path) -> None:
    """Refuse a DICOMDIR, and a deflated bomb before pydicom inflates it."""
    meta = read_file_meta_info(path)
    if meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        reason = "must be an image, got a DICOMDIR (a list of other files): name those"
        raise RefusedError(reason)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return
    inflater, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    with path.open("rb") as file:
        # The preamble, "DICM" and the group length's own element come first.
        file.seek(128 + 4 + 12 + int(meta.FileMetaInformationGroupLength))
        rest = file.read(_CHUNK)
        while rest and not inflater.eof:
            total += len(inflater.decompress(rest, _CHUNK))
            rest = inflater.unconsumed_tail or file.read(_CHUNK)
            if total > MAX_FILE_BYTES:
                limit = f"{MAX_FILE_BYTES:,} bytes once inflated, got more"
                raise RefusedError(f"must have at most {limit}")
