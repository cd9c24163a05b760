"""The schema of a run, its rules, its parts as keywords, two runs compared."""

from negspa_jax.config.fields import differences, flatten, unflatten
from negspa_jax.config.keywords import (
    cohort_keywords,
    image_keywords,
    model_keywords,
)
from negspa_jax.config.rules import ConfigError
from negspa_jax.config.schema import (
    Augmentation,
    Config,
    Data,
    Encoder,
    Head,
    Mixing,
    Optimizer,
    Radiograph,
    Runtime,
    Stage,
)

__all__ = [
    "Augmentation",
    "Config",
    "ConfigError",
    "Data",
    "Encoder",
    "Head",
    "Mixing",
    "Optimizer",
    "Radiograph",
    "Runtime",
    "Stage",
    "cohort_keywords",
    "differences",
    "flatten",
    "image_keywords",
    "model_keywords",
    "unflatten",
]
