"""What every radiograph goes through, wherever it came from, on its way to [0, 1]."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from negspa_jax.data.errors import RefusedError
from negspa_jax.shapes import Bool, Float, Shaped

# 43 x 43 cm at 0.075 mm; what is computed with float64 stays under 1 GB.
MAX_PIXELS = 2**25
MAX_SIDE = 2**15
# Of what is shown: it is padded to a square.
_MAX_SQUARE_SIDE = 2**13
PERCENTILES = (0.5, 99.5)
# The remedy where a file's own window is of no use.
BY_PERCENTILES = (
    "show it by percentiles (window None, --config.radiograph.window=percentiles)"
)

# Beyond this, spacing is damaged or the image is no projection of a body.
_MAX_ASPECT = 10.0
# Detectors are square to four digits; what is written may be rounded.
_SQUARE = 0.01
_MAX_CLIPPED = 0.95
_BAND = 2**20

Crop = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Picture:
    """Grey values as a file holds them, and how they want to be shown.

    Args:
      values: in any unit.
      show: the map from values to [0, 1], if the file has one.
      kind: what that map is called.
      inverted: whether the lowest value is the brightest.
      padding: True beside the image, where the file marks it.
      sides: height and width of a pixel, in mm or relative to each other.
      in_mm: whether `sides` are in mm.
      warnings: what is doubtful.
      body_part: one of DICOM's, or "".
    """

    values: Shaped[np.ndarray, "h w"]
    show: Callable[[Any], Any] | None = None
    kind: str = "percentiles"
    inverted: bool = False
    padding: Bool[np.ndarray, "h w"] | None = None
    sides: tuple[float, float] = (1.0, 1.0)
    in_mm: bool = False
    warnings: list[str] = field(default_factory=list)
    body_part: str = ""


def check_sides(shape: tuple[int, ...], longest: int, remedy: str = "") -> None:
    """Refuse an image of too many pixels, in all or along one side."""
    height, width = shape
    got = f"got {height} x {width}" + (f": {remedy}" if remedy else "")
    if height * width > MAX_PIXELS:
        raise RefusedError(f"must have at most {MAX_PIXELS:,} pixels, {got}")
    if max(height, width) > longest:
        raise RefusedError(f"must have at most {longest:,} pixels a side, {got}")


def check_crop(crop: Crop | None, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """The crop box's rows and columns; the whole image where there is none."""
    if crop is None:
        return slice(None), slice(None)
    top, left, bottom, right = crop
    if not (0 <= top < bottom <= shape[0] and 0 <= left < right <= shape[1]):
        reason = f"must have a crop box (top, left, bottom, right) within {shape[0]} x "
        raise RefusedError(f"{reason}{shape[1]} pixels, got {tuple(crop)}")
    return slice(top, bottom), slice(left, right)


def map_bands(
    function: Callable[[Any], Any], values: Shaped[np.ndarray, "h w *c"], dtype: Any
) -> Shaped[np.ndarray, "h w"]:
    """Apply a function to a few rows at a time: its temporaries stay small.

    Args:
      function: rows of `values` to as many rows of the result.
      values: the whole image.
      dtype: of the result.
    """
    shown = np.empty(values.shape[:2], dtype)
    step = max(1, _BAND // max(1, values.shape[1]))
    for start in range(0, len(values), step):
        shown[start : start + step] = function(values[start : start + step])
    return shown


def show_grey(picture: Picture, crop: Crop | None) -> Float[np.ndarray, "h w"]:
    """Crop, map to [0, 1], invert once if need be, blacken the padding.

    A file's own window was set by someone who saw the image, and replaces the
    percentiles: both in a row would undo its contrast. Percentiles are taken over
    what the crop box keeps and without padding: neither belongs to the patient.

    Raises:
      RefusedError: a crop box outside the image, or nothing but one grey value.
    """
    box = check_crop(crop, picture.values.shape)
    values = picture.values[box]
    padding = None if picture.padding is None else picture.padding[box]
    inside = values if padding is None else values[~padding]
    if inside.size == 0 or inside.min() == inside.max():
        where = "" if crop is None else " of its crop box"
        reason = f"must show something, but every pixel{where} has the same value"
        raise RefusedError(reason)
    show = picture.show or _fit_percentiles(inside)
    del inside
    # A window may be so narrow, or a table so short, that numbers overflow on the way.
    with np.errstate(over="ignore"):
        shown = map_bands(show, values, np.float32)
    if picture.show is not None:
        _check_window(shown if padding is None else shown[~padding], picture)
    if picture.inverted:
        np.subtract(1.0, shown, out=shown)
    if padding is not None:
        shown[padding] = 0.0
    return shown


def _fit_percentiles(inside: Shaped[np.ndarray, "..."]) -> Callable[[Any], Any]:
    """The map to [0, 1] from the percentiles of what shows the patient."""
    low, high = (float(value) for value in np.percentile(inside, PERCENTILES))
    if low == high:
        reason = f"must vary, but its {PERCENTILES[0]} and {PERCENTILES[1]} "
        raise RefusedError(f"{reason}percentiles are the same: crop it")
    return lambda values: np.clip((values - low) / (high - low), 0.0, 1.0)


def make_square(
    image: Float[np.ndarray, "h w"], sides: tuple[float, float]
) -> tuple[Float[np.ndarray, "h2 w2"], float]:
    """Resample to square pixels of the shorter side, so that nothing is lost.

    Args:
      image: in [0, 1].
      sides: height and width of a pixel.

    Returns:
      The image (the same, where pixels are square to 1%), and a pixel's side.

    Raises:
      RefusedError: pixels of more than 10 to 1, or a result that is too large.
    """
    tall, wide = sides
    side, aspect = min(sides), tall / wide
    if abs(aspect - 1.0) <= _SQUARE:
        check_sides(image.shape, _MAX_SQUARE_SIDE, "crop it")
        return image, float(np.sqrt(tall) * np.sqrt(wide))
    if not 1 / _MAX_ASPECT <= aspect <= _MAX_ASPECT:
        raise RefusedError(f"must have nearly square pixels, got {tall:g} x {wide:g}")
    height, width = (
        max(1, round(count * length / side))
        for count, length in zip(image.shape, sides, strict=True)
    )
    check_sides((height, width), _MAX_SQUARE_SIDE, "crop it")
    grey = Image.fromarray(image)
    resized = grey.resize((width, height), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized), 0.0, 1.0), side


def _check_window(shown: Float[np.ndarray, "..."], picture: Picture) -> None:
    """A window that leaves one grey shows nothing; one that leaves few is doubtful."""
    low, high = shown.min(), shown.max()
    if low == high:
        reason = f"must show something, but its {picture.kind} makes every pixel "
        raise RefusedError(f"{reason}the same: {BY_PERCENTILES}")
    clipped = float(np.mean((shown <= 0.0) | (shown >= 1.0)))
    if clipped > _MAX_CLIPPED:
        picture.warnings.append(
            f"the {picture.kind} makes {clipped:.0%} of the pixels black or white"
        )
