"""A config's parts as the keywords of what they describe.

Training makes them of a config, and whoever opens a finished run makes the same again.
"""

import dataclasses
from typing import Any

from negspa_jax.config.ignored import OF_MRI
from negspa_jax.config.schema import Config


def image_keywords(config: Config, *, image_size: int) -> dict[str, Any]:
    """The keywords of `data.crop_patient`, or of `data.show_views` for radiographs.

    Args:
        config: of the run.
        image_size: of the stage, in pixels.
    """
    shared = {"sequences": config.data.sequences, "image_size": image_size}
    if config.data.kind == "radiograph":
        return shared | dataclasses.asdict(config.radiograph)
    return shared | {name: getattr(config.data, name) for name in sorted(OF_MRI)}


def cohort_keywords(config: Config) -> dict[str, Any]:
    """The keywords of `data.read_cohort`.

    Splits that a model learns from or is chosen by must have labels; but readers who
    do not agree leave some without.
    """
    learned = ("train", "validation") if config.data.num_folds == 1 else ("train",)
    return {
        "sequences": config.data.sequences,
        "kind": config.data.kind,
        "reference": config.data.reference,
        "labelled": learned,
    }


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
