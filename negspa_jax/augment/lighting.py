"""Brightness and contrast of an image in [0, 1], changed on the scale of its logits.

x' = sigmoid(k (logit(x) + logit(b))): brightness adds, contrast multiplies, and the
result stays in [0, 1].

Reference: fastai 2.8, vision.augment, Brightness and Contrast.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from negspa_jax.augment.chance import draw_between
from negspa_jax.shapes import Array, Float, Key

# Beside the first four of `draw_motion`: an old key still draws what it drew.
STREAM = 5
# Black and white have no logit; the same distance as fastai's.
EDGE = 1e-7


class Lighting(NamedTuple):
    """How an image is lit.

    Attributes:
        brightness: b in (0, 1), what a pixel of 0.5 becomes; 0.5 is neutral.
        contrast: k above 0, factor of the logits; 1 is neutral.
    """

    brightness: Float[Array, ""]
    contrast: Float[Array, ""]


def draw_lighting(
    key: Key, *, brightness: float, contrast: float, probability: float = 1.0
) -> Lighting | None:
    """Draw brightness and contrast.

    Args:
        key: a JAX key, which may be the one given to `draw_motion`.
        brightness: in [0, 1), m: b is uniform in 0.5 (1 - m) to 0.5 (1 + m).
        contrast: in [0, 1), m: log k is uniform in plus or minus log(1 - m).
        probability: of each of the two to be drawn at all.

    Returns:
        The draws; None where both ranges are 0.
    """
    if brightness == 0 and contrast == 0:
        return None
    keys = jax.random.split(jax.random.fold_in(key, STREAM))
    low, high = 0.5 * (1 - brightness), 0.5 * (1 + brightness)
    reach = -math.log(1 - contrast)
    return Lighting(
        draw_between(keys[0], low, high, neutral=0.5, probability=probability),
        jnp.exp(
            draw_between(keys[1], -reach, reach, neutral=0.0, probability=probability)
        ),
    )


def relight(
    image: Float[Array, "*pixels c"], lighting: Lighting
) -> Float[Array, "*pixels c"]:
    """Change brightness and contrast; neutral ones change no bit.

    Args:
        image: in [0, 1]; what is beyond is clipped.
        lighting: of all its pixels.

    Returns:
        The image in its dtype, computed in float32 at least.
    """
    brightness, contrast = lighting
    wide = image.astype(jnp.promote_types(image.dtype, jnp.float32))
    logits = _logit(wide) + _logit(brightness).astype(wide.dtype)
    lit = jax.nn.sigmoid(contrast.astype(wide.dtype) * logits)
    neutral = (brightness == 0.5) & (contrast == 1)
    return jnp.where(neutral, image, lit.astype(image.dtype))


def _logit(share: Array) -> Array:
    share = jnp.clip(share, EDGE, 1 - EDGE)
    return -jnp.log(1 / share - 1)
