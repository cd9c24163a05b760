"""Pages from templates: whatever a page shows of a table or a file is escaped."""

from pathlib import Path

import jinja2


def open_templates(folder: Path) -> jinja2.Environment:
    """The templates of a folder; a name that a template lacks is a mistake."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
