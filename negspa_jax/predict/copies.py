"""Test-time augmentation: mirrored and shifted copies, as training made them."""

import numpy as np

from negspa_jax.config import Config
from negspa_jax.shapes import Float

# Of the shifts of test-time augmentation, in shares of the image; never more than
# training shifted.
_SHIFT = 0.05


def list_copies(config: Config) -> tuple[tuple[bool, int, int], ...]:
    """The copies of test-time augmentation: mirrored or not, rows, columns.

    Mirrored where training mirrored; shifted by 5 % of the image up, down, left and
    right, or by less where training shifted less. The image itself is not among them.

    Raises:
        ValueError: if training did neither.
    """
    of_training = config.augmentation
    step = round(config.stages[-1].image_size * min(_SHIFT, of_training.shift))
    shifts = (
        [(0, 0), (step, 0), (-step, 0), (0, step), (0, -step)] if step else [(0, 0)]
    )
    mirrors = [False, True] if of_training.flip_probability > 0 else [False]
    copies = [(mirror, *shift) for mirror in mirrors for shift in shifts][1:]
    if not copies:
        raise ValueError(
            "test-time augmentation must be what training did, but this model was "
            "trained without mirroring and shifting: leave --augment out"
        )
    return tuple(copies)


def vary_images(
    images: Float[np.ndarray, "s m h w c"],
    mirror: bool,
    rows: int,
    columns: int,
    *,
    border: str,
) -> Float[np.ndarray, "s m h w c"]:
    """Mirror the columns of images, then move them.

    Args:
        images: in [0, 1].
        mirror: whether.
        rows: downwards, in pixels; negative upwards.
        columns: to the right, in pixels; negative to the left.
        border: what comes in, as in training: "zero", or "reflect", the image mirrored
            there, without repeating its edge.
    """
    source = images[:, :, :, ::-1] if mirror else images
    size, (height, width) = max(abs(rows), abs(columns)), images.shape[2:4]
    pads = [(0, 0), (0, 0), (size, size), (size, size), (0, 0)]
    wide = np.pad(source, pads, mode="constant" if border == "zero" else "reflect")
    top, left = size - rows, size - columns
    return np.ascontiguousarray(wide[:, :, top : top + height, left : left + width])
