"""A volume seen as a stack of slices: which of them, and a window cut from one."""

import math
from typing import NamedTuple

import numpy as np
from scipy.ndimage import affine_transform

from negspa_jax.data.errors import RefusedError
from negspa_jax.data.volume import Volume, measure_spacing
from negspa_jax.data.windows import (
    MIN_COSINE,
    Region,
    Window,
    find_through_axis,
    span_region,
)
from negspa_jax.shapes import Bool, Float

# Voxels: the affines of one patient's files differ in their last digits.
_SLACK = 0.01
_EPSILON = 1e-6
# Slices tilted by more than 30 degrees belong to no plane by name.
_MIN_PLANE_COSINE = 0.866


class Stack(NamedTuple):
    """A volume, the array axis across its slices, and where a region lies in it.

    `normal`: unit normal of the slices in the world (of either sign); `first` and
    `last`: the region's bounds along `through`, in slices (not whole numbers).
    """

    volume: Volume
    through: int
    normal: Float[np.ndarray, "3"]
    first: float
    last: float

    @property
    def in_plane(self) -> list[int]:
        """The two array axes within a slice."""
        return [axis for axis in range(3) if axis != self.through]

    @property
    def plane(self) -> str:
        """The plane of the body that the slices lie in, or "oblique" between two."""
        cosines = np.abs(self.normal)
        if cosines.max() < _MIN_PLANE_COSINE:
            return "oblique"
        return ("sagittal", "coronal", "axial")[int(np.argmax(cosines))]


def stack_slices(
    volume: Volume, region: Region, *, sided: bool, plane: str = "auto"
) -> Stack:
    """See a volume as slices, with respect to a region.

    Args:
      volume: of any orientation and obliquity.
      region: the region of interest, in the same world.
      sided: left and right are wanted, so the slices must show both.
      plane: of the slices, see `find_through_axis`.

    Raises:
      RefusedError: the region lies outside the volume, or the slices are sagittal
        though sides are wanted.
    """
    shape, span = np.array(volume.data.shape), span_region(region, volume.affine)
    if np.any(span[0] >= shape - 0.5) or np.any(span[1] <= -0.5):
        reason = (
            f"must show the region, but the RVOI ({region.path.name}) lies outside "
        )
        raise RefusedError(reason + "this volume: is it another patient's or visit's?")
    spacing = measure_spacing(volume.affine)
    directions = volume.affine[:3, :3] / spacing
    extents = (span[1] - span[0]) * spacing
    through = find_through_axis(directions, spacing, extents, plane=plane)
    first, second = (directions[:, axis] for axis in range(3) if axis != through)
    if sided and (cosine := max(abs(first[0]), abs(second[0]))) < MIN_COSINE:
        reason = "must be coronal or axial to show left and right, got a sagittal stack"
        reason += f" (best left-right cosine {cosine:.2f} under {MIN_COSINE}): leave it"
        raise RefusedError(reason + " out of the sequences, or use sides=whole")
    normal = np.cross(first, second)
    normal /= np.linalg.norm(normal)
    return Stack(volume, through, normal, *map(float, span[:, through]))


def pick_slices(stack: Stack, window: Window) -> tuple[tuple[int, int, int], str]:
    """The region's middle slice between its neighbours, as stored indices.

    They are ordered along columns x rows of the window (coronal: from anterior to
    posterior), so that a flipped file gives the same channels; of an even number of
    slices the lower middle in this order is taken, a choice of ours.

    Returns:
      Before, middle, after; and a warning, or "".
    """
    count = stack.volume.data.shape[stack.through]
    across = np.cross(window.columns, window.rows)
    upward = stack.volume.affine[:3, stack.through] @ across > 0
    first = max(math.ceil(stack.first + _SLACK), 0)
    last = min(math.floor(stack.last - _SLACK), count - 1)
    # Halves of whole numbers are exact: no slack where slices lie inside.
    centre, slack = (first + last) / 2, 0.0
    if first > last:
        centre, slack = (stack.first + stack.last) / 2, _SLACK
    half = (
        math.ceil(centre - 0.5 - slack) if upward else math.floor(centre + 0.5 + slack)
    )
    middle, step = min(max(half, 0), count - 1), 1 if upward else -1
    before, after = (
        min(max(index, 0), count - 1) for index in (middle - step, middle + step)
    )
    warning = ""
    if before == middle or after == middle:
        warning = f"the middle slice {middle} has no neighbour on one side (the volume "
        warning += f"has {count} slices): it is repeated"
    return (before, middle, after), warning


def cut_window(
    stack: Stack,
    values: Float[np.ndarray, "i j"],
    *,
    index: int,
    window: Window,
    image_size: int,
) -> tuple[Float[np.ndarray, "h w"], float]:
    """Resample one slice's values in a window projected along the slices' normal.

    Bilinear at pixel centres. A voxel covers half its side around its centre; what
    lies farther out than the outermost voxels is 0, never shifted inside.

    Returns:
      The image, and the share of it that lies outside the slice.
    """
    affine = stack.volume.affine
    basis = np.column_stack([*affine[:3, stack.in_plane].T, stack.normal])
    to_plane = np.linalg.inv(basis)[:2]
    origin = affine[:3, 3] + index * affine[:3, stack.through]
    columns, rows = _project_axes(window, stack.normal)
    # Pixel (row, column) lies at start + steps @ (row, column) in array coordinates.
    steps = np.column_stack([rows * window.height_mm, columns * window.width_mm])
    steps = to_plane @ steps / image_size
    start = (
        to_plane @ (window.centre - origin) + steps.sum(axis=1) * (1 - image_size) / 2
    )
    size = (image_size, image_size)
    image = affine_transform(values, steps, start, size, order=1, mode="nearest")
    inside = _find_inside(start, steps, values.shape, image_size)
    return np.where(inside, image, np.float32(0)), 1.0 - float(inside.mean())


def _project_axes(
    window: Window, normal: Float[np.ndarray, "3"]
) -> tuple[np.ndarray, np.ndarray]:
    """A window's axes in the plane of the slices, again perpendicular unit vectors."""
    columns = window.columns - (window.columns @ normal) * normal
    columns /= np.linalg.norm(columns)
    rows = window.rows - (window.rows @ normal) * normal
    rows -= (rows @ columns) * columns
    return columns, rows / np.linalg.norm(rows)


def _find_inside(
    start: Float[np.ndarray, "2"],
    steps: Float[np.ndarray, "2 2"],
    shape: tuple[int, ...],
    image_size: int,
) -> Bool[np.ndarray, "h w"]:
    """Which pixels lie within the outer faces of a slice's voxels."""
    pixels = np.arange(image_size)
    inside = np.ones((image_size, image_size), dtype=bool)
    for axis in range(2):
        along = steps[axis, 0] * pixels[:, None] + steps[axis, 1] * pixels + start[axis]
        inside &= along >= -0.5 - _EPSILON
        inside &= along <= shape[axis] - 0.5 + _EPSILON
    return inside
