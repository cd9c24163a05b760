"""Where a patient's windows lie: pure geometry in world millimetres (RAS).

The region's bounding box has the axes of the mask's own grid. For a stack of slices
the box axis most parallel to the slices' normal is dropped; the two others carry the
window, so that one rule serves a stack in the mask's plane, a tilted one, and an
axial stack with a coronal mask. Left and right come from cosines with the world's x
axis, never from orientation codes: an oblique coronal stack can read LAS.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from negspa_jax.data.errors import RefusedError
from negspa_jax.data.volume import Mask, measure_spacing
from negspa_jax.shapes import Float

# Cosine with the patient's left-right axis under which an axis cannot carry sides.
MIN_COSINE = 0.7
# Their normals are the world's x, y and z.
PLANES = ("sagittal", "coronal", "axial")
# Below this ratio of the two largest spacings a grid has no through-plane axis.
MIN_ANISOTROPY = 1.25
# The clicks lie on the joints: the window's centre is this far medial of them.
_MAX_MEDIAL_MM = 25.0


class Region(NamedTuple):
    """A region of interest: its bounding box and its surface.

    `centre` in world mm; `axes` unit world directions, one row for each axis of the
    mask's grid; `sides_mm` along these, to the outer faces of the voxels; `surface`
    the first and last voxel of each line of voxels, as mask indices; `affine` theirs.
    """

    centre: Float[np.ndarray, "3"]
    axes: Float[np.ndarray, "3 3"]
    sides_mm: Float[np.ndarray, "3"]
    surface: Float[np.ndarray, "n 3"]
    affine: Float[np.ndarray, "4 4"]
    path: Path
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Window:
    """A rectangle in world mm: columns run along `columns`, rows along `rows`."""

    centre: Float[np.ndarray, "3"]
    columns: Float[np.ndarray, "3"]
    rows: Float[np.ndarray, "3"]
    width_mm: float
    height_mm: float


def measure_region(mask: Mask) -> Region:
    """Measure a mask's bounding box on its own grid, voxel faces included."""
    spacing = measure_spacing(mask.affine)
    lines = mask.data.any(axis=2)
    first, last = mask.data.argmax(axis=2), mask.data[:, :, ::-1].argmax(axis=2)
    i, j = np.nonzero(lines)
    ends = (first[i, j], mask.data.shape[2] - 1 - last[i, j])
    surface = np.concatenate([np.stack([i, j, k], axis=1) for k in ends]).astype(float)
    low, high = surface.min(axis=0), surface.max(axis=0)
    centre = mask.affine[:3, :3] @ ((low + high) / 2) + mask.affine[:3, 3]
    axes = (mask.affine[:3, :3] / spacing).T
    sides = (high - low + 1) * spacing
    return Region(centre, axes, sides, surface, mask.affine, mask.path, mask.warnings)


def find_through_axis(
    directions: Float[np.ndarray, "3 3"],
    spacing_mm: Float[np.ndarray, "3"],
    extents_mm: Float[np.ndarray, "3"],
    *,
    plane: str,
) -> int:
    """The array axis across the slices.

    Args:
      directions: unit world direction of each array axis, as columns.
      spacing_mm: of the voxels.
      extents_mm: of the region, along the array axes.
      plane: "auto" takes the axis of the largest spacing, or where that is under
        1.25 times the next the axis along which the region is shortest; "axial",
        "coronal" or "sagittal" the axis nearest to that plane's normal.
    """
    if plane != "auto":
        return int(np.argmax(np.abs(directions[PLANES.index(plane)])))
    ordered = np.sort(spacing_mm)
    anisotropic = ordered[2] >= MIN_ANISOTROPY * ordered[1]
    return int(np.argmax(spacing_mm) if anisotropic else np.argmin(extents_mm))


def span_region(
    region: Region, affine: Float[np.ndarray, "4 4"]
) -> Float[np.ndarray, "2 3"]:
    """The region's lower and upper bound in another grid's voxel coordinates."""
    to_grid = np.linalg.inv(affine) @ region.affine
    points = region.surface @ to_grid[:3, :3].T + to_grid[:3, 3]
    # A mask voxel reaches half its side in every direction, seen in the other grid.
    reach = 0.5 * np.abs(to_grid[:3, :3]).sum(axis=1)
    return np.stack([points.min(axis=0) - reach, points.max(axis=0) + reach])


def place_windows(
    region: Region,
    normal: Float[np.ndarray, "3"],
    *,
    sides: tuple[str, ...],
    window: str,
    centre: str,
    window_mm: float,
) -> dict[str, Window]:
    """Place a window for each of `sides` ("left", "right" or "whole").

    Args:
      region: the region of interest.
      normal: unit normal of the slices, world.
      sides: which windows; "left" is the patient's left half of the box.
      window: "square" of `window_mm`, or "half": the half (or whole) box itself.
      centre: of a square: "half", the middle of the half box, or "lateral",
        min(W/4, 25 mm) medial of its lateral border, W the box's width.
      window_mm: the square's side in mm.

    Raises:
      RefusedError: sides are wanted and no axis of the box runs left to right.
    """
    across = np.abs(region.axes @ normal)
    if "whole" not in sides:
        cosines = np.abs(region.axes[:, 0])
        if cosines.max() < MIN_COSINE:
            reason = "must run left to right to have sides, but the RVOI's grid "
            reason += f"({region.path.name}) has {cosines.max():.2f} as best cosine"
            raise RefusedError(f"{reason}, under {MIN_COSINE}: use sides=whole")
        across[np.argmax(cosines)] = -1.0
    kept = [axis for axis in range(3) if axis != np.argmax(across)]
    column, row = order_axes(region.axes[kept])
    columns, rows = orient_axes(region.axes[kept[column]], region.axes[kept[row]])
    width, height = region.sides_mm[kept[column]], region.sides_mm[kept[row]]
    medial = width / 4 if centre == "half" else min(width / 4, _MAX_MEDIAL_MM)
    # Columns run from the patient's right to left.
    steps = {"left": width / 2 - medial, "right": medial - width / 2, "whole": 0.0}
    if window == "half":
        steps.update(left=width / 4, right=-width / 4)
    windows = {}
    for side in sides:
        box = (width if side == "whole" else width / 2, height)
        extent = box if window == "half" else (window_mm, window_mm)
        middle = region.centre + steps[side] * columns
        windows[side] = Window(middle, columns, rows, *map(float, extent))
    return windows


def order_axes(axes: Float[np.ndarray, "2 3"]) -> tuple[int, int]:
    """Which of two axes of a plane carries the columns, and which the rows.

    Args:
      axes: unit directions in the world (RAS).
    """
    cosines = np.abs(axes)
    if cosines[:, 0].max() >= MIN_COSINE:
        column = int(np.argmax(cosines[:, 0]))
    else:
        # Sagittal (whole windows only): rows along the spine, columns across it.
        column = 1 - int(np.argmax(cosines[:, 2]))
    return column, 1 - column


def orient_axes(
    columns: Float[np.ndarray, "3"], rows: Float[np.ndarray, "3"]
) -> tuple[np.ndarray, np.ndarray]:
    """Point both axes of a plane the same way for every patient.

    Columns run from the patient's right to left (sagittal: from anterior to
    posterior), rows away from the end with the larger y + z.

    Args:
      columns: unit direction in the world (RAS), of either sign.
      rows: the same, perpendicular to it.
    """
    along = columns[0] if abs(columns[0]) >= MIN_COSINE else columns[1]
    # copysign, not sign: an axis at exactly 45 degrees must not become 0.
    upward = np.copysign(1.0, rows[1] + rows[2])
    return -np.copysign(1.0, along) * columns, -upward * rows
