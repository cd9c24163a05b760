"""Sacroiliitis in grades 0 to 4, and what each grade looks like at the joint.

Grades of the modified New York criteria, van der Linden, Arthritis Rheum 27, 361
(1984): 0 normal; 1 suspicious; 2 small localised erosions or sclerosis, the joint's
width unaltered; 3 unequivocal: erosions, sclerosis, widening, narrowing or partial
ankylosis; 4 total ankylosis. How large and how many the signs are is *choice*.
"""

from typing import NamedTuple

import numpy as np

from negspa_jax.data.pelvis_build import Build
from negspa_jax.data.pelvis_joint import BOTTOM, HEIGHTS, TOP, Joint, Profile


class Extent(NamedTuple):
    """Ranges that a grade's signs are drawn from, (lowest, highest).

    Args:
      sclerosis: nepers beside the joint; `length`: share of the joint that has it.
      reach_mm: how deep it goes into the ilium; into the sacrum half as deep.
      erosions: their number; `erosion_mm`: how deep they are.
      blur_mm: width of the margins.
      bridged: share of the joint that bone bridges.
    """

    sclerosis: tuple[float, float]
    length: tuple[float, float]
    reach_mm: tuple[float, float]
    erosions: tuple[int, int]
    erosion_mm: tuple[float, float]
    blur_mm: tuple[float, float]
    bridged: tuple[float, float]


EXTENTS = (
    Extent((0.0, 0.03), (0.2, 0.5), (4, 6), (0, 0), (0, 0), (0.8, 1.3), (0, 0)),
    Extent((0.04, 0.10), (0.2, 0.4), (5, 7), (0, 2), (0.8, 1.4), (1.2, 2.0), (0, 0)),
    Extent((0.20, 0.32), (0.4, 0.65), (7, 11), (3, 5), (1.8, 3.0), (1.2, 2.4), (0, 0)),
    Extent((0.26, 0.42), (0.7, 1), (8, 15), (5, 9), (2.2, 4.2), (1.6, 3), (0, 0.45)),
    Extent((0.08, 0.26), (0.5, 1), (6, 12), (0, 2), (1.0, 2.0), (1.6, 3), (0.9, 1)),
)

# Share of the joints below grade 2 with a dense triangle of the ilium beside a sharp,
# even space (osteitis condensans): what sclerosis alone would take for sacroiliitis.
CONDENSANS_SHARE = 0.06


def draw_joint(key: np.random.Generator, build: Build, side: int, grade: int) -> Joint:
    """One joint of a grade; side -1 is the viewer's left, the patient's right."""
    extent = EXTENTS[grade]
    half = draw_half_width(key, build.joint_gap[(side + 1) // 2], grade)
    iliac, sacral = (np.full(HEIGHTS.shape, half, np.float32) for _ in range(2))
    for number in range(key.integers(extent.erosions[0], extent.erosions[1] + 1)):
        # The ilium's cartilage is thinner, so its margin is eroded first.
        notch = draw_erosion(key, extent.erosion_mm)
        margin = sacral if number % 3 == 2 else iliac
        np.maximum(margin, half + notch, out=margin)
    for margin in (iliac, sacral):
        margin += draw_roughness(key, 0.25 * min(grade, 3))
    bridged = draw_bridges(key, key.uniform(*extent.bridged))
    patch = draw_patch(key, key.uniform(*extent.length))
    sclerosis = np.float32(key.uniform(*extent.sclerosis)) * patch
    reach = key.uniform(*extent.reach_mm)
    if grade < 2 and key.random() < CONDENSANS_SHARE:
        triangle = np.clip((HEIGHTS + 20) / 55, 0, 1) * (HEIGHTS < BOTTOM)
        sclerosis = np.float32(key.uniform(0.15, 0.3)) * triangle.astype(np.float32)
        reach = 12.0
    return Joint(
        iliac_mm=iliac,
        sacral_mm=sacral,
        openness=find_ends() * (1 - np.float32(0.92) * bridged),
        plate=np.float32(0.09) * find_ends() * (1 - bridged),
        iliac_sclerosis=sclerosis,
        sacral_sclerosis=sclerosis * np.float32(0.25 * max(grade - 1, 0)).clip(0, 0.7),
        reach_mm=(reach, 0.6 * reach),
        blur_mm=key.uniform(*extent.blur_mm),
    )


def draw_half_width(key: np.random.Generator, gap_mm: float, grade: int) -> float:
    """Half the space in mm; grade 3 is widened or narrowed, grade 4 narrowed."""
    if grade == 3:
        gap_mm += key.uniform(0.8, 1.8) if key.random() < 0.6 else -key.uniform(1, 1.6)
    if grade == 4:
        gap_mm -= key.uniform(1.0, 1.6)
    return gap_mm / 2


def draw_erosion(key: np.random.Generator, depth_mm: tuple[float, float]) -> Profile:
    """A round notch, more often in the joint's lower two thirds."""
    middle = key.triangular(TOP + 6, BOTTOM - 14, BOTTOM - 4)
    half_length = key.uniform(1.8, 4.0)
    along = (HEIGHTS - np.float32(middle)) * np.float32(1 / half_length)
    round_part = np.sqrt(np.maximum(1 - along * along, 0))
    return np.float32(key.uniform(*depth_mm)) * round_part


def draw_roughness(key: np.random.Generator, size_mm: float) -> Profile:
    """How far an uneven margin lies back, by some mm's length."""
    noise = np.convolve(key.standard_normal(HEIGHTS.size), np.ones(5) / 5**0.5, "same")
    return np.float32(size_mm) * np.maximum(noise, 0).astype(np.float32)


def draw_patch(key: np.random.Generator, share: float) -> Profile:
    """1 on a share of the joint, with soft ends, uneven."""
    half = share * (BOTTOM - TOP) / 2
    middle = key.uniform(TOP + half, BOTTOM - half) if share < 1 else (TOP + BOTTOM) / 2
    soft = np.clip((half + 4 - np.abs(HEIGHTS - middle)) / 8, 0, 1)
    uneven = 1 + 0.25 * np.sin(HEIGHTS / key.uniform(3, 7) + key.uniform(0, 6))
    return (soft * uneven).astype(np.float32)


def draw_bridges(key: np.random.Generator, share: float) -> Profile:
    """1 where bone bridges the space: a share of the joint's height, in waves."""
    phases = key.uniform(0, 6, 2)
    if share == 0:
        return np.zeros_like(HEIGHTS)
    waves = np.sin(HEIGHTS / 9 + phases[0]) + 0.5 * np.sin(HEIGHTS / 4 + phases[1])
    threshold = np.quantile(waves, 1 - share)
    return np.clip((waves - threshold) * 1.5 + 0.5, 0, 1).astype(np.float32)


def find_ends() -> Profile:
    """1 along the joint, fading at its ends."""
    inside = np.minimum(HEIGHTS - TOP, BOTTOM - HEIGHTS)
    return np.clip(inside / 6 + 0.5, 0, 1).astype(np.float32)
