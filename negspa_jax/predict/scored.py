"""A result whose picture is written: all that is kept of it, without its images."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from negspa_jax.data.flags import Flag
from negspa_jax.data.patient import Patient
from negspa_jax.predict.result import Call, Result, Variation
from negspa_jax.predictions import Table
from negspa_jax.whole_file import name_file

PICTURES = "maps"
_SHARED = (
    *("patient", "table", "score", "spread", "clinical", "fused", "lacking"),
    *("calls", "flags", "warnings", "variation"),
)


@dataclass(frozen=True)
class Scored:
    """A `Result` without images; `picture` is a path below the folder of results."""

    patient: Patient
    table: Table
    score: float
    spread: float
    fold_scores: tuple[float, ...]
    clinical: float | None
    fused: float | None
    lacking: tuple[str, ...]
    calls: tuple[Call, ...]
    flags: tuple[Flag, ...]
    warnings: tuple[str, ...]
    variation: Variation | None
    picture: str
    picture_sha256: str


def keep(result: Result, out: Path) -> Scored:
    """Write a result's picture, and keep the rest.

    Args:
        result: of one patient.
        out: the folder of results; the picture lies in its folder `maps`.
    """
    name = f"{PICTURES}/{name_file(result.patient.patient_id)}.png"
    content = result.encode_png()
    (out / PICTURES).mkdir(parents=True, exist_ok=True)
    (out / name).write_bytes(content)
    return Scored(
        **{field: getattr(result, field) for field in _SHARED},
        fold_scores=tuple(result.fold_scores.tolist()),
        picture=name,
        picture_sha256=hashlib.sha256(content).hexdigest(),
    )
