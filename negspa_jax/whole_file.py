"""Files: a small text that is there whole or as it was before, a name for any text."""

import hashlib
import os
import secrets
from pathlib import Path
from urllib.parse import quote

# File systems allow 255 bytes; endings and `.part` need some.
_LONGEST = 200


def write_text(path: Path, text: str) -> None:
    """Write text in UTF-8, line ends as they are; nothing else is left beside it."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def name_file(text: str) -> str:
    """A file's name, without its ending, for any text; others get others.

    >>> name_file("P 7/a")
    'P 7%2Fa'
    """
    name = quote(text, safe=" ")
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{name[: _LONGEST - 20]}-{digest}"
