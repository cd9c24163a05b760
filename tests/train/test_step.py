"""Frozen is frozen, the step compiles once, and nothing goes to the host inside it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax.traverse_util import flatten_dict
from jax.extend.core import jaxprs_in_params
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from negspa_jax.config import Augmentation, Head, Mixing, Optimizer, Stage
from negspa_jax.mixcut import PRESETS, mixcut
from negspa_jax.train import network as network_module
from negspa_jax.train import parallel
from negspa_jax.train.network import build_network, first_variables
from negspa_jax.train.optim import split_frozen
from negspa_jax.train.presets import find_mixing
from negspa_jax.train.step import cross_entropy, start_state
from tests.train.one_step import RATE, images, labels, prepare, same_bytes
from tests.train.tiny import tiny_config, use_tiny_encoder

LABELS = labels()
FROZEN = ("none", "encoders", "convolutions")
# One small grid, which all tests share, so that few steps are compiled; everybody has
# a partner, and masks heed nothing but the saliency.
SUPPLEMENT = {
    "preset": "supplement",
    **{"num_blocks": (2,), "partner": "derangement", "beta": 0.0, "eta": 0.0},
}


@pytest.fixture
def tiny(monkeypatch):
    use_tiny_encoder(monkeypatch)


CONV = "conv_general_dilated"


def equations(jaxpr):
    """Every equation of a program, those of its inner programs too."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in jaxprs_in_params(equation.params):
            yield from equations(inner)


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
def test_a_frozen_encoder_is_run_and_differentiated_for_the_saliency_alone():
    def count(function, *arguments) -> int:
        jaxpr = jax.make_jaxpr(function)(*arguments).jaxpr
        return sum(eqn.primitive.name == CONV for eqn in equations(jaxpr))

    def convolutions(frozen: str, **mixing) -> int:
        take, state, *_ = prepare(frozen, mixing=Mixing(**mixing))
        return count(lambda given: take(given, images()), state)

    model, _ = build_network(tiny_config(), num_inputs=2)
    variables = first_variables(model, tiny_config(), None, fold=0)
    alone = count(lambda x: model.apply(variables, x, train=False), images())
    assert convolutions("encoders", preset="none") == alone
    assert convolutions("none", preset="none") > 2 * alone
    # One pass for the saliency, and its gradient in the images: none in the weights.
    assert convolutions("encoders", **SUPPLEMENT) == 3 * alone
    residual = {"saliency": "spectral_residual"}
    assert convolutions("encoders", **SUPPLEMENT, **residual) == alone


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
    # Of several grids one is drawn in each step.
    mixing = Mixing(preset="supplement", num_blocks=(2, 4))
    take, state, *_ = prepare("encoders", mixing=mixing, augmentation=Augmentation())

    def compilations() -> int:
        return sum("Compiling" in record.message for record in caplog.records)

    with jax.log_compiles():
        state, _ = take(state, images())
        first = compilations()
        with jax.transfer_guard_device_to_host("disallow"):
            for number in range(1, 9):
                state, _ = take(state, images(number), number)
    assert first > 0
    assert compilations() == first


def on_devices(*arrays: np.ndarray) -> list[jax.Array]:
    """Arrays with one entry for each device, there already."""
    place = NamedSharding(
        Mesh(np.array(jax.devices()), (parallel.AXIS,)), PartitionSpec(parallel.AXIS)
    )
    return [jax.device_put(parallel.split_over_devices(a), place) for a in arrays]


@pytest.mark.usefixtures("tiny")
def test_a_step_whose_arguments_are_on_the_devices_transfers_nothing_at_all():
    config = tiny_config(mixing=Mixing(**SUPPLEMENT))
    model, network = build_network(config, num_inputs=2)
    variables = first_variables(model, config, None, fold=0)
    trainable, rest = split_frozen(variables, frozen="encoders")
    start = start_state(trainable, network.optimizer)
    given = (start, rest, jax.random.key(0), np.int32(0), np.float32(RATE))
    state, *others = parallel.replicate(given)
    batch = on_devices(images(), LABELS)
    step = network.train_steps[0]
    state, _ = step(state, *others, *batch)
    with jax.transfer_guard("disallow"):
        state, loss = step(state, *others, *batch)
        loss.block_until_ready()
    assert np.isfinite(loss)


@pytest.mark.usefixtures("tiny")
def test_the_same_key_and_number_give_the_same_bytes_and_another_number_others():
    changes = {"mixing": Mixing(**SUPPLEMENT)}
    losses = []
    for number in (3, 3, 4):
        take, state, *_ = prepare("encoders", **changes)
        losses.append(float(take(state, images(), number)[1]))
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.usefixtures("tiny")
def test_a_bfloat16_step_keeps_parameters_statistics_and_loss_in_float32():
    mixing = Mixing(**SUPPLEMENT)
    take, state, *_ = prepare("none", precision="bfloat16", mixing=mixing)
    state, loss = take(state, images())
    kinds = {leaf.dtype for leaf in jax.tree.leaves(state.variables)}
    assert kinds == {jnp.dtype("float32")}
    assert loss.dtype == jnp.float32


@pytest.mark.usefixtures("tiny")
def test_frozen_convolutions_leave_batch_normalization_and_head_to_be_trained():
    take, state, rest, _ = prepare(
        "convolutions",
        head=Head(form="fastai", hidden=8),
        optimizer=Optimizer(weight_decay=0.1),
    )
    before = flatten_dict(parallel.to_host(state.variables))
    kept = jax.tree.map(np.copy, rest)
    state, _ = take(state, images())
    after = flatten_dict(parallel.to_host(state.variables))
    assert same_bytes(kept, rest)
    assert {path[-1] for path in flatten_dict(rest["params"])} == {"kernel"}
    assert rest["batch_stats"] == {}
    assert all("norm" in path[-2] or "head" in path for path in after)
    for path, values in after.items():
        assert not np.array_equal(values, before[path]), path


@pytest.mark.usefixtures("tiny")
def test_frozen_convolutions_have_no_gradient_in_their_weights():
    # What a convolution's weights and its images are differentiated by.
    def count(frozen: str) -> int:
        take, state, *_ = prepare(frozen)
        jaxpr = jax.make_jaxpr(lambda given: take(given, images()))(state).jaxpr
        return sum(eqn.primitive.name == CONV for eqn in equations(jaxpr))

    everything, norms, head = map(count, ("none", "convolutions", "encoders"))
    assert head < norms < everything


@pytest.mark.usefixtures("tiny")
def test_each_depth_moves_by_its_share_of_the_rate():
    moved = {}
    for share in (1.0, 0.01):
        take, state, _, variables = prepare("none", stage={"stem_rate": share})
        after, _ = take(state, images())
        change = jax.tree.map(
            lambda new, old: np.asarray(new, np.float64) - old,
            parallel.to_host(after.variables["params"]),
            variables["params"],
        )
        moved[share] = flatten_dict(change)
    for path, change in moved[1.0].items():
        share = {"head": 1.0}.get(path[0], 0.01)  # the tiny encoder is all stem
        np.testing.assert_allclose(
            moved[0.01][path], share * change, rtol=2e-2, atol=1e-7, err_msg=str(path)
        )


@pytest.mark.usefixtures("tiny")
def test_step_and_saliency_have_the_same_smoothed_loss(monkeypatch):
    seen = []
    for name in ("make_train_step", "make_saliency"):
        make = getattr(network_module, name)

        def watched(*arguments, make=make, **options):
            seen.append(options["loss"])
            return make(*arguments, **options)

        monkeypatch.setattr(network_module, name, watched)
    prepare("none", label_smoothing=0.3)
    logits = jnp.array([[1.0, 3.0]])
    wanted = cross_entropy(logits, jnp.array([[0.15, 0.85]]))
    assert len(seen) == 4  # with mixing and without
    for loss in seen:
        found = loss(logits, jnp.array([[0.0, 1.0]]))
        assert float(found) == pytest.approx(float(wanted), rel=1e-6)


@pytest.mark.usefixtures("tiny")
def test_stages_alike_share_one_compilation():
    stages = [Stage(frozen=f, image_size=s) for s in (32, 64) for f in FROZEN]
    _, network = build_network(tiny_config(stages=tuple(stages)), num_inputs=2)
    first = network.train_steps[: len(FROZEN)]
    assert len(set(first)) == len(FROZEN)
    assert network.train_steps[len(FROZEN) :] == first
    assert not set(first) & set(network.plain_steps)


# --- mixing ---------------------------------------------------------------------------


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_trains_a_step(preset):
    mixing = Mixing(**SUPPLEMENT | {"preset": preset})
    take, state, *_ = prepare("encoders", mixing=mixing)
    before = parallel.to_host(state.variables)
    state, loss = take(state, images())
    assert np.isfinite(loss)
    assert not same_bytes(before, state.variables)


def step_by_hand(model, variables, *, frozen: str):
    """The first step's loss and statistics, given whether saliency is heeded."""
    options = find_mixing(Mixing(**SUPPLEMENT))
    key = jax.random.split(jax.random.fold_in(jax.random.key(0), 0), 3)[1]
    train = frozen == "none"

    def saliency(x, y):
        def loss(x):
            logits = model.apply(variables, x, train=False)
            return optax.softmax_cross_entropy(logits, y).mean()

        return jnp.sqrt((jax.grad(loss)(x) ** 2).sum((1, 4)))

    def of_one_device(heeded, device, x, y):
        shown = jnp.where(heeded, saliency(x, y), 1.0)
        mixed = mixcut(jax.random.fold_in(key, device), x, y, shown, options=options)
        logits, updated = model.apply(
            variables, mixed.images, train=train, mutable=["batch_stats"]
        )
        loss = optax.softmax_cross_entropy(logits, mixed.labels).mean()
        return loss, updated["batch_stats"]

    devices = jnp.arange(jax.device_count())
    on_each = jax.vmap(of_one_device, (None, 0, 0, 0), axis_name=parallel.AXIS)
    return jax.jit(lambda heeded, x, y: on_each(heeded, devices, x, y))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("frozen", ["encoders", "none"])
def test_the_batch_is_mixed_by_the_saliency_of_its_own_unmixed_loss(frozen):
    config = tiny_config(mixing=Mixing(**SUPPLEMENT))
    model, _ = build_network(config, num_inputs=2)
    take, state, _, variables = prepare(frozen, mixing=Mixing(**SUPPLEMENT))
    state, loss = take(state, images())
    by_hand = step_by_hand(model, variables, frozen=frozen)
    batch = [parallel.split_over_devices(a) for a in (images(), LABELS)]
    wanted, statistics = by_hand(True, *batch)
    assert float(loss) == pytest.approx(float(wanted.mean()), abs=1e-5)
    assert abs(float(loss - by_hand(False, *batch)[0].mean())) > 1e-4
    # The pass for the saliency updates nothing.
    for name, found in state.variables["batch_stats"].items():
        pairs = zip(*map(jax.tree.leaves, (found, statistics[name])), strict=True)
        for one, other in pairs:
            np.testing.assert_allclose(one, other[0], rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("tiny")
def test_a_plain_step_is_the_step_of_the_preset_none():
    config = tiny_config(mixing=Mixing(**SUPPLEMENT))
    _, network = build_network(config, num_inputs=2)
    take, state, rest, variables = prepare("encoders")
    trainable, _ = split_frozen(variables, frozen="encoders")
    again = parallel.replicate(start_state(trainable, network.optimizer))
    arrays = map(parallel.split_over_devices, (images(), LABELS))
    plain, _ = network.plain_steps[0](
        again, rest, jax.random.key(0), np.int32(0), np.float64(RATE), *arrays
    )
    assert same_bytes(plain, take(state, images())[0])
