"""A radiograph that a viewer exported as PNG or TIFF, of 8 or 16 bits."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from negspa_jax.data.dicom_display import to_grey
from negspa_jax.data.errors import RefusedError
from negspa_jax.data.radiograph_grey import MAX_SIDE, Picture, check_sides
from negspa_jax.data.radiograph_silence import read_silently
from negspa_jax.shapes import Shaped

_GREY = ("L", "I", "I;16", "I;16B")
_COLOUR = ("P", "LA", "RGB", "RGBA", "YCbCr")
# TIFF 6.0 tags and values; the orientation's are EXIF's too.
_BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLE_FORMAT = 258, 262, 274, 339
_WHITE_IS_ZERO, _UNSIGNED, _SIGNED, _UPRIGHT = 0, 1, 2, 1
_DAMAGED = "must be an undamaged PNG or TIFF file, but it is not: export it again"


def read_export(path: Path) -> Picture:
    """Read one PNG or TIFF image of 8 or 16 bits, grey or colour.

    It is shown by percentiles: an export has lost its window, and holds no spacing
    in the patient. Different resolutions along and across give the pixels' aspect.

    Raises:
      RefusedError: it is damaged, too large, several pages, 1 bit or fractions.
    """
    picture, num_warnings = read_silently(lambda: _read(path), damaged=_DAMAGED)
    if num_warnings:
        remark = f"breaks its format's rules: Pillow's warnings number {num_warnings}"
        picture.warnings.append(remark)
    return picture


def _read(path: Path) -> Picture:
    with Image.open(path, formats=("PNG", "TIFF")) as image:
        image.verify()  # PNG's checksums, which loading passes over
    with Image.open(path, formats=("PNG", "TIFF")) as image:
        width, height = image.size
        check_sides((height, width), MAX_SIDE)
        if (pages := getattr(image, "n_frames", 1)) != 1:
            reason = f"must be one image, got {pages} pages: export the one to read"
            raise RefusedError(reason)
        # No viewer turns a radiograph so, and Pillow 13 turns a TIFF image twice.
        if (turned := image.getexif().get(_ORIENTATION, _UPRIGHT)) != _UPRIGHT:
            reason = f"must be stored upright (orientation {_UPRIGHT}), got {turned}"
            raise RefusedError(f"{reason}: export it again")
        tags = getattr(image, "tag_v2", {})
        bits = _read_bits(path, image)
        warnings = _check_kind(image.mode, bits, tags)
        sides = _find_sides(image)
        values = _read_values(image)
        # Pillow inverts white-is-zero TIFF of 8 bits, and leaves that of 16 as it is.
        inverted = bits == 16 and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    return Picture(values, inverted=inverted, sides=sides, warnings=warnings)


def _read_bits(path: Path, image: Image.Image) -> int:
    """Bits of a sample, as the file has them: Pillow's mode may have fewer."""
    if image.format == "TIFF":
        return max(getattr(image, "tag_v2", {}).get(_BITS, (1,)))
    with path.open("rb") as file:
        return file.read(25)[24]  # signature, then IHDR's length, type, width, height


def _check_kind(mode: str, bits: int, tags: Mapping) -> list[str]:
    sample = set(tags.get(_SAMPLE_FORMAT, (_UNSIGNED,)))
    whole = sample == {_UNSIGNED} or (sample == {_SIGNED} and bits == 16)
    if bits not in (8, 16) or mode not in (*_GREY, *_COLOUR) or not whole:
        reason = "must have whole numbers of 8 or 16 bits, grey or colour, got "
        raise RefusedError(f"{reason}{bits} bits as Pillow's mode {mode}")
    if bits == 16 and mode in _COLOUR:
        return ["colours of 16 bits are read with 8"]
    return []


def _read_values(image: Image.Image) -> Shaped[np.ndarray, "h w"]:
    if image.mode in _GREY:
        return np.asarray(image)
    return to_grey(np.asarray(image.convert("RGB")))


def _find_sides(image: Image.Image) -> tuple[float, float]:
    """Height and width of a pixel, relative; from the resolution across and along."""
    across, along = image.info.get("dpi") or image.info.get("aspect") or (1, 1)
    across, along = float(across), float(along)
    if not (0 < across < np.inf and 0 < along < np.inf):
        return 1.0, 1.0
    return 1 / along, 1 / across
