"""The folder of all visits' folders, which also the next server knows to delete."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

_PREFIX = "negspa-serve-"


def make_root() -> tuple[Path, IO[bytes]]:
    """A folder for this server alone; those that killed servers left are deleted."""
    parent = Path(tempfile.gettempdir())
    for left in parent.glob(f"{_PREFIX}*"):
        _delete_if_left(left)
    root = Path(tempfile.mkdtemp(prefix=_PREFIX))
    # Locked before it bears its name: nobody can take it for one that was left.
    held = (root / "new").open("wb")
    fcntl.flock(held, fcntl.LOCK_EX)
    (root / "new").rename(root / "lock")
    return root, held


def _delete_if_left(root: Path) -> None:
    try:
        if root.is_symlink() or root.stat().st_uid != os.getuid():
            return
        with (root / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(root, ignore_errors=True)
    except OSError:
        return  # in use, or not ours
