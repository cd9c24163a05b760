"""The synthetic body: a pelvis about the sacroiliac joints, as functions of mm.

The body has its own axes, in mm from the middle of the sacrum: `u` to the patient's
right, `w` up along the sacrum, `d` backwards, so that planes of constant d are the
semicoronal planes in which these joints are scanned. Every organ is a signed distance
(mm, negative inside) painted over what lies behind it, so any grid samples the same
body. Measures were read off real images of five patients: *choice*.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from negspa_jax.shapes import Float

Field = Float[np.ndarray, "i j k"]

# Signal of each tissue in (t1w, t2w, fs): T1W shows fat bright and fluid dark, T2W fat
# and fluid bright, fat suppression leaves the fluid. *choice*, ratios as on real images.
SIGNALS = {
    "air": (0.0, 0.0, 0.0),
    "fat": (0.90, 0.80, 0.20),
    "muscle": (0.30, 0.22, 0.20),
    "marrow": (0.56, 0.50, 0.21),
    "cortex": (0.06, 0.06, 0.05),
    "cartilage": (0.34, 0.38, 0.30),
    "disc": (0.30, 0.40, 0.34),
    "spinal_fluid": (0.16, 0.95, 1.00),
    "nerve": (0.34, 0.40, 0.34),
    "bowel_wall": (0.36, 0.42, 0.42),
    "gas": (0.02, 0.02, 0.02),
    "stool": (0.45, 0.30, 0.14),
    "fluid": (0.22, 0.80, 0.85),
    "vessel": (0.22, 0.55, 0.80),
    "oedema": (0.26, 0.66, 0.86),
    "fatty_lesion": (0.92, 0.84, 0.16),
    "erosion": (0.16, 0.34, 0.34),
    "sclerosis": (0.14, 0.14, 0.08),
}
SEQUENCES = ("t1w", "t2w", "fs")


@dataclass(frozen=True)
class Body:
    """One patient's measures in mm; pairs are (right, left)."""

    size: float
    joint_half: tuple[float, float]
    joint_slope: float
    wave_phase: tuple[float, float]
    wing_slope: float
    sacrum_end: float
    fat_depth: float
    muscle_fat: float
    bowels: tuple[tuple[float, ...], ...]
    vessels: tuple[tuple[float, ...], ...]
    texture_shift: tuple[float, float, float]


@dataclass(frozen=True)
class Points:
    """Where a slab is sampled: body coordinates, and the resolution `edge` in mm."""

    u: Field
    w: Field
    d: Field
    edge: float


def draw_body(key: np.random.Generator) -> Body:
    """A patient's measures: means from real images, spreads *choice*."""
    half = 49 + key.normal(0, 2)
    bowels = [
        (key.uniform(-26, 26), key.uniform(-70, -24), key.uniform(-45, 8))
        + tuple(key.uniform(8, 19, 2))
        + (key.integers(0, 3), key.uniform(0, np.pi))
        for _ in range(key.integers(4, 8))
    ] + [
        (key.uniform(-95, 95), key.uniform(78, 100), key.uniform(-45, 20))
        + tuple(key.uniform(8, 16, 2))
        + (key.integers(0, 3), key.uniform(0, np.pi))
        for _ in range(key.integers(4, 8))
    ]
    vessels = [
        (
            key.uniform(20, 85) * key.choice([-1, 1]),
            key.uniform(-60, 60),
            key.uniform(-30, 25),
            key.uniform(0, np.pi),
            key.uniform(5, 16),
            key.uniform(0.7, 1.6),
        )
        for _ in range(key.integers(8, 18))
    ]
    return Body(
        size=float(np.clip(key.normal(1, 0.04), 0.9, 1.1)),
        joint_half=(half + key.normal(0, 1), half + key.normal(0, 1)),
        joint_slope=key.uniform(0.16, 0.30),
        wave_phase=(key.uniform(0, 6), key.uniform(0, 6)),
        wing_slope=key.uniform(0.7, 1.1),
        sacrum_end=key.uniform(-28, -16),
        fat_depth=key.uniform(-6, 10),
        muscle_fat=key.uniform(0.1, 0.9),
        bowels=tuple(bowels),
        vessels=tuple(vessels),
        texture_shift=tuple(key.uniform(0, 64, 3)),
    )


def joint_line(body: Body, u: Field, w: Field, d: Field) -> Field:
    """Distance |u| of the joint from the middle, on the side where u lies.

    Wider above and in front than below and behind, and wavy along the line.
    """
    half, phase = (
        np.where(u > 0, right, left).astype(np.float32)
        for right, left in (body.joint_half, body.wave_phase)
    )
    slope = body.joint_slope + 0.006 * d
    below = np.maximum(-22 - w, 0)
    wave = 1.3 * np.sin(0.17 * w + phase + 0.05 * d) - 0.004 * w * w
    return half - 0.42 * d + slope * w + wave - 0.55 * below


def paint_body(body: Body, points: Points, sequence: str, lesions=()) -> Field:
    """The noise-free signal of a sequence at the points, roughly in [0, 1]."""
    canvas = Canvas(body, points, sequence)
    paint_soft_tissue(canvas)
    paint_bones(canvas)
    for lesion in lesions:
        lesion.paint(canvas)
    paint_joints(canvas)
    paint_canal_and_vessels(canvas)
    canvas.paint(canvas.skin, "air")
    return canvas.signal


class Canvas:
    """The signal so far, with the distances that several organs share."""

    def __init__(self, body: Body, points: Points, sequence: str):
        self.body, self.edge = body, points.edge
        self.channel = SEQUENCES.index(sequence)
        u, w, d = (axis / body.size for axis in (points.u, points.w, points.d))
        self.u, self.w, self.d, self.a = u, w, d, np.abs(u)
        self.joint = joint_line(body, u, w, d)
        self.s = self.a - self.joint  # lateral of the joint: ilium; medial: sacrum
        self.grain = texture(body, (u, w, d), scale=(1.6, 1.6, 1.6))
        self.streaks = texture(
            body, (0.8 * self.a + 0.6 * w, 0.8 * w - 0.6 * self.a, d), (6.0, 1.3, 4.0)
        )
        self.skin = skin_distance(body, u, w, d)
        self.sacrum = sacrum_distance(self)
        self.ilium = ilium_distance(self)
        self.signal = np.empty_like(u)
        self.signal[:] = self.value("fat") * (1 - 0.07 * np.abs(self.streaks))

    def value(self, tissue: str) -> float:
        return SIGNALS[tissue][self.channel]

    def cover(self, distance: Field) -> Field:
        """Share of each voxel inside a surface: partial volume over one edge."""
        return np.clip(0.5 - distance / self.edge, 0, 1)

    def paint(self, distance: Field, tissue: str, texture: Field | float = 0.0) -> None:
        self.blend(self.cover(distance), tissue, texture)

    def blend(self, share: Field, tissue: str, texture: Field | float = 0.0) -> None:
        self.signal += share * (self.value(tissue) * (1 + texture) - self.signal)


def ellipse(x: Field, y: Field, a: float, b: float) -> Field:
    """Signed distance to an ellipse about 0, exact on its outline only."""
    return (np.sqrt((x / a) ** 2 + (y / b) ** 2) - 1) * min(a, b)


def box(x: Field, y: Field, a: float, b: float) -> Field:
    return np.maximum(np.abs(x) - a, np.abs(y) - b)


def skin_distance(body: Body, u: Field, w: Field, d: Field) -> Field:
    """Negative in the air: the back's skin rises from slice to slice backwards."""
    lowest = (
        -97 - body.fat_depth + 0.4 * np.maximum(d, -20) + 0.012 * np.maximum(d, 0) ** 2
    )
    return w - lowest - 0.0022 * u * u


def sacrum_distance(canvas: Canvas) -> Field:
    """A trapezoid between the joints; in front its lower end arches upwards."""
    body, a, w, d = canvas.body, canvas.a, canvas.w, canvas.d
    top = 37 - 0.10 * a - 0.5 * np.maximum(d - 8, 0)
    end = np.clip(body.sacrum_end - 2.2 * d, -62, 14)
    arch = np.clip(18 - 0.6 * d, 0, 22) * (1 - (a / 42) ** 2)
    back = 0.7 * (d - 24 + 0.15 * w)
    lateral = canvas.s + 1.2 + 0.9 * np.maximum(d - 10, 0) * np.clip(w / 30, 0, 1)
    return np.maximum.reduce([lateral, w - top, 0.8 * (end + arch - w), back])


def ilium_distance(canvas: Canvas) -> Field:
    """A wedge lateral of the joint that turns outwards into the wing above."""
    body, s, w, d = canvas.body, canvas.s, canvas.w, canvas.d
    thick = np.clip(24 - 0.22 * np.abs(w) - 0.35 * np.maximum(d, 0), 8, 24)
    turn = body.wing_slope * np.maximum(w - 14, 0)
    inner = 1.2 + turn + 0.25 * np.maximum(d - 12, 0)
    tip = -34 + 0.15 * d - 0.5 * (s - 8)
    slant = 0.5 * np.maximum(w + 5, 0) * (w < 14) + np.where(w >= 14, 9.5, 0.0)
    return np.maximum.reduce(
        [inner - s, 0.8 * (s - inner - thick - 0.35 * slant), tip - w]
    )


def paint_soft_tissue(canvas: Canvas) -> None:
    """Muscles with fatty streaks, pelvic fat, bowel."""
    body, u, a, w, d = canvas.body, canvas.u, canvas.a, canvas.w, canvas.d
    floor = -76 - 0.3 * body.fat_depth + 1.25 * d + 0.42 * a
    muscle = np.maximum(floor - w + 1.5 * canvas.streaks, w - 66 - 3 * canvas.grain)
    fat = body.muscle_fat * np.clip(canvas.streaks - 0.7, 0, 1.5)
    canvas.paint(muscle, "muscle", 0.10 * canvas.grain)
    canvas.blend(canvas.cover(muscle) * np.clip(fat, 0, 0.8), "fat")
    canvas.paint(np.maximum(a - 36 - 0.1 * w, np.maximum(w - 40, d - 12)), "fat")
    canvas.paint(ellipse(a - 44 - 0.2 * d, w - 63, 20, 17), "fat")
    canvas.paint(
        ellipse(a - 44 - 0.2 * d, w - 63, 18, 15.5), "muscle", 0.08 * canvas.grain
    )
    for cu, cw, cd, ru, rw, content, angle in body.bowels:
        x, y = u - cu, w - cw
        x, y = (
            x * np.cos(angle) + y * np.sin(angle),
            y * np.cos(angle) - x * np.sin(angle),
        )
        loop = np.maximum(ellipse(x, y, ru, rw), np.abs(d - cd) - 14)
        canvas.paint(loop + 0.6 * canvas.grain, "bowel_wall")
        canvas.paint(
            loop + 2.2, ("gas", "stool", "fluid")[int(content)], 0.1 * canvas.grain
        )


def paint_bones(canvas: Canvas) -> None:
    """Marrow inside dark cortex: L5 with its disc, sacrum, ilium."""
    u, w, d, grain = canvas.u, canvas.w, canvas.d, canvas.grain
    front = 0.5 * (d - 8)
    vertebra = np.maximum(box(u, w - 62, 27 - 0.05 * (w - 62) ** 2, 15), front)
    disc = np.maximum(box(u, w - 42, 27, 4.5), front)
    for bone in (vertebra, canvas.sacrum, canvas.ilium):
        canvas.paint(bone, "cortex")
        canvas.paint(bone + 1.1, "marrow", 0.16 * grain)
    canvas.paint(disc, "disc", 0.1 * grain)
    canvas.paint(np.maximum(box(u, w - 10, 15, 1.6), np.abs(d + 2) - 9), "disc")


def paint_joints(canvas: Canvas) -> None:
    """Two dark plates with cartilage between, in the joint's part of the line."""
    inside = np.maximum(joint_extent(canvas.w, canvas.d), np.abs(canvas.s) - 2.4)
    canvas.paint(inside + 0.3 * canvas.grain, "cortex")
    canvas.paint(np.maximum(inside, np.abs(canvas.s) - 0.55), "cartilage")


def joint_extent(w: Field, d: Field) -> Field:
    """Negative where the joint has its plates: w from about -32 to 30, |d| < 17."""
    return np.maximum(np.abs(w + 2 + 0.25 * d) - 31, 1.5 * (np.abs(d) - 17))


def paint_canal_and_vessels(canvas: Canvas) -> None:
    """Foramina with their nerves, the spinal canal, vessels bright on T2W and FS."""
    body, u, a, w, d = canvas.body, canvas.u, canvas.a, canvas.w, canvas.d
    for level, side in ((17, 21), (-6, 18), (-27, 14)):
        hole = np.maximum(
            ellipse(a - side, w - level - 0.3 * d, 4.6, 3.6), np.abs(d - 6) - 11
        )
        canvas.paint(hole, "fat")
        canvas.paint(hole + 2.2, "nerve")
    width = np.clip(9.5 - 0.16 * np.maximum(30 - w, 0), 0, 10)
    canal = np.maximum(a - width, 1.2 * (np.abs(d - 14) - 7))
    canal = np.maximum(canal, -12 - w)
    canvas.paint(canal - 2.5, "fat")
    canvas.paint(canal, "spinal_fluid", 0.06 * canvas.grain)
    for cu, cw, cd, angle, length, radius in body.vessels:
        x = (u - cu) * np.cos(angle) + (w - cw) * np.sin(angle)
        y = (w - cw) * np.cos(angle) - (u - cu) * np.sin(angle) + 2 * np.sin(0.2 * x)
        tube = np.maximum(np.hypot(y, d - cd) - radius, np.abs(x) - length)
        canvas.paint(tube, "vessel")


@cache
def lattice() -> Float[np.ndarray, "64 64 64"]:
    """Periodic noise of unit variance, smooth over two cells: the grain of tissues."""
    noise = np.random.default_rng(0).standard_normal((64, 64, 64)).astype(np.float32)
    smooth = gaussian_filter(noise, 0.8, mode="wrap") - gaussian_filter(
        noise, 3.0, mode="wrap"
    )
    return smooth / smooth.std()


def texture(body: Body, axes, scale) -> Field:
    """The lattice read at the points, one cell every `scale` mm along each axis."""
    where = [
        axis / size + shift
        for axis, size, shift in zip(axes, scale, body.texture_shift, strict=True)
    ]
    return map_coordinates(
        lattice(), where, order=1, mode="grid-wrap", output=np.float32
    )
