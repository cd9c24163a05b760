"""A small text file that is there whole, or as it was before."""

import os
import secrets
from pathlib import Path


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
