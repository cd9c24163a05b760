"""One panel of a figure: drawn by matplotlib, returned as SVG with the same bytes.

Panels are small, so that on a telephone one fills the width and its letters stay
legible, and on a desk several stand side by side. Text stays text. Colours are those
of Okabe and Ito [1], in an order that differs in grey, and each has its own dashes.

References:
    [1] Okabe M, Ito K. Color universal design. 2008.
"""

import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, GREY, PALE = "#1b2733", "#6b7783", "#d5dbe1"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", INK)
DASHES: tuple[Any, ...] = (
    "solid",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (6, 1.5, 1.2, 1.5)),
    (0, (3, 1)),
    (0, (8, 2)),
    (0, (2, 2)),
)
_FONTS = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
_STYLE: dict[Any, Any] = {
    # Letters are placed by the font that comes with matplotlib, wider than those that
    # show them: the same bytes on every machine, and nothing runs out of its place.
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "svg.fonttype": "none",
    # A dollar sign in the name of a column is no formula.
    "text.parse_math": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": 8,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e8ecf0",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.3,
    "lines.solid_capstyle": "butt",
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
}


@dataclass(frozen=True)
class Panel:
    """A picture with its file's name, a title above it, and words for who cannot see.

    `svg`: the element alone, with `width` and `height` in points.
    """

    name: str
    title: str
    words: str
    svg: str
    width: float

    def as_file(self) -> str:
        """The picture as a file of its own."""
        head = '<?xml version="1.0" encoding="utf-8"?>\n'
        space = '<svg xmlns="http://www.w3.org/2000/svg" '
        return head + self.svg.replace("<svg ", space, 1)


class Margins(NamedTuple):
    """The edges of the axes, as shares of the panel."""

    left: float = 0.145
    bottom: float = 0.135
    right: float = 0.975
    top: float = 0.975


SQUARE = (3.5, 3.4)


def draw_panel(
    draw: Callable[[Axes], None],
    *,
    name: str,
    title: str,
    words: str,
    size: tuple[float, float] = SQUARE,
    margins: Margins = Margins(),  # noqa: B008  (a constant)
) -> Panel:
    """Draw on one pair of axes.

    Args:
        draw: is given the axes.
        name: of the file, letters, digits, - and _ only, unique in the report.
        title: above the panel.
        words: what is to be seen, for a screen reader.
        size: width and height in inches.
        margins: edges of the axes.

    Returns:
        The panel; the same arguments give the same bytes.
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A machine may have a style of its own.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**_STYLE, "svg.hashsalt": name})
        # Names in any script: the reader's own fonts show them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=size)
        left, bottom, right, top = margins
        draw(figure.add_axes((left, bottom, right - left, top - bottom)))
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return Panel(name, title, words, _clean(file.getvalue(), name), 72 * size[0])


def _clean(text: str, name: str) -> str:
    """The svg element alone, whose ids are this panel's own."""
    text = text[text.index("<svg") :].strip()
    for left_out in ("metadata", "style"):
        text = re.sub(f"<{left_out}.*?</{left_out}>\\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    # Only inside tags: what a table's cells say between them stays as it is.
    text = re.sub(r"<[^>]*>", lambda tag: _clean_tag(tag[0], name), text)
    return re.sub(r"\n\s*", "\n", text)


def _clean_tag(tag: str, name: str) -> str:
    # Ids of matplotlib are counted in each picture anew; the page holds them all.
    tag = re.sub(r'\s+xmlns(:xlink)?="[^"]*"', "", tag).replace("xlink:href", "href")
    tag = re.sub(r'\bid="|href="#|url\(#', lambda start: f"{start[0]}{name}-", tag)
    return tag.replace("'DejaVu Sans', sans-serif", _FONTS).replace(
        "'DejaVu Sans'", _FONTS
    )


def slug(*words: str) -> str:
    """A name for a file from words that may hold anything.

    Example:
        >>> slug("roc", "external 2", "b, fused_1")
        'roc_external-2_b-fused_1'
    """
    parts = (re.sub(r"[^a-z0-9_]+", "-", word.lower()).strip("-") for word in words)
    return "_".join(part or "x" for part in parts)
