"""Every patient's sub-images on one picture: are the joints where they should be?

Sides stand as a reader faces the patient: the patient's right on the picture's left,
each tile marked R or L. A patient who cannot be used is a red tile with the reason.
"""

import textwrap
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from negspa_jax.shapes import Float, Shaped

_TILE = 144
_TEXT = 120
_COLUMNS = 2
_ROWS = 10
_GAP = 6
_SEAM = 2
_MARKS = {"left": "L", "right": "R", "whole": ""}


def _plain(text: str) -> str:
    """Without accents, which the font that is always there cannot draw."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(part for part in parts if not unicodedata.combining(part))


@dataclass(frozen=True, eq=False)
class Contact:
    """A patient on the sheet: middle slices as bytes, or why there are none."""

    patient_id: str
    split: str
    label: int | None
    images: Shaped[np.ndarray, "s m h w"] | None
    reason: str = ""


def shrink_images(
    images: Float[np.ndarray, "s m h w c"],
) -> Shaped[np.ndarray, "s m t t"]:
    """The middle channel of every sub-image as a tile of bytes."""
    middle = (images[..., images.shape[-1] // 2] * 255).round().astype(np.uint8)
    flat = middle.reshape(-1, *middle.shape[2:])
    tiles = [Image.fromarray(image).resize((_TILE, _TILE)) for image in flat]
    return np.stack([np.asarray(tile) for tile in tiles]).reshape(
        *middle.shape[:2], _TILE, _TILE
    )


class SheetWriter:
    """Collects patients and writes a page whenever it is full: memory stays flat.

    Args:
      path: the first page's PNG; further pages are `<stem>_2.png`, ...; None: nothing
        is written.
      sequences: the axis m of the images.
      sides: the axis s.
    """

    def __init__(
        self, path: Path | None, sequences: tuple[str, ...], sides: tuple[str, ...]
    ) -> None:
        self._path, self._sequences = path, sequences
        # The patient's right comes first.
        self._sides = sorted(enumerate(sides), key=lambda item: item[1] != "right")
        self._waiting: list[Contact] = []
        self._pages: list[Path] = []

    def add(self, contact: Contact) -> None:
        """Put a patient on the sheet."""
        if self._path is not None:
            self._waiting.append(contact)
            if len(self._waiting) == _COLUMNS * _ROWS:
                self._write_page(self._path)

    def close(self) -> list[Path]:
        """Write what is left; return the pages."""
        if self._path is not None and self._waiting:
            self._write_page(self._path)
        return self._pages

    def _write_page(self, path: Path) -> None:
        number = len(self._pages) + 1
        stem = path.stem if number == 1 else f"{path.stem}_{number}"
        page = path.with_name(f"{stem}.png")
        width = _TEXT + len(self._sequences) * (
            len(self._sides) * (_TILE + _SEAM) + _GAP
        )
        columns = min(_COLUMNS, len(self._waiting))
        rows = -(-len(self._waiting) // columns)
        size = (columns * (width + _GAP), rows * (_TILE + _GAP))
        sheet = Image.new("RGB", size, "black")
        for place, contact in enumerate(self._waiting):
            corner = (place % columns * (width + _GAP), place // columns)
            corner = (corner[0], corner[1] * (_TILE + _GAP))
            self._draw(sheet, contact, corner, width)
        page.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(page)
        self._pages.append(page)
        self._waiting = []

    def _draw(
        self, sheet: Image.Image, contact: Contact, corner: tuple[int, int], width: int
    ) -> None:
        draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
        x, y = corner
        label = "none" if contact.label is None else str(contact.label)
        words = textwrap.wrap(_plain(contact.patient_id), 15)[:5]
        lines = [*words, f"split {_plain(contact.split)}"[:18], f"label {label}"]
        draw.multiline_text((x + 4, y + 4), "\n".join(lines), "white", font)
        x += _TEXT
        if contact.images is None:
            box = (x, y, corner[0] + width - _GAP, y + _TILE)
            draw.rectangle(box, "darkred")
            reason = textwrap.fill(_plain(contact.reason), (width - _TEXT) // 7)
            draw.multiline_text((x + 6, y + 6), reason, "white", font)
            return
        for m, sequence in enumerate(self._sequences):
            for s, side in self._sides:
                sheet.paste(Image.fromarray(contact.images[s, m]), (x, y))
                mark = f"{_plain(sequence)} {_MARKS[side]}".strip()
                draw.text(
                    (x + 4, y + 2),
                    mark,
                    "yellow",
                    font,
                    stroke_width=1,
                    stroke_fill="black",
                )
                x += _TILE + _SEAM
            x += _GAP
