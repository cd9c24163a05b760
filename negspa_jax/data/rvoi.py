"""The rectangular volume of interest (RVOI) from six clicks, as ITK-SNAP makes it.

Four corners on one slice make a quadrilateral; pasted on the first and the last
slice with joint, and interpolated between, it becomes a prism. ITK-SNAP fills a
polygon by OpenGL's rule, a pixel belongs to it when its centre lies inside; centres
exactly on an edge, which that rule leaves to the driver, belong to it here, so that
corners on voxel centres mark these voxels too. Interpolation between two equal
contours gives the same contour on every slice between.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from negspa_jax.data.errors import RefusedError, blame
from negspa_jax.data.nifti import read_grid
from negspa_jax.data.volume import Mask, measure_spacing
from negspa_jax.data.windows import MIN_ANISOTROPY
from negspa_jax.shapes import Bool, Float

UNITS = ("voxel", "mm")
AXES = ("i", "j", "k")


@dataclass(frozen=True)
class Clicks:
    """Six clicks on an image: four corners, first and last slice.

    `corners`: in order round the quadrilateral; "voxel": x, y in voxels along the two
    in-plane axes of the stored array, in their order; "mm": x, y, z in the world
    (RAS). `first`, `last`: slices. `index_base`: what the first voxel and slice are
    called, 0 as in NIfTI (its centre is at 0.0) or 1 as ITK-SNAP's cursor shows it.
    `through`: the array axis across the slices, "i", "j" or "k"; "" for the axis of
    the largest spacing.
    """

    image: Path
    corners: tuple[tuple[float, ...], ...]
    first: int
    last: int
    units: str = "voxel"
    index_base: int = 0
    through: str = ""

    def __post_init__(self) -> None:
        if self.units not in UNITS:
            raise RefusedError(f"units must be one of {UNITS}, got {self.units!r}")
        if self.index_base not in (0, 1):
            raise RefusedError(f"index base must be 0 or 1, got {self.index_base}")
        if self.through not in ("", *AXES):
            raise RefusedError(f"axis must be one of {AXES}, got {self.through!r}")
        width = 2 if self.units == "voxel" else 3
        if len(self.corners) != 4 or any(len(point) != width for point in self.corners):
            form = "; ".join([",".join("xyz"[:width])] * 4)
            reason = f'corners in {self.units} must be four points "{form}", '
            raise RefusedError(f"{reason}got {self.corners}")


def parse_corners(text: str) -> tuple[tuple[float, ...], ...]:
    """Read "x,y; x,y; x,y; x,y".

    >>> parse_corners("10,20; 30,20; 30,40.5; 10,40")
    ((10.0, 20.0), (30.0, 20.0), (30.0, 40.5), (10.0, 40.0))
    """
    try:
        corners = tuple(
            tuple(float(number) for number in point.split(","))
            for point in text.strip().strip(";").split(";")
        )
    except ValueError:
        reason = 'corners must be numbers like "10,20; 30,20; 30,40; 10,40", got '
        raise RefusedError(f"{reason}{text!r}") from None
    if not all(np.isfinite(number) for point in corners for number in point):
        raise RefusedError(f"corners must be finite numbers, got {text!r}")
    return corners


def draw_rvoi(clicks: Clicks, *, patient_id: str = "") -> Mask:
    """Draw the prism of six clicks on the grid of their image.

    Raises:
      CaseError: the image cannot be read, or the clicks make no region on it.
    """
    with blame(patient_id, clicks.image):
        shape, affine = read_grid(clicks.image)
        through = _find_axis(clicks, affine)
        first, last = clicks.first - clicks.index_base, clicks.last - clicks.index_base
        if not 0 <= first <= last < shape[through]:
            low, high = clicks.index_base, shape[through] - 1 + clicks.index_base
            reason = f"first and last slice must satisfy {low} <= first <= last <= "
            raise RefusedError(f"{reason}{high}, got {clicks.first} and {clicks.last}")
        in_plane = [axis for axis in range(3) if axis != through]
        size = (shape[in_plane[0]], shape[in_plane[1]])
        polygon = fill_polygon(_find_corners(clicks, affine, in_plane), size)
        data = np.zeros(shape, dtype=bool)
        np.moveaxis(data, through, 0)[first : last + 1] = polygon
    return Mask(data, affine, clicks.image)


def fill_polygon(
    corners: Float[np.ndarray, "n 2"], size: tuple[int, int]
) -> Bool[np.ndarray, "i j"]:
    """Mark the pixels whose centres lie inside a polygon or on its edge.

    Args:
      corners: in order round the polygon, pixel i's centre at i.
      size: of the slice.

    Raises:
      RefusedError: a corner lies outside the slice, two edges cross, or no pixel's
        centre lies inside.
    """
    if np.any(corners < -0.5) or np.any(corners > np.array(size) - 0.5):
        reason = f"corners must lie inside the slice of {size[0]} x {size[1]} voxels, "
        raise RefusedError(f"{reason}got (counted from 0) {_list(corners)}")
    ends = np.roll(corners, -1, axis=0)
    if _edges_cross(corners, ends):
        reason = "corners must be given in order round the region, but two edges cross "
        raise RefusedError(f"{reason}or touch: {_list(corners)}")
    i, j = np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing="ij")
    inside, on_edge = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    for (a, b), (c, d) in zip(corners, ends, strict=True):
        # Twice the area of the triangle edge-pixel: its sign says on which side.
        area = (c - a) * (j - b) - (d - b) * (i - a)
        crosses = (b <= j) != (d <= j)
        inside ^= crosses & ((area > 0) == (d > b))
        near = np.abs(area) <= 1e-9 * max(abs(c - a), abs(d - b))
        within = (np.minimum(a, c) <= i) & (i <= np.maximum(a, c))
        on_edge |= near & within & (np.minimum(b, d) <= j) & (j <= np.maximum(b, d))
    if not (inside | on_edge).any():
        reason = f"corners must enclose at least one voxel, got {_list(corners)}"
        raise RefusedError(reason)
    return inside | on_edge


def write_mask(mask: Mask, out: Path, *, overwrite: bool = False) -> None:
    """Write a mask as uint8 NIfTI with sform and qform, whole or not at all.

    Raises:
      RefusedError: the file exists, or its name or folder cannot be used.
    """
    if not out.name.endswith((".nii", ".nii.gz")):
        raise RefusedError("must be named *.nii or *.nii.gz to be written")
    if out.exists() and not overwrite:
        raise RefusedError("exists already; give another name, or --overwrite")
    image = nib.Nifti1Image(mask.data.astype(np.uint8), mask.affine)
    image.set_sform(mask.affine, code=1)
    image.set_qform(mask.affine, code=1)
    part = out.with_name(f".{os.getpid()}.{out.name}")
    try:
        nib.save(image, part)
        part.replace(out)
    except OSError as error:
        reason = f"cannot be written ({error.strerror or error})"
        raise RefusedError(reason) from None
    finally:
        part.unlink(missing_ok=True)


def _find_axis(clicks: Clicks, affine: Float[np.ndarray, "4 4"]) -> int:
    if clicks.through:
        return AXES.index(clicks.through)
    spacing = measure_spacing(affine)
    ordered = np.sort(spacing)
    if ordered[2] < MIN_ANISOTROPY * ordered[1]:
        sizes = " x ".join(f"{size:.3g}" for size in spacing)
        reason = f"has nearly cubic voxels ({sizes} mm), so the slices' axis must be "
        raise RefusedError(reason + "given: i, j or k")
    return int(np.argmax(spacing))


def _find_corners(
    clicks: Clicks, affine: Float[np.ndarray, "4 4"], in_plane: Sequence[int]
) -> Float[np.ndarray, "4 2"]:
    """The corners in voxels counted from 0."""
    points = np.array(clicks.corners, dtype=np.float64)
    if clicks.units == "voxel":
        return points - clicks.index_base
    to_voxels = np.linalg.inv(affine)
    return (points @ to_voxels[:3, :3].T + to_voxels[:3, 3])[:, list(in_plane)]


def _edges_cross(
    starts: Float[np.ndarray, "n 2"], ends: Float[np.ndarray, "n 2"]
) -> bool:
    """Whether two edges that are no neighbours meet."""

    def side(a: np.ndarray, b: np.ndarray, p: np.ndarray) -> float:
        return float(
            np.sign((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]))
        )

    count = len(starts)
    for one in range(count):
        for two in range(one + 2, count - (one == 0)):
            a, b, c, d = starts[one], ends[one], starts[two], ends[two]
            if (
                side(a, b, c) * side(a, b, d) <= 0
                and side(c, d, a) * side(c, d, b) <= 0
            ):
                return True
    return False


def _list(corners: Float[np.ndarray, "n 2"]) -> str:
    return "; ".join(f"{x:.4g},{y:.4g}" for x, y in corners)
