"""Who called which patients: a reader's column, laid beside labels and scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from negspa_jax.columns import READER, READER_AI
from negspa_jax.evaluate.covariates import read_calls
from negspa_jax.evaluate.patients import Patients
from negspa_jax.shapes import Float


@dataclass(frozen=True, eq=False)
class ReaderCalls:
    """One reader's calls, 0 or 1, of labelled patients of one split.

    `patients`: those with a call, in the order of `calls`; `num_missing`: labelled
    patients without one. `assisted`: with the model's help.
    """

    reader: str
    assisted: bool
    patients: Patients
    calls: Float[np.ndarray, " n"]
    num_missing: int


def find_calls(splits: Mapping[str, Patients]) -> Iterator[ReaderCalls]:
    """Each reader in each split, alone, then with help, in the order of the columns.

    A reader who called no labelled patient of a split is not listed there.

    Raises:
        ValueError: naming the patients, if a cell is not 0, 1 or empty.
    """
    for patients in splits.values():
        for reader in list_readers(patients):
            for prefix in (READER, READER_AI):
                column = prefix + reader
                if column in patients.columns:
                    found = _read(patients, column, reader, prefix == READER_AI)
                    if len(found.calls):
                        yield found


def list_readers(patients: Patients) -> tuple[str, ...]:
    """The names of all readers who have a column, each once, in the columns' order."""
    return tuple(
        dict.fromkeys(
            column.removeprefix(READER).removeprefix(READER_AI)
            for column in patients.columns
            if column.startswith((READER, READER_AI))
        )
    )


def _read(patients: Patients, column: str, reader: str, assisted: bool) -> ReaderCalls:
    calls, labelled = read_calls(patients, column), ~np.isnan(patients.labels)
    keep = labelled & ~np.isnan(calls)
    return ReaderCalls(
        reader=reader,
        assisted=assisted,
        patients=patients.choose(keep),
        calls=calls[keep],
        num_missing=int(labelled.sum() - keep.sum()),
    )
