"""What else is dense or lucent in a pelvis: bowel gas, wear of hips and spine, stones.

They are drawn without a look at the label, so that they hide the joints and lead
astray in both classes alike. Positions are mm of the standard pelvis.
"""

from typing import NamedTuple

import numpy as np

from negspa_jax.data.pelvis_anatomy import Canvas


class Decoy(NamedTuple):
    """An ellipsoid: its place, half axes in mm, nepers in its middle, turn, wall."""

    x: float
    y: float
    radii: tuple[float, float]
    nepers: float
    turn: float = 0.0
    ring: float = 0.0


def draw_decoys(key: np.random.Generator, *, age: float) -> tuple[Decoy, ...]:
    """All of a patient's decoys; wear is likelier with age."""
    found = [*draw_gas(key), *draw_stones(key)]
    wear = min(max((age - 25) / 60, 0.1), 0.8)
    for side in (-1, 1):
        if key.random() < wear:
            found += draw_worn_hip(key, side)
        if key.random() < wear:
            nepers = key.uniform(0.1, 0.3)
            found.append(Decoy(side * 17, -55, (5, 7), nepers))
    if key.random() < wear:
        found += draw_worn_disc(key)
    return tuple(found)


def draw_gas(key: np.random.Generator) -> list[Decoy]:
    """Loops of bowel with gas, each a row of bubbles that run into one another."""
    found = []
    for _ in range(key.integers(2, 8)):
        x, y = key.uniform(-95, 95), key.uniform(-115, 25)
        if key.random() < 0.3:
            x, y = key.normal(0, 14), key.uniform(35, 85)
        turn, size = key.uniform(0, np.pi), key.uniform(6, 13)
        nepers = -key.uniform(0.08, 0.28)
        for number in range(key.integers(1, 6)):
            step = 1.3 * size * number
            place = (x + step * np.cos(turn), y + step * np.sin(turn))
            radii = (size * key.uniform(0.8, 1.2), size * key.uniform(0.7, 1.1))
            found.append(Decoy(*place, radii, nepers, turn))
            turn += key.normal(0, 0.4)
    return found


def draw_stones(key: np.random.Generator) -> list[Decoy]:
    """Phleboliths low in the pelvis, and now and then a bone island."""
    found = []
    for _ in range(key.poisson(0.8)):
        x = key.uniform(25, 60) * float(key.choice((-1, 1)))
        size, nepers = key.uniform(1.5, 3), key.uniform(0.15, 0.4)
        found.append(Decoy(x, key.uniform(70, 110), (size, size), nepers))
    for _ in range(key.poisson(0.7)):
        x = key.uniform(65, 120) * float(key.choice((-1, 1)))
        size, nepers = key.uniform(3, 7), key.uniform(0.15, 0.4)
        found.append(Decoy(x, key.uniform(-75, 45), (size, 0.7 * size), nepers))
    return found


def draw_worn_hip(key: np.random.Generator, side: int) -> list[Decoy]:
    """Sclerosis of the socket's roof, and a spur at its rim."""
    nepers = key.uniform(0.1, 0.4)
    roof = Decoy(side * 104, 54, (18, 7), nepers, turn=side * 0.5)
    spur = Decoy(side * 124, 68, (5, 3), 0.6 * nepers, turn=side * 0.8)
    return [roof, spur]


def draw_worn_disc(key: np.random.Generator) -> list[Decoy]:
    """Sclerosis of two end plates and a spur, at the last or the second last disc."""
    y = -55.0 - 35.0 * float(key.integers(0, 2))
    nepers, side = key.uniform(0.1, 0.35), float(key.choice((-1, 1)))
    plates = [
        Decoy(side * 8, y + step, (17, 4), nepers, turn=side * 0.05) for step in (-5, 5)
    ]
    return [*plates, Decoy(side * 31, y, (6, 4), 0.7 * nepers)]


def add_decoys(canvas: Canvas, decoys: tuple[Decoy, ...]) -> None:
    """Add all of them to the canvas."""
    for decoy in decoys:
        canvas.add_ellipse(
            decoy.x,
            decoy.y,
            decoy.radii,
            decoy.nepers,
            turn=decoy.turn,
            ring=decoy.ring,
        )
