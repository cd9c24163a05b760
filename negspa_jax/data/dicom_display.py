"""From stored values to what a radiologist sees: DICOM's grey-scale pipeline.

Stored value -> modality value (rescale, or a table) -> [0, 1] by the value-of-interest
transformation (a window, or a table) -> inverted or not (PS3.4 N.2, PS3.3 C.11).
Tables are looked up here: pydicom indexes an 8-bit table by 8-bit numbers, so that a
10-bit value wraps around, and knows no table of 12 bits for modality values.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pydicom
from pydicom.pixels import apply_color_lut
from scipy.special import expit

from negspa_jax.data.dicom_file import read_number, read_word
from negspa_jax.data.errors import RefusedError
from negspa_jax.data.radiograph_grey import map_bands
from negspa_jax.shapes import Float, Shaped

Values = Shaped[np.ndarray, "h w"]
Shown = Float[np.ndarray, "h w"]

# ITU-R BT.601, the luma that JPEG and DICOM's YBR use.
_LUMA = (0.299, 0.587, 0.114)
# float64 holds far more, but not all sums and quotients of what it holds.
_MAX_VALUE = 1e30


class Table(NamedTuple):
    """A lookup table: its first input value, its entries, its entries' bits."""

    first: int
    entries: Shaped[np.ndarray, " n"]
    bits: int

    def look_up(self, values: Values) -> Shaped[np.ndarray, "h w"]:
        """Values below the first or above the last input get its entry."""
        last = self.first + self.entries.size - 1

        def look_up(part: Values) -> Values:
            # Clipped as floats first: no whole number holds every float.
            places = np.clip(np.rint(part.astype(np.float64)), self.first, last)
            return self.entries[places.astype(np.int64) - self.first]

        return map_bands(look_up, values, self.entries.dtype)


def read_table(elements: pydicom.Dataset, item: Any) -> Table:
    """One item of a modality or VOI LUT sequence (PS3.3 C.11.1.1, C.11.2.1.1).

    Raises:
      RefusedError: it does not hold the entries that it describes.
    """
    damaged = "must have whole lookup tables, got one without the entries it describes"
    count, first, bits = item.LUTDescriptor
    count = count % 2**16 or 2**16  # read as signed in files of signed pixels
    data = item.LUTData
    if isinstance(data, bytes):
        # Entries of 8 bits may be packed two to a word (PS3.3 C.11.1.1.1).
        packed = bits == 8 and len(data) < 2 * count
        order = "<" if elements.original_encoding[1] else ">"
        size = "u1" if packed else f"{order}u2"
        data = np.frombuffer(data[: count * (1 if packed else 2)], size)
    entries = np.atleast_1d(np.asarray(data)).astype(np.int64)[:count]
    if entries.size != count or not 8 <= bits <= 16:
        raise RefusedError(damaged)
    return Table(int(first), entries.astype(np.int32), int(bits))


def rescale(elements: pydicom.Dataset, values: Values) -> Values:
    """Stored to modality values: a table, or slope * value + intercept (C.11.1)."""
    if tables := elements.get("ModalityLUTSequence"):
        return read_table(elements, tables[0]).look_up(values)
    slope = read_number(elements, "RescaleSlope")
    intercept = read_number(elements, "RescaleIntercept")
    slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
    if slope == 0:
        raise RefusedError("must have a rescale slope other than 0")
    if (slope, intercept) == (1.0, 0.0):
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = values * slope + intercept
    # NaN compares as False, too.
    if not (scaled.min() > -_MAX_VALUE and scaled.max() < _MAX_VALUE):
        reason = f"must have values within {_MAX_VALUE:g} once rescaled, but has not: "
        raise RefusedError(reason + "its slope or intercept is damaged")
    return scaled


def make_window(*, center: float, width: float, function: str) -> Callable:
    """The map from modality values to [0, 1] that a window means.

    LINEAR: (x - (c - 1/2)) / (w - 1) + 1/2; LINEAR_EXACT: (x - c) / w + 1/2; both
    clipped; SIGMOID: 1 / (1 + exp(-4 (x - c) / w)) (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    Args:
      center: in modality values.
      width: in modality values; at least 1 for LINEAR, above 0 for the others.
      function: the VOI LUT function; "" is LINEAR.

    Raises:
      ValueError: width or function is none of these.
    """
    linear = function in ("", "LINEAR")
    known = linear or function in ("LINEAR_EXACT", "SIGMOID")
    usable = np.isfinite([center, width]).all() and width > 0
    if not (known and usable) or (linear and width < 1):
        raise ValueError("must be LINEAR (width >= 1), LINEAR_EXACT or SIGMOID (> 0)")
    if function == "SIGMOID":
        return lambda values: expit(4 * (values - center) / width)
    if linear:
        center, width = center - 0.5, width - 1
    if width == 0:
        return lambda values: (values > center).astype(np.float64)
    return lambda values: np.clip((values - center) / width + 0.5, 0.0, 1.0)


def is_inverted(elements: pydicom.Dataset) -> bool:
    """Whether the lowest value is shown brightest: said once or twice, it is so."""
    return (
        read_word(elements, "PhotometricInterpretation") == "MONOCHROME1"
        or read_word(elements, "PresentationLUTShape") == "INVERSE"
    )


def apply_palette(elements: pydicom.Dataset, values: Values) -> Shown:
    """Palette indices to grey, in the palette's own unit."""
    count, first, bits = elements.RedPaletteColorLookupTableDescriptor
    count = count % 2**16 or 2**16
    if bits == 8 and count > 256:
        raise RefusedError(f"must have at most 256 palette entries of 8 bits, {count}")

    def look_up(part: Values) -> Shown:
        indices = np.clip(part, first, first + count - 1)
        return apply_color_lut(indices, elements)[..., :3] @ np.array(_LUMA)

    return map_bands(look_up, values, np.float64)


def to_grey(colours: Shaped[np.ndarray, "h w 3"]) -> Shown:
    """Luma 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), in the colours' unit."""
    return map_bands(lambda part: part @ np.array(_LUMA), colours, np.float64)


def find_padding(elements: pydicom.Dataset, values: Values) -> Values | None:
    """Which stored values are padding around the image (PS3.3 C.7.5.1.1.2)."""
    low = read_number(elements, "PixelPaddingValue")
    if low is None:
        return None
    high = read_number(elements, "PixelPaddingRangeLimit")
    low, high = sorted((low, low if high is None else high))
    return (values >= low) & (values <= high)
