"""The run directory: one owner at a time, one config, and a record of what went in."""

import contextlib
import fcntl
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax

from negspa_jax import __version__, config
from negspa_jax.whole_file import write_text

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "numpy")


class BusyError(ValueError):
    """Another process works in the directory."""


@contextlib.contextmanager
def locked(folder: Path, *, wait: bool) -> Iterator[None]:
    """Hold a directory; the system frees it when the process ends, however it ends.

    Args:
        folder: is made if absent.
        wait: until another owner is done; otherwise it is an error.

    Raises:
        BusyError: if another process holds it.
        ValueError: if it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise ValueError(
            f"--workdir must be a directory that can be written to, got {folder}: "
            f"{error.strerror}"
        ) from None
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise BusyError(
                f"{folder} is in use by another run: wait for it, train other folds "
                "(--folds), or choose another --workdir"
            ) from None
        yield


def write_json(path: Path, content: Any) -> None:
    """Write JSON that a person can read, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def check_claim(workdir: Path, manifest: dict[str, Any]) -> bool:
    """Return whether the directory holds this run; False if it holds none yet.

    The manifest is written by `claim` when all input has been found good; what an
    attempt before that left behind counts for nothing, so that a table can be mended
    and tried again.

    Args:
        workdir: of the run.
        manifest: {"config": flat fields, "inputs": {...}, "weights": {...}}.

    Raises:
        ValueError: showing every difference that would change the result.
    """
    path = workdir / "manifest.json"
    if not path.exists():
        return False
    try:
        old = json.loads(path.read_text(encoding="utf-8"))
        found = config.differences(old["config"], manifest["config"])
        for part in ("inputs", "weights"):
            found += [
                f"{_WORDS.get((part, name), f'{part}.{name}')}: "
                f"{_short(old[part].get(name))} in the run, {_short(value)} now"
                for name, value in manifest[part].items()
                if old[part].get(name) != value
            ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} must be a run's manifest, got {error!r}") from None
    if found:
        raise ValueError(
            f"{workdir} holds a run made otherwise: {'; '.join(found)}: give the same "
            "settings and files to resume it, or another --workdir"
        )
    return True


_WORDS = {
    ("inputs", "cohort_sha256"): "SHA-256 of the cohort table",
    ("weights", "sha256"): "SHA-256 of the weights",
}


def _short(value: Any) -> Any:
    """A hash that can be told from another at a glance."""
    return value[:12] if isinstance(value, str) else value


def claim(workdir: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest of a new run."""
    content = manifest | {"environment": environment(), "use": "research only"}
    write_json(workdir / "manifest.json", content)


def environment() -> dict[str, Any]:
    """Return what a result may depend on beyond the config: code, versions, device."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "negspa_jax": __version__,
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        "packages": versions,
        "platform": platform.platform(),
        "devices": [device.device_kind for device in jax.devices()],
        "processes": jax.process_count(),
        "cpu_count": os.cpu_count(),
        "x64": jax.config.read("jax_enable_x64"),
    }


def _git_commit() -> str | None:
    """Return the checkout's commit, with "+changes" if it is not clean."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    try:
        commit = _git(here, "rev-parse", "HEAD")
        return commit + ("+changes" if _git(here, "status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.strip()
