"""The synthetic body: one patient's measures, and bones, skin and grain from them.

The body has its own axes, in mm from the middle of the sacrum: `u` to the patient's
right, `w` up along the sacrum, `d` backwards, so that planes of constant d are the
semicoronal planes in which these joints are scanned. Surfaces are distances in mm,
negative inside, near enough to true ones for partial volumes. Measures were read off
real images of five patients; all are *choice*.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.fft import irfftn, rfftn

from negspa_jax.shapes import Float, Int

Field = Float[np.ndarray, "i j k"]


class Bowel(NamedTuple):
    """A loop: centre, half axes in the plane, their angle, and what it holds."""

    u: float
    w: float
    d: float
    long: float
    short: float
    angle: float
    content: str


class Vessel(NamedTuple):
    """A winding tube in a semicoronal plane: centre, angle, half length, radius."""

    u: float
    w: float
    d: float
    angle: float
    length: float
    radius: float


@dataclass(frozen=True)
class Body:
    """One patient's measures in mm; pairs are (right, left).

    `joint_half`: distance of the joints from the middle; `joint_slope`, how far it
    grows upwards; `wave_phase`: where the joint's waves begin; `wing_slope`: how far
    the iliac wings lean outwards; `sacrum_end`: w of its lower end at d = 0;
    `fat_depth`: more or less fat under the skin; `muscle_fat`: 0 lean to 1.
    """

    size: float
    joint_half: tuple[float, float]
    joint_slope: float
    wave_phase: tuple[float, float]
    wing_slope: float
    sacrum_end: float
    fat_depth: float
    muscle_fat: float
    bowels: tuple[Bowel, ...]
    vessels: tuple[Vessel, ...]
    texture_shift: tuple[float, float, float]


def draw_body(key: np.random.Generator) -> Body:
    """A patient's measures."""
    half = 49 + key.normal(0, 2)
    return Body(
        size=min(max(key.normal(1, 0.04), 0.9), 1.1),
        joint_half=(half + key.normal(0, 1), half + key.normal(0, 1)),
        joint_slope=key.uniform(0.16, 0.30),
        wave_phase=(key.uniform(0, 6), key.uniform(0, 6)),
        wing_slope=key.uniform(0.7, 1.1),
        sacrum_end=key.uniform(-28, -16),
        fat_depth=key.uniform(-6, 10),
        muscle_fat=key.uniform(0.2, 0.9),
        bowels=tuple(
            draw_bowel(key, pelvic=i % 3 > 0) for i in range(key.integers(12, 20))
        ),
        vessels=tuple(draw_vessel(key) for _ in range(key.integers(40, 70))),
        texture_shift=(key.uniform(0, 128), key.uniform(0, 128), key.uniform(0, 128)),
    )


def draw_bowel(key: np.random.Generator, pelvic: bool) -> Bowel:
    """A loop below the sacrum's arch, or in the abdomen above it."""
    u, w = (24, (-72, -18)) if pelvic else (95, (74, 104))
    return Bowel(
        key.uniform(-u, u),
        key.uniform(*w),
        key.uniform(-48, 4),
        key.uniform(11, 23),
        key.uniform(8, 14),
        key.uniform(0, np.pi),
        ("gas", "stool", "stool", "fluid")[key.integers(0, 4)],
    )


def draw_vessel(key: np.random.Generator) -> Vessel:
    """Anywhere but at the very joint: small ones many, large ones few."""
    return Vessel(
        key.uniform(15, 95) * (1 if key.random() < 0.5 else -1),
        key.uniform(-70, 70),
        key.uniform(-34, 30),
        key.uniform(0, np.pi),
        key.uniform(2, 12),
        key.uniform(0.3, 0.7) + key.exponential(0.15),
    )


def joint_line(body: Body, u: Field, w: Field, d: Field) -> Field:
    """Distance |u| of the joint from the middle, on the side where u lies.

    Wider above and in front than below and behind, and wavy along the line.
    """
    half, phase = (
        np.where(u > 0, np.float32(right), np.float32(left))
        for right, left in (body.joint_half, body.wave_phase)
    )
    slope = body.joint_slope + 0.006 * d
    wave = 1.3 * np.sin(0.17 * w + phase + 0.05 * d) - 0.004 * w * w
    return half - 0.42 * d + slope * w + wave - 0.55 * np.maximum(-22 - w, 0)


def joint_extent(w: Field, d: Field) -> Field:
    """Where the line has a joint's plates: w from about -33 to 29, |d| below 17."""
    return np.maximum(np.abs(w + 2 + 0.25 * d) - 31, 1.5 * (np.abs(d) - 17))


def skin_distance(body: Body, u: Field, w: Field, d: Field) -> Field:
    """Negative in the air: the back's skin rises from slice to slice backwards."""
    rise = 0.4 * np.maximum(d, -20) + 0.012 * np.maximum(d, 0) ** 2
    return w + 97 + body.fat_depth - rise - 0.0022 * u * u


def sacrum_distance(body: Body, s: Field, a: Field, w: Field, d: Field) -> Field:
    """A trapezoid between the joints (s: distance lateral of the joint, a = |u|).

    In front its lower end arches upwards; behind, it shrinks to nothing.
    """
    top = 37 - 0.10 * a - 2.0 * np.maximum(d - 13, 0)
    arch = np.clip(18 - 0.6 * d, 0, 22) * (1 - (a / 42) ** 2)
    end = np.clip(body.sacrum_end - 2.2 * d, -62, 14) + 1.8 * np.maximum(d - 16, 0)
    gap = 1.2 + 0.9 * np.maximum(d - 10, 0) * np.clip(w / 30, 0, 1)
    return np.maximum(np.maximum(s + gap, w - top), 0.8 * (end + arch - w))


def ilium_distance(body: Body, s: Field, w: Field, d: Field) -> Field:
    """A wedge lateral of the joint that turns outwards into the wing above."""
    thick = np.clip(24 - 0.22 * np.abs(w) - 0.35 * np.maximum(d, 0), 8, 24)
    slant = np.clip(0.17 * (w + 5), 0, 3.3)
    inner = 1.2 + body.wing_slope * np.maximum(w - 14, 0) + 0.25 * np.maximum(d - 12, 0)
    tip = -34 + 0.15 * d - 0.5 * (s - 8)
    bone = np.maximum(inner - s, 0.8 * (s - inner - thick - slant))
    return np.maximum(bone, tip - w)


@cache
def lattice() -> Float[np.ndarray, " n"]:
    """Periodic noise of unit variance, 128 cells a side, coarse and fine: the grain.

    White noise through the filter exp(-(4 f)^2) / (1 + (16 f)^2), f in 1 / cell.
    """
    noise = np.random.default_rng(0).standard_normal((128, 128, 128), np.float32)
    fine, half = np.fft.fftfreq(128), np.fft.rfftfreq(128)
    squares = fine[:, None, None] ** 2 + fine[:, None] ** 2 + half**2
    shape = np.exp(-16 * squares) / (1 + 256 * squares)
    result = irfftn(rfftn(noise) * shape.astype(np.float32), s=noise.shape)
    return ((result - result.mean()) / result.std()).astype(np.float32).ravel()


def texture(
    body: Body, axes: tuple[Field, Field, Field], cell_mm: tuple[float, float, float]
) -> Field:
    """The lattice's cell at each point, one cell every `cell_mm` along each axis."""
    cells: Int[np.ndarray, "i j k"] | int = 0
    for axis, size, shift in zip(axes, cell_mm, body.texture_shift, strict=True):
        # whole periods are added, as truncation is a floor above 0 only
        cell = (axis * np.float32(1 / size) + np.float32(shift + 12800)).astype(
            np.int32
        )
        cells = cells * 128 + (cell & 127)
    return lattice()[cells]
