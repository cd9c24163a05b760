"""The SHA-256 of every input at first sight, compared at every later run.

A plain .nii has no checksum of its own, and a file can be exchanged under its name:
only what was written down when it was first seen can tell.
"""

import csv
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from negspa_jax.data.cohort import Cohort
from negspa_jax.data.errors import CohortError
from negspa_jax.data.volume import file_sha256

__all__ = ["file_sha256", "hash_inputs", "record_inputs"]


class _Entry(NamedTuple):
    """A line of the manifest: whose file, what for, where, and its bytes."""

    patient_id: str
    role: str
    path: str
    bytes: int
    sha256: str


def record_inputs(
    cohort: Cohort, *, manifest: Path, accept_new: bool = False, workers: int = 4
) -> dict[Path, str]:
    """Hash every input file; write the manifest, or compare with the one there is.

    A patient's file is known by patient and role (`t1w`, `rvoi:t1w`, ...), so that
    a cohort may move to another folder. Patients who left the table are ignored.

    Args:
      cohort: from `read_cohort`.
      manifest: a CSV table, written whole or not at all.
      accept_new: add patients, or files of patients, that the manifest lacks.
      workers: files hashed at the same time.

    Returns:
      The SHA-256 of every input file.

    Raises:
      CohortError: files that are missing, changed, or new without `accept_new`: all.
    """
    found = _hash_all(cohort, workers)
    entries = _list_entries(cohort, found)
    known = _read_manifest(manifest) if manifest.exists() else None
    problems = [
        f"patient {patient.patient_id}, file {path}: cannot be read ({found[path]})"
        for patient in cohort.patients
        for path in dict.fromkeys(patient.files.values())
        if isinstance(found[path], OSError)
    ]
    problems += _compare(known, entries, accept_new) if known is not None else []
    if problems:
        headline = f"{manifest}: the input files are not those of the first run"
        raise CohortError(headline, problems)
    if known is None or accept_new:
        _write_manifest(manifest, {**(known or {}), **entries}.values())
    return {path: str(sha256) for path, sha256 in found.items()}


def hash_inputs(cohort: Cohort, *, workers: int = 4) -> dict[Path, str]:
    """The SHA-256 of every input file that can be read."""
    found = _hash_all(cohort, workers)
    return {path: sha for path, sha in found.items() if isinstance(sha, str)}


def _hash_all(cohort: Cohort, workers: int) -> dict[Path, str | OSError]:
    found: dict[Path, str | OSError] = {}
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        # Patient by patient: the pool remembers every call that waits, which for all
        # of a cohort's files at once takes more memory than its table.
        for patient in cohort.patients:
            paths = dict.fromkeys(p for p in patient.files.values() if p not in found)
            found.update(zip(paths, pool.map(_hash, paths), strict=True))
    return found


def _hash(path: Path) -> str | OSError:
    try:
        return file_sha256(path)
    except OSError as error:
        return error


def _list_entries(
    cohort: Cohort, found: dict[Path, str | OSError]
) -> dict[tuple[str, str], _Entry]:
    """What can be read, by patient and role; paths relative to the table."""
    folder, entries = os.path.abspath(cohort.path.parent), {}
    for patient in cohort.patients:
        for role, path in patient.files.items():
            sha256 = found[path]
            if isinstance(sha256, str):
                place = Path(os.path.relpath(path, folder)).as_posix()
                size = path.stat().st_size
                entry = _Entry(patient.patient_id, role, place, size, sha256)
                entries[patient.patient_id, role] = entry
    return entries


def _compare(
    known: dict[tuple[str, str], _Entry],
    entries: dict[tuple[str, str], _Entry],
    accept_new: bool,
) -> list[str]:
    problems = []
    for key, entry in entries.items():
        place = f"patient {entry.patient_id}, file {entry.path} ({entry.role})"
        if key not in known:
            if not accept_new:
                remedy = "is new: start another run, or accept new files"
                problems.append(f"{place}: {remedy}")
        elif entry.sha256 != known[key].sha256:
            was, now = known[key], f"{entry.bytes} bytes, {entry.sha256[:12]}"
            wanted = f"{was.bytes} bytes, SHA-256 {was.sha256[:12]}"
            remedy = "restore it, or start another run"
            problems.append(f"{place}: must be {wanted}, got {now}: {remedy}")
    return problems


def _read_manifest(manifest: Path) -> dict[tuple[str, str], _Entry]:
    try:
        with manifest.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            if tuple(next(reader, ())) != _Entry._fields:
                raise ValueError("another header")
            entries = [_Entry(a, b, c, int(d), e) for a, b, c, d, e in reader]
    except (OSError, ValueError, csv.Error) as error:
        problem = f"must be a manifest of this program, but is damaged ({error})"
        raise CohortError(f"{manifest}: cannot be compared with", [problem]) from None
    return {(entry.patient_id, entry.role): entry for entry in entries}


def _write_manifest(manifest: Path, entries: Iterable[_Entry]) -> None:
    manifest.parent.mkdir(parents=True, exist_ok=True)
    part = manifest.with_name(f"{manifest.name}.{os.getpid()}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([_Entry._fields, *entries])
    part.replace(manifest)
