"""Common augmentation on the device: geometry in one interpolation, then lighting.

Written for one sample and vmapped. Rotation, flip, shift, zoom and perspective are
composed into one map, so that an image is interpolated once: bilinear, pixel centres,
zero or its own mirror image outside. What is random is drawn first (`draw_motion`,
`draw_lighting`) and applied by functions without a key (`move`, `relight`).

Reference: supplement of doi 10.21037/qims-24-729, Appendix 2, Image preprocessing (it
names rotation, flip and shift; the ranges are choices); for radiographs the
augmentation of fastai 2, whose defaults doi 10.1186/s13075-021-02484-0 used.
"""

from negspa_jax.augment.compose import augment
from negspa_jax.augment.geometry import (
    Motion,
    affine_map,
    draw_motion,
    move,
    perspective_map,
)
from negspa_jax.augment.lighting import Lighting, draw_lighting, relight
from negspa_jax.augment.sampling import over_grid, sample

__all__ = [
    "Lighting",
    "Motion",
    "affine_map",
    "augment",
    "draw_lighting",
    "draw_motion",
    "move",
    "over_grid",
    "perspective_map",
    "relight",
    "sample",
]
