"""MixCut: Puzzle Mix, local Mixup and rotated Cutout; needs jax and numpy only.

`mixcut(key, images, labels, saliency, options=Options(...))` returns the mixed batch
with its labels; every step is public too. Pure functions, safe under jit, vmap and
pmap; `key` first, options keyword-only; computed in float32 whatever the images' dtype.

Reference: supplement of doi 10.21037/qims-24-729; Kim, Choo, Song, Puzzle Mix, ICML
2020.
"""

from negspa_jax.mixcut.compose import Mixed, apply_plan, mixcut
from negspa_jax.mixcut.costs import Costs, block_costs
from negspa_jax.mixcut.cutout import Holes, cut_out, draw_holes, hole_mask
from negspa_jax.mixcut.energy import mask_energy
from negspa_jax.mixcut.label import apply_plan_to_labels, plan_shares
from negspa_jax.mixcut.mask import Solution, optimize_masks, solve_masks
from negspa_jax.mixcut.mixup import (
    box_mask,
    draw_boxes,
    local_mixup,
    mix_labels,
    mix_pixels,
)
from negspa_jax.mixcut.options import PRESETS, Options, find_options
from negspa_jax.mixcut.partner import draw_partners
from negspa_jax.mixcut.plan import Plan, Weights, draw_plan, plan_weights
from negspa_jax.mixcut.puzzle import Puzzle
from negspa_jax.mixcut.saliency import (
    block_saliency,
    input_saliency,
    spectral_residual,
)
from negspa_jax.mixcut.transport import plan_transport, transport_blocks

__all__ = [
    "PRESETS",
    "Costs",
    "Holes",
    "Mixed",
    "Options",
    "Plan",
    "Puzzle",
    "Solution",
    "Weights",
    "apply_plan",
    "apply_plan_to_labels",
    "block_costs",
    "block_saliency",
    "box_mask",
    "cut_out",
    "draw_boxes",
    "draw_holes",
    "draw_partners",
    "draw_plan",
    "find_options",
    "hole_mask",
    "input_saliency",
    "local_mixup",
    "mask_energy",
    "mix_labels",
    "mix_pixels",
    "mixcut",
    "optimize_masks",
    "plan_shares",
    "plan_transport",
    "plan_weights",
    "solve_masks",
    "spectral_residual",
    "transport_blocks",
]
