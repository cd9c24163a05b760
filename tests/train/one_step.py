"""One training step of a tiny network on a few images."""

from typing import Any

import jax
import numpy as np

from negspa_jax.config import Stage
from negspa_jax.train import parallel
from negspa_jax.train.network import build_network, first_variables
from negspa_jax.train.optim import split_frozen
from negspa_jax.train.step import start_state
from tests.train.tiny import tiny_config

RATE = 1e-2


def images(seed: int = 0, *, count: int = 4, size: int = 32) -> np.ndarray:
    """Noise, of another brightness in every sample, so that no two are alike."""
    draw = np.random.default_rng(seed)
    bright = draw.random((count, 1, 1, 1, 1), dtype=np.float32)
    return bright * draw.random((count, 2, size, size, 3), dtype=np.float32)


def labels(count: int = 4) -> np.ndarray:
    """Negative and positive in turn."""
    return np.eye(2, dtype=np.float32)[np.arange(count) % 2]


def loud(variables: dict[str, Any]) -> dict[str, Any]:
    """The head's first weights are so small that every batch would cost log 2."""
    head = jax.tree.map(lambda weights: 30 * weights, variables["params"]["head"])
    return variables | {"params": variables["params"] | {"head": head}}


def prepare(frozen: str, *, stage: dict[str, Any] | None = None, **changes):
    """The step, its state and what is frozen, for one kind of stage."""
    given = {"frozen": frozen, "image_size": 32} | (stage or {})
    config = tiny_config(**changes, stages=(Stage(**given),))
    model, network = build_network(config, num_inputs=2)
    variables = loud(first_variables(model, config, None, fold=0))
    trainable, rest = split_frozen(variables, frozen=frozen)
    state = start_state(trainable, network.optimizer)
    (step,) = network.train_steps

    def take(state, batch, number=0):
        arrays = map(parallel.split_over_devices, (batch, labels(len(batch))))
        key, rate = jax.random.key(0), np.float64(RATE)
        return step(state, rest, key, np.int32(number), rate, *arrays)

    return take, parallel.replicate(state), rest, variables


def same_bytes(first: Any, second: Any) -> bool:
    """Whether two trees hold the same bits."""
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)
