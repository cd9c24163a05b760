"""Every labelled patient with scores and calls: who was called wrongly, and how."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One labelled patient at the primary score's Youden point.

    `outcome`: "true positive", "false positive", "false negative", "true negative".
    `scores`: every score by name. `sides`: the image score of each side. `fold_sd`:
    standard deviation of the folds' image scores, NaN if there is but one. `calls`:
    readers' calls by column (`reader:A`, `reader_ai:A`), where there are any.
    """

    split: str
    patient_id: str
    label: int
    outcome: str
    scores: Mapping[str, float]
    sides: Mapping[str, float]
    fold_sd: float
    calls: Mapping[str, int]
