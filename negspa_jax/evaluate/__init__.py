"""Scores become evidence: a predictions table in, a whole results section out.

`load_study` reads the files, `assess_study` answers every question that their columns
allow; a `Study` holds the answers as numbers. Every step can be called alone.
"""

from negspa_jax.evaluate.assess import (
    Options,
    assess_study,
    find_examples,
    load_study,
)
from negspa_jax.evaluate.cases import Case
from negspa_jax.evaluate.fusion import fuse_scores, score_features
from negspa_jax.evaluate.inputs import Inputs, read_inputs
from negspa_jax.evaluate.patients import Patients, gather_patients
from negspa_jax.evaluate.questions import carry_points, without_gaps
from negspa_jax.evaluate.study import Study

__all__ = [
    "Case",
    "Inputs",
    "Options",
    "Patients",
    "Study",
    "assess_study",
    "carry_points",
    "find_examples",
    "fuse_scores",
    "gather_patients",
    "load_study",
    "read_inputs",
    "score_features",
    "without_gaps",
]
