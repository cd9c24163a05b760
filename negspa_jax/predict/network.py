"""A run's model as its config describes it, and what each fold has learnt."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from negspa_jax.checkpoint import Checkpoints, from_leaves
from negspa_jax.config import Config, model_keywords
from negspa_jax.models import MultiEncoder

Variables = Mapping[str, Any]
# Parameters do not depend on the image's size; this is the smallest that all take.
_SIZE = 32


def build_model(config: Config) -> MultiEncoder:
    """Return the network that a run trained."""
    return MultiEncoder(
        num_inputs=len(config.data.sequences),
        dtype=jnp.bfloat16 if config.precision == "bfloat16" else None,
        **model_keywords(config),
    )


def load_variables(folder: Path, model: MultiEncoder, *, fold: int) -> Variables:
    """Return one fold's parameters and statistics, each array's hash checked.

    Args:
        folder: the run directory.
        model: from `build_model`.
        fold: from 0.

    Raises:
        ValueError: if they are missing, damaged, or another model's or fold's.
    """
    where = folder / f"fold_{fold}" / "model"
    if not (where / "0").is_dir():
        raise ValueError(
            f"{where} must hold the model of fold {fold}, but it is not there: restore "
            "it from a copy of the run, or train the fold again"
        )
    checkpoints = Checkpoints(where, keep=1)
    try:
        leaves, notes = checkpoints.load(0)
    finally:
        checkpoints.close()
    if notes.get("fold") != fold:
        raise ValueError(
            f"{where} must hold the model of fold {fold}, got fold {notes.get('fold')}:"
            " the folders were mixed up"
        )
    images = jax.ShapeDtypeStruct((1, model.num_inputs, _SIZE, _SIZE, 3), jnp.float32)
    init = partial(model.init, train=False)
    template = jax.eval_shape(init, jax.random.key(0), images)
    variables: Variables = from_leaves(template, leaves)
    return variables
