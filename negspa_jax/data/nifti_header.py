"""A NIfTI header: what is refused by name, the shape, and the place in the world."""

from io import BufferedIOBase
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from negspa_jax.data.errors import RefusedError
from negspa_jax.shapes import Float

# Two copies as float32 stay under 1 GB; a CT of 512 x 512 x 450 still fits.
_MAX_VOXELS = 120_000_000
# What is drawn or measured on a slice costs tens of bytes for each voxel of it.
_MAX_SLICE = 2**22
# No scanner's origin is a kilometre away, and sums with such numbers lose the voxel.
_MAX_DISTANCE_MM = 1e6
_SPACING_MM = (0.01, 100.0)

NUMBER_TYPES = {
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


def read_header(stream: BufferedIOBase) -> Any:
    """Read the 348 or 540 bytes of a NIfTI header, of either byte order."""
    if not (start := stream.read(348)):
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


def check_shape(header: Any) -> tuple[int, int, int]:
    """The three dimensions, all sensible, of a volume of real numbers."""
    code = int(header["datatype"])
    if code not in NUMBER_TYPES:
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
    if (largest := num_voxels // min(dims[:3])) > _MAX_SLICE:
        reason = f"must have slices of at most {_MAX_SLICE:,} voxels, got {largest:,} ("
        raise RefusedError(f"{reason}{dims}): the header is damaged, or crop it first")
    return dims[0], dims[1], dims[2]


def find_affine(header: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """The sform, else the qform; remark where both are set and differ."""
    try:
        with np.errstate(all="ignore"):  # what overflows is refused below
            sform = header.get_sform(coded=True)[0]
            qform = header.get_qform(coded=True)[0]
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
    with np.errstate(all="ignore"):
        between = sform - qform
        shift = between[:3, :3] @ corners.reshape(3, -1) + between[:3, 3:]
        distance = np.linalg.norm(shift, axis=0).max()
    if distance <= 1.0:
        return affine, ()
    remark = f"sform and qform differ by up to {distance:.0f} mm; the sform is used"
    return affine, (remark,)


def _check_affine(affine: Float[np.ndarray, "4 4"]) -> None:
    """Refuse an affine that is not finite, flat, or not in millimetres."""
    if not np.isfinite(affine).all():
        raise RefusedError("must have a finite affine, got NaN or infinity in it")
    with np.errstate(over="ignore"):
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.all((spacing >= _SPACING_MM[0]) & (spacing <= _SPACING_MM[1])):
        sizes = " x ".join(f"{size:.4g}" for size in spacing)
        reason = f"must have voxels of {_SPACING_MM[0]} to {_SPACING_MM[1]:.0f} mm, "
        raise RefusedError(reason + f"got {sizes} (are the units millimetres?)")
    if abs(np.linalg.det(affine[:3, :3] / spacing)) < 0.1:
        raise RefusedError("must have an invertible affine, got (nearly) parallel axes")
    if (distance := np.abs(affine[:3, 3]).max()) > _MAX_DISTANCE_MM:
        reason = f"must lie within {_MAX_DISTANCE_MM:g} mm of its origin, got "
        raise RefusedError(f"{reason}{distance:.4g} (is the header damaged?)")
