"""A table of each reporting checklist."""

from collections.abc import Sequence

from negspa_jax.report.checklist import Item
from negspa_jax.report.tables.table import LONG_TEXT, TEXT, Table, make_columns

_REMEDY = (
    "What stands behind TODO only a person can know: write it into the column text of "
    "checklist.csv, and pass that file as --answers. "
)


def list_checklists(items: Sequence[Item]) -> list[Table]:
    """One table for each checklist, its items in order."""
    tables = []
    names = dict.fromkeys(item.checklist for item in items)
    for number, name in enumerate(names, start=1):
        chosen = [item for item in items if item.checklist == name]
        todo = sum(item.status == "TODO" for item in chosen)
        tables.append(
            Table(
                f"checklist_{number}",
                name,
                f"Filled: {len(chosen) - todo} of {len(chosen)} items. "
                f"{_REMEDY if todo else ''}Status: who has the last word.",
                make_columns(
                    *(("Item", TEXT), ("Asks", LONG_TEXT), ("Text", LONG_TEXT)),
                    *(("Status", TEXT), ("Source", LONG_TEXT)),
                ),
                tuple(
                    (item.item, item.asks, item.text, item.status, item.source)
                    for item in chosen
                ),
            )
        )
    return tables
