"""Patients as they go wrong in practice: each change of files gives a new patient.

Directions are the patient's in the plane of the first image's slices: left, up (along
the sacrum, in an oblique coronal stack) and front.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from scipy.ndimage import affine_transform

from negspa_jax.data.patient import Patient
from negspa_jax.data.radiograph import Radiograph


class Grid(NamedTuple):
    """Voxels and their place in the world."""

    data: np.ndarray
    affine: np.ndarray


# What becomes of an image, and of the mask that is drawn on it.
Change = Callable[[Grid, bool], Grid]


def rewrite(patient: Patient, folder: Path, change: Change) -> Patient:
    """Write a patient's files anew, changed."""
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[Path, Path] = {}

    def write(path: Path, *, is_mask: bool) -> Path:
        if path not in written:
            image: Any = nib.load(path)
            new = change(Grid(np.asarray(image.dataobj), image.affine), is_mask)
            written[path] = folder / f"{len(written)}.nii"
            nib.save(nib.Nifti1Image(new.data, new.affine), written[path])
        return written[path]

    return replace(
        patient,
        images={k: write(path, is_mask=False) for k, path in patient.images.items()},
        rvoi={k: write(path, is_mask=True) for k, path in patient.rvoi.items()},
    )


def find_axes(affine: np.ndarray) -> tuple[int, int, int]:
    """The array axes nearest to left-right, in the slices to up-down, and through."""
    through = int(np.argmax(np.linalg.norm(affine[:3, :3], axis=0)))
    across, along = sorted(
        (axis for axis in range(3) if axis != through),
        key=lambda axis: -abs(affine[0, axis]),
    )
    return across, along, through


def move_region(*, left: float = 0.0, up: float = 0.0, front: float = 0.0) -> Change:
    """Another region: the mask lies elsewhere, mm."""

    def change(grid: Grid, is_mask: bool) -> Grid:
        if not is_mask:
            return grid
        affine = grid.affine.copy()
        ends = ((0, -1, left), (2, 1, up), (1, 1, front))
        for axis, (row, sign, distance) in zip(
            find_axes(grid.affine), ends, strict=True
        ):
            unit = affine[:3, axis] / np.linalg.norm(affine[:3, axis])
            affine[:3, 3] += distance * sign * np.sign(unit[row]) * unit
        return Grid(grid.data, affine)

    return change


def turn_upside_down(grid: Grid, is_mask: bool) -> Grid:
    """What was above lies below, in a grid that stays as it is."""
    return Grid(np.flip(grid.data, find_axes(grid.affine)[1]).copy(), grid.affine)


def mirror_sides(grid: Grid, is_mask: bool) -> Grid:
    """Left and right are exchanged in the header: x points the other way."""
    return Grid(grid.data, np.diag([-1.0, 1, 1, 1]) @ grid.affine)


def mirror_height(grid: Grid, is_mask: bool) -> Grid:
    """Head and feet are exchanged in the header: z points the other way."""
    return Grid(grid.data, np.diag([1.0, 1, -1, 1]) @ grid.affine)


def reslice_axial(grid: Grid, is_mask: bool) -> Grid:
    """The same body in axial slices of 4 mm."""
    if is_mask:
        return grid
    ends = np.array(np.meshgrid(*[(0, n - 1) for n in grid.data.shape])).reshape(3, 8)
    corners = grid.affine[:3, :3] @ ends + grid.affine[:3, 3:]
    pixel = np.linalg.norm(grid.affine[:3, :3], axis=0).min()
    affine = np.diag([pixel, pixel, 4.0, 1.0])
    affine[:3, 3] = corners.min(axis=1)
    shape = np.ceil(np.ptp(corners, axis=1) / np.diag(affine)[:3]).astype(int)
    to_old = np.linalg.inv(grid.affine) @ affine
    data = affine_transform(
        grid.data.astype(np.float32),
        to_old[:3, :3],
        to_old[:3, 3],
        tuple(shape),
        order=1,
    )
    return Grid(data, affine)


def empty_middle(grid: Grid, is_mask: bool) -> Grid:
    """Nothing but a scanner's noise, save for the upper and lower eighth."""
    if is_mask:
        return grid
    along = find_axes(grid.affine)[1]
    data = np.moveaxis(grid.data.astype(np.float32), along, 0).copy()
    kept = len(data) // 8
    noise = np.random.default_rng(0).rayleigh(size=data[kept:-kept].shape)
    data[kept:-kept] = 0.01 * np.percentile(data, 99) * noise
    return Grid(np.moveaxis(data, 0, along), grid.affine)


def spoil(change: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Radiograph]:
    """A change of the pixels as a change of the radiograph."""
    return lambda one: replace(one, image=np.ascontiguousarray(change(one.image)))


def cut_quarter(image: np.ndarray) -> np.ndarray:
    """One hip: the lower left quarter."""
    height, width = image.shape
    return image[height // 2 :, : width // 2]


SPOILT: dict[str, Callable[..., Radiograph]] = {
    "upside down": spoil(np.flipud),
    "on its side": spoil(np.rot90),
    "left and right exchanged": spoil(np.fliplr),
    "inverted": spoil(lambda image: 1 - image),
    "one hip": spoil(cut_quarter),
    "chest, as the file says": lambda one: replace(one, body_part="CHEST"),
}
