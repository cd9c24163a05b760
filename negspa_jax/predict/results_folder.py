"""The folder of results: nothing of anybody else is lost, nothing old stays in it."""

import json
from pathlib import Path

from negspa_jax.predict.bundle import SUMS

RECORD = "record.json"
TABLES = ("predictions.csv", "summary.csv", "summary.html", "failures.csv")
# Of a run's directory.
_RUN = ("manifest.json", "folds.csv")


def check_out(out: Path) -> None:
    """Raise ValueError if results would be written over something else.

    Args:
        out: a new folder, or one whose results, if it has any, are of an earlier call.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out must be a folder, got the file {out}")
    if any((out / name).exists() for name in (*_RUN, SUMS)):
        raise ValueError(
            f"--out must be a folder of its own, got {out}, a run, a bundle or a report"
        )
    others = [name for name in TABLES if (out / name).exists()]
    if others and not (out / RECORD).exists():
        raise ValueError(
            f"--out must be a new folder or one of earlier results, but {out} holds a "
            f"{others[0]} and no {RECORD}: give another"
        )


def clear_results(out: Path) -> None:
    """Remove an earlier call's results, so that none of them passes for this one's."""
    path = out / RECORD
    if not path.is_file():
        return
    try:
        pictures = [*json.loads(path.read_text("utf-8"))["pictures"]]
    except (ValueError, KeyError, TypeError):
        pictures = []
    inside = [out / name for name in pictures if ".." not in Path(name).parts]
    for file in (*(out / name for name in TABLES), *inside):
        file.unlink(missing_ok=True)
    # Last: what is left half cleared is still known as results.
    path.unlink(missing_ok=True)
