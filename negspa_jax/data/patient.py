"""One patient of a cohort, as the table states it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from negspa_jax.columns import READER, READER_AI
from negspa_jax.data.radiograph_grey import Crop
from negspa_jax.data.rvoi import Clicks


@dataclass(frozen=True)
class Patient:
    """A row of the table. Empty cells are None; paths exist and are absolute.

    `images`: by sequence. `rvoi`: mask by sequence, empty where `clicks` stand for
    it. `boxes`: a radiograph's crop box by view, (top, left, bottom, right) in pixels,
    the last two exclusive. `grades`: of sacroiliitis, by column. `readers`,
    `readers_ai`: the calls of readers alone and with the AI, by name.
    """

    patient_id: str
    split: str
    label: int | None
    images: dict[str, Path]
    rvoi: dict[str, Path] = field(default_factory=dict)
    clicks: Clicks | None = None
    boxes: dict[str, Crop] = field(default_factory=dict)
    features: dict[str, int | None] = field(default_factory=dict)
    covariates: dict[str, float | str | None] = field(default_factory=dict)
    grades: dict[str, int | None] = field(default_factory=dict)
    readers: dict[str, int | None] = field(default_factory=dict)
    readers_ai: dict[str, int | None] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, Path]:
        """Every input file by its role: a sequence's name, or `rvoi:<sequence>`."""
        files = {**self.images, **{f"rvoi:{k}": v for k, v in self.rvoi.items()}}
        if self.clicks is not None and self.clicks.image not in files.values():
            files["rvoi_image"] = self.clicks.image
        return files

    @property
    def clinical(self) -> dict[str, str]:
        """What is known of the patient by column, as text; "" is unknown."""
        columns = {
            **self.features,
            **self.covariates,
            **self.grades,
            **{f"{READER}{name}": call for name, call in self.readers.items()},
            **{f"{READER_AI}{name}": call for name, call in self.readers_ai.items()},
        }
        return {name: _as_text(value) for name, value in columns.items()}


def list_clinical(patients: Sequence[Patient]) -> list[dict[str, str]]:
    """Each patient's clinical columns, without those that nobody has filled."""
    found = [patient.clinical for patient in patients]
    filled = {name for columns in found for name, cell in columns.items() if cell}
    return [
        {name: cell for name, cell in columns.items() if name in filled}
        for columns in found
    ]


def _as_text(value: float | str | None) -> str:
    if value is None:
        return ""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value)


def canonical_id(patient_id: str) -> str:
    """One spelling for all ways to write an id: case, spaces, marks, leading zeros.

    >>> canonical_id("P-007") == canonical_id("p 7") == canonical_id("P7")
    True
    """
    folded = unicodedata.normalize("NFKC", patient_id).casefold()
    parts = re.findall(r"\d+|[^\W\d_]+", folded)
    plain = (part.lstrip("0") or "0" if part.isdigit() else part for part in parts)
    return "-".join(plain) or folded.strip()
