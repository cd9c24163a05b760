"""Checkpoints by orbax, with a SHA-256 of every leaf that is checked on load.

orbax writes a step so that it is there whole or not at all, but restores a bit that
flipped on the disk without a word; the hashes of the leaves find it. The files are
hashed too: orbax answers a damaged one with pages of tracebacks from its threads, so
it is not asked to read it. Trees are stored as flat
dictionaries {"a/b/0": array}, so that a file can be read without the code that wrote
it, and are put back into a template's structure.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint.checkpoint_managers import LatestN

Leaves = dict[str, np.ndarray]
_FILES = "files.json"


class DamagedCheckpointError(ValueError):
    """A checkpoint cannot be read, or its bytes are not those that were written."""


def to_leaves(tree: Any) -> Leaves:
    """Return every array of a tree by its path, copied to the host."""
    found, _ = jax.tree.flatten_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf)
        for path, leaf in found
    }


def from_leaves(template: Any, leaves: Leaves) -> Any:
    """Put leaves back into a template's structure.

    Args:
        template: a tree of anything with `shape` and `dtype`.
        leaves: what `to_leaves` returned for a tree of the same structure.

    Raises:
        DamagedCheckpointError: if names, shapes or types differ.
    """
    found, structure = jax.tree.flatten_with_path(template)
    names = [jax.tree_util.keystr(p, simple=True, separator="/") for p, _ in found]
    if set(names) != set(leaves):
        odd = sorted(set(names) ^ set(leaves))
        raise DamagedCheckpointError(
            f"a checkpoint must hold the arrays of this model, got {len(odd)} missing "
            f"or strange, {odd[0]} first: it was made by another model"
        )
    for name, (_, wanted) in zip(names, found, strict=True):
        got = leaves[name]
        if got.shape != wanted.shape or got.dtype != wanted.dtype:
            raise DamagedCheckpointError(
                f"{name} must be {wanted.dtype}{wanted.shape}, got "
                f"{got.dtype}{got.shape}: the checkpoint was made by another model"
            )
    return jax.tree.unflatten(structure, [leaves[name] for name in names])


def sha256_of(array: np.ndarray) -> str:
    """Return the SHA-256 of an array's type, shape and bytes."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _hash_files(step: Path) -> dict[str, str]:
    hashes = {}
    for path in step.rglob("*"):
        if path.is_file() and path.name != _FILES:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256")
            hashes[path.relative_to(step).as_posix()] = digest.hexdigest()
    return hashes


def _check_files(step: Path) -> None:
    try:
        wanted = json.loads((step / _FILES).read_bytes())
    except FileNotFoundError:
        return
    except ValueError:
        wanted = {_FILES: "its own"}
    found = _hash_files(step)
    wrong = sorted(name for name in wanted if wanted[name] != found.get(name))
    if wrong:
        raise DamagedCheckpointError(
            f"{step} must hold the files that were written, but {len(wrong)} differ or "
            f"are missing, {wrong[0]} first"
        )


def _text_hash(notes: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(notes, sort_keys=True).encode()).hexdigest()


class Checkpoints:
    """The checkpoints of one folder, numbered by step; the newest `keep` stay."""

    def __init__(self, folder: Path, *, keep: int = 2) -> None:
        # Only the calling process takes part: in a run of several machines the
        # first one writes, and each reads for itself.
        process = jax.process_index()
        self._folder = folder
        self._manager = ocp.CheckpointManager(
            folder.resolve(),
            options=ocp.CheckpointManagerOptions(
                preservation_policy=LatestN(keep),
                enable_async_checkpointing=False,
                create=False,
                multiprocessing_options=ocp.options.MultiprocessingOptions(
                    primary_host=process, active_processes={process}
                ),
            ),
        )

    def save(self, step: int, tree: Any, notes: dict[str, Any]) -> None:
        """Write a tree and some notes (JSON).

        The step is the newest from now on: its like is replaced, and later ones,
        which can only be damaged ones that `load_newest` passed over, go.
        """
        leaves = to_leaves(tree)
        hashes = {name: sha256_of(leaf) for name, leaf in leaves.items()}
        for old in self._manager.all_steps():
            if old >= step:
                self._manager.delete(old)
        self._manager.save(
            step,
            args=ocp.args.Composite(
                leaves=ocp.args.PyTreeSave(leaves),
                notes=ocp.args.JsonSave(
                    {
                        "notes": notes,
                        "sha256": hashes,
                        "notes_sha256": _text_hash(notes),
                    }
                ),
            ),
            force=True,
        )
        # Of a process that is killed just here the step counts, by its leaves.
        where = self._folder / str(step)
        part = self._folder / f"{step}.{_FILES}.part"
        part.write_text(json.dumps(_hash_files(where)), encoding="utf-8")
        os.replace(part, where / _FILES)

    def load(self, step: int) -> tuple[Leaves, dict[str, Any]]:
        """Return the leaves and the notes of one step, every hash checked.

        Raises:
            DamagedCheckpointError: naming the folder and what is wrong.
        """
        where = self._folder / str(step)
        _check_files(where)
        try:
            found = self._manager.restore(
                step,
                args=ocp.args.Composite(
                    leaves=ocp.args.PyTreeRestore(), notes=ocp.args.JsonRestore()
                ),
            )
            hashes, notes = found["notes"]["sha256"], found["notes"]["notes"]
            sound = found["notes"]["notes_sha256"] == _text_hash(notes)
            leaves = {k: np.asarray(v) for k, v in found["leaves"].items()}
        # orbax and tensorstore raise many kinds for a damaged file.
        except Exception as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split()):.200}"
            raise DamagedCheckpointError(f"{where} cannot be read ({reason})") from None
        wrong = [] if sound else ["its notes"]
        wrong += sorted(set(leaves) ^ set(hashes))
        wrong += [n for n in leaves if sha256_of(leaves[n]) != hashes.get(n)]
        if wrong:
            raise DamagedCheckpointError(
                f"{where} must hold the bytes that were written, got others in "
                f"{len(wrong)} places, {wrong[0]} first"
            )
        return leaves, notes

    def load_newest(
        self, tell: Callable[[str], None] = logging.warning
    ) -> tuple[Leaves, dict[str, Any]] | None:
        """Return the newest checkpoint that is sound, or None if there is none.

        Args:
            tell: is given one line for each damaged checkpoint that is passed over.
        """
        for step in sorted(self._manager.all_steps(), reverse=True):
            try:
                return self.load(step)
            except DamagedCheckpointError as error:
                tell(f"{error}: the checkpoint before it, if any, is used")
        return None

    def close(self) -> None:
        """Wait for orbax and free it."""
        self._manager.close()
