"""Volumes and radiographs as a person looks at them on the page.

As on the contact sheet a reader faces the patient: the patient's right on the left,
the head or the front above. A point on a slice is sent back in voxels of the stored
array, which is what six clicks are counted in.
"""

from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from negspa_jax.data.volume import Volume, measure_spacing
from negspa_jax.data.windows import (
    MIN_ANISOTROPY,
    PLANES,
    order_axes,
    orient_axes,
)
from negspa_jax.shapes import Float, Shaped

_PERCENTILES = (1.0, 99.0)
# Percentiles of so many voxels are those of all, to a grey value.
_SAMPLE = 2**20
_LARGEST_SIDE = 1600
_LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))


@dataclass(frozen=True)
class View:
    """How the slices of a stored array stand on the page.

    `through`, `across`, `down`: the array axes across the slices, along the picture's
    columns from left to right, and along its rows. `flip_across`, `flip_down`: whether
    the picture runs against the axis. `marks`: letters of the patient's directions at
    the left, right, top and bottom edge, and where the first and last slice lie.
    """

    through: int
    across: int
    down: int
    flip_across: bool
    flip_down: bool
    width: int
    height: int
    count: int
    spacing_mm: tuple[float, float]
    marks: dict[str, str]

    def as_facts(self) -> dict[str, Any]:
        """What the page's script needs to map points to voxels."""
        return asdict(self)


def orient_view(
    shape: tuple[int, ...], affine: Float[np.ndarray, "4 4"], *, plane: str = "auto"
) -> View:
    """Choose how a volume's slices stand on the page.

    Args:
        shape: of the array.
        affine: voxel to world mm (RAS).
        plane: of the slices of nearly cubic voxels; "auto": coronal.
    """
    spacing = measure_spacing(affine)
    directions = (affine[:3, :3] / spacing).T
    ordered = np.sort(spacing)
    if ordered[2] >= MIN_ANISOTROPY * ordered[1]:
        through = int(np.argmax(spacing))
    else:
        wanted = PLANES.index("coronal" if plane == "auto" else plane)
        through = int(np.argmax(np.abs(directions[:, wanted])))
    in_plane = [axis for axis in range(3) if axis != through]
    across, down = (in_plane[place] for place in order_axes(directions[in_plane]))
    columns, rows = orient_axes(directions[across], directions[down])
    return View(
        through=through,
        across=across,
        down=down,
        flip_across=bool(columns @ directions[across] < 0),
        flip_down=bool(rows @ directions[down] < 0),
        width=shape[across],
        height=shape[down],
        count=shape[through],
        spacing_mm=(float(spacing[across]), float(spacing[down])),
        marks={
            "right": _name(columns),
            "left": _name(-columns),
            "bottom": _name(rows),
            "top": _name(-rows),
            "first": _name(-directions[through]),
            "last": _name(directions[through]),
        },
    )


def paint_slices(volume: Volume, view: View) -> Shaped[np.ndarray, "k h w"]:
    """All slices as bytes, as they stand on the page, grey by percentiles."""
    flat = volume.data.ravel(order="K")
    low, high = np.percentile(flat[:: max(1, flat.size // _SAMPLE)], _PERCENTILES)
    if low == high:
        low, high = float(flat.min()), float(flat.max())
    stack = volume.data.transpose(view.through, view.down, view.across)
    stack = stack[:, :: -1 if view.flip_down else 1, :: -1 if view.flip_across else 1]
    painted = np.empty(stack.shape, np.uint8)
    # Slice by slice: one more float32 volume would double the memory.
    for grey, values in zip(painted, stack, strict=True):
        grey[:] = np.rint(255 * np.clip((values - low) / (high - low), 0, 1))
    return painted


def paint_radiograph(image: Float[np.ndarray, "h w"]) -> Shaped[np.ndarray, "1 h w"]:
    """A radiograph as bytes, shrunk to what a screen can show."""
    picture = Image.fromarray(np.rint(255 * image).astype(np.uint8))
    picture.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    return np.asarray(picture)[None]


def encode_slice(pictures: Path, index: int) -> bytes:
    """One slice as PNG.

    Args:
        pictures: bytes, as `paint_slices` makes them, in a .npy file.
        index: of the slice.

    Raises:
        IndexError: there is no such slice.
    """
    stack = np.load(pictures, mmap_mode="r")
    out = BytesIO()
    Image.fromarray(np.ascontiguousarray(stack[index])).save(out, "PNG")
    return out.getvalue()


def _name(direction: Float[np.ndarray, "3"]) -> str:
    """The letter of the patient's direction that is nearest."""
    axis = int(np.argmax(np.abs(direction)))
    return _LETTERS[axis][int(direction[axis] > 0)]
