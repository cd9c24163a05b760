"""`model.json` of a bundle: everything of a model that is no array, as plain JSON."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from negspa_jax import __version__
from negspa_jax.config import flatten, unflatten
from negspa_jax.csv_table import show_text
from negspa_jax.evaluate.inputs import shorten_paths
from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.predict.model import Model
from negspa_jax.predict.result import DECIDED

FORMAT = 1
USE = "Research software, not a medical device. No diagnosis may rest on its output."
_TEXTS = ("name", "positive", "negative")


def format_model(model: Model) -> str:
    """The text of `model.json`; paths of the machine that trained are left out."""
    content = {
        "format": FORMAT,
        "use": USE,
        "exported_with": __version__,
        **{name: getattr(model, name) for name in _TEXTS},
        "missing": model.missing,
        # A cut-off may be infinite, which JSON has no number for.
        "points": [{**asdict(p), "cutoff": repr(p.cutoff)} for p in model.points],
        "origin": dict(model.origin),
        "config": shorten_paths(flatten(model.config)),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def parse_model(text: str, path: Path) -> dict[str, Any]:
    """Return the parts of a `Model` that `format_model` wrote, all checked.

    Args:
        text: of the file.
        path: for the message.

    Raises:
        ValueError: if it is no such text.
    """
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r} is of another version")
        parts = {name: _as_text(content[name]) for name in _TEXTS}
        if content["missing"] not in ("error", "absent"):
            raise ValueError("missing must be error or absent")
        return {
            **parts,
            "missing": content["missing"],
            "points": tuple(_parse_point(point) for point in content["points"]),
            "origin": {str(k): _as_text(v) for k, v in content["origin"].items()},
            "config": unflatten(content["config"]),
        }
    # JSON of another shape fails in as many ways as there are shapes.
    except (
        *(ValueError, KeyError, TypeError, AttributeError),
        *(IndexError, RecursionError, OverflowError),
    ) as error:
        reason = show_text(" ".join(str(error).split()), longest=300)
        raise ValueError(
            f"{path} must describe a model of this program ({reason})"
        ) from None


def _as_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text, got {value!r:.80}")
    return value


def _parse_point(point: dict[str, Any]) -> OperatingPoint:
    cutoff, count = float(_as_text(point["cutoff"])), point["num_patients"]
    if math.isnan(cutoff) or type(count) is not int or point["score"] not in DECIDED:
        raise ValueError(f"an operating point must have numbers, got {point!r:.120}")
    texts = {
        name: _as_text(point[name]) for name in ("score", "name", "rule", "source")
    }
    return OperatingPoint(**texts, cutoff=cutoff, num_patients=count)
