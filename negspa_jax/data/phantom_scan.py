"""The synthetic scanner: grids, resolution, bias field, noise, and NIfTI bytes.

Each sequence has its own grid: tilt, centre, spacing, matrix and the order and
direction of its axes. World coordinates are mm, RAS: x grows to the patient's right.
"""

import gzip
from dataclasses import dataclass
from itertools import pairwise

import nibabel as nib
import numpy as np

from negspa_jax.data.phantom_anatomy import SEQUENCES, Canvas, paint_body
from negspa_jax.data.phantom_body import Body, Field
from negspa_jax.data.phantom_lesions import Lesion, joint_at
from negspa_jax.shapes import Float

# Table S2, coronal series: spacing between slices in mm of (t1w, t2w, fs) at 1.5 T and
# at 3 T: first hospital (training, internal), second (external). Prospective: *choice*.
SLICE_MM = {
    "first": ((4.5, 4.5, 5.0), (3.5, 3.5, 3.5)),
    "second": ((3.5, 3.5, 3.5), (3.5, 3.5, 3.5)),
}
NOISE = (0.030, 0.020)  # of the brightest fat's signal, at 1.5 T and 3 T; *choice*
BIAS = (0.12, 0.25)  # deviation of the log receive field at 1.5 T and 3 T; *choice*
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
    tesla = int(key.random() < 0.5)
    return tuple(
        draw_scan(
            key,
            sequence,
            body_to_world,
            SLICE_MM[hospital][tesla],
            matrix,
            slices,
            tesla,
        )
        for sequence in SEQUENCES
    )


def draw_scan(
    key: np.random.Generator,
    sequence: str,
    body_to_world: Float[np.ndarray, "4 4"],
    slice_mm: tuple[float, float, float],
    matrix: tuple[int, int],
    slices: tuple[int, int],
    tesla: int,
) -> Scan:
    """One series: the stack leans a little off the body's own axes."""
    columns = 8 * int(key.integers(matrix[0] // 8, matrix[1] // 8 + 1))
    rows = columns - 8 * int(key.integers(0, 2))
    spacing = key.uniform(*FOV_MM) / columns
    number = slices[1] if slice_mm[SEQUENCES.index(sequence)] < 4 else slices[0]
    thickness = max(slice_mm[SEQUENCES.index(sequence)], DEPTH_MM / number)
    lean = rotation(*key.normal(0, (2.5, 1.5, 1.5)))
    shape = (columns, rows, number)
    grid = np.diag([-spacing, spacing, thickness, 1.0])
    grid[:3, 3] = -grid[:3, :3] @ (np.array(shape) - 1) / 2
    grid[:3, 3] += key.normal(0, (3, 3, 2)) + (0, -3, 0)
    # rotation() takes (x, y, z) world axes; (u, w, d) are x, z, -y of the upright body
    swap = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    upright = body_to_world @ lean @ swap
    return Scan(
        sequence=sequence,
        shape=shape,
        affine=upright @ grid,
        body_to_world=body_to_world @ swap,
        edge_mm=max(spacing, 0.7),
        noise=NOISE[tesla] * key.uniform(0.8, 1.3),
        bias=tuple(BIAS[tesla] * key.standard_normal(9)),
        contrast=key.uniform(0.85, 1.2),
        orientation=str(key.choice(ORIENTATIONS)),
        big_endian=bool(key.random() < 0.1),
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


def scan_patient(
    key: np.random.Generator,
    body: Body,
    lesions: tuple[Lesion, ...],
    scans: tuple[Scan, ...],
) -> dict[str, bytes]:
    """File contents by name: the sequences, `rvoi` (on any one grid), `lesions` (fs)."""
    files = {}
    for scan in scans:
        signal = acquire(key, body, lesions, scan)
        files[scan.sequence] = nifti(scan, *quantize(signal, key))
    drawn_on = scans[key.integers(0, len(scans))]
    files["rvoi"] = nifti(drawn_on, draw_rvoi(key, body, drawn_on))
    truth = scans[SEQUENCES.index("fs")]
    files["lesions"] = nifti(truth, draw_truth(body, lesions, truth))
    return files


def slabs(scan: Scan, voxels: int = 120_000) -> list[tuple[int, int]]:
    """Runs of slices small enough for the processor's cache."""
    step = max(1, voxels // (scan.shape[0] * scan.shape[1]))
    edges = [*range(0, scan.shape[2], step), scan.shape[2]]
    return list(pairwise(edges))


def acquire(
    key: np.random.Generator, body: Body, lesions: tuple[Lesion, ...], scan: Scan
) -> Field:
    """The scanner's magnitude image: contrast, receive field, Rician noise."""
    parts = []
    for first, last in slabs(scan):
        axes = scan.body_coordinates(first, last)
        canvas = Canvas(body, axes, scan.edge_mm, scan.sequence, scan.contrast)
        parts.append(paint_body(canvas, lesions) * receive_field(scan, *axes))
    signal = np.concatenate(parts, axis=2)
    noise = key.standard_normal((2, *signal.shape), np.float32) * np.float32(scan.noise)
    return np.hypot(signal + noise[0], noise[1])


def receive_field(scan: Scan, u: Field, w: Field, d: Field) -> Field:
    """A smooth positive field: the exponential of a quadratic in the coordinates."""
    x, y, z = u / 100, w / 100, d / 60
    terms = (x, y, z, x * x, y * y, z * z, x * y, x * z, y * z)
    log_field = sum(c * term for c, term in zip(scan.bias, terms, strict=True))
    return np.exp(np.asarray(log_field, np.float32))


def quantize(signal: Field, key: np.random.Generator) -> tuple[np.ndarray, float]:
    """int16 and the slope that restores an arbitrary scanner's units."""
    step = signal.max() / 1000
    return np.rint(signal / step).astype(np.int16), float(key.uniform(0.5, 4))


def draw_rvoi(key: np.random.Generator, body: Body, scan: Scan) -> np.ndarray:
    """Six clicks: a quadrilateral with its corners on the joints, over the joint's slices."""
    to_voxel = np.linalg.inv(scan.affine) @ scan.body_to_world
    corners = []
    for side, w in ((1, 32), (-1, 32), (-1, -36), (1, -36)):
        u = side * joint_at(body, side, w, 0.0)
        point = body.size * np.array([u + side * 7, w, 0]) + key.normal(0, 1.5, 3)
        corners.append((to_voxel @ [*point, 1])[:2])
    ends = [(to_voxel @ [0, 0, body.size * d, 1])[2] for d in (-16, 16)]
    first, last = np.clip(np.rint(sorted(ends)), 0, scan.shape[2] - 1).astype(int)
    i, j = np.meshgrid(*map(np.arange, scan.shape[:2]), indexing="ij")
    turns = [
        (b[0] - a[0]) * (j - a[1]) - (b[1] - a[1]) * (i - a[0])
        for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)
    ]
    mask = np.zeros(scan.shape, np.uint8)
    mask[:, :, first : last + 1] = (
        (np.min(turns, axis=0) >= 0) | (np.max(turns, axis=0) <= 0)
    )[..., None]
    return mask


def draw_truth(body: Body, lesions: tuple[Lesion, ...], scan: Scan) -> np.ndarray:
    """Lesions of the disease on the scan's grid: 1 where one fills half a voxel."""
    mask = np.zeros(scan.shape, np.uint8)
    disease = [x for x in lesions if x.at_joint and x.tissue != "sclerosis"]
    if disease:
        for first, last in slabs(scan):
            canvas = Canvas(body, scan.body_coordinates(first, last), scan.edge_mm)
            for lesion in disease:
                part = lesion.near(canvas)
                np.maximum(part.signal, lesion.share(part), out=part.signal)
            mask[:, :, first:last] = canvas.signal > 0.5
    return mask


def nifti(scan: Scan, data: np.ndarray, slope: float = 1.0) -> bytes:
    """A gzipped NIfTI file, byte for byte the same for the same voxels."""
    ornt = nib.orientations.ornt_transform(
        nib.io_orientation(scan.affine), nib.orientations.axcodes2ornt(scan.orientation)
    )
    affine = scan.affine @ nib.orientations.inv_ornt_aff(ornt, scan.shape)
    data = nib.orientations.apply_orientation(data, ornt)
    kind = nib.Nifti2Header if scan.version == 2 else nib.Nifti1Header
    order = ">" if scan.big_endian else "<"
    header = kind(endianness=order)
    data = data.astype(data.dtype.newbyteorder(order))
    header.set_data_dtype(data.dtype)
    header.set_data_shape(data.shape)
    header.set_xyzt_units("mm")
    header.set_qform(affine, code=1)
    header.set_sform(affine, code=1)
    header.set_slope_inter(slope, 0)
    start = int(header["sizeof_hdr"]) + 4
    header.set_data_offset(start)
    content = header.binaryblock + bytes(4) + data.tobytes(order="F")
    return gzip.compress(content, compresslevel=1, mtime=0)
