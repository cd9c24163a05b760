"""What an image looks like, in a few numbers: to compare it with others later.

Every number is the same however a file stores its axes and whatever the unit of its
grey values; none needs more than a sample of the voxels, taken at a fixed stride.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from negspa_jax.data.radiograph import Radiograph
from negspa_jax.data.spans import round_number
from negspa_jax.data.stacks import Stack
from negspa_jax.data.volume import measure_spacing
from negspa_jax.shapes import Float

# Cells of a layout along each side of an image.
GRID = 6
# Where the slices lie: the components of their unit normal, of either sign.
NORMAL = ("normal_x", "normal_y", "normal_z")
# Quantities compared by ratio.
SIZES = (
    *("spacing_mm", "slice_mm", "matrix", "num_slices", "field_mm"),
    *("pixels", "aspect"),
)
_VOLUME = (10, 25, 50, 75, 90, 95)
_WINDOW = (5, 25, 50, 75, 95)
# The grey values by which sequences, and displays of radiographs, can be told apart.
GREYS = (
    *(f"volume_p{percent}" for percent in _VOLUME),
    *(f"window_p{percent}" for percent in _WINDOW),
)
# As many pixels along each side of a slice say what its percentiles are to 1%.
_SAMPLED = 64


@dataclass(frozen=True)
class Traits:
    """What one image of one patient looks like.

    `numbers`: by name. Of an MRI: `SIZES` in mm or voxels, `NORMAL`, `outside` (share
    of the worse window beyond the image), `contrast` (standard deviation of the
    flatter sub-image) and `GREYS`. Of a radiograph: `spacing_mm` where known, `pixels`
    (of the longer side), `aspect` (width to height), `contrast` and `GREYS`.
    `words`: of an MRI `plane`; of a radiograph `display`, and `body_part` where the
    file names one of DICOM's. `layout`: for each side, the middle slice in cells of
    one byte, 255 = 1.0, row by row.
    """

    numbers: Mapping[str, float]
    words: Mapping[str, str] = field(default_factory=dict)
    layout: Mapping[str, bytes] = field(default_factory=dict)


def measure_mri(
    stack: Stack,
    images: Float[np.ndarray, "s h w c"],
    *,
    outside: Mapping[str, float],
) -> Traits:
    """Measure one sequence of a patient.

    Args:
      stack: the whole volume.
      images: its sub-images in [0, 1], none of them mirrored.
      outside: for each side, in the order of the axis s, the share of the window that
        lies outside the image.
    """
    spacing = measure_spacing(stack.volume.affine)
    shape = np.array(stack.volume.data.shape)
    in_plane = stack.in_plane
    middle = images[..., images.shape[-1] // 2]
    numbers = {
        "spacing_mm": float(np.sqrt(np.prod(spacing[in_plane]))),
        "slice_mm": float(spacing[stack.through]),
        "matrix": float(shape[in_plane].max()),
        "num_slices": float(shape[stack.through]),
        "field_mm": float((shape * spacing)[in_plane].max()),
        **_name(NORMAL, stack.normal * (1.0 if stack.normal[1] >= 0 else -1.0)),
        "outside": max(outside.values()),
        "contrast": float(middle.std(axis=(1, 2)).min()),
        **_measure_greys(_sample_stack(stack), images),
    }
    layout = {
        side: _coarsen(image) for side, image in zip(outside, middle, strict=True)
    }
    return Traits(_round(numbers), {"plane": stack.plane}, layout)


def measure_radiograph(
    radiograph: Radiograph, square: Float[np.ndarray, "s s"]
) -> Traits:
    """Measure one radiograph.

    Args:
      radiograph: as it was read.
      square: the same, padded and resized.
    """
    image = radiograph.image
    height, width = image.shape
    numbers = {
        "pixels": float(max(height, width)),
        "aspect": width / height,
        "contrast": float(square.std()),
        **_measure_greys(_sample(image), square[None, ..., None]),
    }
    if radiograph.spacing_mm is not None:
        numbers["spacing_mm"] = radiograph.spacing_mm
    words = {"display": radiograph.display}
    if radiograph.body_part:
        words["body_part"] = radiograph.body_part
    return Traits(_round(numbers), words, {"whole": _coarsen(square)})


def pack_traits(traits: Mapping[str, Traits]) -> dict[str, Any]:
    """A patient's traits, by sequence, as what JSON can hold."""
    return {
        name: {
            "numbers": dict(found.numbers),
            "words": dict(found.words),
            "layout": {side: cells.hex() for side, cells in found.layout.items()},
        }
        for name, found in traits.items()
    }


def unpack_traits(content: Any) -> dict[str, Traits]:
    """Return what `pack_traits` was given.

    Raises:
      ValueError: it is something else.
    """
    try:
        return {name: _unpack(found) for name, found in content.items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        reason = f"traits must be as pack_traits leaves them, got others ({error!r})"
        raise ValueError(f"{reason}: measure them again") from None


def _unpack(content: Any) -> Traits:
    layout = {side: bytes.fromhex(text) for side, text in content["layout"].items()}
    if any(len(cells) != GRID**2 for cells in layout.values()):
        raise ValueError(f"a layout without {GRID} x {GRID} cells")
    numbers = {name: float(value) for name, value in content["numbers"].items()}
    words = {name: str(word) for name, word in content["words"].items()}
    return Traits(numbers, words, layout)


def _measure_greys(
    sample: Float[np.ndarray, "..."], images: Float[np.ndarray, "s h w c"]
) -> dict[str, float]:
    """Percentiles of the image between its 1st and 99th, and of the sub-images."""
    low, *inner, high = np.percentile(sample, (1, *_VOLUME, 99))
    placed = (np.array(inner) - low) / max(high - low, np.finfo(np.float32).tiny)
    step = max(images.shape[1] // _SAMPLED, 1)
    shown = np.percentile(images[:, step // 2 :: step, step // 2 :: step], _WINDOW)
    return _name(GREYS, (*placed, *shown))


def _sample_stack(stack: Stack) -> Float[np.ndarray, "..."]:
    """Voxels at a fixed stride, the same ones however the file stores its axes."""
    data, affine = stack.volume.data, stack.volume.affine
    # Slices last, the axis nearest to left-right first; each points to R, A or S.
    order = sorted(stack.in_plane, key=lambda axis: -abs(affine[0, axis]))
    for axis in order:
        along = affine[:3, axis]
        if along[np.argmax(np.abs(along))] < 0:
            data = np.flip(data, axis)
    return _sample(data.transpose(*order, stack.through))


def _sample(image: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    steps = [max(count // _SAMPLED, 1) for count in image.shape[:2]]
    return image[tuple(slice(step // 2, None, step) for step in steps)]


def _coarsen(image: Float[np.ndarray, "h w"]) -> bytes:
    small = Image.fromarray(image).resize((GRID, GRID), Image.Resampling.BOX)
    return np.rint(np.clip(np.asarray(small), 0, 1) * 255).astype(np.uint8).tobytes()


def _name(names: tuple[str, ...], values: Any) -> dict[str, float]:
    return dict(zip(names, map(float, values), strict=True))


def _round(numbers: Mapping[str, float]) -> dict[str, float]:
    """What a flipped file changes in the last digits is no difference."""
    return {name: round_number(value) for name, value in numbers.items()}
