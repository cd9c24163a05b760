"""Where the numbers of a study come from: files with hashes, versions, the run."""

import csv
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negspa_jax import __version__
from negspa_jax.csv_table import read_table

_PACKAGES = ("numpy", "scipy", "scikit-learn")


@dataclass(frozen=True)
class SourceFile:
    """A file that was read: what it is, its name without folders, its SHA-256."""

    role: str
    name: str
    sha256: str


@dataclass(frozen=True)
class Epoch:
    """One epoch of one fold's training; `validation_auc` is of patients."""

    fold: int
    stage: int
    epoch: int
    learning_rate: float
    train_loss: float
    validation_auc: float


@dataclass(frozen=True)
class CaseMap:
    """A picture of one patient's class activation maps, written beside the run."""

    patient_id: str
    split: str
    png: bytes
    sha256: str


@dataclass(frozen=True, eq=False)
class Provenance:
    """Files and versions, and what is known of the run.

    `config`, `environment`: of its manifest, empty without a run. `validation`: whether
    the split by which its one model is validated is the cohort table's ("table") or
    "drawn" from `train`; "" where that is not known.
    """

    sources: tuple[SourceFile, ...]
    versions: Mapping[str, str]
    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    weights_sha256: str
    training: tuple[Epoch, ...]
    maps: tuple[CaseMap, ...]
    validation: str = ""

    @property
    def has_one_model(self) -> bool:
        """Whether the run trained one model, so that there are no folds."""
        return self.config.get("data.num_folds") == 1


def record_sources(files: Sequence[tuple[str, Path]]) -> Provenance:
    """The provenance of a study that has no run: files by role, and versions.

    Args:
        files: what each file is, and where.
    """
    sources = tuple(
        SourceFile(role, path.name, hash_bytes(path.read_bytes()))
        for role, path in files
    )
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    versions |= {"negspa_jax": __version__, "python": platform.python_version()}
    return Provenance(sources, versions, {}, {}, "", (), ())


def read_manifest(run: Path) -> dict[str, dict[str, Any]]:
    """What a run's manifest holds: its parts by name, of which `config` and `inputs`.

    Raises:
        ValueError: if the directory has no manifest, or a damaged one.
    """
    path = run / "manifest.json"
    if not path.is_file():
        raise ValueError(
            f"--run must be the directory of a training run, but {path} is not there"
        )
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or not all(
        isinstance(manifest.get(part), dict) for part in ("config", "inputs")
    ):
        raise ValueError(
            f"{path} must be a run's manifest, but it is damaged: restore it"
        )
    return {name: part for name, part in manifest.items() if isinstance(part, dict)}


def read_training(run: Path) -> tuple[Epoch, ...]:
    """Every epoch of every fold, in the order in which they were trained."""
    folders = sorted(run.glob("fold_*"), key=lambda folder: (len(folder.name), folder))
    return tuple(
        Epoch(
            int(row["fold"]),
            int(row["stage"]),
            int(row["epoch"]),
            float(row["learning_rate"]),
            float(row["train_loss"]),
            float(row["validation_auc"]),
        )
        for folder in folders
        for row in _rows(folder / "history.csv")
    )


def read_maps(folder: Path, patient_ids: Iterable[str]) -> tuple[CaseMap, ...]:
    """The pictures of these patients, of those that `gradcam.csv` in a folder lists.

    Raises:
        ValueError: if the list or a picture is missing, or a picture has changed.
    """
    index = folder / "gradcam.csv"
    if not index.is_file():
        raise ValueError(
            f"--maps must be a folder that `negspa_jax.predict gradcam` wrote, but "
            f"{index} is not there"
        )
    table = read_table(index, key="patient_id")
    lacking = {"patient_id", "split", "file", "sha256"} - set(table.columns)
    if table.problems or lacking:
        what = table.problems or [f"columns {sorted(lacking)} are missing"]
        raise ValueError(f"{index}: {'; '.join(what)}; write the maps again")
    listed = {row.cells["patient_id"]: row.cells for row in table.rows}
    return tuple(
        _read_map(folder, listed[name]) for name in patient_ids if name in listed
    )


def _read_map(folder: Path, cells: Mapping[str, str]) -> CaseMap:
    path = folder / cells["file"]
    png = path.read_bytes() if path.is_file() else b""
    if hash_bytes(png) != cells["sha256"]:
        raise ValueError(
            f"patient {cells['patient_id']}, file {path} must be the picture that "
            "gradcam.csv lists, got another or none; write the maps again"
        )
    return CaseMap(cells["patient_id"], cells["split"], png, cells["sha256"])


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def hash_bytes(content: bytes) -> str:
    """The SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()
