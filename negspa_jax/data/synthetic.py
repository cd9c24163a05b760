"""What the synthetic cohorts of both kinds share: presets, rows, the table."""

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

P = TypeVar("P")


def pick_preset(preset: str | P, presets: Mapping[str, P]) -> P:
    """Return a preset by its name; one that is no name as it is.

    Raises:
      ValueError: for a name that is none.
    """
    if not isinstance(preset, str):
        return preset
    if preset not in presets:
        raise ValueError(f"preset must be one of {sorted(presets)}, got {preset!r}")
    return presets[preset]


def shuffle_classes(
    groups: Mapping[str, tuple[int, int]], seed: Sequence[int]
) -> list[tuple[int, str, int]]:
    """(number, split, label) of each patient; classes shuffled within a split.

    Args:
      groups: split -> number of patients (negative, positive).
      seed: of the cohort and its kind; each split draws from a stream of its own.
    """
    rows: list[tuple[int, str, int]] = []
    for number, (split, sizes) in enumerate(groups.items()):
        labels = np.repeat([0, 1], sizes)
        np.random.default_rng([*seed, number]).shuffle(labels)
        rows += [(len(rows) + i + 1, split, int(y)) for i, y in enumerate(labels)]
    return rows


def write_table(
    path: Path,
    columns: Sequence[str],
    write: Callable[[Any], dict[str, object]],
    rows: Iterable[Any],
    *,
    num_processes: int | None,
) -> Path:
    """Write every patient, and the table of what was written; return its path.

    Args:
      path: of the table.
      columns: of the table.
      write: writes one patient's files and returns the row of the table.
      rows: what `write` takes, one for each patient.
      num_processes: None: one for each available core.
    """
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(map_processes(write, rows, num_processes))
    return path


def map_processes(
    write, rows, num_processes: int | None
) -> Iterator[dict[str, object]]:
    """The rows' results in order; processes are spawned, as JAX may hold threads."""
    num_processes = num_processes or len(os.sched_getaffinity(0))
    if num_processes == 1:
        yield from map(write, rows)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(num_processes, mp_context=context) as pool:
        yield from pool.map(write, rows, chunksize=4)
