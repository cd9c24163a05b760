"""Volumes and masks: voxels, where they lie in the patient, and nothing unchecked.

World coordinates are NIfTI's, in mm: x grows to the patient's right, y to anterior,
z to superior (RAS).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from negspa_jax.data.errors import RefusedError, blame
from negspa_jax.data.nifti import read_nifti
from negspa_jax.shapes import Bool, Float

# A label volume has a handful of labels, an image hundreds of grey values.
_MAX_LABELS = 100
_PART = 2**20


@dataclass(frozen=True, eq=False)
class Volume:
    """An image: float32 voxels, voxel-to-world affine (mm, RAS), its file."""

    data: Float[np.ndarray, "i j k"]
    affine: Float[np.ndarray, "4 4"]
    path: Path
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Mask:
    """A region: True inside, voxel-to-world affine (mm, RAS), its file."""

    data: Bool[np.ndarray, "i j k"]
    affine: Float[np.ndarray, "4 4"]
    path: Path
    warnings: tuple[str, ...] = ()


def read_volume(path: str | Path, *, patient_id: str) -> Volume:
    """Read an image of any NIfTI orientation, scaling and byte order.

    Args:
      path: a .nii or .nii.gz file, NIfTI-1 or NIfTI-2.
      patient_id: whose it is, for the message if it is refused.

    Returns:
      The volume; every voxel is finite and at least two differ.

    Raises:
      CaseError: the file is missing, damaged, no 3D volume of real numbers, without
        a place in the world, or constant (no z-score exists).
    """
    with blame(patient_id, path):
        content = read_nifti(Path(path))
        if (low := content.data.min()) == content.data.max():
            raise RefusedError(f"must show something, but every voxel is {low:g}")
    return Volume(content.data, content.affine, Path(path), content.warnings)


def read_mask(path: str | Path, *, patient_id: str) -> Mask:
    """Read a label volume, such as ITK-SNAP writes; any nonzero label is inside.

    Args:
      path: a .nii or .nii.gz file, NIfTI-1 or NIfTI-2.
      patient_id: whose it is, for the message if it is refused.

    Raises:
      CaseError: as for `read_volume`, and where the labels are not whole numbers,
        are so many that it must be an image, or mark no voxel.
    """
    with blame(patient_id, path):
        content = read_nifti(Path(path))
        _check_labels(content.data)
    return Mask(content.data != 0, content.affine, Path(path), content.warnings)


def measure_spacing(affine: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "3"]:
    """The voxel's side along each array axis in mm."""
    return np.linalg.norm(affine[:3, :3], axis=0)


def file_sha256(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal; the file is streamed."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_labels(data: Float[np.ndarray, "i j k"]) -> None:
    """Refuse what cannot be a label volume; part by part, memory stays flat."""
    flat, labels = data.reshape(-1, order="F"), np.empty(0, np.float32)
    for start in range(0, flat.size, _PART):
        part = np.unique(flat[start : start + _PART])
        if np.any(part != np.rint(part)):
            reason = "must be a mask of whole-number labels, got fractions: "
            raise RefusedError(reason + "is it an image?")
        labels = np.union1d(labels, part[part != 0])
        if labels.size > _MAX_LABELS:
            reason = f"must be a mask of at most {_MAX_LABELS} labels, got more: "
            raise RefusedError(reason + "is it an image?")
    if labels.size == 0:
        reason = "must mark the region, but no voxel is set: draw and save it again"
        raise RefusedError(reason)
