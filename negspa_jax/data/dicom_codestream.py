"""What a compressed image says of itself, read before any decoder believes it.

A decoder allocates what the codestream declares, whatever DICOM's Rows and Columns
say, and some walk damaged boxes for ever. References: JPEG, ITU-T T.81 B.2.2;
JPEG-LS, ITU-T T.87 C.2.2; JPEG 2000, ITU-T T.800 A.5.1 (SIZ) and I.4 (boxes).
"""

import struct
from typing import NamedTuple

from pydicom.uid import JPEG2000TransferSyntaxes, RLELossless

from negspa_jax.data.errors import RefusedError

_J2K_START = b"\xff\x4f\xff\x51"
_JP2_START = b"\x00\x00\x00\x0cjP  "
# Frame headers of JPEG, its lossless kinds and JPEG-LS, all laid out alike; 0xC4,
# 0xC8 and 0xCC in their midst are tables.
_FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_END = b"\xff\xd9"


class Codestream(NamedTuple):
    """What the compressed image declares."""

    rows: int
    columns: int
    components: int
    bits: int


def read_codestream(frame: bytes, *, syntax: str) -> Codestream | None:
    """Read a compressed frame's own size; None for RLE, which declares none.

    Args:
      frame: the compressed image.
      syntax: the transfer syntax's UID.

    Raises:
      RefusedError: there is no such codestream, or it ends too early.
    """
    if syntax == RLELossless:
        return None
    is_2000 = syntax in JPEG2000TransferSyntaxes
    found = _read_jpeg_2000(frame) if is_2000 else _read_jpeg(frame)
    if found is None:
        raise RefusedError("must hold a compressed image, but its header is damaged")
    # Padding to even length may follow the end, and boxes may in a JP2 file.
    if _END not in (frame if is_2000 else frame[-64:]):
        raise RefusedError("must hold a whole compressed image, but it is truncated")
    return found


def _read_jpeg_2000(frame: bytes) -> Codestream | None:
    start = _find_codestream(frame) if frame.startswith(_JP2_START) else 0
    if start is None or frame[start : start + 4] != _J2K_START:
        return None
    if len(frame) < start + 43:
        return None
    width, height, left, top = struct.unpack_from(">4L", frame, start + 8)
    (components,) = struct.unpack_from(">H", frame, start + 40)
    bits = (frame[start + 42] & 0x7F) + 1  # the top bit means signed
    return Codestream(height - top, width - left, components, bits)


def _find_codestream(frame: bytes) -> int | None:
    """The offset of the codestream among a JP2 file's boxes."""
    offset = 0
    while offset + 8 <= len(frame):
        length, kind = struct.unpack_from(">L4s", frame, offset)
        if kind == b"jp2c":
            return offset + 8
        if length < 8:  # 0 and 1 mean "to the end" and "long": never before jp2c
            return None
        offset += length
    return None


def _read_jpeg(frame: bytes) -> Codestream | None:
    offset = 2 if frame.startswith(b"\xff\xd8") else len(frame)
    while offset + 10 <= len(frame) and frame[offset] == 0xFF:
        marker, length = struct.unpack_from(">xBH", frame, offset)
        if marker in _FRAME_HEADERS:
            bits, rows, columns, components = struct.unpack_from(
                ">BHHB", frame, offset + 4
            )
            return Codestream(rows, columns, components, bits)
        offset += 2 + length
    return None
