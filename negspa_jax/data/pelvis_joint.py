"""The sacroiliac joint in a radiograph: its line, its space, and what sets on it.

Along the joint run profiles, one value every half millimetre of y; a pixel's value
follows from its distance to the joint's line and from the profiles at its height.
"""

from dataclasses import dataclass

import numpy as np

from negspa_jax.data.pelvis_anatomy import Canvas
from negspa_jax.data.pelvis_outlines import Field
from negspa_jax.shapes import Float

Profile = Float[np.ndarray, " n"]

HEIGHTS = np.arange(-52.0, 52.5, 0.5, dtype=np.float32)  # y in mm
TOP, BOTTOM = -42.0, 40.0  # where the joint begins and ends

# Share of the bone along a ray that a joint's space takes: only a part of the joint
# lies along the beam. A fainter second line is the joint's posterior margin.
_OPEN, _OPEN_BEHIND = np.float32(0.46), np.float32(0.13)
_BEHIND_MM = np.float32(8.5)


@dataclass(frozen=True)
class Joint:
    """One joint's signs; profiles over `HEIGHTS`.

    Args:
      iliac_mm, sacral_mm: from the joint's line to each bone's margin; erosions are
        notches in it.
      openness: 1 where the space is open, 0 where bone bridges it or it has ended.
      plate: nepers of the thin bright line under each margin.
      iliac_sclerosis, sacral_sclerosis: nepers added at the margins.
      reach_mm: how deep the sclerosis goes into ilium and sacrum.
      blur_mm: width of a margin, small where it is sharp.
    """

    iliac_mm: Profile
    sacral_mm: Profile
    openness: Profile
    plate: Profile
    iliac_sclerosis: Profile
    sacral_sclerosis: Profile
    reach_mm: tuple[float, float]
    blur_mm: float


def add_joint(canvas: Canvas, side: int, joint: Joint) -> None:
    """Open the joint's space in the bone that is there, and set its signs beside it."""
    part = canvas.near(side * 46, 0, (46, 54))
    if not part.x.size:
        return
    s = part.lateral

    def at(profile: Profile) -> Field:
        place = (part.y - HEIGHTS[0]) * np.float32(2)
        return profile[np.clip(np.rint(place), 0, HEIGHTS.size - 1).astype(np.int32)]

    iliac, sacral, openness = map(at, (joint.iliac_mm, joint.sacral_mm, joint.openness))
    edge = np.float32(1 / max(joint.blur_mm, canvas.edge_mm))
    lateral, medial = s - iliac, -s - sacral
    space = np.clip(0.5 - np.maximum(lateral, medial) * edge, 0, 1)
    behind = np.exp(-(((s + _BEHIND_MM) * np.float32(0.6)) ** 2))
    part.bone *= 1 - openness * (_OPEN * space + _OPEN_BEHIND * behind)
    plate, grain = at(joint.plate), 1 + np.float32(0.15) * part.grain
    for away, depth, sclerosis, reach in (
        (s, lateral, joint.iliac_sclerosis, joint.reach_mm[0]),
        (-s, medial, joint.sacral_sclerosis, joint.reach_mm[1]),
    ):
        inside = np.clip(0.5 + depth * edge, 0, 1)
        dense = at(sclerosis) * np.exp(-((away / np.float32(reach)) ** 2))
        line = plate * np.exp(-(((depth - 0.8) * np.float32(0.9)) ** 2))
        part.bone += inside * (dense * grain + line)
