"""The patients of a study as columns: labels, scores of every kind, covariates."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from negspa_jax.predictions import Fold
from negspa_jax.shapes import Bool, Float


@dataclass(frozen=True, eq=False)
class Patients:
    """The patients of one split; every array and tuple is in the order of `ids`.

    `labels`: 0 or 1, NaN where unknown. `scores`: by the score's name, in [0, 1];
    every score is there for every patient. `folds`: whose model gave the image score
    (`mean`: all). `columns`: covariates, features, readers' calls as text, "" where
    empty; every column is there for every patient.
    """

    split: str
    ids: tuple[str, ...]
    labels: Float[np.ndarray, " n"]
    scores: Mapping[str, Float[np.ndarray, " n"]]
    folds: tuple[Fold, ...]
    columns: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.ids)

    def choose(self, keep: Bool[np.ndarray, " n"]) -> "Patients":
        """The patients for whom `keep` holds, in the same order."""
        places = np.flatnonzero(keep)
        return Patients(
            self.split,
            tuple(self.ids[i] for i in places),
            self.labels[keep],
            {name: scores[keep] for name, scores in self.scores.items()},
            tuple(self.folds[i] for i in places),
            {
                name: tuple(cells[i] for i in places)
                for name, cells in self.columns.items()
            },
        )

    def labelled(self) -> "Patients":
        """The patients whose label is known."""
        return self.choose(~np.isnan(self.labels))
