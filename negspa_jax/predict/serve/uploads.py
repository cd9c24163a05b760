"""A file that a visitor sent: kept under a name of ours, within limits, looked at."""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negspa_jax.predict.serve.refusal import Refusal

_CHUNK = 2**20
_LONGEST_NAME = 255
# Readers tell files by content; a suffix makes some of their sentences better.
_SUFFIXES = (".nii.gz", ".nii", ".dcm", ".dicom", ".png", ".tif", ".tiff")


@dataclass(frozen=True, eq=False)
class Upload:
    """A file that was read and found good.

    `name`: ours, of the file and in addresses. `shown`: the visitor's, only to be
    shown back. `facts`: what the page says of it. `pictures`: the grey slices for the
    page, beside the file.
    """

    name: str
    shown: str
    path: Path
    num_bytes: int
    sha256: str
    facts: Mapping[str, Any]
    pictures: Path | None = None

    def delete(self) -> None:
        """Delete the file and its pictures."""
        self.path.unlink(missing_ok=True)
        if self.pictures is not None:
            self.pictures.unlink(missing_ok=True)


def check_name(name: str) -> str:
    """Return a file's name as the visitor's computer calls it.

    Raises:
        Refusal: it has a path in it, or is no name.
    """
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise Refusal(
            400, f"the file must have a printable name, got {name[:40]!r}: rename it"
        )
    has_path = set("/\\") & set(name) or name in (".", "..")
    if has_path or re.match(r"[A-Za-z]:", name):
        raise Refusal(
            400,
            f"the file must be named without a path, got {name!r}: choose the file "
            "itself",
        )
    return name


def choose_path(folder: Path, shown: str) -> Path:
    """A new path in a folder; of it a visitor's name decides a known suffix at most."""
    lower = shown.lower()
    suffix = next((end for end in _SUFFIXES if lower.endswith(end)), "")
    return folder / f"{secrets.token_hex(12)}{suffix}"


def name_pictures(path: Path) -> Path:
    """Where the grey slices of a file are kept."""
    return path.with_name(f"{path.name}.npy")


def store_bytes(
    read: Callable[[int], bytes], path: Path, *, limit: int
) -> tuple[int, str]:
    """Write what a visitor sends; return its size and SHA-256.

    Args:
        read: returns at most so many of the next bytes, none at the end.
        path: a new file.
        limit: in bytes.

    Raises:
        Refusal: it is empty or too large, or the disk is full.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("xb") as file:
            while chunk := read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise Refusal(413, describe_limit(limit))
                digest.update(chunk)
                file.write(chunk)
    except OSError as error:
        what = os.strerror(error.errno) if error.errno else "the connection broke"
        raise Refusal(507, f"the file cannot be kept ({what}): try again") from None
    if size == 0:
        raise Refusal(400, "the file must hold something, but it is empty")
    return size, digest.hexdigest()


def describe_limit(limit: int) -> str:
    """The sentence about a file that is too large."""
    return (
        f"the file must have at most {_as_mib(limit)} (all of a patient share the "
        "limit, which --max_mb raises), got more: is it one volume?"
    )


def _as_mib(num_bytes: int) -> str:
    return f"{num_bytes / 2**20:.3g} MiB" if num_bytes else "nothing more"


def copy_uploads(uploads: Mapping[str, Upload], folder: Path) -> None:
    """Copy files to a folder under the names of their roles."""
    for role, upload in uploads.items():
        suffix = "".join(upload.path.suffixes)
        plain = re.sub(r"\W+", "_", role)
        shutil.copyfile(upload.path, folder / f"{plain}{suffix}")
