"""A run's own compiled train step, called again and again on one batch."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from negspa_jax.train import parallel
from negspa_jax.train.network import Network
from negspa_jax.train.optim import Variables, split_frozen
from negspa_jax.train.step import start_state

_RATE = 1e-6


def loop_step(
    step: Callable[..., Any],
    network: Network,
    start: Variables,
    *,
    frozen: str,
    batch: Sequence[np.ndarray],
    steps: int = 1,
) -> Callable[[], Any]:
    """Return what takes so many steps and returns when the device has finished.

    Args:
        step: one of the network's, of a stage.
        network: from `build_network`.
        start: variables before the first step.
        frozen: of the stage.
        batch: images and labels; they are put on the devices beforehand.
        steps: at each call, numbered from 0, so that every call draws the same.
    """
    trainable, rest = split_frozen(start, frozen=frozen)
    state = start_state(trainable, network.optimizer)
    held = list(parallel.replicate((state, rest)))
    given = jax.device_put(tuple(map(parallel.split_over_devices, batch)))
    key, rate = jax.random.key(0), np.float64(_RATE)

    def run() -> Any:
        for number in range(steps):
            held[0], _ = step(*held, key, np.int32(number), rate, *given)
        return jax.block_until_ready(held[0])

    return run
