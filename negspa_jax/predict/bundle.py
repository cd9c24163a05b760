"""A model in one folder that travels: nothing in it is executed, all of it is hashed.

| file                 | holds                                                       |
|----------------------|-------------------------------------------------------------|
| `model.json`         | config (with the preprocessing), classes, operating points, |
|                      | hashes of what the model was made from                      |
| `fold_*.safetensors` | the variables of each fold                                  |
| `fingerprint.json`   | what the training images were like                          |
| `network.stablehlo`  | the network for jax alone (`stablehlo.py`)                  |
| `MODEL_CARD.md`      | what it is, what it was trained on, how well it did         |
| `LICENSE.txt`        | what may be done with it                                    |
| `SHA256SUMS`         | of all of these; `sha256sum -c SHA256SUMS` reads it, too    |
"""

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from negspa_jax.checkpoint import to_leaves
from negspa_jax.csv_table import show_text
from negspa_jax.data.fingerprint_json import format_fingerprint, parse_fingerprint
from negspa_jax.data.volume import file_sha256
from negspa_jax.predict.model import Model
from negspa_jax.predict.model_file import format_model, parse_model
from negspa_jax.predict.network import (
    Variables,
    build_model,
    make_template,
    place_variables,
)
from negspa_jax.predict.stablehlo import serialize_network

SUMS = "SHA256SUMS"
_TEXTS = ("model.json", "fingerprint.json", "MODEL_CARD.md", "LICENSE.txt")
_NETWORK = "network.stablehlo"
_MAX_SUMS, _MAX_TEXT = 2**20, 2**26


def write_bundle(model: Model, out: Path, *, card: str, licence: str) -> str:
    """Write a model's bundle, whole or not at all.

    Args:
        model: from `open_run_model`.
        out: the folder, which must not exist, or be an older bundle.
        card: text of the model card.
        licence: text that says what may be done with the weights.

    Returns:
        The bundle's SHA-256, that of its `SHA256SUMS`.

    Raises:
        ValueError: if there is something else at `out`.
    """
    check_place(out)
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    part.mkdir(parents=True)
    try:
        texts = (
            format_model(model),
            format_fingerprint(model.fingerprint),
            card,
            licence,
        )
        for name, text in zip(_TEXTS, texts, strict=True):
            (part / name).write_text(text, encoding="utf-8")
        for fold, variables in enumerate(model.folds):
            save_file(to_leaves(variables), part / _name_fold(fold))
            # The library lets nobody else read its files.
            shutil.copymode(part / _TEXTS[0], part / _name_fold(fold))
        channels = 1 if model.config.data.kind == "radiograph" else 3
        artefact = serialize_network(
            model.network, image_size=model.image_size, channels=channels
        )
        (part / _NETWORK).write_bytes(artefact)
        names = list_files(len(model.folds))
        sums = _format_sums({name: file_sha256(part / name) for name in names})
        (part / SUMS).write_text(sums, encoding="utf-8")
        _replace(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return hashlib.sha256(sums.encode()).hexdigest()


def check_place(out: Path) -> None:
    """Raise ValueError unless a bundle may be written there: nothing else is lost."""
    if not out.exists():
        return
    must = f"{out} must not exist, or hold an older bundle and nothing else"
    try:
        sums, _ = _read_sums(out)
    except ValueError:
        raise ValueError(f"{must}: give another --out") from None
    others = {path.name for path in out.iterdir()} - {*sums, SUMS}
    if others or not {*_TEXTS} <= sums.keys():
        found = f", got {sorted(others)[0]}" if others else ""
        raise ValueError(f"{must}{found}: give another --out")


def _replace(part: Path, out: Path) -> None:
    """Put a folder in another's place, which is lost only when that has been done."""
    old = part.with_suffix(".old")
    if out.exists():
        out.rename(old)
    part.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def read_bundle(folder: Path) -> Model:
    """Read a bundle and check every byte of it against its hash.

    Raises:
        ValueError: if a file is missing, changed, or not what a bundle holds.
    """
    sums, bundle_sha256 = _read_sums(folder)
    for name, wanted in sums.items():
        if not (folder / name).is_file():
            raise ValueError(f"{folder / name} must be there: copy the bundle again")
        if (found := file_sha256(folder / name)) != wanted:
            raise ValueError(
                f"{folder / name} must be the file that was exported (SHA-256 "
                f"{wanted[:12]}), got another (SHA-256 {found[:12]}): copy the bundle "
                "again from its source"
            )
    parts = parse_model(_read_text(folder / "model.json"), folder / "model.json")
    count = parts["config"].data.num_folds
    if set(sums) != set(list_files(count)):
        raise ValueError(
            f"{folder / SUMS} must list the files of a bundle of {count} folds, got "
            f"{', '.join(sums)}: it was not written by this program"
        )
    template = make_template(build_model(parts["config"]))
    folds = tuple(_read_fold(folder / _name_fold(k), template) for k in range(count))
    origin = {**parts.pop("origin"), "bundle_sha256": bundle_sha256}
    fingerprint = parse_fingerprint(_read_text(folder / "fingerprint.json"))
    if fingerprint.sequences != parts["config"].data.sequences:
        raise ValueError(
            f"{folder / 'fingerprint.json'} must be of the model's sequences "
            f"({', '.join(parts['config'].data.sequences)}), got others"
        )
    return Model(**parts, folds=folds, fingerprint=fingerprint, origin=origin)


def list_files(num_folds: int) -> list[str]:
    """The names of a bundle's files, but for `SHA256SUMS`."""
    return sorted([*_TEXTS, _NETWORK, *map(_name_fold, range(num_folds))])


def _name_fold(fold: int) -> str:
    return f"fold_{fold}.safetensors"


def _format_sums(sums: Mapping[str, str]) -> str:
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))


def _read_sums(folder: Path) -> tuple[dict[str, str], str]:
    """The hash of each file by its name, and the hash of the list."""
    path = folder / SUMS
    if not path.is_file():
        raise ValueError(f"{folder} must be a bundle, but it has no {SUMS}")
    text = _read_text(path, limit=_MAX_SUMS)
    lines = [
        re.fullmatch(r"([0-9a-f]{64})  ([\w.]+)", line, re.ASCII)
        for line in text.splitlines()
    ]
    sums = {line[2]: line[1] for line in lines if line}
    # Written in one way only, so that a changed byte of the list itself is seen.
    if not sums or None in lines or text != _format_sums(sums):
        raise ValueError(f"{path} must be a bundle's list of hashes, but is damaged")
    return sums, hashlib.sha256(text.encode()).hexdigest()


def _read_text(path: Path, *, limit: int = _MAX_TEXT) -> str:
    if path.stat().st_size > limit:
        raise ValueError(f"{path} must have at most {limit:,} bytes: it is damaged")
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path} must be UTF-8 text: it is damaged") from None


def _read_fold(path: Path, template: Any) -> Variables:
    try:
        leaves = load_file(path)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        reason = show_text(" ".join(str(error).split()), longest=200)
        raise ValueError(f"{path} must hold a fold's weights ({reason})") from None
    odd = [name for name, leaf in leaves.items() if not np.isfinite(leaf).all()]
    if odd:
        where = show_text(odd[0])
        raise ValueError(f"{path} must hold finite weights, got others in {where}")
    try:
        return place_variables(template, leaves)
    except ValueError as error:
        reason = show_text(str(error), longest=300)
        raise ValueError(f"{path}: {reason}") from None
