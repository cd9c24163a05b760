"""Train twenty steps on one or two devices or processes, and save what came out.

python -m tests.train.replicas OUT PRECISION [COORDINATOR RANK]
"""

import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from negspa_jax.checkpoint import to_leaves
from negspa_jax.data.pipeline import all_sides
from negspa_jax.train import parallel
from negspa_jax.train.network import build_network, first_variables
from negspa_jax.train.optim import join_variables, split_frozen
from negspa_jax.train.score import predict_scores
from negspa_jax.train.step import start_state
from tests.train.tiny import tiny_config, use_tiny_encoder, write_cache

STEPS, BATCH = 20, 8


def main(out: str, precision: str, *place: str) -> None:
    """Train, score, and write parameters, losses and scores."""
    jax.config.update("jax_enable_x64", precision == "float64")
    if place:
        parallel.connect(place[0], 2, int(place[1]))
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_encoder(patch)
        found = train(Path(out), np.dtype(precision))
    if parallel.is_first():
        np.savez(out, **found)
    parallel.wait_for_all("saved")


def train(out: Path, kind: np.dtype) -> dict[str, np.ndarray]:
    """Return leaves, losses and scores after twenty Adam steps."""
    config = tiny_config()
    model, network = build_network(config, num_inputs=2)
    variables = jax.tree.map(
        lambda leaf: leaf.astype(kind), first_variables(model, config, None, fold=0)
    )
    trainable, rest = split_frozen(variables, frozen="none")
    state = parallel.replicate(start_state(trainable, network.optimizer))
    draw = np.random.default_rng(0)
    rows, losses = parallel.local_rows(BATCH), []
    for number in range(STEPS):
        images = draw.random((BATCH, 2, 32, 32, 3)).astype(kind)
        labels = np.eye(2, dtype=kind)[draw.integers(0, 2, BATCH)]
        arrays = [parallel.split_over_devices(a[rows]) for a in (images, labels)]
        key, rate = jax.random.key(1), np.float64(1e-3)
        state, loss = network.train_steps[1](
            state, rest, key, np.int32(number), rate, *arrays
        )
        losses.append(float(loss))
    cache = write_cache(
        out.with_suffix(f".{jax.process_index()}"), num_patients=5, dtype=kind
    )
    samples = all_sides(np.arange(5), num_sides=2)
    scores = predict_scores(
        network.score_step,
        join_variables(state.variables, rest),
        cache,
        samples,
        batch_size=4,
    )
    leaves = to_leaves(parallel.to_host(state))
    return leaves | {"losses": np.array(losses), "scores": scores}


if __name__ == "__main__":
    main(*sys.argv[1:])
