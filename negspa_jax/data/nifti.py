"""One NIfTI file, read to its last byte, slab by slab, or refused with a reason.

nibabel knows the header's fields; the stream is ours, because nibabel stops after
the last voxel and so never checks a gzip stream's CRC: 49 of 60 flipped bits gave
silently wrong voxels. Reading slab by slab keeps one float32 volume in memory, and
a header that promises 100 GB costs nothing before the stream runs dry.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from negspa_jax.data.errors import RefusedError
from negspa_jax.shapes import Float

# 2**28 voxels are 1 GiB as float32; a CT of 512 x 512 x 1,000 still fits.
_MAX_VOXELS = 2**28
_MAX_OFFSET = 2**26
_MAX_PADDING = 2**20
_SPACING_MM = (0.01, 100.0)

_DTYPES = {
    **{2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8"},
    **{256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"},
}
_REFUSED_DTYPES = {
    **{1: "one-bit", 32: "complex", 1792: "complex", 2048: "complex"},
    **{128: "RGB colour", 2304: "RGBA colour", 1536: "128-bit float"},
}
_FOREIGN = (
    (b"version https://git-lfs", "a git-LFS pointer, fetch the file (`git lfs pull`)"),
    (b"\x1f\x8b", "gzip inside gzip, unpack it once"),
    (b"PK\x03\x04", "a zip archive, unpack it"),
    (b"NRRD", "NRRD, convert it to NIfTI"),
    (b"ObjectType", "MetaImage, convert it to NIfTI"),
    (b"\x89HDF", "HDF5 (or MINC), convert it to NIfTI"),
    (b"\x00\x00\x00\x01", "no NIfTI (perhaps FreeSurfer's MGH), convert it"),
)


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
        header = _read_header(stream)
        shape = _check_shape(header)
        affine, warnings = _find_affine(header)
        _skip_to_voxels(stream, header)
        data = _read_voxels(stream, header, shape)
        _check_end(stream)
    return NiftiContent(data, affine, warnings)


def read_grid(path: Path) -> tuple[tuple[int, int, int], Float[np.ndarray, "4 4"]]:
    """Read a volume's shape and affine alone, from its header."""
    with _open_stream(path) as stream:
        header = _read_header(stream)
        return _check_shape(header), _find_affine(header)[0]


@contextmanager
def _open_stream(path: Path) -> Iterator[BinaryIO]:
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
                yield stream  # type: ignore[misc]
    except EOFError:
        raise RefusedError("must be whole, but its gzip stream is truncated") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        reason = f"must be an undamaged gzip stream, but it is not ({error}), "
        raise RefusedError(reason + "copy it again from its source") from None
    except OSError as error:
        raise RefusedError(f"cannot be read ({error.strerror or error})") from None


def _read_header(stream: BinaryIO) -> Any:
    """Read the 348 or 540 bytes of a NIfTI header, of either byte order."""
    start = stream.read(348)
    if not start:
        raise RefusedError("must be a NIfTI file, got an empty file")
    little = int.from_bytes(start[:4], "little")
    endianness = "<" if little in (348, 540) else ">"
    size = little if endianness == "<" else int.from_bytes(start[:4], "big")
    if size == 540:
        start += stream.read(540 - 348)
    if size not in (348, 540) or len(start) < size:
        raise RefusedError(f"must be a NIfTI file, got {_name_format(start)}")
    magic = start[344:348] if size == 348 else start[4:8]
    if magic in (b"ni1\0", b"ni2\0"):
        reason = "must be one file (.nii or .nii.gz), got half of a pair of .hdr and "
        raise RefusedError(reason + ".img, convert it")
    if magic not in (b"n+1\0", b"n+2\0"):
        reason = "must be NIfTI, got Analyze 7.5, which does not tell left from right,"
        raise RefusedError(reason + " convert the DICOM series again")
    kind = nib.Nifti1Header if size == 348 else nib.Nifti2Header
    return kind(start, endianness=endianness, check=False)


def _name_format(start: bytes) -> str:
    """Guess in words what a file is that does not start like NIfTI."""
    for magic, name in _FOREIGN:
        if start.startswith(magic):
            return name
    if start[128:132] == b"DICM":
        return "DICOM, convert the series to NIfTI (for example with dcm2niix)"
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start):
        return f"text that starts {start[:24].decode()!r}"
    return f"a file of another format or a damaged one (it starts {start[:4]!r})"


def _check_shape(header: Any) -> tuple[int, int, int]:
    """The three dimensions, all sensible, of a volume of real numbers."""
    code = int(header["datatype"])
    if code not in _DTYPES:
        kind = _REFUSED_DTYPES.get(code, "unknown")
        raise RefusedError(
            f"must hold one real number a voxel, got {kind} (type {code})"
        )
    count = int(header["dim"][0])
    dims = [int(size) for size in header["dim"][1 : 1 + max(count, 0)]]
    if not 3 <= count <= 7 or min(dims) < 1:
        raise RefusedError(f"must have three dimensions of 1 or more, got {dims}")
    if any(size != 1 for size in dims[3:]):
        reason = f"must be one 3D volume, got {count} dimensions {dims}, "
        raise RefusedError(
            reason + "save the volume that is meant as a file of its own"
        )
    if (num_voxels := dims[0] * dims[1] * dims[2]) > _MAX_VOXELS:
        reason = f"must have at most {_MAX_VOXELS:,} voxels, got {num_voxels:,} ({dims}"
        raise RefusedError(
            reason + "): the header is damaged, or crop the volume first"
        )
    return dims[0], dims[1], dims[2]


def _find_affine(header: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """The sform, else the qform; remark where both are set and differ."""
    try:
        sform, qform = header.get_sform(coded=True)[0], header.get_qform(coded=True)[0]
    except (HeaderDataError, ValueError) as error:
        reason = f"must have a valid affine, but its qform is damaged ({error})"
        raise RefusedError(reason) from None
    affine = qform if sform is None else sform
    if affine is None:
        reason = "must say where it lies in the patient, but qform_code and sform_code "
        reason += "are both 0, so that left and right are unknown: convert the DICOM "
        raise RefusedError(
            reason + "series again, or set the code if the form is right"
        )
    affine = np.asarray(affine, dtype=np.float64)
    _check_affine(affine)
    if sform is None or qform is None or not np.isfinite(qform).all():
        return affine, ()
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in header["dim"][1:4]]), float)
    shift = (sform - qform)[:3, :3] @ corners.reshape(3, -1) + (sform - qform)[:3, 3:]
    if (distance := np.linalg.norm(shift, axis=0).max()) <= 1.0:
        return affine, ()
    remark = f"sform and qform differ by up to {distance:.0f} mm; the sform is used"
    return affine, (remark,)


def _check_affine(affine: Float[np.ndarray, "4 4"]) -> None:
    """Refuse an affine that is not finite, flat, or not in millimetres."""
    if not np.isfinite(affine).all():
        raise RefusedError("must have a finite affine, got NaN or infinity in it")
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.all((spacing >= _SPACING_MM[0]) & (spacing <= _SPACING_MM[1])):
        sizes = " x ".join(f"{size:.4g}" for size in spacing)
        reason = f"must have voxels of {_SPACING_MM[0]} to {_SPACING_MM[1]:.0f} mm, "
        raise RefusedError(reason + f"got {sizes} (are the units millimetres?)")
    if abs(np.linalg.det(affine[:3, :3] / spacing)) < 0.1:
        raise RefusedError("must have an invertible affine, got (nearly) parallel axes")


def _skip_to_voxels(stream: BinaryIO, header: Any) -> None:
    """Read past extensions to the first voxel."""
    read, offset = header.sizeof_hdr, float(header["vox_offset"])
    if not read + 4 <= offset <= _MAX_OFFSET:
        reason = f"must have its voxels at byte {read + 4} or later, got {offset:g}"
        raise RefusedError(f"{reason}: the header is damaged")
    stream.read(int(offset) - read)


def _read_voxels(
    stream: BinaryIO, header: Any, shape: tuple[int, int, int]
) -> Float[np.ndarray, "i j k"]:
    """Read slab by slab, scaled in float64, kept in float32, all finite."""
    dtype = np.dtype(_DTYPES[int(header["datatype"])])
    dtype = dtype.newbyteorder(header.endianness)
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    scaled = np.isfinite(slope) and slope != 0.0 and (slope, intercept) != (1.0, 0.0)
    if scaled and not np.isfinite(intercept):
        raise RefusedError(f"must have a finite scl_inter, got {intercept}")
    data = np.empty(shape, dtype=np.float32, order="F")
    num_bytes = shape[0] * shape[1] * dtype.itemsize
    for k in range(shape[2]):
        slab = stream.read(num_bytes)
        if len(slab) < num_bytes:
            reason = f"must hold {shape[2]} slabs of voxels, got {k}: it is truncated"
            raise RefusedError(reason)
        values = np.frombuffer(slab, dtype).reshape(shape[:2], order="F")
        with np.errstate(over="ignore", invalid="ignore"):
            data[:, :, k] = values * slope + intercept if scaled else values
        if not np.isfinite(data[:, :, k]).all():
            reason = f"must be finite, got NaN or infinity in slab {k} of its last axis"
            raise RefusedError(reason)
    return data


def _check_end(stream: BinaryIO) -> None:
    """Reach the stream's end, where gzip checks its CRC; allow zero padding only."""
    tail = stream.read(_MAX_PADDING + 1)
    if len(tail) > _MAX_PADDING or tail.strip(b"\0"):
        reason = "must end after its last voxel, got further bytes: header and "
        raise RefusedError(reason + "voxels disagree, or something was appended")
