"""A run's network: the model, its compiled steps, its variables before training."""

import dataclasses
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from negspa_jax.config import Config, model_keywords
from negspa_jax.mixcut import PRESETS, Options
from negspa_jax.models import MultiEncoder, make_encoder
from negspa_jax.train import parallel
from negspa_jax.train.mixing import make_mix
from negspa_jax.train.optim import Variables, make_adam
from negspa_jax.train.presets import find_mixing
from negspa_jax.train.saliency import make_saliency
from negspa_jax.train.step import cross_entropy, make_score_step, make_train_step


class Network(NamedTuple):
    """The compiled parts that all folds share."""

    train_steps: tuple[Callable, ...]  # of each stage; stages alike share one
    plain_steps: tuple[Callable, ...]  # the same without mixing
    score_step: Callable
    optimizer: optax.GradientTransformation


def build_network(config: Config, *, num_inputs: int) -> tuple[MultiEncoder, Network]:
    """Return the model, and its steps spread over the devices."""
    model = MultiEncoder(
        num_inputs=num_inputs,
        **model_keywords(config),
        dtype=jnp.bfloat16 if config.precision == "bfloat16" else None,
        axis_name=parallel.AXIS,
    )
    adam = make_adam(
        beta1=config.optimizer.beta1,
        beta2=config.optimizer.beta2,
        eps=config.optimizer.eps,
        weight_decay=config.optimizer.weight_decay,
        decay=config.optimizer.decay,
        decay_all=config.optimizer.decay_all,
    )
    score = parallel.spread(make_score_step(model), batched=(False, True), donate=False)
    return model, Network(
        train_steps=_train_steps(model, adam, config, find_mixing(config.mixing)),
        plain_steps=_train_steps(model, adam, config, PRESETS["none"]),
        score_step=score,
        optimizer=adam,
    )


def _train_steps(
    model: MultiEncoder,
    adam: optax.GradientTransformation,
    config: Config,
    options: Options,
) -> tuple[Callable, ...]:
    loss = partial(cross_entropy, label_smoothing=config.label_smoothing)

    @cache
    def make(frozen: str, stem_rate: float, device_batch: int) -> Callable:
        find_saliency = make_saliency(
            model,
            method=config.mixing.saliency,
            size=config.mixing.saliency_size,
            loss=loss,
            device_batch=device_batch,
        )
        probability = config.mixing.probability
        step = make_train_step(
            model,
            adam,
            loss=loss,
            frozen=frozen,
            stem_rate=stem_rate,
            device_batch=device_batch,
            augmentation=dataclasses.asdict(config.augmentation),
            mix=make_mix(find_saliency, options=options, probability=probability),
        )
        batched = (False, False, False, False, False, True, True)
        # It is compiled when it is first called, for each size of the images.
        return parallel.spread(step, batched=batched, donate=True)

    return tuple(
        make(stage.frozen, stage.stem_rate, stage.device_batch)
        for stage in config.stages
    )


def first_variables(
    model: MultiEncoder, config: Config, pretrained: Variables | None, *, fold: int
) -> Variables:
    """Return a fold's variables before training: random head, pretrained encoders.

    Args:
        model: from `build_network`.
        config: of the run; its seed draws what is random.
        pretrained: variables that every encoder starts from; None for random ones.
        fold: each has another random head.
    """
    key = jax.random.fold_in(jax.random.key(config.seed), fold)
    key_head, *keys = jax.random.split(key, 1 + model.num_inputs)
    size = config.stages[0].image_size
    image = jax.ShapeDtypeStruct((1, size, size, 3), np.float32)
    encoders = _encoders(model, pretrained, keys, image)
    maps = jax.eval_shape(
        partial(make_encoder(model.encoder).apply, train=False), encoders[0], image
    )
    shape = (1, model.num_inputs, *maps.shape[1:])
    head = model.init(key_head, jnp.zeros(shape), train=False, method="classify")
    variables: Variables = {
        collection: dict(head.get(collection, {}))
        for collection in ("params", "batch_stats")
    }
    for index, encoder in enumerate(encoders):
        for collection in variables:
            variables[collection][f"encoders_{index}"] = encoder[collection]
    return parallel.to_host(variables)


def _encoders(
    model: MultiEncoder, pretrained: Variables | None, keys: list[Any], image: Any
) -> list[Variables]:
    keys = keys[:1] if model.shared else keys
    if pretrained is not None:
        return [pretrained] * len(keys)
    encoder = make_encoder(model.encoder)

    # Compiled once for all encoders, which differ in their key alone.
    @jax.jit
    def draw(key: Any) -> Variables:
        drawn: Any = encoder.init(key, jnp.zeros(image.shape), train=False)
        return drawn

    return [draw(key) for key in keys]
