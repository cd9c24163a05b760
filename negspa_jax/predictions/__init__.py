"""The predictions table, the one place where images end and statistics begin.

`predictions.csv` is UTF-8 text, comma separated, one header line, one score a row
(semicolons, tabs and bars are read too):

| column       | holds                                                            |
|--------------|------------------------------------------------------------------|
| `patient_id` | text, kept as written (`007` stays `007`), no blanks at its ends |
| `split`      | `train`, or the name of a test set; a patient is in one split    |
| `label`      | `1` positive, `0` negative, empty where unknown; one a patient   |
| `fold`       | the model that scored: `0` .. `k-1`, or `mean` over all k models |
| `side`       | `left` or `right` of the patient, `whole` for one window on both,|
|              | `both` for the patient's score, the mean over his or her sides   |
| `score`      | probability of the positive class, from 0 to 1                   |

A patient, fold and side occur once. A patient of the split `train` is scored only by
the model that did not learn from him or her (out of fold), so has one fold's rows and
no `mean`; a patient of any other split has each fold's rows and their `mean`. A run of
one model (`fold` 0) has no rows of `train`: it learned from all of them, and chose its
best epoch by the split `validation`.

Further columns (covariates, features, readers' calls) are kept as text in `extra`.
A table from elsewhere needs `patient_id`, `label` and `score` only: a missing column
`split` reads as `all`, `fold` as `mean`, `side` as `both`. Files written here are
sorted (split, patient, fold, side; text order), and a score is written with the
digits that give the same float64 back, so equal tables are equal bytes.
"""

from negspa_jax.columns import NO_SPLIT
from negspa_jax.predictions.file import (
    UNSCORED,
    read_predictions,
    write_predictions,
)
from negspa_jax.predictions.join import join_columns
from negspa_jax.predictions.table import (
    SIDES,
    TRAIN,
    VALIDATION,
    Fold,
    PatientScores,
    Prediction,
    Table,
    bilateral,
    merge_folds,
    patient_scores,
)

__all__ = [
    "NO_SPLIT",
    "SIDES",
    "TRAIN",
    "UNSCORED",
    "VALIDATION",
    "Fold",
    "PatientScores",
    "Prediction",
    "Table",
    "bilateral",
    "join_columns",
    "merge_folds",
    "patient_scores",
    "read_predictions",
    "write_predictions",
]
