"""All five networks equal torchvision's, weights converted from one state dict."""

from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

from negspa_jax.models import ENCODERS, load_encoder_weights, make_encoder
from negspa_jax.models.torchvision_names import list_targets
from tests.models.torchvision_networks import random_network

pytestmark = pytest.mark.reference

IMAGES = np.random.default_rng(1).uniform(size=(3, 48, 48, 3)).astype(np.float32)


class Case(NamedTuple):
    """A network of torchvision and the variables converted from its file."""

    name: str
    network: Any
    variables: dict[str, Any]


@pytest.fixture(scope="module", params=ENCODERS)
def case(request, tmp_path_factory):
    import torch

    network = random_network(request.param)
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    torch.save(network.state_dict(), path)
    variables = load_encoder_weights(path, encoder=request.param, classifier=True)
    path.unlink()
    return Case(request.param, network, variables)


def run_torch(network: Any) -> tuple[np.ndarray, np.ndarray]:
    """Logits and the input gradient of the sum of their squares."""
    import torch

    dtype = next(network.parameters()).dtype
    batch = torch.from_numpy(IMAGES).to(dtype).permute(0, 3, 1, 2).requires_grad_()
    network.requires_grad_(False)
    logits = network(batch)
    (logits**2).sum().backward()
    return logits.detach().numpy(), batch.grad.permute(0, 2, 3, 1).numpy()


# Compiling takes most of the time; what is compiled runs once.
QUICK = {"xla_backend_optimization_level": 0}


def run_jax(case: Case, *, train: bool) -> tuple[np.ndarray, ...]:
    """As `run_torch`, and the running statistics afterwards, in float64."""
    network = make_encoder(case.name, num_classes=1000)

    def objective(batch, variables):
        logits, updates = network.apply(
            variables, batch, train=train, mutable=["batch_stats"]
        )
        return (logits**2).sum(), (logits, updates)

    variables = jax.tree.map(lambda leaf: leaf.astype(np.float64), case.variables)
    step = jax.jit(jax.grad(objective, has_aux=True), compiler_options=QUICK)
    return jax.device_get(step(IMAGES.astype(np.float64), variables))


def assert_close(ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> None:
    """Within the tolerance times the largest entry."""
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(
        ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max()
    )


@pytest.mark.slow
@pytest.mark.parametrize("train", [False, True], ids=["eval", "train"])
def test_all_equals_torchvision_in_float64(case, train, monkeypatch):
    # torch draws other units to drop: its probability is 0 here, and so is ours.
    monkeypatch.setattr("flax.linen.Dropout.__call__", lambda self, inputs: inputs)
    network = case.network.double().train(train)
    start = {key: value.clone() for key, value in network.state_dict().items()}
    logits, gradient = run_torch(network)
    with jax.enable_x64(True):
        our_gradient, (our_logits, after) = run_jax(case, train=train)
    assert_close(our_logits, logits, 1e-8)
    assert_close(our_gradient, gradient, 1e-8)
    for name, target in list_targets(case.name).items():
        if target and target.path[0] == "batch_stats":
            ours = after
            for word in target.path:
                ours = ours[word]
            assert_close(ours, network.state_dict()[name].numpy(), 1e-8)
    network.load_state_dict(start)


def test_eval_logits_equal_torchvision_in_float32(case):
    logits, _ = run_torch(case.network.float().eval())
    network = make_encoder(case.name, num_classes=1000)

    @jax.jit
    def run(variables, batch):
        return network.apply(variables, batch, train=False)

    assert_close(np.asarray(run(case.variables, IMAGES)), logits, 1e-4)
