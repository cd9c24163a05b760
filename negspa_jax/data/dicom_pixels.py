"""A DICOM file's stored pixel values: layout checked, decoded, foreign bits masked."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.encaps import get_frame
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
    RLELossless,
)

from negspa_jax.data.dicom_codestream import read_codestream
from negspa_jax.data.dicom_decoders import decode
from negspa_jax.data.dicom_file import read_count, read_number, read_word
from negspa_jax.data.errors import RefusedError
from negspa_jax.data.radiograph_grey import MAX_SIDE, check_sides
from negspa_jax.shapes import Shaped

_MAX_BYTES = 2**27
_UNDEFINED = 2**32 - 1  # the length of what is compressed
GREYS = ("MONOCHROME1", "MONOCHROME2")
_YBR = ("YBR_FULL", "YBR_FULL_422")
_COLOURS = ("RGB", "YBR_ICT", "YBR_RCT", *_YBR)
_PALETTE = "PALETTE COLOR"

# Rounding may carry their values past the bits stored; the others' are exact.
_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless, JPEG2000)


class Layout(NamedTuple):
    """How the pixel data are laid out, checked."""

    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    high: int
    signed: bool
    photometric: str
    syntax: UID

    @property
    def num_bytes(self) -> int:
        """The length of the uncompressed pixel data in bytes."""
        num_bytes = self.rows * self.columns * self.samples * self.allocated // 8
        return num_bytes // 3 * 2 if self.photometric == "YBR_FULL_422" else num_bytes


def read_layout(elements: pydicom.Dataset) -> Layout:
    """Check everything that decoding relies on, before anything is allocated.

    Raises:
      RefusedError: no pixel data, or a layout that is not one grey, colour or
        palette image of 8, 16 or 32 bits.
    """
    _check_presence(elements)
    rows, columns, samples, allocated, stored = (
        read_count(elements, keyword)
        for keyword in (
            *("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored"),
        )
    )
    high = read_number(elements, "HighBit")
    layout = Layout(
        rows=rows,
        columns=columns,
        samples=samples,
        allocated=allocated,
        stored=stored,
        high=stored - 1 if high is None else int(high),
        signed=read_count(elements, "PixelRepresentation") == 1,
        photometric=read_word(elements, "PhotometricInterpretation"),
        syntax=elements.file_meta.TransferSyntaxUID,
    )
    _check_size(elements, layout)
    _check_bits(layout)
    _check_colours(layout)
    return layout


def read_stored(
    elements: pydicom.Dataset, layout: Layout, path: Path
) -> Shaped[np.ndarray, "h w *c"]:
    """Decode the stored values (grey or palette index "h w", RGB "h w 3").

    Args:
      elements: the file's elements.
      layout: theirs, checked.
      path: the file, for a decoder that runs in a process of its own.

    Raises:
      RefusedError: the data are truncated or damaged, or their transfer syntax needs
        a package that is not installed.
    """
    if layout.syntax.is_encapsulated:
        _check_codestream(elements, layout)
    elif (got := len(elements.PixelData)) < layout.num_bytes:
        reason = f"must hold {layout.num_bytes:,} bytes of pixel data, got {got:,}"
        raise RefusedError(f"{reason}: it is truncated")
    values = decode(elements, path)
    if values.shape[:2] != (layout.rows, layout.columns):
        raise RefusedError("must hold the pixels that it declares, but it is damaged")
    return _mask_bits(values, layout)


def _check_presence(elements: pydicom.Dataset) -> None:
    if "FloatPixelData" in elements or "DoubleFloatPixelData" in elements:
        raise RefusedError("must have whole-number pixels, got floating-point ones")
    found = elements.get_item("PixelData")
    if isinstance(found, RawDataElement) and found.value is not None:
        declared, got = found.length, len(found.value)
        if got < declared != _UNDEFINED:
            reason = f"must hold {declared:,} bytes of pixel data, got {got:,}"
            raise RefusedError(f"{reason}: it is truncated")
    if not elements.get("PixelData"):
        reason = "must hold an image, but it has no pixel data: it is truncated, or "
        raise RefusedError(reason + "no image file")
    encapsulated = elements["PixelData"].is_undefined_length
    if encapsulated != elements.file_meta.TransferSyntaxUID.is_encapsulated:
        raise RefusedError("must be compressed as its transfer syntax says, but is not")


def _check_size(elements: pydicom.Dataset, layout: Layout) -> None:
    if (frames := read_number(elements, "NumberOfFrames") or 1) != 1:
        reason = f"must be one image, got {frames:g} frames: export the one to read"
        raise RefusedError(reason)
    size = f"{layout.rows} x {layout.columns}"
    if min(layout.rows, layout.columns) < 1:
        raise RefusedError(f"must have rows and columns, got {size} pixels")
    check_sides((layout.rows, layout.columns), MAX_SIDE)
    if layout.num_bytes > _MAX_BYTES:
        reason = f"must have at most {_MAX_BYTES:,} bytes of pixels, got "
        raise RefusedError(f"{reason}{layout.num_bytes:,}")


def _check_bits(layout: Layout) -> None:
    if layout.allocated not in (8, 16, 32):
        reason = "must have 8, 16 or 32 bits allocated to a pixel, got "
        raise RefusedError(f"{reason}{layout.allocated}")
    if not 1 <= layout.stored <= layout.high + 1 <= layout.allocated:
        reason = f"must store its bits within {layout.allocated}, got {layout.stored} "
        raise RefusedError(f"{reason}up to bit {layout.high}: the header is damaged")
    shifted = layout.high != layout.stored - 1
    if shifted and layout.syntax.is_encapsulated and layout.syntax != RLELossless:
        reason = f"must have {layout.stored - 1} as high bit of a compressed image, got"
        raise RefusedError(f"{reason} {layout.high}")


def _check_colours(layout: Layout) -> None:
    samples = {**dict.fromkeys((*GREYS, _PALETTE), 1), **dict.fromkeys(_COLOURS, 3)}
    if layout.photometric not in samples:
        known = ", ".join(samples)
        raise RefusedError(f"must have a photometric interpretation of {known}")
    if layout.samples != samples[layout.photometric]:
        reason = f"must have {samples[layout.photometric]} values a pixel as "
        raise RefusedError(f"{reason}{layout.photometric}, got {layout.samples}")
    if layout.photometric in _YBR and layout.stored != 8:
        reason = f"must have 8 bits as {layout.photometric}, got {layout.stored}"
        raise RefusedError(reason)


def _check_codestream(elements: pydicom.Dataset, layout: Layout) -> None:
    offsets = elements.get("ExtendedOffsetTable")
    lengths = elements.get("ExtendedOffsetTableLengths")
    extended = (offsets, lengths) if offsets and lengths else None
    frame = get_frame(
        elements.PixelData, 0, number_of_frames=1, extended_offsets=extended
    )
    found = read_codestream(frame, syntax=layout.syntax)
    if found is None:
        return
    wanted = (layout.rows, layout.columns, layout.samples)
    if found[:3] != wanted:
        reason = "must declare the compressed image's rows, columns and values a pixel"
        raise RefusedError(f"{reason}, {found[:3]}, got {wanted}")
    if found.bits > layout.allocated:
        reason = f"must allocate the compressed image's {found.bits} bits, got "
        raise RefusedError(f"{reason}{layout.allocated}")


def _mask_bits(
    values: Shaped[np.ndarray, "h w *c"], layout: Layout
) -> Shaped[np.ndarray, "h w *c"]:
    """Keep the bits stored; those above and below may hold overlays (PS3.5 8.1.1)."""
    if layout.syntax in _LOSSY:
        least = -(2 ** (layout.stored - 1)) if layout.signed else 0
        return np.clip(values, least, least + 2**layout.stored - 1)
    width = 8 * values.dtype.itemsize
    # A signed type's right shift spreads the sign bit.
    return (values << (width - 1 - layout.high)) >> (width - layout.stored)
