"""What a scanner would see of the synthetic body: tissues painted back to front.

Every organ is painted over what lies behind it, with partial volumes at its surface,
as a function of mm, so any grid samples the same body.
"""

from copy import copy

import numpy as np

from negspa_jax.data.phantom_body import (
    Body,
    Field,
    ilium_distance,
    joint_extent,
    joint_line,
    sacrum_distance,
    skin_distance,
    texture,
)

SEQUENCES = ("t1w", "t2w", "fs")

# Signal of each tissue in these sequences. T1W shows fat bright and fluid dark, T2W fat
# and fluid bright; fat suppression leaves the fluid. *choice*, as on real images.
SIGNALS = {
    "air": (0.0, 0.0, 0.0),
    "fat": (0.90, 0.80, 0.20),
    "muscle": (0.30, 0.21, 0.17),
    "marrow": (0.56, 0.50, 0.23),
    "cortex": (0.06, 0.06, 0.05),
    "cartilage": (0.34, 0.38, 0.30),
    "disc": (0.26, 0.36, 0.34),
    "spinal_fluid": (0.16, 0.95, 1.00),
    "nerve": (0.34, 0.44, 0.50),
    "bowel_wall": (0.36, 0.42, 0.42),
    "gas": (0.02, 0.02, 0.02),
    "stool": (0.48, 0.34, 0.16),
    "fluid": (0.22, 0.80, 0.85),
    "vessel": (0.22, 0.55, 0.75),
    "oedema": (0.26, 0.66, 0.88),
    "fatty_lesion": (0.95, 0.86, 0.16),
    "erosion": (0.14, 0.34, 0.36),
    "sclerosis": (0.14, 0.14, 0.08),
}


class Canvas:
    """The signal at points (u, w, d), and distances that several organs share.

    Args:
      axes: (u, w, d) in mm; u varies mainly along i, w along j, d along k.
      edge: width of a surface in mm, the resolution.
      contrast: exponent of the signals, 1 for a neutral scanner.
    """

    def __init__(
        self,
        body: Body,
        axes: tuple[Field, Field, Field],
        edge: float,
        sequence: str = "fs",
        contrast: float = 1.0,
    ):
        self.body, self.edge = body, edge
        self.channel, self.contrast = SEQUENCES.index(sequence), contrast
        u, w, d = (axis * np.float32(1 / body.size) for axis in axes)
        self.u, self.w, self.d, self.a = u, w, d, np.abs(u)
        self.s = self.a - joint_line(body, u, w, d)
        self.grain = texture(body, (u, w, d), (0.7, 0.7, 0.7))
        self.sacrum = sacrum_distance(body, self.s, self.a, w, d)
        self.ilium = ilium_distance(body, self.s, w, d)
        self.signal = np.zeros_like(u)
        self.ranges = tuple(
            (axis.min(axis=others), axis.max(axis=others))
            for axis, others in ((u, (1, 2)), (w, (0, 2)), (d, (0, 1)))
        )

    def near(
        self, middle: tuple[float | int, ...], reach: tuple[float | int, ...]
    ) -> "Canvas":
        """The part that meets a box of (u, w, d): a view, so small things are fast."""
        box = []
        for (low, high), m, r in zip(self.ranges, middle, reach, strict=True):
            inside = np.flatnonzero((high >= m - r) & (low <= m + r))
            box.append(slice(inside[0], inside[-1] + 1) if inside.size else slice(0, 0))
        part = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(part, name, value[tuple(box)])
        return part

    def cover(self, distance: Field) -> Field:
        """Share of each voxel inside a surface: partial volume over one edge."""
        return np.clip(0.5 - distance * np.float32(1 / self.edge), 0, 1)

    def paint(self, distance: Field, tissue: str, grain: Field | float = 0.0) -> None:
        """Fill the inside of a surface with a tissue."""
        self.blend(self.cover(distance), tissue, grain)

    def blend(self, share: Field, tissue: str, grain: Field | float = 0.0) -> None:
        """Replace a share of each voxel with a tissue, brighter by `grain`."""
        value = SIGNALS[tissue][self.channel] ** self.contrast
        self.signal += share * (value * (1 + grain) - self.signal)


def paint_body(canvas: Canvas, lesions=()) -> Field:
    """The noise-free signal, roughly in [0, 1]. A lesion has `paint(canvas)`."""
    paint_soft_tissue(canvas)
    paint_spine(canvas.near((0, 65, -10), (200, 50, 45)))
    paint_bowels(canvas)
    for bone in (canvas.sacrum, canvas.ilium):
        canvas.paint(bone, "cortex")
        canvas.paint(bone + 1.1, "marrow", 0.13 * canvas.grain)
    paint_sacral_holes(canvas)
    for lesion in lesions:
        lesion.paint(canvas)
    paint_joints(canvas)
    paint_vessels(canvas)
    canvas.paint(skin_distance(canvas.body, canvas.u, canvas.w, canvas.d), "air")
    return canvas.signal


def ellipse(x: Field, y: Field, a: float, b: float) -> Field:
    """Distance to an ellipse about 0, exact on its outline only."""
    return (np.sqrt((x * (1 / a)) ** 2 + (y * (1 / b)) ** 2) - 1) * min(a, b)


def paint_soft_tissue(canvas: Canvas) -> None:
    """Fat under the skin, striped muscles with planes of fat between, pelvic fat."""
    body, a, w, d = canvas.body, canvas.a, canvas.w, canvas.d
    fibre = 0.8 * a + 0.6 * w, 0.8 * w - 0.6 * a, d
    stripes = texture(body, fibre, (2.5, 0.6, 2.5))
    canvas.blend(np.float32(1) + np.zeros_like(a), "fat", -0.05 * np.abs(stripes))
    floor = -76 - 0.3 * body.fat_depth + 1.25 * d + 0.42 * a - w
    ceiling = w - 64 - 3 * np.maximum(d - 2, 0) - 0.1 * a
    muscle = canvas.cover(np.maximum(floor + stripes, ceiling))
    canvas.blend(muscle, "muscle", 0.08 * canvas.grain)
    planes = np.abs(canvas.s - 33 + 0.55 * w + canvas.grain) - 0.6
    fat = body.muscle_fat * np.clip(stripes - 0.8, 0, 1) + 0.7 * canvas.cover(planes)
    canvas.blend(muscle * np.clip(fat, 0, 0.9), "fat")
    cavity = ellipse(a, w + 20, 43.0, 62.0) + 0.9 * np.maximum(d + 2, 0)
    cavity += 0.7 * canvas.grain
    canvas.paint(cavity, "fat", -0.05 * np.abs(canvas.grain))
    wall = np.maximum(ellipse(a - 30, w + 42, 12.0, 13.0), d - 10)
    canvas.paint(wall, "muscle", 0.08 * canvas.grain)


def paint_spine(canvas: Canvas) -> None:
    """The fifth lumbar vertebra on its disc, the psoas beside it."""
    a, w, d = canvas.a, canvas.w, canvas.d
    front = 0.7 * (d - 9)
    psoas = ellipse(a - 46 - 0.2 * d, w - 66, 17.0, 17.0) + np.maximum(d + 2, 0)
    canvas.paint(psoas - 1.6, "fat")
    canvas.paint(psoas + 0.4 * canvas.grain, "muscle", 0.08 * canvas.grain)
    waist = 27 - 3 * np.clip(1 - ((w - 64) / 16) ** 2, 0, 1)
    vertebra = np.maximum(np.maximum(a - waist, np.abs(w - 64) - 15), front)
    canvas.paint(vertebra, "cortex")
    canvas.paint(vertebra + 1.1, "marrow", 0.13 * canvas.grain)
    disc = np.maximum(np.abs(w - 42.5) - 5.5 + 0.003 * a * a, a - 28)
    canvas.paint(np.maximum(disc, front), "disc", 0.15 * canvas.grain)


def paint_bowels(canvas: Canvas) -> None:
    """Loops: a wall about gas, stool or fluid."""
    for bowel in canvas.body.bowels:
        reach = bowel.long + 3
        part = canvas.near(bowel[:3], (reach, reach, 16))
        c, s = float(np.cos(bowel.angle)), float(np.sin(bowel.angle))
        x, y = part.u - bowel.u, part.w - bowel.w
        round_ = ellipse(c * x + s * y, c * y - s * x, bowel.long, bowel.short)
        loop = np.maximum(round_, np.abs(part.d - bowel.d) - 13)
        part.paint(loop + 0.5 * part.grain, "bowel_wall")
        part.paint(loop + 2.0 + 0.5 * part.grain, bowel.content, 0.15 * part.grain)


def paint_joints(canvas: Canvas) -> None:
    """Two dark plates with cartilage between, in the joint's part of the line."""
    extent = joint_extent(canvas.w, canvas.d)
    across = np.abs(canvas.s)
    canvas.paint(np.maximum(extent, across - 2.2 - 0.3 * canvas.grain), "cortex")
    canvas.paint(np.maximum(extent, across - 0.6), "cartilage")


def paint_sacral_holes(canvas: Canvas) -> None:
    """The first sacral disc's rest, foramina with nerves, the spinal canal."""
    part = canvas.near((0, 10, -2), (18, 4, 12))
    rest = np.maximum(np.abs(part.w - 10) - 1.6, part.a - 15)
    rest = np.maximum(rest, part.sacrum + 3)
    part.paint(np.maximum(rest, np.abs(part.d + 2) - 9), "disc")
    for level, side in ((17, 21), (-6, 18), (-27, 14)):
        part = canvas.near((0, level, 6), (side + 6, 12, 14))
        hole = ellipse(part.a - side, part.w - level - 0.3 * part.d, 4.6, 3.6)
        hole = np.maximum(np.maximum(hole, np.abs(part.d - 6) - 11), part.sacrum)
        part.paint(hole, "fat")
        part.paint(hole + 2.0, "nerve")
    part = canvas.near((0, 50, 14), (16, 65, 12))
    depth = 1 - ((part.d - 14) * (1 / 9)) ** 2
    width = 10 * np.sqrt(np.maximum(depth, 0)) - 0.15 * np.maximum(34 - part.w, 0)
    canal = np.maximum(np.maximum(part.a - width, -12 - part.w), -9 * depth)
    part.paint(canal - 2.0, "fat")
    part.paint(canal, "spinal_fluid", 0.06 * part.grain)


def paint_vessels(canvas: Canvas) -> None:
    """Winding tubes, bright on T2W and FS."""
    for vessel in canvas.body.vessels:
        reach = vessel.length + 3
        part = canvas.near(vessel[:3], (reach, reach, 6))
        c, s = float(np.cos(vessel.angle)), float(np.sin(vessel.angle))
        x, y = part.u - vessel.u, part.w - vessel.w
        along = c * x + s * y
        across = c * y - s * x + 1.2 * np.sin(0.25 * along)
        # thick in d: a slice shows whatever vessel it grazes
        tube = np.hypot(across, 0.4 * (part.d - vessel.d)) - vessel.radius
        share = part.cover(np.maximum(tube, np.abs(along) - vessel.length))
        # a tube thinner than a voxel cannot fill it
        part.blend(share * min(1.0, 2 * vessel.radius / part.edge), "vessel")
