"""What a page is made of: sections of tables, galleries of panels, albums."""

from typing import Literal, NamedTuple

from negspa_jax.report.figures.drawing import Panel
from negspa_jax.report.tables.table import Table


class Gallery(NamedTuple):
    """Panels that are one figure, with its caption.

    `across`: panels in a row of a sheet. `points`: of its curves, a file of its own.
    """

    name: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
    across: Literal[2, 3, 4] = 2
    points: Table | None = None


class Picture(NamedTuple):
    """A PNG with its file's name and what stands below it."""

    file: str
    png: bytes
    caption: str


class Album(NamedTuple):
    """Pictures that are one figure, with its caption."""

    name: str
    title: str
    caption: str
    pictures: tuple[Picture, ...]


Block = Table | Gallery | Album


class Section(NamedTuple):
    """A chapter: its blocks, and a sentence for each part that is not there.

    `source`: said in every caption: the files that its numbers come from, and before
    them what makes its numbers optimistic.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]
    absent: tuple[str, ...] = ()
    source: str = ""


def is_filled(block: Block) -> bool:
    """Whether there is anything to see."""
    if isinstance(block, Table):
        return bool(block.rows)
    return bool(block.panels if isinstance(block, Gallery) else block.pictures)
