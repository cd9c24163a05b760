"""Rates against torch's scheduler and closed forms, Adam against the paper."""

import itertools
import math
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from negspa_jax.train.optim import (
    annealed_rate,
    join_variables,
    make_adam,
    one_cycle_rate,
    share_rate,
    split_frozen,
)

PAPER = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
RESTARTS = (0, 30, 90, 210)  # of T_0 = 30, T_mult = 2
RATES = {"learning_rate": 1e-4}


# --- the rate -------------------------------------------------------------------------


@pytest.mark.parametrize("epoch", RESTARTS)
def test_the_rate_is_full_at_a_restart(epoch):
    assert annealed_rate(epoch, **RATES) == 1e-4


@pytest.mark.parametrize(
    ("start", "period"), [(0, 30), (30, 60), (90, 120), (210, 240)]
)
def test_the_rate_is_half_at_half_of_a_period(start, period):
    assert annealed_rate(start + period / 2, **RATES) == pytest.approx(5e-5, rel=1e-12)


@pytest.mark.parametrize(("start", "period"), [(0, 30), (30, 60), (90, 120)])
def test_the_rate_is_nearly_its_minimum_before_a_restart(start, period):
    rate = annealed_rate(start + period - 1, **RATES, minimum_rate=1e-6)
    last = 1 + math.cos(math.pi * (period - 1) / period)
    assert rate == pytest.approx(1e-6 + (1e-4 - 1e-6) * last / 2, rel=1e-12)


def test_the_rate_falls_within_a_period():
    rates = [annealed_rate(epoch, **RATES) for epoch in range(90, 210)]
    assert all(a > b for a, b in itertools.pairwise(rates))


def test_with_factor_one_the_periods_are_equal():
    rates = [
        annealed_rate(e, **RATES, restart_epochs=7, restart_factor=1) for e in range(70)
    ]
    np.testing.assert_array_equal(np.reshape(rates, (10, 7)), [rates[:7]] * 10)


def test_the_rate_has_no_other_restarts_in_300_epochs():
    rates = [annealed_rate(epoch, **RATES) for epoch in range(300)]
    rises = [e for e in range(1, 300) if rates[e] > rates[e - 1]]
    assert rises == [30, 90, 210]


def torch_rates(torch, epochs, *, t_0, t_mult, eta_min, base):
    """The rates of torch's scheduler, stepped to each of the epochs."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        optimizer, T_0=t_0, T_mult=t_mult, eta_min=eta_min
    )
    rates = []
    for epoch in epochs:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scheduler.step(epoch)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


@pytest.mark.reference
@pytest.mark.parametrize("t_mult", [1, 2, 3])
@pytest.mark.parametrize("eta_min", [0.0, 1e-6])
@pytest.mark.parametrize("steps", [1, 5], ids=["epochs", "fractions"])
def test_the_rate_equals_torchs_over_300_epochs(t_mult, eta_min, steps):
    torch = pytest.importorskip("torch")
    epochs = [i / steps for i in range(300 * steps)]
    options = {"t_0": 30, "t_mult": t_mult, "eta_min": eta_min, "base": 1e-4}
    theirs = torch_rates(torch, epochs, **options)
    ours = [
        annealed_rate(
            epoch,
            learning_rate=1e-4,
            restart_epochs=30,
            restart_factor=t_mult,
            minimum_rate=eta_min,
        )
        for epoch in epochs
    ]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7 * 1e-4)


CYCLE = {"epochs": 40, "learning_rate": 1e-3}


@pytest.mark.parametrize(
    ("epoch", "rate"),
    [
        (0, 1e-3 / 25),
        (5, (1e-3 / 25 + 1e-3) / 2),  # half of the rise
        (10, 1e-3),
        (25, (1e-3 + 1e-3 / 1e5) / 2),  # half of the fall
        (40, 1e-3 / 1e5),
    ],
)
def test_one_cycle_rises_for_a_quarter_and_falls_for_the_rest(epoch, rate):
    assert one_cycle_rate(epoch, **CYCLE) == pytest.approx(rate, rel=1e-12)


def test_a_cycle_without_a_rise_begins_at_its_peak():
    assert one_cycle_rate(0, **CYCLE, rising_share=0.0) == 1e-3


@pytest.mark.reference
@pytest.mark.parametrize("share", [0.25, 0.4])
@pytest.mark.parametrize(("start", "end"), [(25.0, 1e5), (10.0, 1e3)])
def test_the_two_arcs_of_a_cycle_are_torchs(share, start, end):
    torch = pytest.importorskip("torch")
    total, peak = 200, 1e-3
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        peak,
        total_steps=total,
        pct_start=share,
        anneal_strategy="cos",
        cycle_momentum=False,
        div_factor=start,
        final_div_factor=end / start,
        three_phase=False,
    )
    # torch's peak is its step s T - 1 of T, its end the step T - 1.
    top, last = share * total - 1, total - 1
    for number in range(total):
        rising = number <= top
        along = number / top if rising else (number - top) / (last - top)
        ours = one_cycle_rate(
            share * along if rising else share + (1 - share) * along,
            epochs=1,
            learning_rate=peak,
            rising_share=share,
            start_division=start,
            end_division=end,
        )
        assert ours == pytest.approx(scheduler.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        if number < last:
            scheduler.step()


# --- Adam -----------------------------------------------------------------------------


def numpy_adam(
    start, gradients, *, rate, beta1, beta2, eps, weight_decay=0.0, penalty=0.0
):
    """Algorithm 1 of Kingma and Ba, with AdamW's decoupled decay.

    `penalty` adds the gradient of penalty / 2 |theta|^2.
    """
    theta, m, v = start.copy(), 0.0, 0.0
    for t, g in enumerate(gradients, start=1):
        g = g + penalty * theta
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - rate * (m_hat / (np.sqrt(v_hat) + eps) + weight_decay * theta)
    return theta


def our_adam(start, gradients, *, rate, **options):
    """The same by `make_adam`, as the train step applies it."""
    adam = make_adam(**{"weight_decay": 0.0} | options)
    theta = jnp.asarray(start)
    state = adam.init(theta)
    for g in gradients:
        direction, state = adam.update(jnp.asarray(g), state, theta)
        theta = optax.apply_updates(theta, jax.tree.map(lambda d: -rate * d, direction))
    return np.asarray(theta)


def problem():
    """Start and gradients, one of them zero and one tiny."""
    random = np.random.default_rng(0)
    gradients = random.normal(size=(20, 5))
    gradients[3], gradients[:, 4] = 0, 1e-9
    return random.normal(size=5), gradients


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam_is_the_papers_algorithm(weight_decay):
    options = PAPER | {"rate": 1e-2, "weight_decay": weight_decay}
    with jax.enable_x64(True):
        ours = our_adam(*problem(), **options)
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, numpy_adam(*problem(), **options), rtol=1e-10)


def test_an_l2_decay_is_a_penalty_in_the_gradient():
    options = PAPER | {"rate": 1e-2}
    with jax.enable_x64(True):
        ours = our_adam(*problem(), **options, weight_decay=0.1, decay="l2")
    wanted = numpy_adam(*problem(), **options, penalty=0.1)
    np.testing.assert_allclose(ours, wanted, rtol=1e-10)
    decoupled = numpy_adam(*problem(), **options, weight_decay=0.1)
    assert not np.allclose(ours, decoupled, rtol=1e-3)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("weight_decay", "decay"),
    [(0.0, "decoupled"), (0.1, "decoupled"), (0.1, "l2"), (1e-4, "l2")],
)
def test_adam_is_torchs(weight_decay, decay):
    torch = pytest.importorskip("torch")
    start, gradients = problem()
    theta = torch.nn.Parameter(torch.tensor(start))
    kind = torch.optim.Adam if decay == "l2" else torch.optim.AdamW
    optimizer = kind([theta], lr=1e-2, eps=1e-8, weight_decay=weight_decay)
    for g in gradients:
        theta.grad = torch.tensor(g)
        optimizer.step()
    with jax.enable_x64(True):
        options = PAPER | {"weight_decay": weight_decay, "decay": decay}
        ours = our_adam(start, gradients, rate=1e-2, **options)
    np.testing.assert_allclose(ours, theta.detach().numpy(), rtol=1e-9)


SPARED = ("bias", "scale")


def tree_problem():
    """A layer and a normalization, and twenty gradients."""
    draw = np.random.default_rng(0)
    sizes = {"bias": (3,), "kernel": (4, 3), "scale": (3,)}
    trees = [{k: draw.normal(size=v) for k, v in sizes.items()} for _ in range(21)]
    return trees[0], trees[1:]


def our_tree_adam(*, rate, multipliers=None, **options):
    """The parameters after all steps, each with its share of the rate."""
    start, gradients = tree_problem()
    adam = make_adam(**PAPER, **options)
    theta = jax.tree.map(jnp.asarray, start)
    state = adam.init(theta)
    for gradient in gradients:
        direction, state = adam.update(gradient, state, theta)
        shares = multipliers or dict.fromkeys(theta, 1.0)
        theta = jax.tree.map(lambda p, m, d: p - rate * m * d, theta, shares, direction)
    return theta


def torch_tree_adam(torch, groups, *, decay):
    """torch's, whose groups are (names, options)."""
    start, gradients = tree_problem()
    theta = {k: torch.nn.Parameter(torch.tensor(v)) for k, v in start.items()}
    kind = torch.optim.Adam if decay == "l2" else torch.optim.AdamW
    optimizer = kind(
        [{"params": [theta[k] for k in names], **options} for names, options in groups],
        eps=1e-8,
    )
    for gradient in gradients:
        for name, values in gradient.items():
            theta[name].grad = torch.tensor(values)
        optimizer.step()
    return {name: values.detach().numpy() for name, values in theta.items()}


@pytest.mark.reference
@pytest.mark.parametrize("decay", ["decoupled", "l2"])
def test_biases_and_normalizations_are_spared_as_by_groups_of_torch(decay):
    torch = pytest.importorskip("torch")
    groups = [
        (("kernel",), {"lr": 1e-2, "weight_decay": 0.1}),
        (SPARED, {"lr": 1e-2, "weight_decay": 0.0}),
    ]
    theirs = torch_tree_adam(torch, groups, decay=decay)
    options = {"weight_decay": 0.1, "decay": decay}
    with jax.enable_x64(True):
        ours = our_tree_adam(rate=1e-2, decay_all=False, **options)
        everything = our_tree_adam(rate=1e-2, **options)
    for name, values in ours.items():
        np.testing.assert_allclose(values, theirs[name], rtol=1e-9)
        assert np.allclose(everything[name], values) == (name == "kernel")


@pytest.mark.reference
@pytest.mark.parametrize("decay", ["decoupled", "l2"])
def test_shares_of_the_rate_are_torchs_groups_and_so_is_their_decay(decay):
    torch = pytest.importorskip("torch")
    shares = {"kernel": 0.1, "scale": 0.1**0.5, "bias": 1.0}
    groups = [
        ((name,), {"lr": 1e-2 * share, "weight_decay": 0.1})
        for name, share in shares.items()
    ]
    theirs = torch_tree_adam(torch, groups, decay=decay)
    with jax.enable_x64(True):
        ours = our_tree_adam(
            rate=1e-2, multipliers=shares, weight_decay=0.1, decay=decay
        )
    for name, values in ours.items():
        np.testing.assert_allclose(values, theirs[name], rtol=1e-9)


LAYERS = {
    "encoders_0": {"stem_conv": {"kernel": 1}, "stage4_block1": {"norm1": {"bias": 2}}},
    "encoders_1": {"conv3_3": {"bias": 3}, "norm4_1": {"scale": 4}},
    "head": {"logits": {"kernel": 5}},
}


def test_shares_of_the_rate_rise_with_the_depth_in_equal_ratios():
    assert share_rate(LAYERS, stem_rate=0.01) == {
        "encoders_0": {
            "stem_conv": {"kernel": 0.01},
            "stage4_block1": {"norm1": {"bias": pytest.approx(0.1)}},
        },
        "encoders_1": {
            "conv3_3": {"bias": 0.01},
            "norm4_1": {"scale": pytest.approx(0.1)},
        },
        "head": {"logits": {"kernel": 1.0}},
    }


def test_with_a_stem_rate_of_1_every_share_is_exactly_1():
    assert set(jax.tree.leaves(share_rate(LAYERS, stem_rate=1.0))) == {1.0}


def test_the_rate_is_left_to_the_step():
    adam = make_adam(**PAPER, weight_decay=0.0)
    gradient = jnp.array([2.0, -0.5])
    direction, _ = adam.update(gradient, adam.init(gradient), gradient)
    np.testing.assert_allclose(direction, [1.0, -1.0], rtol=1e-5)


# --- what is frozen -------------------------------------------------------------------

VARIABLES = {
    "params": {"encoders_0": {"w": 1}, "encoders_1": {"w": 2}, "head": {"w": 3}},
    "batch_stats": {"encoders_0": {"mean": 4}, "encoders_1": {"mean": 5}},
}


@pytest.mark.parametrize("frozen", ["none", "encoders", "convolutions"])
def test_joining_undoes_splitting(frozen):
    assert join_variables(*split_frozen(VARIABLES, frozen=frozen)) == VARIABLES


def test_frozen_encoders_leave_the_head_alone_to_be_trained():
    trainable, frozen = split_frozen(VARIABLES, frozen="encoders")
    assert trainable == {"params": {"head": {"w": 3}}, "batch_stats": {}}
    assert frozen["params"].keys() == {"encoders_0", "encoders_1"}
    assert frozen["batch_stats"] == VARIABLES["batch_stats"]


def test_frozen_convolutions_keep_their_biases_and_lose_no_statistics():
    norm = {"scale": 1, "bias": 2}
    conv = {"kernel": 3, "bias": 4}
    encoder = {
        "stem_conv": conv,
        "stem_norm": norm,
        "stage1_block0": {"shortcut_conv": conv, "shortcut_norm": norm},
        "conv1_1": conv,
        "norm1_1": norm,
    }
    head = {"norm1": norm, "hidden": {"kernel": 5}}
    statistics = {"encoders_0": {"norm1_1": {"mean": 6}}, "head": {"norm1": {"var": 7}}}
    variables = {
        "params": {"encoders_0": encoder, "head": head},
        "batch_stats": statistics,
    }
    trainable, frozen = split_frozen(variables, frozen="convolutions")
    assert frozen == {
        "params": {
            "encoders_0": {
                "stem_conv": conv,
                "stage1_block0": {"shortcut_conv": conv},
                "conv1_1": conv,
            }
        },
        "batch_stats": {},
    }
    assert trainable["batch_stats"] == statistics
    assert trainable["params"]["head"] == head
    assert join_variables(trainable, frozen) == variables


def test_with_nothing_frozen_everything_is_trained():
    trainable, frozen = split_frozen(VARIABLES, frozen="none")
    assert trainable == VARIABLES
    assert frozen == {"params": {}, "batch_stats": {}}


def test_more_than_ten_encoders_are_frozen_too():
    many = {"params": {f"encoders_{i}": i for i in range(12)} | {"head": 0}}
    trainable, frozen = split_frozen(many, frozen="encoders")
    assert trainable == {"params": {"head": 0}}
    assert len(frozen["params"]) == 12
