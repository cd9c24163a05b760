"""Small NIfTI files whose every voxel is known from its place in the world."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np

from negspa_jax.data.patient import Patient


def make_affine(
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    axes: str = "LSP",
    *,
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0),
    rotation: np.ndarray | None = None,
) -> np.ndarray:
    """An affine of given orientation whose grid is centred in the world."""
    directions = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1)}
    directions |= {"S": (2, 1), "I": (2, -1)}
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, code in enumerate(axes):
        row, sign = directions[code]
        affine[row, axis] = sign * spacing[axis]
    if rotation is not None:
        affine[:3, :3] = rotation @ affine[:3, :3]
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def rotate(degrees: tuple[float, float, float]) -> np.ndarray:
    """A rotation about x, then y, then z."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        turn = np.eye(3)
        one, two = (axis + 1) % 3, (axis + 2) % 3
        turn[one, one] = turn[two, two] = np.cos(angle)
        turn[one, two], turn[two, one] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def world_grid(shape: tuple[int, int, int], affine: np.ndarray) -> np.ndarray:
    """The world coordinates of every voxel's centre, (i, j, k, 3)."""
    indices = np.stack(np.indices(shape), axis=-1)
    return indices @ affine[:3, :3].T + affine[:3, 3]


def write_volume(
    path: Path,
    affine: np.ndarray,
    shape: tuple[int, int, int],
    value: Callable[[np.ndarray], np.ndarray],
    dtype: str = "float32",
) -> Path:
    """Write a volume that is a function of the world's coordinates."""
    data = value(world_grid(shape, affine)).astype(dtype)
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


def reorient(path: Path, order: tuple[int, int, int], flips: tuple[bool, ...]) -> None:
    """Store the same volume with permuted and flipped axes."""
    image = nib.load(path)
    ornt = [(order.index(axis), -1 if flips[axis] else 1) for axis in range(3)]
    data = np.asarray(image.dataobj).copy()
    turned = nib.Nifti1Image(data, image.affine).as_reoriented(np.array(ornt))
    nib.save(turned, path)


def box_mask(
    low: tuple[float, float, float], high: tuple[float, float, float]
) -> Callable[[np.ndarray], np.ndarray]:
    """1 inside a box of the world, mm."""

    def value(points: np.ndarray) -> np.ndarray:
        return np.all((points >= low) & (points <= high), axis=-1)

    return value


def make_patient(images: dict[str, Path], rvoi: Path, patient_id: str = "7") -> Patient:
    """A patient with one mask for all sequences."""
    return Patient(patient_id, "train", 1, images, dict.fromkeys(images, rvoi))
