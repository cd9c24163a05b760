"""The schema of a run, its rules, and the comparison of two runs."""

from negspa_jax.config.fields import differences, flatten, unflatten
from negspa_jax.config.rules import ConfigError
from negspa_jax.config.schema import (
    Augmentation,
    Config,
    Data,
    Encoder,
    Head,
    Mixing,
    Optimizer,
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
    "Runtime",
    "Stage",
    "differences",
    "flatten",
    "unflatten",
]
