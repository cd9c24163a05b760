"""The synthetic scanner's images and masks, down to the bytes of their NIfTI files."""

import gzip
from itertools import pairwise
from typing import Literal

import nibabel as nib
import numpy as np

from negspa_jax.data.phantom_anatomy import SEQUENCES, Canvas, paint_body
from negspa_jax.data.phantom_body import Body, Field
from negspa_jax.data.phantom_lesions import Lesion, joint_at
from negspa_jax.data.phantom_scan import Scan


def scan_patient(
    key: np.random.Generator,
    body: Body,
    lesions: tuple[Lesion, ...],
    scans: tuple[Scan, ...],
) -> dict[str, bytes]:
    """File contents by name: sequences, `rvoi` on any one grid, `lesions` on fs's."""
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
    """Six clicks: a quadrilateral about both joints, over the slices that show them."""
    to_voxel = np.linalg.inv(scan.affine) @ scan.body_to_world
    corners = []
    for side, w, widest in (
        (1, 32.0, 28.0),
        (-1, 32.0, 28.0),
        (-1, -36.0, 0.0),
        (1, -36.0, 0.0),
    ):
        u = side * (6 + joint_at(body, side, widest, 0.0))
        point = body.size * np.array([u, w, 0.0]) + key.normal(0, 1.5, 3)
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
    order: Literal["<", ">"] = ">" if scan.big_endian else "<"
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
