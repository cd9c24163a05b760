"""Mixing of samples within a batch; needs jax and numpy only.

`mixcut(key, images, labels, saliency, options=Options(...))` returns the mixed batch
with its labels; every step is public too. Pure functions, safe under jit, vmap and
pmap; `key` first, options keyword-only.
"""

from negspa_jax.mixcut.compose import PRESETS, Mixed, Options, mixcut
from negspa_jax.mixcut.mixup import mix_labels, mix_pixels

__all__ = ["PRESETS", "Mixed", "Options", "mix_labels", "mix_pixels", "mixcut"]
