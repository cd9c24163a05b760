"""Bundles of a trained network, one of whose files is damaged under a right hash."""

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from negspa_jax.predict.bundle import SUMS, list_files, read_bundle, write_bundle
from tests.fuzz.mutations import Damage
from tests.predict.tiny_model import make_model, seal
from tests.train.tiny import use_tiny_encoder

FOLDER = "bundle"
_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 10**400, 0.5, 1e308, -1e-308),
    *("", "x", "nan", "inf", "1e999", "\0", "../..", "x" * 100_000, "train"),
    *([], [[]], {}, [0] * 10_000, {"a": {}}, ["t1w"], [1, "1", None]),
)


@functools.cache
def make_parts() -> dict[str, bytes]:
    """Every file of a sound bundle by its name; made once a process."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        use_tiny_encoder(patch)
        folder = Path(name)
        model, _ = make_model(folder)
        write_bundle(model, folder / FOLDER, card="A card.\n", licence="None.\n")
        return {
            part: (folder / FOLDER / part).read_bytes()
            for part in (*list_files(len(model.folds)), SUMS)
        }


def write_sound(folder: Path) -> None:
    """Write a sound bundle, whose files the damaged ones stand beside."""
    (folder / FOLDER).mkdir(exist_ok=True)
    for name, content in make_parts().items():
        (folder / FOLDER / name).write_bytes(content)


def read_part(path: Path, folder: Path, *, name: str) -> None:
    """A model: finite weights and cut-offs that are numbers."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        here = Path(place)
        for part in (folder / FOLDER).iterdir():
            source = path if part.name == name else part
            (here / part.name).write_bytes(source.read_bytes())
        seal(here)
        with pytest.MonkeyPatch.context() as patch:
            use_tiny_encoder(patch)
            model = read_bundle(here)
    assert len(model.folds) == model.config.data.num_folds
    for leaf in jax.tree.leaves(model.folds):
        assert np.isfinite(leaf).all()
    assert not any(np.isnan(point.cutoff) for point in model.points)
    assert isinstance(model.name + model.positive + model.negative, str)


def damage_json(content: bytes, key: np.random.Generator) -> bytes:
    """Put something odd where a value stands, or drop it, or give it another name."""
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        return content
    place = whole
    for _ in range(int(key.integers(1, 6))):
        names = list(place) if isinstance(place, dict) else [*range(len(place))]
        if not names:
            break
        name = names[int(key.integers(len(names)))]
        inner = place[name]
        if isinstance(inner, dict | list) and inner and key.random() < 0.8:
            place = inner
            continue
        kind = int(key.integers(4))
        if kind == 0:
            del place[name]
        elif kind == 1 and isinstance(place, dict):
            place[f"{name}_"] = place.pop(name)
        else:
            place[name] = _ODD[int(key.integers(len(_ODD)))]
        break
    return json.dumps(whole).encode()


def damage_header(content: bytes, key: np.random.Generator) -> bytes:
    """Say other lengths, types, shapes or offsets in a safetensors header."""
    length = int.from_bytes(content[:8], "little")
    if key.random() < 0.2:
        said = int(key.choice((0, 1, 2**31, 2**40, 2**63 - 1, length + 1)))
        return said.to_bytes(8, "little") + content[8:]
    header = damage_json(content[8 : 8 + length], key)
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


JSON: tuple[Damage, ...] = (damage_json,)
WEIGHTS: tuple[Damage, ...] = (damage_header,)
