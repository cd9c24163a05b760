"""One NIfTI file, read to its last byte, part by part, or refused with a reason.

nibabel knows the header's fields; the stream is ours, because nibabel stops after
the last voxel and so never checks a gzip stream's CRC: 49 of 60 flipped bits gave
silently wrong voxels. Reading part by part keeps one float32 volume in memory, and
what a header promises costs nothing before the stream has delivered it.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from negspa_jax.data.errors import RefusedError
from negspa_jax.data.nifti_header import (
    NUMBER_TYPES,
    check_shape,
    find_affine,
    read_header,
)
from negspa_jax.shapes import Float

_CHUNK = 2**20
_MAX_OFFSET = 2**26
_MAX_PADDING = 2**20


class NiftiContent(NamedTuple):
    """A volume's voxels, its voxel-to-world affine in mm (RAS), and remarks."""

    data: Float[np.ndarray, "i j k"]
    affine: Float[np.ndarray, "4 4"]
    warnings: tuple[str, ...]


def read_nifti(path: Path) -> NiftiContent:
    """Read a whole NIfTI-1 or NIfTI-2 file (.nii or .nii.gz, told by content).

    Args:
      path: the file. A fourth and later dimensions of size 1 are dropped.

    Returns:
      Voxels scaled by the header's slope and intercept, all finite, and the affine:
      the sform where its code is set, else the qform.

    Raises:
      RefusedError: anything is wrong with the file.
    """
    with _open_stream(path) as stream:
        header = read_header(stream)
        shape = check_shape(header)
        affine, warnings = find_affine(header)
        _skip_to_voxels(stream, header)
        data = _read_voxels(stream, header, shape)
        _check_end(stream)
    return NiftiContent(data, affine, warnings)


def read_grid(path: Path) -> tuple[tuple[int, int, int], Float[np.ndarray, "4 4"]]:
    """Read a volume's shape and affine alone, from its header."""
    with _open_stream(path) as stream:
        header = read_header(stream)
        return check_shape(header), find_affine(header)[0]


@contextmanager
def _open_stream(path: Path) -> Iterator[BufferedIOBase]:
    """Open plain or gzipped bytes; say every failure of the disk in one sentence."""
    try:
        if not path.exists():
            raise RefusedError("must exist, but there is no such file")
        if not path.is_file():
            raise RefusedError("must be a file, got a directory or a device")
        with path.open("rb") as file:
            first = file.read(2)
            file.seek(0)
            if first != b"\x1f\x8b":
                yield file
                return
            with gzip.GzipFile(fileobj=file) as stream:
                yield stream
    except EOFError:
        raise RefusedError("must be whole, but its gzip stream is truncated") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        reason = f"must be an undamaged gzip stream, but it is not ({error}), "
        raise RefusedError(reason + "copy it again from its source") from None
    except OSError as error:
        raise RefusedError(f"cannot be read ({error.strerror or error})") from None


def _skip_to_voxels(stream: BufferedIOBase, header: Any) -> None:
    """Read past extensions to the first voxel."""
    read, offset = header.sizeof_hdr, float(header["vox_offset"])
    if not read + 4 <= offset <= _MAX_OFFSET:
        reason = f"must have its voxels at byte {read + 4} or later, got {offset:g}"
        raise RefusedError(f"{reason}: the header is damaged")
    stream.read(int(offset) - read)


def _read_voxels(
    stream: BufferedIOBase, header: Any, shape: tuple[int, int, int]
) -> Float[np.ndarray, "i j k"]:
    """Read part by part, scaled in float64, kept in float32, all finite."""
    dtype = np.dtype(NUMBER_TYPES[int(header["datatype"])])
    dtype = dtype.newbyteorder(header.endianness)
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    scaled = np.isfinite(slope) and slope != 0.0 and (slope, intercept) != (1.0, 0.0)
    if scaled and not np.isfinite(intercept):
        raise RefusedError(f"must have a finite scl_inter, got {intercept}")
    flat = np.empty(shape[0] * shape[1] * shape[2], dtype=np.float32)
    for start in range(0, flat.size, _CHUNK):
        part = flat[start : start + _CHUNK]
        content = stream.read(part.size * dtype.itemsize)
        if len(content) < part.size * dtype.itemsize:
            got = start + len(content) // dtype.itemsize
            reason = f"must hold {flat.size:,} voxels, got {got:,}: it is truncated"
            raise RefusedError(reason)
        values = np.frombuffer(content, dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            part[:] = values * slope + intercept if scaled else values
        if not np.isfinite(part).all():
            first = start + int(np.argmin(np.isfinite(part)))
            place = [int(index) for index in np.unravel_index(first, shape, order="F")]
            raise RefusedError(f"must be finite, got NaN or infinity in voxel {place}")
    return flat.reshape(shape, order="F")


def _check_end(stream: BufferedIOBase) -> None:
    """Reach the stream's end, where gzip checks its CRC; allow zero padding only."""
    tail = stream.read(_MAX_PADDING + 1)
    if len(tail) > _MAX_PADDING or tail.strip(b"\0"):
        reason = "must end after its last voxel, got further bytes: header and "
        raise RefusedError(reason + "voxels disagree, or something was appended")
