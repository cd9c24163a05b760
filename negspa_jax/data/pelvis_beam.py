"""From attenuation to a detector's signal: soft tissue, scatter, noise, collimation.

Along each ray the attenuations add up, and of the photons exp(-attenuation) arrive
unscattered (Beer-Lambert). The detector adds scatter and counts with Poisson's noise;
its signal is the logarithm of what it counts, so bone is high and air low. As systems
do before they show it, the slow part of the signal is then reduced.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from negspa_jax.data.pelvis_build import Build
from negspa_jax.data.pelvis_outlines import Across, Along, Field
from negspa_jax.shapes import Bool, Float

Wave = tuple[float, float, float, float, float]
Mask = Bool[np.ndarray, "h w"]

_SOFT_TISSUE = 0.019  # 1 / mm at about 60 keV
_LEAD = np.float32(3.0)  # nepers of a marker
_SCATTER_MM = 45.0  # width of the scatter of one ray, by which it is blurred
_SLOW_MM = 30.0  # structures wider than this are slow
_LEAK = np.float32(2e-4)  # of the open beam, that reaches the detector anyhow

# Strokes of the side markers in units of their height, y downwards.
_LETTERS = {
    "L": ((0.0, 0.0, 0.0, 1.0), (0.0, 1.0, 0.6, 1.0)),
    "R": (
        *((0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.45, 0.0), (0.45, 0.0, 0.6, 0.15)),
        *((0.6, 0.15, 0.6, 0.4), (0.6, 0.4, 0.45, 0.52), (0.45, 0.52, 0.0, 0.52)),
        (0.3, 0.52, 0.62, 1.0),
    ),
}


@dataclass(frozen=True)
class Exposure:
    """How one radiograph is taken.

    Args:
      hardness: exponent of the attenuation: 1 at 60 keV, lower for a harder beam.
      photons: counted in a square mm of the open beam.
      scatter: scattered photons behind the grid for one unscattered.
      collimation: left, top, right, bottom of the beam in mm of the patient.
      penumbra_mm: width of the collimation's edges.
      marker: "L" or "R", the patient's side; its x and y in mm, its height.
      evenness: share of the slow part that the system takes away.
      shutter: whether the system blackens what the collimator shades.
      waves: per slow wave of the soft tissue: nepers, 1 / mm across, along, phases.
    """

    hardness: float
    photons: float
    scatter: float
    collimation: tuple[float, float, float, float]
    penumbra_mm: float
    marker: tuple[str, float, float, float]
    evenness: float
    shutter: bool
    waves: tuple[Wave, ...]


def draw_exposure(key: np.random.Generator) -> Exposure:
    """Draw an exposure as departments differ in them."""
    letter = "L" if key.random() < 0.5 else "R"
    # Radiographs hang as if the patient faced the viewer: left is on the right.
    side = 1 if letter == "L" else -1
    height = key.uniform(-75, -55) if key.random() < 0.5 else key.uniform(60, 90)
    box = [key.uniform(*span) for span in ((148, 172), (96, 122), (148, 172))]
    return Exposure(
        hardness=key.uniform(0.85, 1.1),
        photons=10 ** key.uniform(5.0, 5.8),
        scatter=key.uniform(0.15, 0.7),
        collimation=(-box[0], -box[1], box[2], key.uniform(125, 172)),
        penumbra_mm=key.uniform(1, 4),
        marker=(letter, side * key.uniform(128, 138), height, key.uniform(11, 15)),
        evenness=key.uniform(0.45, 0.75),
        shutter=bool(key.random() < 0.4),
        waves=tuple(draw_wave(key) for _ in range(6)),
    )


def draw_wave(key: np.random.Generator) -> Wave:
    """One of the waves in which soft tissue is thicker and thinner."""
    size, across, along = (
        key.normal(0, 0.05),
        key.normal(0, 0.022),
        key.normal(0, 0.022),
    )
    return size, across, along, key.uniform(0, 6), key.uniform(0, 6)


def expose(
    key: np.random.Generator,
    bone: Field,
    build: Build,
    exposure: Exposure,
    *,
    across: Across,
    along: Along,
) -> Field:
    """The detector's signal in nepers: -ln(photons counted / open beam), noisy.

    Args:
      key: of the noise.
      bone: attenuation of everything but soft tissue, nepers.
      build, exposure: the patient and how they are exposed.
      across, along: mm of the columns (1, w) and rows (h, 1).
    """
    attenuation = bone + add_soft_tissue(build, exposure, across, along)
    attenuation += mark_side(exposure.marker, across, along)
    primary = np.exp(attenuation * np.float32(-exposure.hardness))
    beam = collimate(exposure, across, along)
    primary *= beam
    spacing, pitch = float(np.ptp(across[0, :2])), float(np.ptp(along[:2, 0]))
    arrived = np.float32(exposure.scatter) * blur(primary, _SCATTER_MM / spacing)
    arrived += primary + _LEAK
    counted = np.float32(exposure.photons * spacing * pitch)
    noise = key.standard_normal(bone.shape, np.float32)
    arrived += noise * np.sqrt(arrived / counted)
    signal = -np.log(np.maximum(arrived, _LEAK / 2))
    return even_out(signal, beam > 0.5, exposure, _SLOW_MM / spacing)


def even_out(signal: Field, lit: Mask, exposure: Exposure, width: float) -> Field:
    """Reduce the slow part of what is lit; the rest goes to one end of the scale.

    The slow part is a blurred signal divided by the blurred field that is lit.
    """
    light = blur(lit.astype(np.float32), width)
    slow = blur(signal * lit, width) / np.maximum(light, np.float32(0.05))
    result = signal - np.float32(exposure.evenness) * slow
    # A marker's lead and the air beside the body are off the scale.
    low, high = np.percentile(result[lit][::7], (2.0, 99.7))
    result = np.clip(result, low - 0.1, high + 0.15)
    result[~lit] = result.min() if exposure.shutter else result.max()
    return result


def add_soft_tissue(
    build: Build, exposure: Exposure, across: Across, along: Along
) -> Field:
    """Nepers of a body like a flat cylinder, wider at the hips, of uneven thickness."""
    half = np.float32(build.girth) * (1 + along * np.float32(0.0007))
    outwards = np.minimum(np.abs(across / half), 1)
    thickness = np.sqrt(1 - outwards * outwards * outwards)
    nepers = np.float32(_SOFT_TISSUE * build.depth) * thickness
    uneven = np.float32(0)
    for size, u, v, first, second in exposure.waves:
        column = np.sin(across * np.float32(u) + np.float32(first))
        row = np.sin(along * np.float32(v) + np.float32(second))
        uneven = uneven + np.float32(size) * column * row
    bladder = np.maximum(1 - (across / 34) ** 2 - ((along - 92) / 24) ** 2, 0)
    return nepers + (uneven + np.float32(0.25) * np.sqrt(bladder)) * thickness


def mark_side(
    marker: tuple[str, float, float, float], across: Across, along: Along
) -> Field:
    """Nepers of the lead letter."""
    letter, x, y, height = marker
    nepers = np.zeros((along.shape[0], across.shape[1]), np.float32)
    columns = np.flatnonzero(np.abs(across[0] - x) < 1.5 * height)
    rows = np.flatnonzero(np.abs(along[:, 0] - y) < 1.5 * height)
    if not (columns.size and rows.size):
        return nepers
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    u = (across[:, box[1]] - np.float32(x)) / np.float32(height) + np.float32(0.3)
    v = (along[box[0]] - np.float32(y)) / np.float32(height) + np.float32(0.5)
    for x0, y0, x1, y1 in _LETTERS[letter]:
        dx, dy = np.float32(x1 - x0), np.float32(y1 - y0)
        share = np.clip(((u - x0) * dx + (v - y0) * dy) / (dx * dx + dy * dy), 0, 1)
        distance = np.hypot(u - x0 - share * dx, v - y0 - share * dy)
        stroke = np.clip((0.14 - distance) / 0.06, 0, 1).astype(np.float32)
        nepers[box] = np.maximum(nepers[box], _LEAD * stroke)
    return nepers


def collimate(exposure: Exposure, across: Across, along: Along) -> Field:
    """Share of the beam that the collimator lets through."""
    left, top, right, bottom = exposure.collimation
    width = np.float32(1 / exposure.penumbra_mm)
    column = np.minimum(across - np.float32(left), np.float32(right) - across)
    row = np.minimum(along - np.float32(top), np.float32(bottom) - along)
    return np.clip(column * width + 0.5, 0, 1) * np.clip(row * width + 0.5, 0, 1)


def blur(image: Field, width: float) -> Field:
    """Blur with a Gaussian of many pixels, on a coarse grid."""
    step = max(int(width / 4), 1)
    coarse = image[step // 2 :: step, step // 2 :: step]
    coarse = gaussian_filter(coarse, width / step, mode="constant")
    rows, columns = (
        interpolate(n, m, step) for n, m in zip(image.shape, coarse.shape, strict=True)
    )
    return rows @ coarse @ columns.T


def interpolate(fine: int, coarse: int, step: int) -> Float[np.ndarray, "n m"]:
    """Weights that make `fine` values of every `step`-th, straight between them."""
    place = np.clip((np.arange(fine) - step // 2) / step, 0, coarse - 1)
    weights = 1 - np.abs(place[:, None] - np.arange(coarse))
    return np.maximum(weights, 0).astype(np.float32)
