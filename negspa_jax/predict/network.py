"""A run's model as its config describes it, and what each fold has learnt."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from negspa_jax.checkpoint import Checkpoints, Leaves, from_leaves
from negspa_jax.config import Config, model_keywords
from negspa_jax.models import MultiEncoder, grad_cam_of_features
from negspa_jax.shapes import Array, Float

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


class Steps(NamedTuple):
    """The network's two compiled steps, each for one sample in eval mode.

    `score`: variables and images (1, m, h, w, c) -> probability of the positive class
    (1,), feature maps (1, m, p, q, d). `explain`: variables and feature maps ->
    Grad-CAM (1, m, p, q).

    One sample, always: the last digits of a score depend on the shape of the batch,
    and a patient must have the same score alone, among others and in training. On a
    CPU nothing is lost (ResNet50 at 224 pixels: 33 images/s for 1 or 16 at a time).
    """

    score: Callable[..., Any]
    explain: Callable[..., Any]


def compile_steps(model: MultiEncoder) -> Steps:
    """Return the steps; each is compiled when it is first called."""

    @jax.jit
    def score(
        variables: Variables, images: Float[Array, "1 m h w c"]
    ) -> tuple[Float[Array, "1"], Float[Array, "1 m p q d"]]:
        features: Any = model.apply(variables, images, train=False, method="encode")
        logits: Any = model.apply(variables, features, train=False, method="classify")
        return jax.nn.softmax(logits)[:, 1], features

    return Steps(score, jax.jit(partial(grad_cam_of_features, model)))


def make_template(model: MultiEncoder) -> Any:
    """Return the shapes and types of the model's variables."""
    images = jax.ShapeDtypeStruct((1, model.num_inputs, _SIZE, _SIZE, 3), jnp.float32)
    init = partial(model.init, train=False)
    return jax.eval_shape(init, jax.random.key(0), images)


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
    return place_variables(make_template(model), leaves)


def place_variables(template: Any, leaves: Leaves) -> Variables:
    """Put a model's arrays in their places, on the device where it will run.

    Args:
        template: from `make_template`.
        leaves: arrays by name.

    Raises:
        ValueError: if they are another model's.
    """
    variables: Variables = jax.device_put(from_leaves(template, leaves))
    return variables
