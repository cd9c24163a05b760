"""How far readers agree with each other, and with the label that was made of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from negspa_jax.columns import READER
from negspa_jax.evaluate.covariates import read_calls
from negspa_jax.evaluate.patients import Patients
from negspa_jax.shapes import Float
from negspa_jax.stats import (
    Estimate,
    absolute_agreement,
    bootstrap_interval,
    cohen_kappa,
)


@dataclass(frozen=True)
class ReaderPair:
    """Two readers without help in one split, or a reader and the final label.

    `second`: a reader's name; "" is the label, and `num_disagreements` then counts the
    patients who were classified otherwise than this reader did. `num_patients`: those
    whom both called, or who have a call and a label. `kappa`: percentile bootstrap,
    patients drawn; `agreement`: Clopper and Pearson.
    """

    split: str
    first: str
    second: str
    num_patients: int
    num_disagreements: int
    kappa: Estimate
    agreement: Estimate


def pair_readers(
    splits: Mapping[str, Patients], *, num_resamples: int = 1000
) -> tuple[ReaderPair, ...]:
    """Each pair of readers in each split, and each reader with the final label.

    Args:
        splits: the patients of each split, labelled or not, scored or not.
        num_resamples: of the bootstrap of kappa.

    Returns:
        Split by split the pairs in the order of the readers' columns, then every reader
        with the label; a pair that has no patient in common is not listed.

    Raises:
        ValueError: naming the patients, if a cell is not 0, 1 or empty.

    Reference:
        Bressem et al., Arthritis Res Ther 2021;23:106, Results.
    """
    return tuple(
        pair
        for patients in splits.values()
        for pair in _pair_split(patients, num_resamples)
    )


def _pair_split(patients: Patients, num_resamples: int) -> Iterator[ReaderPair]:
    calls = {
        column.removeprefix(READER): read_calls(patients, column)
        for column in patients.columns
        if column.startswith(READER)
    }
    names = [*combinations(calls, 2), *((reader, "") for reader in calls)]
    for first, second in names:
        other = calls[second] if second else patients.labels
        both = ~np.isnan(calls[first] + other)
        if np.any(both):
            pair = calls[first][both], other[both]
            yield _compare(patients.split, first, second, pair, num_resamples)


def _compare(
    split: str,
    first: str,
    second: str,
    pair: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]],
    num_resamples: int,
) -> ReaderPair:
    return ReaderPair(
        split=split,
        first=first,
        second=second,
        num_patients=len(pair[0]),
        num_disagreements=int(np.sum(pair[0] != pair[1])),
        kappa=bootstrap_interval(
            *pair, statistic=cohen_kappa, num_resamples=num_resamples
        ),
        agreement=absolute_agreement(*pair),
    )
