"""The standard pelvis: outlines of its bones in mm, and distances to them.

Seen from the front as radiographs are hung, magnified as on the detector: `x` grows
to the viewer's right, which is the patient's left, `y` downwards; the origin lies in
the midline between the middles of the sacroiliac joints. The standard pelvis is
symmetrical, so distances are tabulated for x >= 0. Proportions follow what anatomical
atlases and textbooks of radiography show; every number here is *choice*.
"""

from functools import cache

import numpy as np

from negspa_jax.shapes import Float

Field = Float[np.ndarray, "h w"]
Across = Float[np.ndarray, "1 w"]  # mm of an image's columns
Along = Float[np.ndarray, "h 1"]  # mm of its rows
Points = Float[np.ndarray, "n 2"]

# Corners of each bone, rounded off later. The hip bone reaches behind the sacrum: the
# joint's line, see `pelvis_joint`, parts the two.
OUTLINES: dict[str, tuple[tuple[float, float], ...]] = {
    "hip_bone": (
        *((42, -48), (50, -64), (66, -86), (88, -101), (112, -99), (134, -80)),
        *((143, -52), (138, -24), (128, -2), (122, 14), (125, 32), (123, 50)),
        *((126, 64), (121, 88), (106, 112), (96, 128), (90, 146), (84, 166)),
        *((70, 182), (52, 181), (40, 170), (26, 156), (14, 144), (5, 140)),
        *((3, 126), (4, 110), (12, 102), (30, 100), (48, 92), (60, 76)),
        *((64, 58), (58, 46), (48, 44), (36, 46), (27, 36), (26, 20)),
        *((32, 0), (38, -24)),
    ),
    "sacrum": (
        *((0, -52), (23, -53), (33, -49), (46, -55), (60, -50), (64, -34)),
        *((58, -8), (52, 14), (45, 34), (34, 48), (24, 62), (14, 78)),
        *((8, 94), (0, 98), (-8, 94), (-14, 78), (-24, 62), (-34, 48)),
        *((-45, 34), (-52, 14), (-58, -8), (-64, -34), (-60, -50), (-46, -55)),
        *((-33, -49), (-23, -53)),
    ),
    "femur": (
        *((160, 230), (158, 160), (158, 124), (154, 104), (146, 90), (138, 90)),
        *((131, 99), (122, 94), (117, 80), (113, 68), (104, 61), (90, 60)),
        *((77, 66), (69, 78), (69, 93), (77, 106), (91, 112), (103, 114)),
        *((112, 130), (113, 146), (110, 155), (119, 170), (126, 230)),
    ),
    "obturator_foramen": (
        *((36, 112), (52, 108), (66, 114), (73, 128), (70, 146), (62, 158)),
        *((50, 158), (36, 146), (29, 128)),
    ),
}

# Where distances are tabulated, one point every mm.
_X, _Y = np.arange(-2.0, 176.0), np.arange(-176.0, 216.0)


def round_corners(corners: Points, *, rounds: int = 2) -> Float[np.ndarray, "m 2"]:
    """Cut every corner of a closed line at a quarter of its sides, again and again.

    Reference: Chaikin, Computer Graphics and Image Processing 3, 346 (1974).
    """
    for _ in range(rounds):
        following = np.roll(corners, -1, axis=0)
        cut = (0.75 * corners + 0.25 * following, 0.25 * corners + 0.75 * following)
        corners = np.stack(cut, axis=1).reshape(-1, 2)
    return corners


def outline_distance(x: Field, y: Field, corners: Points) -> Field:
    """Distance in mm to a closed line, negative inside."""
    nearest = np.full_like(x, np.inf)
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
        squared = (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2
        nearest = np.minimum(nearest, squared)
        if dy:
            crosses = (y0 > y) != (y1 > y)
            inside ^= crosses & (x < x0 + (y - y0) * (dx / dy))
    return np.where(inside, -1, 1) * np.sqrt(nearest)


@cache
def tabulate(bone: str) -> Float[np.ndarray, " n"]:
    """The bone's distances at every mm of the table, row after row."""
    x, y = (axis.astype(np.float32) for axis in np.meshgrid(_X, _Y))
    corners = round_corners(np.array(OUTLINES[bone], np.float32))
    distance = outline_distance(x, y, corners).astype(np.float32).ravel()
    if bone == "hip_bone":
        np.maximum(distance, -tabulate("obturator_foramen"), out=distance)
    return distance


class Lattice:
    """Points of an image among the table's points, found once for all bones."""

    def __init__(self, a: Field, y: Field):
        column = np.clip(a - np.float32(_X[0]), 0, _X.size - 1.01)
        row = np.clip(y - np.float32(_Y[0]), 0, _Y.size - 1.01)
        left, top = column.astype(np.int32), row.astype(np.int32)
        self.place = top * _X.size + left
        self.right, self.down = column - left, row - top

    def look_up(self, bone: str) -> Field:
        """Distance to a bone of the standard pelvis, interpolated between points."""
        table, width = tabulate(bone), _X.size
        upper = self._mix_columns(table)
        return upper + self.down * (self._mix_columns(table[width:]) - upper)

    def _mix_columns(self, table: Float[np.ndarray, " n"]) -> Field:
        left = table.take(self.place, mode="clip")
        return left + self.right * (table[1:].take(self.place, mode="clip") - left)
