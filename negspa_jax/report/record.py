"""A study as JSON: every field of every dataclass, and what the fields mean."""

import dataclasses
import inspect
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from negspa_jax.evaluate.study import Study

FORMAT = 1
_NUMBERS = re.compile(r'\[\n(?:[^\[\]{}"]|"-?inf")*\n\s*\]')
_CONVENTIONS = (
    "Undefined numbers are null; infinity is the text inf or -inf. Arrays are lists. "
    "Shares lie between 0 and 1. Pictures of maps are files of their own, named here. "
    "Under types, the meaning of each object's fields."
)


def format_study(study: Study, *, pictures: Mapping[str, str]) -> str:
    """The text of study.json: sorted as the study is, the same bytes each time.

    Args:
        study: all of it is written.
        pictures: the file's name of each picture, by its SHA-256.

    Returns:
        JSON of an object with `about` (format, conventions, types) and `study`.
    """
    types: dict[str, str] = {}
    content = _as_json(study, types, pictures)
    about = {
        "what": "Research software, not a medical device.",
        "format": FORMAT,
        "conventions": _CONVENTIONS,
        "types": dict(sorted(types.items())),
    }
    record = {"about": about, "study": content}
    text = json.dumps(record, indent=1, allow_nan=False, ensure_ascii=False)
    # Numbers of an array stand in one line; text holds no line breaks in JSON.
    return _NUMBERS.sub(lambda found: " ".join(found[0].split()), text) + "\n"


def _as_json(value: Any, types: dict[str, str], pictures: Mapping[str, str]) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    fields = _fields(value)
    if fields is not None:
        types[type(value).__name__] = inspect.getdoc(type(value)) or ""
        value = fields
        if isinstance(value.get("png"), bytes):
            value = {**value, "png": pictures[value["sha256"]]}
    if isinstance(value, Mapping):
        return {
            str(key): _as_json(item, types, pictures) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_as_json(item, types, pictures) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return _as_number(value) if isinstance(value, float) else value


def _fields(value: Any) -> dict[str, Any] | None:
    """The fields of a dataclass or a named tuple; None for anything else."""
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: getattr(value, name) for name in names}
    return value._asdict() if hasattr(value, "_asdict") else None


def _as_number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return str(value) if math.isinf(value) else value
