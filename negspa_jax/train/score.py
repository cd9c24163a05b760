"""Scores of samples, and the patient-level AUC that chooses the best epoch."""

from collections.abc import Callable

import numpy as np

from negspa_jax.data.pipeline import Cache, Samples, evaluation_batches
from negspa_jax.shapes import Float, Int
from negspa_jax.stats import auc
from negspa_jax.train import parallel
from negspa_jax.train.optim import Variables


def predict_scores(
    score_step: Callable,
    variables: Variables,
    cache: Cache,
    samples: Samples,
    *,
    batch_size: int,
    workers: int = 2,
) -> Float[np.ndarray, " n"]:
    """Return the positive class's probability of every sample, none dropped.

    Args:
        score_step: `step.make_score_step`, spread over the devices.
        variables: of the model, replicated.
        cache: from `build_cache`.
        samples: in the order of the result.
        batch_size: over all devices; the last batch is padded.
        workers: reading threads.
    """
    size = parallel.to_devices_multiple(batch_size)
    batches = evaluation_batches(
        cache,
        samples,
        batch_size=size,
        rows=parallel.local_rows(size),
        workers=workers,
    )
    scores = [
        np.asarray(score_step(variables, parallel.split_over_devices(batch.images)))
        for batch in batches
    ]
    return np.concatenate(scores)[: len(samples)].astype(np.float64)


def patient_auc(
    scores: Float[np.ndarray, " n"], samples: Samples, labels: Int[np.ndarray, " all"]
) -> float:
    """Return the AUC of the patients' mean scores.

    Args:
        scores: of every sample.
        samples: whose they are.
        labels: 0 or 1 of every patient of the cohort.
    """
    patients, where = np.unique(samples.patient, return_inverse=True)
    means = np.bincount(where, scores) / np.bincount(where)
    return auc(labels[patients], means)
