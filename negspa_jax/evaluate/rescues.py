"""Whom the model alone calls rightly, and whom a reader alone ([S], Table S7)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from negspa_jax.evaluate.calls import ReaderCalls, find_calls
from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.patients import Patients
from negspa_jax.evaluate.subgroups import Grouping, assign_groups
from negspa_jax.shapes import Bool


@dataclass(frozen=True)
class Rescue:
    """Patients whom one classifies rightly and the other does not, by group.

    The counterpart of Table S7: `model_only` patients whom the model alone calls
    rightly, `reader_only` the reverse, in the group (covariate "": all of the split;
    group "" of a covariate: those in whom it is unknown).
    """

    split: str
    reader: str
    covariate: str
    group: str
    model_only: int
    reader_only: int


def list_rescues(
    splits: Mapping[str, Patients],
    *,
    score: str,
    point: OperatingPoint | None,
    groupings: Sequence[Grouping],
) -> tuple[Rescue, ...]:
    """Patients whom the model alone, or a reader alone, calls rightly, by group.

    Args:
        splits: the patients of each split; those without a label are not counted.
        score: name of the model's score.
        point: the operating point that makes calls of it; None: nothing to count.
        groupings: of `subgroups.find_groupings`.

    Returns:
        For each split and reader without help: all patients with a call (covariate and
        group ""), then every group of every covariate, and as group "" those whose
        covariate is empty, where there are such. Over all groups of a covariate the
        counts sum to those of the split.

    Raises:
        ValueError: naming the patients, if a reader's cell is not 0, 1 or empty.

    Reference:
        [S], Table S7.
    """
    if point is None:
        return ()
    return tuple(
        rescue
        for found in find_calls(splits)
        if not found.assisted
        for rescue in _count_rescues(found, score, point, groupings)
    )


def _count_rescues(
    found: ReaderCalls,
    score: str,
    point: OperatingPoint,
    groupings: Sequence[Grouping],
) -> Iterator[Rescue]:
    patients = found.patients
    reader_right = found.calls == patients.labels
    model_right = (patients.scores[score] >= point.cutoff) == patients.labels

    def count(covariate: str, group: str, members: Bool[np.ndarray, " n"]) -> Rescue:
        return Rescue(
            split=patients.split,
            reader=found.reader,
            covariate=covariate,
            group=group,
            model_only=int(np.sum(members & model_right & ~reader_right)),
            reader_only=int(np.sum(members & reader_right & ~model_right)),
        )

    yield count("", "", np.ones(len(patients), dtype=bool))
    for grouping in groupings:
        groups = np.array(assign_groups(patients, grouping))
        for group in grouping.groups:
            yield count(grouping.covariate, group, groups == group)
        if np.any(groups == ""):
            yield count(grouping.covariate, "", groups == "")
