"""Where the numbers of a study come from: files with hashes, versions, the run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    """`config`, `environment`: of the run's manifest, empty without a run."""

    sources: tuple[SourceFile, ...]
    versions: Mapping[str, str]
    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    weights_sha256: str
    training: tuple[Epoch, ...]
    maps: tuple[CaseMap, ...]
