"""Frozen is frozen, the step compiles once, and nothing goes to the host inside it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

from negspa_jax.config import Augmentation, Head, Mixing, Optimizer
from negspa_jax.train import parallel
from negspa_jax.train.network import build_network, first_variables
from negspa_jax.train.optim import split_frozen
from negspa_jax.train.step import start_state
from tests.train.tiny import tiny_config, use_tiny_encoder

LABELS = np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]


@pytest.fixture
def tiny(monkeypatch):
    use_tiny_encoder(monkeypatch)


def images(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((4, 2, 32, 32, 3), dtype=np.float32)


def prepare(frozen: str, **changes):
    """The step, its state and what is frozen, for one kind of stage."""
    config = tiny_config(**changes)
    model, network = build_network(config, num_inputs=2)
    variables = first_variables(model, config, None, fold=0)
    trainable, rest = split_frozen(variables, frozen=frozen)
    state = start_state(trainable, network.optimizer)
    step = network.train_steps[frozen]

    def take(state, batch, number=0):
        arrays = map(parallel.split_over_devices, (batch, LABELS))
        key, rate = jax.random.key(0), np.float64(1e-2)
        return step(state, rest, key, np.int32(number), rate, *arrays)

    return take, parallel.replicate(state), rest, variables


CONV = "conv_general_dilated"


def equations(jaxpr):
    """Every equation of a program, those of its inner programs too."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in jaxprs_in_params(equation.params):
            yield from equations(inner)


def same_bytes(first, second) -> bool:
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


@pytest.mark.usefixtures("tiny")
def test_a_frozen_encoder_keeps_every_bit_through_weight_decay_and_nan_batches():
    take, state, rest, variables = prepare(
        "encoders",
        optimizer=Optimizer(weight_decay=0.1),
        head=Head(hidden=8, dropout=0.5),
    )
    before = jax.tree.map(np.copy, rest)
    head = parallel.to_host(state.variables)
    for number, batch in enumerate((images(), np.full_like(images(), np.nan))):
        state, _ = take(state, batch, number)
    assert same_bytes(before, rest)
    assert set(state.variables["params"]) == {"head"}
    assert state.variables["batch_stats"] == {}
    assert not same_bytes(head, state.variables)
    assert {"encoders_0", "encoders_1"} == set(variables["batch_stats"])


@pytest.mark.usefixtures("tiny")
def test_no_gradient_of_a_frozen_encoder_is_computed():
    def count(function, *arguments) -> int:
        jaxpr = jax.make_jaxpr(function)(*arguments).jaxpr
        return sum(eqn.primitive.name == CONV for eqn in equations(jaxpr))

    def convolutions(frozen: str) -> int:
        take, state, *_ = prepare(frozen)
        return count(lambda given: take(given, images()), state)

    model, _ = build_network(tiny_config(), num_inputs=2)
    variables = first_variables(model, tiny_config(), None, fold=0)
    alone = count(lambda x: model.apply(variables, x, train=False), images())
    assert convolutions("encoders") == alone
    assert convolutions("none") > 2 * alone


@pytest.mark.usefixtures("tiny")
def test_an_unfrozen_step_changes_every_module_and_its_statistics():
    take, state, _, variables = prepare("none")
    state, loss = take(state, images())
    assert np.isfinite(loss)
    for collection, modules in parallel.to_host(state.variables).items():
        for name, tree in modules.items():
            assert not same_bytes(tree, variables[collection][name]), (collection, name)


@pytest.mark.usefixtures("tiny")
def test_a_step_compiles_once_and_sends_nothing_to_the_host(caplog):
    take, state, *_ = prepare(
        "none", mixing=Mixing(preset="mixup"), augmentation=Augmentation()
    )

    def compilations() -> int:
        return sum("Compiling" in record.message for record in caplog.records)

    with jax.log_compiles():
        state, _ = take(state, images())
        first = compilations()
        with jax.transfer_guard_device_to_host("disallow"):
            for number in range(1, 4):
                state, _ = take(state, images(number), number)
    assert first > 0
    assert compilations() == first


@pytest.mark.usefixtures("tiny")
def test_the_same_key_and_number_give_the_same_bytes_and_another_number_others():
    changes = {"mixing": Mixing(preset="mixup"), "augmentation": Augmentation()}
    losses = []
    for number in (3, 3, 4):
        take, state, *_ = prepare("encoders", **changes)
        losses.append(float(take(state, images(), number)[1]))
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.usefixtures("tiny")
def test_a_bfloat16_step_keeps_parameters_statistics_and_loss_in_float32():
    take, state, *_ = prepare("none", precision="bfloat16")
    state, loss = take(state, images())
    kinds = {leaf.dtype for leaf in jax.tree.leaves(state.variables)}
    assert kinds == {jnp.dtype("float32")}
    assert loss.dtype == jnp.float32
