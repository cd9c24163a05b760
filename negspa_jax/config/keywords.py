"""A config's parts as the keywords of what they describe.

Training makes them of a config, and whoever opens a finished run makes the same again.
"""

import dataclasses
from typing import Any

from negspa_jax.config.schema import Config

# Everything in config.data but these is a keyword of `crop_patient`.
_NOT_OF_CROPS = ("cohort", "phantom", "num_folds")


def crop_keywords(config: Config, *, image_size: int) -> dict[str, Any]:
    """The keywords of `data.crop_patient`.

    Args:
        config: of the run.
        image_size: of the stage, in pixels.
    """
    options = dataclasses.asdict(config.data) | {"image_size": image_size}
    return {name: options[name] for name in options if name not in _NOT_OF_CROPS}


def model_keywords(config: Config) -> dict[str, Any]:
    """The attributes of `models.MultiEncoder`, but for inputs, types and axes."""
    return {
        "encoder": config.encoder.name,
        "shared": config.encoder.shared,
        "normalize": config.encoder.normalize,
        "form": config.head.form,
        "hidden": config.head.hidden,
        "dropout": config.head.dropout,
    }
