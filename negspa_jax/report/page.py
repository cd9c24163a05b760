"""The page: one HTML file that needs nothing else, neither a network nor a script."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from negspa_jax.evaluate.study import Study
from negspa_jax.report.blocks import Album, Block, Section
from negspa_jax.report.checklist import Item, is_draft
from negspa_jax.report.headline import write_headline
from negspa_jax.report.tables.table import Table
from negspa_jax.templates import open_templates

_FOLDER = Path(__file__).parent


def format_page(
    study: Study, sections: Sequence[Section], items: Sequence[Item]
) -> str:
    """The text of report.html.

    Args:
        study: for the headline.
        sections: what follows it.
        items: of the checklists; the page is a draft until none says TODO.
    """
    environment = open_templates(_FOLDER)
    environment.filters["as_data"] = _as_data
    return environment.get_template("report.html").render(
        study=study,
        headline=write_headline(study),
        sections=_number(sections),
        draft=is_draft(items),
        num_todo=sum(item.status == "TODO" for item in items),
        num_items=len(items),
        style=Markup((_FOLDER / "report.css").read_text("utf-8")),
    )


def _number(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """Sections whose tables and figures are numbered through."""
    counts = {"Table": 0, "Figure": 0}
    found = []
    for section in sections:
        blocks = []
        for block in section.blocks:
            kind = "Table" if isinstance(block, Table) else "Figure"
            counts[kind] += 1
            label = f"{kind} {counts[kind]}"
            blocks.append({"label": label, **_describe(block), "block": block})
        found.append({"section": section, "blocks": blocks})
    return found


def _describe(block: Block) -> dict[str, Any]:
    """Which kind a block is, and what the template cannot ask for itself."""
    if isinstance(block, Table):
        # Two lines a cell, where one would make the table wider than the page.
        many = sum(len(column.kind.suffixes) > 1 for column in block.columns) >= 4
        return {"kind": "table", "rows": _mute_repeated(block), "stacked": many}
    if isinstance(block, Album):
        return {"kind": "album", "rows": []}
    panels = [
        {"panel": panel, "svg": _inline(panel.svg, panel.words)}
        for panel in block.panels
    ]
    files = [f"figures/{block.name}{'' if len(panels) == 1 else '_*'}.svg"]
    files += [f"tables/{block.points.name}.csv"] if block.points else []
    return {"kind": "gallery", "rows": panels, "files": files}


def _mute_repeated(table: Table) -> list[list[dict[str, Any]]]:
    """Cells as shown; words of the first columns that repeat the row above are pale."""
    found: list[list[dict[str, Any]]] = []
    before: list = []
    for shown in table.shown():
        repeats = True
        cells = []
        for place, (column, cell) in enumerate(zip(table.columns, shown, strict=True)):
            leading = column.kind.style == "text" and bool(before)
            repeats = repeats and leading and before[place] == cell
            style = column.kind.style + (" repeated" if repeats else "")
            cells.append({"style": style, "shown": cell})
        found.append(cells)
        before = shown
    return found


def _inline(svg: str, words: str) -> Markup:
    """An SVG element with words for who cannot see it; its text is escaped already."""
    label = Markup('<svg role="img" aria-label="{}" ').format(words)
    return label + Markup(svg.removeprefix("<svg "))


def _as_data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
