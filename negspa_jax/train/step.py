"""One training step and one evaluation step, written for one replica.

Gradients, batch statistics and the loss are reduced over `parallel.AXIS`: the number
of devices changes neither the model nor, augmentation included, what it sees. Only
the partners of mixing are drawn among the samples of one device, and a batch in parts
may be normalized in other parts.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import optax
from jax import lax

from negspa_jax.augment import augment
from negspa_jax.models import MultiEncoder
from negspa_jax.shapes import Array, Float, Int, Key
from negspa_jax.train.optim import Variables, join_variables, share_rate
from negspa_jax.train.parallel import AXIS
from negspa_jax.train.parts import average_parts, map_parts

# Of logits and labels.
Loss = Callable[[Array, Array], Array]


class State(NamedTuple):
    """What training changes; what is frozen is not in it."""

    variables: Variables
    optimizer: optax.OptState


def start_state(trainable: Variables, optimizer: optax.GradientTransformation) -> State:
    """Return the state before the first step of a stage."""
    return State(trainable, optimizer.init(trainable["params"]))


def cross_entropy(
    logits: Float[Array, "b k"],
    labels: Float[Array, "b k"],
    *,
    label_smoothing: float = 0.0,
) -> Float[Array, ""]:
    """Return the training loss: the mean cross entropy of the two-class softmax.

    It is half the sum of the two binary cross entropies of the softmax's two outputs
    (the supplement's "binary cross entropy").

    Args:
        logits: of the network.
        labels: shares of the classes.
        label_smoothing: a of (1 - a) y + a / k, which takes the place of a label y.
    """
    if label_smoothing:
        labels = optax.smooth_labels(labels, label_smoothing)
    return optax.softmax_cross_entropy(logits, labels).mean()


def make_train_step(
    model: MultiEncoder,
    optimizer: optax.GradientTransformation,
    *,
    loss: Loss,
    frozen: str,
    stem_rate: float,
    device_batch: int,
    augmentation: dict[str, Any],
    mix: Callable[[Key, Variables, Array, Array], tuple[Array, Array]],
) -> Callable[..., tuple[State, Float[Array, ""]]]:
    """Return the step of a stage.

    With device_batch, gradients, loss and batch statistics are averaged over parts of
    the batch. With frozen encoders that is the whole batch's step: only the encoders
    run part by part. Where batch normalization of the encoders is trained, each part
    (device_batch samples of every device) is normalized by its own statistics, as when
    torch accumulates gradients; running means are those of the whole batch, running
    variances lack what lies between parts, and both move once in a step.

    Args:
        model: its `axis_name` must be `parallel.AXIS`.
        optimizer: from `optim.make_adam`.
        loss: `cross_entropy`.
        frozen: "none"; "encoders": these run with their running statistics, and no
            gradient is computed for them; or "convolutions" of the encoders.
        stem_rate: of `optim.share_rate`.
        device_batch: samples that a device computes at a time; 0: its whole share.
        augmentation: keywords of `augment`.
        mix: from `mixing.make_mix`; mixes the augmented batch.
    """
    alone = frozen == "encoders"
    forward = partial(_apply_head, size=device_batch) if alone else _apply_all

    def loss_of(
        params: Variables, state: State, rest: Variables, key: Key, *batch: Array
    ) -> tuple[Float[Array, ""], Variables]:
        images, labels = batch
        variables = join_variables(state.variables | {"params": params}, rest)
        logits, updated = forward(model, variables, images, key)
        own = state.variables["batch_stats"]
        statistics = {name: updated["batch_stats"][name] for name in own}
        return loss(logits, labels), statistics

    def step(
        state: State,
        rest: Variables,
        key: Key,
        number: Int[Array, ""],
        rate: Float[Array, ""],
        images: Float[Array, "b m h w c"],
        labels: Float[Array, "b k"],
    ) -> tuple[State, Float[Array, ""]]:
        keys = jax.random.split(jax.random.fold_in(key, number), 3)
        images = _augment(keys[0], images, augmentation)
        variables = join_variables(state.variables, rest)
        batch = mix(_of_this_device(keys[1]), variables, images, labels)
        params = state.variables["params"]
        find = partial(jax.value_and_grad(loss_of, has_aux=True), params, state, rest)
        (value, statistics), gradient = average_parts(
            _of_this_device(keys[2]), find, *batch, size=0 if alone else device_batch
        )
        value, gradient = lax.pmean((value, gradient), AXIS)
        direction, moments = optimizer.update(gradient, state.optimizer, params)
        shares = share_rate(params, stem_rate=stem_rate)
        params = jax.tree.map(
            lambda p, s, d: p - rate.astype(p.dtype) * s * d, params, shares, direction
        )
        return State({"params": params, "batch_stats": statistics}, moments), value

    return step


def make_score_step(
    model: MultiEncoder,
) -> Callable[[Variables, Float[Array, "b m h w c"]], Float[Array, " n"]]:
    """Return the evaluation step: the positive class's probability of all samples."""

    def score(
        variables: Variables, images: Float[Array, "b m h w c"]
    ) -> Float[Array, " n"]:
        logits: Any = model.apply(variables, images, train=False)
        return lax.all_gather(jax.nn.softmax(logits)[:, 1], AXIS, tiled=True)

    return score


def _apply_all(
    model: MultiEncoder, variables: Variables, images: Array, key: Key
) -> tuple[Array, Variables]:
    found: Any = model.apply(
        variables, images, train=True, mutable=["batch_stats"], rngs={"dropout": key}
    )
    return found


def _apply_head(
    model: MultiEncoder, variables: Variables, images: Array, key: Key, *, size: int
) -> tuple[Array, Variables]:
    encode = partial(model.apply, variables, train=False, method="encode")
    features: Any = map_parts(encode, images, size=size)
    found: Any = model.apply(
        variables,
        lax.stop_gradient(features),
        train=True,
        method="classify",
        mutable=["batch_stats"],
        rngs={"dropout": key},
    )
    return found


def _of_this_device(key: Key) -> Key:
    return jax.random.fold_in(key, lax.axis_index(AXIS))


def _augment(key: Key, images: Array, options: dict[str, Any]) -> Array:
    # One key for each sample of the global batch, so that a sample's draw does not
    # depend on the number of devices.
    count = len(images)
    keys = jax.random.split(key, count * lax.axis_size(AXIS))
    mine = lax.dynamic_slice_in_dim(keys, lax.axis_index(AXIS) * count, count)
    return jax.vmap(lambda k, x: augment(k, x, **options))(mine, images)
