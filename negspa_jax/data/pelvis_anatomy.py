"""Bones as a beam sees them: thickness of shell and marrow, summed along each ray.

Attenuation is in nepers above that of soft tissue of the same thickness, so that the
soft tissue can be added as if there were no bone.
"""

from copy import copy
from functools import cache

import numpy as np
from scipy.fft import irfft2, rfft2

from negspa_jax.data.pelvis_build import Build, joint_distance, unbend
from negspa_jax.data.pelvis_outlines import Across, Along, Field, Lattice
from negspa_jax.shapes import Float

# 1 / mm above soft tissue at about 60 keV, from mass attenuations of compact bone
# (0.31 cm2/g, 1.9 g/cm3), spongy bone (1.15 g/cm3) and soft tissue (0.20 cm2/g).
SHELL, MARROW = np.float32(0.038), np.float32(0.008)

_GRAIN_CELL_MM = 0.5


class Canvas:
    """The bones' attenuation at points of the standard pelvis, and the distances.

    Args:
      build: the patient's measures.
      across, along: mm from the patient's origin, see `unbend`.
    """

    def __init__(self, build: Build, across: Across, along: Along):
        self.build = build
        self.x, self.y = unbend(build, across, along)
        self.a = np.abs(self.x)
        self.lateral = joint_distance(build, self.x, self.y)
        self.bone = np.zeros_like(self.x)
        self.grain = find_grain(build, self.x, self.y)
        self.edge_mm = max(float(np.ptp(across)) / (self.x.shape[1] - 1), 0.4)
        self.columns = self.x.min(axis=0), self.x.max(axis=0)
        self.rows = self.y.min(axis=1), self.y.max(axis=1)

    def near(self, x: float, y: float, reach: tuple[float, float]) -> "Canvas":
        """The part that meets a box about a point: a view, so small things are fast."""
        box = []
        for (low, high), middle, half in (
            (self.rows, y, reach[1]),
            (self.columns, x, reach[0]),
        ):
            inside = np.flatnonzero((high >= middle - half) & (low <= middle + half))
            box.append(slice(inside[0], inside[-1] + 1) if inside.size else slice(0, 0))
        part = copy(self)
        for name in ("x", "y", "a", "lateral", "bone", "grain"):
            setattr(part, name, getattr(self, name)[box[0], box[1]])
        part.rows = self.rows[0][box[0]], self.rows[1][box[0]]
        part.columns = self.columns[0][box[1]], self.columns[1][box[1]]
        return part

    def cover(self, distance: Field) -> Field:
        """Share of each pixel inside a surface."""
        return np.clip(0.5 - distance * np.float32(1 / self.edge_mm), 0, 1)

    def add_ellipse(
        self,
        x: float,
        y: float,
        radii: tuple[float, float],
        nepers: float,
        *,
        turn: float = 0.0,
        ring: float = 0.0,
    ) -> None:
        """Add an ellipsoid, thickest in its middle, or with `ring` its wall in mm."""
        reach = max(radii) + ring + 1
        part = self.near(x, y, (reach, reach))
        if not part.x.size:
            return
        share = find_lens(part, x, y, radii, turn)
        if ring:
            outer = (radii[0] + ring, radii[1] + ring)
            share = find_lens(part, x, y, outer, turn) - share
        part.bone += np.float32(nepers) * share


def find_lens(
    part: Canvas, x: float, y: float, radii: tuple[float, float], turn: float = 0.0
) -> Field:
    """Thickness of an ellipsoid at each point, as a share of its largest."""
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    u, v = part.x - np.float32(x), part.y - np.float32(y)
    long = (cos * u + sin * v) * np.float32(1 / radii[0])
    short = (cos * v - sin * u) * np.float32(1 / radii[1])
    return np.sqrt(np.maximum(1 - long * long - short * short, 0))


def find_thickness(distance: Field, rounding_mm: float) -> Field:
    """Thickness along the beam of a slab with rounded edges, 2 * `rounding_mm` inside.

    With q = depth below the outline / rounding, 0 to 1: 2 r sqrt(1 - (1 - q)^2).
    """
    rest = np.clip(1 + distance * np.float32(1 / rounding_mm), 0, 1)
    return np.float32(2 * rounding_mm) * np.sqrt(1 - rest * rest)


def add_bone(
    canvas: Canvas, distance: Field, *, rounding_mm: float, shell_mm: float
) -> Field:
    """Attenuation of a rounded slab of marrow with a shell, bright along its edge."""
    whole = find_thickness(distance, rounding_mm)
    core = find_thickness(distance + np.float32(shell_mm), rounding_mm - shell_mm)
    spongy = MARROW * core * (1 + np.float32(0.16) * canvas.grain)
    return (SHELL * (whole - core) + spongy) * np.float32(canvas.build.density)


def add_pelvis(canvas: Canvas) -> None:
    """Hip bones and sacrum, the joint between them still closed; spine and femurs."""
    lattice = Lattice(canvas.a, canvas.y)
    canvas.bone += add_hip_bones(canvas, lattice)
    canvas.bone += add_sacrum(canvas, lattice)
    femur = lattice.look_up("femur")
    canvas.bone += add_bone(canvas, femur, rounding_mm=17, shell_mm=1.6)
    for number in range(4):
        add_vertebra(canvas, number)
    for x in (-1, 1):
        add_foramina(canvas, x)


def add_hip_bones(canvas: Canvas, lattice: Lattice) -> Field:
    """Thin wings, stout around the hip's socket and towards the sacrum."""
    outline = lattice.look_up("hip_bone")
    wing = add_bone(canvas, outline, rounding_mm=9, shell_mm=1.6)
    a, y = canvas.a, canvas.y
    fossa = ((a - 104) / 34) ** 2 + ((y + 52) / 44) ** 2
    buttress = ((a - 48) / 22) ** 2 + ((y + 4) / 60) ** 2
    stout = 1 - np.float32(0.45) * np.exp(-fossa)
    stout += np.float32(1.7) * np.exp(-buttress)
    # Behind the sacrum lies the ilium's posterior part alone.
    stout *= 1 - np.float32(0.68) * np.clip(0.5 - canvas.lateral / 6, 0, 1)
    # The linea terminalis, a strut from the joint to the pubis.
    strut = np.abs(a - 61 + np.float32(0.006) * (y - 62) ** 2) - 2.5
    brim = canvas.cover(strut) * canvas.cover(np.abs(y - 52) - 34)
    # The femur's head lies in a hollow under a roof of dense bone.
    radius = np.sqrt((a - 92) ** 2 + (y - 86) ** 2)
    hollow = 1 - np.float32(0.35) * canvas.cover(radius - 29)
    roof = np.exp(-(((radius - 31.5) / 2.2) ** 2)) * canvas.cover(y - 74 - 0.3 * a + 28)
    wing = wing * stout * hollow
    inside = canvas.cover(outline)
    return wing + inside * (np.float32(0.08) * brim + np.float32(0.2) * roof)


def add_sacrum(canvas: Canvas, lattice: Lattice) -> Field:
    """A thick upper part that thins towards its tip, with a crest in the midline."""
    outline = lattice.look_up("sacrum")
    slab = add_bone(canvas, outline, rounding_mm=20, shell_mm=1.3)
    slab *= np.clip(np.float32(1.1) - canvas.y * np.float32(0.007), 0.45, 1.4)
    slab *= canvas.cover(canvas.lateral)
    for number, y in enumerate((-36, -16, 4, 22)):
        height = 9 - number
        canvas.add_ellipse(0, y, (3.5, height), 0.10, ring=1.0)
        canvas.add_ellipse(0, y, (2.5, height), 0.08)
    return slab


def add_foramina(canvas: Canvas, side: int) -> None:
    """Four pairs of holes, each under the bright arc of its upper rim."""
    places = ((22, -26, 6.0), (20, -5, 5.5), (17.5, 14, 4.8), (15, 31, 4.0))
    for x, y, radius in places:
        canvas.add_ellipse(side * x, y, (1.25 * radius, 0.85 * radius), -0.17)
        canvas.add_ellipse(
            side * x, y - 1, (1.35 * radius, 0.9 * radius), 0.10, ring=1.2
        )


def add_vertebra(canvas: Canvas, number: int) -> None:
    """A lumbar vertebra: body with end plates, pedicles, arch and processes."""
    y = -72.0 - 35.0 * number
    part = canvas.near(0, y, (80, 26))
    if not part.x.size:
        return
    waist = 27 + np.float32(0.006) * (part.y - y) ** 2
    body = np.maximum((part.a - waist) * 0.9, np.abs(part.y - y) - 14)
    part.bone += add_bone(part, body, rounding_mm=13, shell_mm=1.2)
    for side in (-1, 1):
        canvas.add_ellipse(side * 17, y - 3, (4.0, 5.5), 0.16, ring=1.4)
        canvas.add_ellipse(side * 40, y - 3, (19, 4.5), 0.13, turn=side * -0.12)
        canvas.add_ellipse(side * 17, y + 17, (5.0, 8.0), 0.12)
    canvas.add_ellipse(0, y + 7, (3.6, 9.0), 0.12, ring=1.2)
    canvas.add_ellipse(0, y + 7, (3.6, 9.0), 0.09)


@cache
def tabulate_grain() -> Float[np.ndarray, "n n"]:
    """Periodic noise of unit variance, 512 cells a side: the spongy bone's grain.

    White noise through exp(-(2.2 f)^2) (f + .02)^-1/2, f in 1 / cell: mostly fine.
    """
    noise = np.random.default_rng(0).standard_normal((512, 512), np.float32)
    f = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512))
    shape = np.exp(-((2.2 * f) ** 2)) / np.sqrt(f + 0.02)
    grain = irfft2(rfft2(noise) * shape.astype(np.float32), s=noise.shape)
    return (grain / grain.std()).astype(np.float32)


def find_grain(build: Build, x: Field, y: Field) -> Field:
    """The grain's cell at each point; cells are added so that truncation is a floor."""
    cells = [
        (axis * np.float32(1 / _GRAIN_CELL_MM) + np.float32(shift + 1024)).astype(
            np.int32
        )
        & 511
        for axis, shift in zip((x, y), build.texture_shift, strict=True)
    ]
    return tabulate_grain()[cells[1], cells[0]]
