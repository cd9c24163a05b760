"""Damage that knows a format: extreme values where a header's fields stand."""

import struct
from collections.abc import Sequence

import numpy as np

# NIfTI-1 and -2: field -> (offset, how many numbers, their kind), by nifti1.h and
# nifti2.h; "dim", "type" and "code" are whole numbers of their own size.
_NIFTI_1 = (
    *((0, 1, "i4"), (40, 8, "i2"), (40, 8, "i2"), (70, 1, "i2"), (72, 1, "i2")),
    *((76, 8, "f4"), (108, 1, "f4"), (112, 2, "f4"), (252, 2, "i2"), (256, 6, "f4")),
    *((280, 12, "f4"), (280, 12, "f4"), (344, 4, "u1")),
)
_NIFTI_2 = (
    *((0, 1, "i4"), (16, 8, "i8"), (16, 8, "i8"), (12, 1, "i2"), (14, 1, "i2")),
    *((104, 8, "f8"), (168, 1, "i8"), (176, 2, "f8"), (344, 2, "i4"), (352, 6, "f8")),
    *((400, 12, "f8"), (400, 12, "f8"), (4, 4, "u1")),
)
_TYPES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 768, 1024, 1280, 1536, 1792, 2304, 77)
_FLOATS = (0.0, -0.0, 1.0, -1.0, 2.5, 1e-45, 1e-38, 1e-7, 1e4, 1e30, 3e38, -3e38)
_FLOATS += (float("nan"), float("inf"), float("-inf"), 1e-300, 1e300)

# DICOM: (group, element) of what makes a picture, and values that its fields dislike.
_TAGS = (
    *((0x0002, 0x0000), (0x0002, 0x0002), (0x0002, 0x0010), (0x0008, 0x0060)),
    *((0x0028, 0x0002), (0x0028, 0x0004), (0x0028, 0x0006), (0x0028, 0x0008)),
    *((0x0028, 0x0010), (0x0028, 0x0011), (0x0028, 0x0030), (0x0028, 0x0034)),
    *((0x0028, 0x0100), (0x0028, 0x0101), (0x0028, 0x0102), (0x0028, 0x0103)),
    *((0x0028, 0x0120), (0x0028, 0x0121), (0x0028, 0x1050), (0x0028, 0x1051)),
    *((0x0028, 0x1052), (0x0028, 0x1053), (0x0028, 0x1056), (0x0028, 0x3010)),
    *((0x0028, 0x3000), (0x0028, 0x3002), (0x0028, 0x3006), (0x0028, 0x1101)),
    *((0x0028, 0x1201), (0x0018, 0x1164), (0x7FE0, 0x0010), (0xFFFE, 0xE000)),
)
_NUMBERS = (0, 1, 2, 3, 7, 8, 12, 15, 16, 17, 31, 32, 64, 255, 32768, 65534, 65535)
_TEXTS = (
    *(b"0", b"-1", b"1e308", b"-1e308", b"1e-320", b"1e30", b"nan", b"inf", b"0.5"),
    *(b"1\\2", b"1e200\\1e200", b"1e-200\\1e-200", b"1\\9", b"-1\\-1", b"", b"\\\\\\"),
    *(b"MONOCHROME1", b"RGB", b"PALETTE COLOR", b"YBR_FULL_422", b"SIGMOID"),
    *(b"LINEAR_EXACT", b"MR", b"\xff\xfe\x00", b"9" * 400, b"1 2", b"2147483648"),
    *(b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.2"),
    *(b"1.2.840.10008.1.2.5", b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.4.90"),
    *(b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.4.70", b"1.2.3"),
)
_VRS = (b"US", b"SS", b"DS", b"IS", b"SQ", b"OB", b"OW", b"UN", b"CS", b"LO", b"FD")
_VRS += (b"AT", b"UT", b"PN", b"UI", b"FL", b"??")
_LENGTHS = (0, 1, 2, 3, 0x7FFF, 0xFFFE, 0xFFFF)
_LONG_LENGTHS = (*_LENGTHS, 0x10000, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)


def damage_nifti(content: bytes, key: np.random.Generator) -> bytes:
    """Write one to three extreme numbers into the header."""
    changed = bytearray(content)
    for _ in range(int(key.choice((1, 1, 2, 3)))):
        little, big = (int.from_bytes(changed[:4], end) for end in ("little", "big"))
        order, wide = "<" if little in (348, 540) else ">", 540 in (little, big)
        table = _NIFTI_2 if wide else _NIFTI_1
        offset, count, kind = table[int(key.integers(len(table)))]
        place = int(key.integers(count))
        value = np.array(_draw_number(kind, offset in (12, 70), key))
        piece = value.astype(f"{order}{kind}").tobytes()
        start = offset + place * len(piece)
        changed[start : start + len(piece)] = piece
    return bytes(changed)


def set_element(content: bytes, tag: tuple[int, int], value: bytes) -> bytes:
    """Give a DICOM element another value and the length that goes with it.

    The file stays as it is where there is no such element.
    """
    for order in "<>":
        start = content.find(struct.pack(f"{order}HH", *tag))
        if start < 0 or start + 8 > len(content):
            continue
        value += b" " * (len(value) % 2)
        if content[start + 4 : start + 6].isalpha():
            (old,) = struct.unpack_from(f"{order}H", content, start + 6)
            head = content[start : start + 6] + struct.pack(f"{order}H", len(value))
        else:
            (old,) = struct.unpack_from(f"{order}L", content, start + 4)
            head = content[start : start + 4] + struct.pack(f"{order}L", len(value))
        return content[:start] + head + value + content[start + 8 + old :]
    return content


def damage_element(content: bytes, key: np.random.Generator) -> bytes:
    """Give an element an extreme number or text."""
    tag = _TAGS[int(key.integers(len(_TAGS)))]
    if key.random() < 0.5:
        return set_element(content, tag, _TEXTS[int(key.integers(len(_TEXTS)))])
    order = "<>"[int(key.random() < 0.1)]
    numbers = key.choice(_NUMBERS, size=int(key.choice((1, 1, 1, 3))))
    return set_element(content, tag, numbers.astype(f"{order}u2").tobytes())


def damage_encoding(content: bytes, key: np.random.Generator) -> bytes:
    """Give an element another value representation, or an extreme length."""
    tag = struct.pack("<HH", *_TAGS[int(key.integers(len(_TAGS)))])
    start, changed = content.find(tag), bytearray(content)
    if start < 0:
        return content
    if key.random() < 0.4:
        changed[start + 4 : start + 6] = _VRS[int(key.integers(len(_VRS)))]
        return bytes(changed)
    if key.random() < 0.5:
        piece = struct.pack("<H", int(key.choice(_LENGTHS)))
        changed[start + 6 : start + 8] = piece
    else:
        offset = int(key.choice((4, 8)))
        piece = struct.pack("<L", int(key.choice(_LONG_LENGTHS)))
        changed[start + offset : start + offset + 4] = piece
    return bytes(changed)


def damage_export(content: bytes, key: np.random.Generator) -> bytes:
    """Write an extreme number into PNG's IHDR or an entry of TIFF's first directory."""
    changed = bytearray(content)
    if len(content) < 30:
        return content
    if content.startswith(b"\x89PNG"):
        place = int(key.choice((16, 20, 24, 25, 26, 27, 28)))
        if place > 20:
            changed[place] = int(key.choice((0, 1, 2, 3, 4, 6, 8, 16, 255)))
        else:
            changed[place : place + 4] = _long(key, ">")
        return bytes(changed)
    order = ">" if content.startswith(b"MM") else "<"
    (start,) = struct.unpack_from(f"{order}L", content, 4)
    if start + 2 > len(content):
        return content
    (count,) = struct.unpack_from(f"{order}H", content, start)
    entry = start + 2 + 12 * int(key.integers(max(min(count, 40), 1)))
    offset = int(key.choice((0, 2, 4, 8, 8, 8)))
    piece = _long(key, order) if offset >= 4 else _short(key, order)
    changed[entry + offset : entry + offset + len(piece)] = piece
    return bytes(changed[: max(len(content), entry + offset + len(piece))])


def _draw_number(kind: str, is_type: bool, key: np.random.Generator) -> float | int:
    if kind[0] == "f":
        value = float(key.choice(_FLOATS))
        limit = 3.0e38 if kind == "f4" else 1e300
        return value if not np.isfinite(value) else min(max(value, -limit), limit)
    if is_type:
        return int(key.choice(_TYPES))
    limits = np.iinfo(kind)
    choices: Sequence[int] = (0, 1, 2, 3, 4, 5, 7, 8, 100, 1000, 20000, 2**31, 2**40)
    choices = (*choices, -1, limits.max, limits.min, limits.max - 1)
    value = choices[int(key.integers(len(choices)))]
    return min(max(value, int(limits.min)), int(limits.max))


def _long(key: np.random.Generator, order: str) -> bytes:
    choices = (0, 1, 2, 8, 16, 255, 5000, 65535, 10**6, 2**26, 2**31 - 1, 2**32 - 1)
    return struct.pack(f"{order}L", choices[int(key.integers(len(choices)))])


def _short(key: np.random.Generator, order: str) -> bytes:
    choices = (0, 1, 2, 3, 4, 5, 12, 254, 256, 257, 258, 259, 262, 273, 274, 277, 65535)
    return struct.pack(f"{order}H", choices[int(key.integers(len(choices)))])
