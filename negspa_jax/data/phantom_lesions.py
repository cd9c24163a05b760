"""Lesions of the synthetic patients: the label's cause, and decoys that are not.

The load, a steep function of the latent activity, sets number and size of the lesions
at the joints: subchondral oedema (bright on FS, dark on T1W) and, with structural
damage, fatty lesions and iliac erosions. Every patient also gets decoys, bright spots
away from the joints, until bright area reaches a sum drawn alike for both classes, so
that mean intensity says next to nothing of the label. All sizes are *choice*.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from negspa_jax.data.phantom_anatomy import Canvas
from negspa_jax.data.phantom_body import Body, Field, joint_line
from negspa_jax.shapes import Float


@dataclass(frozen=True)
class Lesion:
    """A ragged blob in body coordinates (mm).

    Args:
      tissue: its signal, a name in `SIGNALS`.
      bone: "ilium" or "sacrum", which cuts it; "" for none.
      side: +1 the patient's right, -1 left.
      centre: across (from the joint, or from the middle if not at_joint), w, d.
      radii: along the same three axes.
      at_joint: a lesion of the disease; False for a decoy.
    """

    tissue: str
    bone: str
    side: int
    centre: tuple[float, ...]
    radii: tuple[float, ...]
    at_joint: bool = True

    @property
    def area(self) -> float:
        return self.radii[0] * self.radii[1]

    def near(self, canvas: Canvas) -> Canvas:
        """The part of a canvas that the lesion can reach."""
        across, w, d = self.centre
        if self.at_joint:
            across += joint_at(canvas.body, self.side, w, d)
        # the joint's slope and waves move a long lesion sideways
        reach = 1.2 * self.radii[0] + 0.5 * self.radii[1] + 2
        rest = 1.2 * self.radii[1] + 1, 1.2 * self.radii[2] + 1
        return canvas.near((self.side * across, w, d), (reach, *rest))

    def share(self, canvas: Canvas) -> Field:
        """Share of each voxel that the lesion fills."""
        across = canvas.s if self.at_joint else canvas.a
        distance = sum(
            ((axis - middle) * (1 / radius)) ** 2
            for axis, middle, radius in zip(
                (across, canvas.w, canvas.d), self.centre, self.radii, strict=True
            )
        )
        share = np.clip(2.2 - 2.2 * np.sqrt(distance) + 0.25 * canvas.grain, 0, 1)
        share *= canvas.u * self.side > 0
        if self.bone:
            share *= canvas.cover(getattr(canvas, self.bone) + 1.0)
        return share

    def paint(self, canvas: Canvas) -> None:
        part = self.near(canvas)
        part.blend(self.share(part), self.tissue, 0.12 * part.grain)


def joint_at(body: Body, side: int, w: float, d: float) -> float:
    """Distance |u| of one point of a joint from the middle."""
    point = (np.full((1, 1, 1), x, np.float32) for x in (side, w, d))
    return float(joint_line(body, *point)[0, 0, 0])


def draw_lesions(
    key: np.random.Generator, activity: float, structural_damage: int
) -> tuple[Lesion, ...]:
    """All lesions and decoys of a patient, from activity and structural damage."""
    load = lesion_load(activity)
    weak = key.uniform(0.65, 1.0) if key.random() < 0.8 else key.uniform(0.1, 0.3)
    first = key.choice([-1, 1])
    disease: list[Lesion] = []
    for side, part in ((first, 1.0), (-first, weak)):
        disease += draw_side(key, int(side), load * part, structural_damage)
    bright = sum(lesion.area for lesion in disease if lesion.tissue == "oedema")
    decoys: list[Lesion] = []
    wanted = key.uniform(330, 900)
    while bright + sum(decoy.area for decoy in decoys) < wanted:
        decoys.append(draw_decoy(key))
    if structural_damage and load < 0.5:
        decoys += [draw_degeneration(key, side) for side in (-1, 1)]
    return (*decoys, *disease)


def lesion_load(activity: float) -> float:
    """0 (none) to about 1.5: P(axSpA | activity) made softer, and growing above it."""
    return float(expit(activity / 0.15) * (1 + 0.2 * max(activity, 0)))


def draw_side(
    key: np.random.Generator, side: int, load: float, structural_damage: int
) -> list[Lesion]:
    """Oedema in proportion to the load; in damaged joints fat and erosions too."""
    lesions = []
    for _ in range(1 + key.poisson(1.2 * load)):
        bone, sign = ("ilium", 1) if key.random() < 0.55 else ("sacrum", -1)
        radii = as_floats(np.sqrt(load) * key.uniform((7, 11, 9), (11, 17, 14)))
        centre = (sign * 0.6 * radii[0], key.uniform(-22, 20), key.normal(0, 4))
        lesions.append(Lesion("oedema", bone, side, centre, radii))
    if structural_damage:
        for _ in range(key.poisson(1.5 * load)):
            fat = replace(lesions[0], tissue="fatty_lesion")
            centre = (fat.centre[0], key.uniform(-24, 24), key.normal(0, 5))
            lesions.append(replace(fat, centre=centre))
        for _ in range(key.poisson(5 * load)):
            centre = (key.uniform(1.5, 3.5), key.uniform(-26, 24), key.normal(0, 6))
            radii = as_floats(key.uniform((2, 2, 3), (3.5, 4, 6)))
            lesions.append(Lesion("erosion", "ilium", side, centre, radii))
    return [lesion for lesion in lesions if min(lesion.radii) > 1.8]


def as_floats(values: Float[np.ndarray, " n"]) -> tuple[float, ...]:
    """Plain numbers: numpy's own would turn float32 fields into float64."""
    return tuple(float(value) for value in values)


def draw_decoy(key: np.random.Generator) -> Lesion:
    """Bright and not the disease: strained muscle, sacral cyst, free pelvic fluid."""
    bone, low, high = [
        ("", (64, -45, -9), (86, -5, 9)),
        ("sacrum", (0, 2, -9), (18, 28, 9)),
        ("", (2, -62, -9), (26, -38, 9)),
    ][key.integers(0, 3)]
    radii = as_floats(key.uniform((7, 8, 9), (11, 14, 14)))
    side = int(key.choice([-1, 1]))
    return Lesion("oedema", bone, side, as_floats(key.uniform(low, high)), radii, False)


def draw_degeneration(key: np.random.Generator, side: int) -> Lesion:
    """Structural damage without disease: sclerosis at the lower iliac side."""
    centre = (3.0, key.uniform(-22, 5), key.normal(0, 4))
    radii = as_floats(key.uniform((4, 7, 8), (8, 14, 12)))
    return Lesion("sclerosis", "ilium", side, centre, radii)
