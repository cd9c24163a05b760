"""One synthetic patient's measures: how the standard pelvis is bent into theirs."""

from dataclasses import dataclass

import numpy as np

from negspa_jax.data.pelvis_outlines import Across, Along, Field


@dataclass(frozen=True)
class Build:
    """Measures of a body; pairs are (viewer's left, viewer's right).

    Args:
      width, height: scale of the standard pelvis across and along, about 1.
      flare: how far the lower pelvis is wider than the upper, more in women.
      turn: of the pelvis in the image's plane, in radians.
      rotation: about the long axis; one half looks wider, the other narrower.
      bend: amplitude in mm and phase of the slow waves that bend x and y.
      joint_slope, joint_wave: how the joints' lines run, see `joint_distance`.
      joint_gap: width of the healthy joint's space in mm.
      density: of the bones, 1 for a young adult.
      girth: half the body's width in mm; `depth`: its thickness in mm.
      texture_shift: where the bones' grain begins, in cells of the grain.
    """

    width: float
    height: float
    flare: float
    turn: float
    rotation: float
    bend: tuple[tuple[float, float], tuple[float, float]]
    joint_slope: float
    joint_wave: tuple[float, float]
    joint_gap: tuple[float, float]
    density: float
    girth: float
    depth: float
    texture_shift: tuple[int, int]


def draw_build(key: np.random.Generator, *, age: float, sex: str) -> Build:
    """Draw a patient's measures; women's pelves are wider below, old bones thinner."""
    female = sex == "female"
    gap = key.normal(3.4, 0.3)
    size = key.normal(1.0 if female else 1.03, 0.03)
    thinning = 0.004 * max(age - 45, 0)
    return Build(
        width=size * key.normal(1, 0.02),
        height=size * key.normal(1, 0.04),
        flare=key.normal(0.05 if female else -0.03, 0.015),
        turn=key.normal(0, 0.025),
        rotation=key.normal(0, 0.02),
        bend=(
            (key.uniform(0, 3), key.uniform(0, 6)),
            (key.uniform(0, 3), key.uniform(0, 6)),
        ),
        joint_slope=key.uniform(0.18, 0.30),
        joint_wave=(key.uniform(0, 6), key.uniform(0, 6)),
        joint_gap=(gap + key.normal(0, 0.2), gap + key.normal(0, 0.2)),
        density=float(np.clip(key.normal(1.0 - thinning, 0.09), 0.65, 1.3)),
        girth=key.uniform(165, 205),
        depth=key.uniform(170, 260),
        texture_shift=(int(key.integers(0, 512)), int(key.integers(0, 512))),
    )


def unbend(build: Build, across: Across, along: Along) -> tuple[Field, Field]:
    """Where points of the image lie in the standard pelvis.

    Args:
      build: the patient's measures.
      across, along: mm to the viewer's right and downwards of the patient's origin.

    Returns:
      x and y of the standard pelvis in mm.
    """
    cos, sin = np.float32(np.cos(build.turn)), np.float32(np.sin(build.turn))
    u, v = cos * across + sin * along, cos * along - sin * across
    (across_mm, first), (along_mm, second) = build.bend
    y = v / np.float32(build.height)
    y += np.float32(along_mm) * np.sin(u * np.float32(1 / 55) + np.float32(second))
    x = u / (np.float32(build.width) * (1 + np.float32(build.flare / 120) * (y - 20)))
    x += np.float32(across_mm) * np.sin(v * np.float32(1 / 60) + np.float32(first))
    x *= 1 + np.float32(build.rotation) * np.sign(x)
    return x, y


def joint_distance(build: Build, x: Field, y: Field) -> Field:
    """Distance in mm lateral of the joint's line, on the side where x lies.

    The line leans outwards to its top and is slightly wavy.
    """
    left, right = (np.float32(phase) for phase in build.joint_wave)
    wave = np.sin(y * np.float32(1 / 13) + np.where(x < 0, left, right))
    slope = np.float32(build.joint_slope)
    line = 45 - slope * y + np.float32(1.6) * wave - np.float32(0.0022) * (y + 4) ** 2
    return (np.abs(x) - line) * np.float32(1 / np.sqrt(1 + build.joint_slope**2))
