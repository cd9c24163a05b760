"""The synthetic scanner: where each series lies, and how its scanner sees.

Each sequence has its own grid: tilt, centre, spacing, matrix and the order and
direction of its axes. World coordinates are mm, RAS: x grows to the patient's right.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from negspa_jax.data.phantom_anatomy import SEQUENCES
from negspa_jax.data.phantom_body import Field
from negspa_jax.shapes import Float


class Scanner(NamedTuple):
    """Spacing between slices in mm of (t1w, t2w, fs), from table S2's coronal series.

    The rest is *choice*: noise in the signal's unit, deviation of the log receive
    field, resolution in voxels, spread of the contrast's exponent.
    """

    slice_mm: tuple[float, float, float]
    noise: float
    bias: float
    blur: float
    contrast: float


# By hospital and field strength in tesla. Training and internal patients come from the
# first, external ones from the second; prospective ones from the first: *choice*.
SCANNERS = {
    ("first", 1.5): Scanner((4.5, 4.5, 5.0), 0.030, 0.12, 1.0, 0.05),
    ("first", 3.0): Scanner((3.5, 3.5, 3.5), 0.020, 0.25, 1.0, 0.05),
    ("second", 1.5): Scanner((3.5, 3.5, 3.5), 0.036, 0.15, 1.3, 0.12),
    ("second", 3.0): Scanner((3.5, 3.5, 3.5), 0.026, 0.30, 1.1, 0.12),
}
DEPTH_MM = 60.0  # what the stack covers from front to back, as on real images
FOV_MM = (190.0, 215.0)  # *choice*: table S2's 126-175 mm would cut 100-mm windows
ORIENTATIONS = ("LSP", "LPS", "RSA", "LIA", "PSL", "RIP", "SLP")  # *choice*


@dataclass(frozen=True)
class Scan:
    """One series: its grid (voxel (i, j, k) = columns, rows, slices) and its physics.

    `body_to_world` carries (u, w, d) in mm to RAS; `affine` carries voxels to RAS.
    """

    sequence: str
    shape: tuple[int, int, int]
    affine: Float[np.ndarray, "4 4"]
    body_to_world: Float[np.ndarray, "4 4"]
    edge_mm: float
    noise: float
    bias: tuple[float, ...]
    contrast: float
    orientation: str
    big_endian: bool
    version: int

    def body_coordinates(self, first: int, last: int) -> tuple[Field, Field, Field]:
        """(u, w, d) of the voxels of slices first to last, exclusive."""
        matrix = (np.linalg.inv(self.body_to_world) @ self.affine).astype(np.float32)
        i, j, k = (
            np.arange(start, stop, dtype=np.float32)
            for start, stop in ((0, self.shape[0]), (0, self.shape[1]), (first, last))
        )
        u, w, d = (
            row[0] * i[:, None, None] + row[1] * j[:, None] + row[2] * k + row[3]
            for row in matrix[:3]
        )
        return u, w, d


def draw_scans(
    key: np.random.Generator,
    split: str,
    matrix: tuple[int, int],
    slices: tuple[int, int],
) -> tuple[Scan, ...]:
    """The three series of a patient, all on one scanner."""
    tilt = key.normal(-40, 5)  # degrees: up along the sacrum is also forwards
    body_to_world = rotation(tilt, key.normal(0, 2), key.normal(0, 2))
    body_to_world[:3, 3] = key.normal(0, (8, 25, 60))
    hospital = "second" if split == "external" else "first"
    scanner = SCANNERS[hospital, 1.5 if key.random() < 0.5 else 3.0]
    return tuple(
        draw_scan(key, sequence, body_to_world @ UPRIGHT, scanner, matrix, slices)
        for sequence in SEQUENCES
    )


# Columns: where u, w and d of an upright body point in (x, y, z).
UPRIGHT = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])


def draw_scan(
    key: np.random.Generator,
    sequence: str,
    body_to_world: Float[np.ndarray, "4 4"],
    scanner: Scanner,
    matrix: tuple[int, int],
    slices: tuple[int, int],
) -> Scan:
    """One series: its stack leans a little off the body's own axes."""
    columns = 8 * int(key.integers(matrix[0] // 8, matrix[1] // 8 + 1))
    rows = columns - 8 * int(key.integers(0, 2))
    spacing = key.uniform(*FOV_MM) / columns
    slice_mm = scanner.slice_mm[SEQUENCES.index(sequence)]
    number = slices[slice_mm < 4]
    shape = (columns, rows, number)
    grid = np.diag([-spacing, spacing, max(slice_mm, DEPTH_MM / number), 1.0])
    grid[:3, 3] = -grid[:3, :3] @ (np.array(shape) - 1) / 2
    grid[:3, 3] += key.normal((0, -3, 0), (3, 3, 2))
    lean = rotation(*key.normal(0, (2.5, 1.5, 1.5)))
    return Scan(
        sequence=sequence,
        shape=shape,
        affine=body_to_world @ lean @ grid,
        body_to_world=body_to_world,
        edge_mm=scanner.blur * max(spacing, 0.7),
        noise=scanner.noise * key.uniform(0.8, 1.3),
        bias=tuple(float(x) for x in scanner.bias * key.standard_normal(9)),
        contrast=float(np.exp(scanner.contrast * key.standard_normal())),
        orientation=str(key.choice(ORIENTATIONS)),
        big_endian=key.random() < 0.1,
        version=2 if key.random() < 0.1 else 1,
    )


def rotation(
    about_x: float, about_y: float, about_z: float
) -> Float[np.ndarray, "4 4"]:
    """Degrees about x, then y, then z, as a 4 by 4 matrix."""
    result = np.eye(4)
    for degrees, (a, b) in zip(
        (about_x, about_y, about_z), ((1, 2), (2, 0), (0, 1)), strict=True
    ):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        turn = np.eye(4)
        turn[[a, a, b, b], [a, b, a, b]] = c, -s, s, c
        result = turn @ result
    return result
