"""Small files that promise, or unpack to, far more than a computer has."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian

from tests.data.dicom_files import RAMP, make_elements
from tests.fuzz.seeds import encode_dicom, encode_image, make_images

_PIECE = 2**24


def _inflating(start: bytes, num_bytes: int, *, wbits: int) -> bytes:
    """A compressed stream of `start` and zeros; its end and checksum are missing."""
    squeeze = zlib.compressobj(9, wbits=wbits)
    content = squeeze.compress(start) + squeeze.flush(zlib.Z_FULL_FLUSH)
    # After a full flush the same zeros have the same bytes, again and again.
    piece = squeeze.compress(bytes(_PIECE)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return content + piece * (num_bytes // _PIECE)


def _declare(*dims: int, content: bytes, datatype: int = 4) -> bytes:
    """A NIfTI-1 file whose header says other dimensions and type."""
    changed = bytearray(content)
    changed[40 : 40 + 2 * (len(dims) + 1)] = struct.pack(f"<{len(dims) + 1}h", 3, *dims)
    changed[70:72] = struct.pack("<h", datatype)
    return bytes(changed)


def zip_10_gigabytes() -> bytes:
    """A sound volume, zipped, with 10 GB of zeros behind it."""
    return _inflating(make_images()[0], 10 * 2**30, wbits=31)


def zip_what_is_declared() -> bytes:
    """As many zeros as the largest header that is accepted declares."""
    start = _declare(2000, 2000, 30, content=make_images()[4], datatype=2)[:352]
    return _inflating(start, 2**27, wbits=31)


def declare_100_gigabytes() -> bytes:
    """A NIfTI-1 header of 100 GB of float64."""
    return _declare(5000, 5000, 500, content=make_images()[0], datatype=64)


def declare_in_nifti_2() -> bytes:
    """A NIfTI-2 header of more voxels than 64 bits can count."""
    content = bytearray(make_images()[2])
    content[16:48] = struct.pack("<4q", 3, 2**40, 2**40, 2**40)
    return bytes(content)


def declare_one_slice() -> bytes:
    """A NIfTI-1 header of one slice that is larger than any scanner's."""
    return _declare(30_000, 1, 4000, content=make_images()[0])


def declare_element(tag: bytes, kind: bytes) -> bytes:
    """A DICOM file one of whose elements says that it has 4 GB."""
    content = encode_dicom(make_elements(RAMP))
    start = content.index(b"\x28\x00\x02\x00")  # samples a pixel
    element = tag + kind + b"\0\0" + struct.pack("<L", 2**32 - 2)
    return content[:start] + element + content[start:]


def declare_pixels() -> bytes:
    """A DICOM file whose pixel data say that they have 4 GB."""
    content = bytearray(encode_dicom(make_elements(RAMP)))
    start = content.index(b"\xe0\x7f\x10\x00OW") + 8
    content[start : start + 4] = struct.pack("<L", 2**32 - 2)
    return bytes(content)


def deflate_10_gigabytes() -> bytes:
    """A deflated DICOM file with 10 GB of zeros behind its elements."""
    made = make_elements(RAMP, syntax=DeflatedExplicitVRLittleEndian)
    content = encode_dicom(made)
    end = 144 + int.from_bytes(content[140:144], "little")
    return content[:end] + _inflating(
        zlib.decompress(content[end:], -15), 10 * 2**30, wbits=-15
    )


def encode_png(width: int, height: int) -> bytes:
    """A PNG of zeros as large as it says."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">L", zlib.crc32(kind + data))
        return struct.pack(">L", len(data)) + kind + data + checksum

    header = struct.pack(">2L5B", width, height, 16, 0, 0, 0, 0)
    pixels = _inflating(b"", 2 * width * height, wbits=15)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def encode_tiff(width: int, height: int) -> bytes:
    """A TIFF that says so large an image."""
    content = bytearray(encode_image(RAMP, "TIFF", compression="tiff_adobe_deflate"))
    (start,) = struct.unpack_from("<L", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag = struct.unpack_from("<H", content, place)[0]
        if tag in (256, 257, 278):  # width, height, rows of a strip
            value = width if tag == 256 else height
            content[place + 2 : place + 12] = struct.pack("<H2L", 4, 1, value)
    return bytes(content)


def write_cell(num_bytes: int) -> bytes:
    """A cohort table with one huge cell."""
    return b"patient_id,split,label,t1w,fs,rvoi\nP1,train,1," + b"x" * num_bytes


def write_largest_dicom() -> bytes:
    """The largest radiograph that is accepted, with all that costs memory."""
    pixels = np.random.default_rng(0).integers(0, 2**16, (2**12, 2**13), "uint16")
    made = make_elements(pixels, RescaleSlope="0.5", RescaleIntercept="-1024")
    made.PixelPaddingValue = 7
    made["PixelPaddingValue"].VR = "US"
    return encode_dicom(made)


def write_largest_png() -> bytes:
    """The largest export in colour that is accepted."""
    pixels = np.random.default_rng(0).integers(0, 2**8, (2**12, 2**13, 3), "uint8")
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=0)
    return stream.getvalue()


# Name -> the target that reads it, and how it is made. All are refused.
BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "10 GB in gzip behind a volume": ("volume", zip_10_gigabytes),
    "10 GB in gzip behind a mask": ("mask", zip_10_gigabytes),
    "zeros as many as declared": ("volume", zip_what_is_declared),
    "a mask of zeros as many as declared": ("mask", zip_what_is_declared),
    "100 GB declared": ("volume", declare_100_gigabytes),
    "100 GB declared where one clicked": ("rvoi", declare_100_gigabytes),
    "an overflowing count declared": ("volume", declare_in_nifti_2),
    "a huge slice clicked on": ("rvoi", declare_one_slice),
    "4 GB of pixel data declared": ("DICOM", declare_pixels),
    "4 GB of windows declared": (
        "DICOM",
        lambda: declare_element(b"\x28\x00\x50\x10", b"UN"),
    ),
    "4 GB of another element declared": (
        "DICOM",
        lambda: declare_element(b"\x27\x00\x10\x10", b"OB"),
    ),
    "10 GB deflated behind DICOM": ("DICOM", deflate_10_gigabytes),
    "a PNG of 900 million pixels": (
        "PNG and TIFF",
        lambda: encode_png(30_000, 30_000),
    ),
    "a PNG of one line": ("PNG and TIFF", lambda: encode_png(2**25, 1)),
    "a PNG of zeros": ("PNG and TIFF", lambda: encode_png(2**12, 2**13)),
    "a TIFF of 3,600 million pixels": (
        "PNG and TIFF",
        lambda: encode_tiff(60_000, 60_000),
    ),
    "a TIFF without the pixels it declares": (
        "PNG and TIFF",
        lambda: encode_tiff(2**12, 2**13),
    ),
    "a cell of 200 MB": ("cohort of MRI", lambda: write_cell(200_000_000)),
    "a cell of 60 MB": ("cohort of MRI", lambda: write_cell(60_000_000)),
    "a cell of 60 MB of scores": ("predictions", lambda: write_cell(60_000_000)),
    "60 MB of empty lines": ("cohort of MRI", lambda: b"\n" * 60_000_000),
    "60 MB of short rows": ("predictions", lambda: b"a\n" * 30_000_000),
    "60 MB of commas": ("cohort of MRI", lambda: b"patient_id" + b"," * 60_000_000),
    "16,000 columns": (
        "cohort of radiographs",
        lambda: ("patient_id," * 16_000 + "\n").encode() + b"P1,train\n" * 100,
    ),
}

# What is accepted, and must still cost less than 1 GB.
LARGEST: dict[str, tuple[str, Callable[[], bytes]]] = {
    "the largest DICOM": ("patient, view", write_largest_dicom),
    "the largest PNG": ("patient, view", write_largest_png),
}
