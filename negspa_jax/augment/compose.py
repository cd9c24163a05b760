"""One call that augments a sample: draw, move, relight."""

import jax

from negspa_jax.augment.geometry import draw_motion, move
from negspa_jax.augment.lighting import draw_lighting, relight
from negspa_jax.shapes import Array, Float, Key


def augment(
    key: Key,
    images: Float[Array, "m h w c"],
    *,
    rotation_degrees: float = 20.0,
    flip_probability: float = 0.5,
    shift: float = 0.1,
    zoom: float = 1.0,
    warp: float = 0.0,
    brightness: float = 0.0,
    contrast: float = 0.0,
    probability: float = 1.0,
    border: str = "zero",
    quarter_turns: bool = False,
    independent: bool = False,
) -> Float[Array, "m h w c"]:
    """Move and relight one sample, all its sequences alike.

    Zoom, warp, brightness, contrast and probability are Python numbers, so that what
    is off is left out. fastai's default augmentation, as of radiographs:
    rotation_degrees=10, shift=0, zoom=1.1, warp=0.2, brightness=0.2, contrast=0.2,
    probability=0.75, border="reflect".

    Args:
        key: a JAX key of this sample.
        images: the sample's sequences; in [0, 1] where brightness or contrast is on.
        rotation_degrees: the angle is uniform in plus or minus this.
        flip_probability: of a flip left to right.
        shift: uniform in plus or minus this share of height and of width.
        zoom: at least 1, the magnification is uniform in 1 to this; the view is placed
            uniformly within the image.
        warp: in [0, 0.5], perspective: opposite edges are seen longer and shorter by a
            share uniform in plus or minus this, drawn for both directions.
        brightness: in [0, 1), m: half grey becomes uniform in 0.5 (1 - m) to
            0.5 (1 + m), the other greys by the same step of their logits.
        contrast: in [0, 1), m: the logits are multiplied by a factor of which the
            logarithm is uniform in plus or minus log(1 - m).
        probability: of rotation, shift, zoom, warp in each direction, brightness and
            contrast, each for itself, to happen; quarter turns always do.
        border: "zero" or "reflect", what is seen beyond the image.
        quarter_turns: turn by 0, 90, 180 or 270 degrees more, each as likely.
        independent: a draw of its own for each sequence, of motion and of lighting;
            they no longer fit onto each other.

    Returns:
        Images of the same shape and dtype.
    """

    def change(key: Key, image: Float[Array, "h w c"]) -> Float[Array, "h w c"]:
        motion = draw_motion(
            key,
            (image.shape[0], image.shape[1]),
            rotation_degrees=rotation_degrees,
            flip_probability=flip_probability,
            shift=shift,
            quarter_turns=quarter_turns,
            zoom=zoom,
            warp=warp,
            probability=probability,
        )
        lighting = draw_lighting(
            key, brightness=brightness, contrast=contrast, probability=probability
        )
        moved = move(image, motion, border=border)
        return moved if lighting is None else relight(moved, lighting)

    if independent:
        return jax.vmap(change)(jax.random.split(key, len(images)), images)
    # One gather for all sequences: they are channels of one image.
    m, h, w, c = images.shape
    together = images.transpose(1, 2, 0, 3).reshape(h, w, m * c)
    return change(key, together).reshape(h, w, m, c).transpose(2, 0, 1, 3)
