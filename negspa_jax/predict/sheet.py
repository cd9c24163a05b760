"""One patient's maps on one picture: every slice beside itself with its map.

Rows are the sides, the patient's right first; columns the sequences. The colour scale
is common to the picture, from 0 to its largest value.
"""

import textwrap
import unicodedata
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from negspa_jax.config import Config
from negspa_jax.predict.colours import colour_values, grey_values, lay_over
from negspa_jax.shapes import Float

_TILE, _LARGE_TILE = 240, 480
_SEAM = 3
_GAP = 18
_MARGIN = 16
_TITLE = 56
_HEADS = 26
_SIDE = 84
_FOOT = 66
_BAR = 200
_LARGE, _SMALL = 19, 15
_INK, _PALE, _PAPER = (20, 20, 20), (90, 90, 90), (255, 255, 255)
_ROWS = {
    "mri": {"right": "Right", "left": "Left", "whole": "Whole\nregion"},
    "radiograph": {"whole": "Whole\nimage"},
}
_HEADING = {"mri": "{}: slice, map", "radiograph": "{}, map"}
_CAUTION = (
    "What moved the network, which need not be what is ill. Research software, not a "
    "medical device."
)


def draw_sheet(
    slices: Float[np.ndarray, "s m h w"],
    maps: Float[np.ndarray, "s m h w"],
    *,
    sides: Sequence[str],
    sequences: Sequence[str],
    title: str,
    subtitle: str,
    kind: str = "mri",
) -> Image.Image:
    """Draw a patient's sheet.

    Args:
        slices: the middle ones, in [0, 1].
        maps: not negative, as large as the slices.
        sides: names of the axis s: "left", "right" or "whole".
        sequences: names of the axis m.
        title: whose sheet it is.
        subtitle: what is shown.
        kind: of the images, "mri" or "radiograph".
    """
    tile = _LARGE_TILE if len(sides) == len(sequences) == 1 else _TILE
    pair = 2 * tile + _SEAM + _GAP
    width = _MARGIN + _SIDE + len(sequences) * pair - _GAP + _MARGIN
    top = _MARGIN + _TITLE + _HEADS
    height = top + len(sides) * (tile + _GAP) + _FOOT
    # A single sequence's sheet has room for the bar and the caution all the same.
    sheet = Image.new("RGB", (max(width, 2 * _MARGIN + _SIDE + 503), height), _PAPER)
    largest = float(maps.max())
    values = maps / largest if largest > 0 else maps
    _write(sheet, (_MARGIN, _MARGIN), title, _LARGE)
    _write(sheet, (_MARGIN, _MARGIN + 28), subtitle, _SMALL, _PALE)
    # The patient's right comes first, as a reader faces the patient.
    order = sorted(range(len(sides)), key=lambda s: sides[s] != "right")
    for row, s in enumerate(order):
        y = top + row * (tile + _GAP)
        name = _ROWS[kind][sides[s]]
        _write(sheet, (_MARGIN, y + tile // 2 - 18), name, _LARGE)
        for m, sequence in enumerate(sequences):
            x = _MARGIN + _SIDE + m * pair
            if row == 0:
                words = _HEADING[kind].format(sequence)
                _write(sheet, (x, top - _HEADS), words, _SMALL)
            plain = np.rint(grey_values(slices[s, m])).astype(np.uint8)
            laid = lay_over(slices[s, m], values[s, m])
            sheet.paste(_resize(plain, tile), (x, y))
            sheet.paste(_resize(laid, tile), (x + tile + _SEAM, y))
    _draw_foot(sheet, height - _FOOT, largest)
    return sheet


def describe_images(config: Config) -> str:
    """What a sheet's images are, for its subtitle.

    Args:
        config: of the run.
    """
    if config.data.kind == "radiograph":
        return f"as the network sees it, {config.stages[-1].image_size} pixels"
    mirrored = "; left side mirrored" if config.data.mirror_left else ""
    return f"middle slices, the patient's right on the left{mirrored}"


def _resize(pixels: np.ndarray, side: int) -> Image.Image:
    return Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)


def _draw_foot(sheet: Image.Image, y: int, largest: float) -> None:
    """The scale's bar with its two ends, and what the picture is not."""
    x = _MARGIN + _SIDE
    colours = colour_values(np.linspace(0, 1, _BAR))
    bar = np.broadcast_to(np.rint(colours).astype(np.uint8), (14, _BAR, 3))
    _write(sheet, (x - 14, y), "0", _SMALL)
    sheet.paste(Image.fromarray(bar), (x, y + 2))
    end = f"{largest:.3g} (logit)" if largest > 0 else "0: no evidence for the class"
    _write(sheet, (x + _BAR + 6, y), end, _SMALL)
    letters = (sheet.width - _MARGIN - x) // 7
    _write(sheet, (x, y + 24), textwrap.fill(_CAUTION, letters), _SMALL, _PALE)


def _write(
    sheet: Image.Image,
    place: tuple[int, int],
    text: str,
    size: int,
    ink: tuple[int, int, int] = _INK,
) -> None:
    # The font that is always there cannot draw accents.
    parts = unicodedata.normalize("NFKD", text)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    draw = ImageDraw.Draw(sheet)
    draw.multiline_text(place, plain, ink, ImageFont.load_default(size))
