"""A batch in parts: the same step, in less memory, but for batch normalization."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from negspa_jax.config import Head, Mixing
from negspa_jax.train import parallel
from negspa_jax.train.network import build_network, first_variables
from negspa_jax.train.parts import average_parts, map_parts
from negspa_jax.train.step import cross_entropy
from tests.train.one_step import images, labels, loud, prepare
from tests.train.tiny import tiny_config, use_tiny_encoder

COUNT = 8  # of samples; two devices have four each, in parts of two


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    use_tiny_encoder(monkeypatch)


def assert_close(found, wanted, *, rtol=1e-5, atol=1e-7):
    pairs = zip(*map(jax.tree.leaves, (found, wanted)), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)


# --- parts alone ----------------------------------------------------------------------


def test_results_of_parts_come_back_in_the_samples_order():
    rows = jnp.arange(12.0).reshape(6, 2)
    twice = map_parts(lambda x, y: {"sum": x + y}, rows, rows, size=2)
    np.testing.assert_array_equal(twice["sum"], 2 * rows)


@pytest.mark.parametrize("size", [0, 6, 7])
def test_a_batch_that_is_not_split_is_computed_as_it_is(size):
    seen = []

    def keep(key, rows):
        seen.append((key, rows))
        return rows.sum()

    key, rows = jax.random.key(3), jnp.ones((6, 2))
    average_parts(key, keep, rows, size=size)
    map_parts(partial(keep, key), rows, size=size)
    assert all(found[0] is key and found[1] is rows for found in seen)


def test_each_part_has_a_key_of_its_own():
    draws = average_parts(
        jax.random.key(0),
        lambda key, rows: (jax.random.normal(key), jax.random.normal(key) ** 2),
        jnp.ones((8, 1)),
        size=2,
    )
    mean, of_squares = map(float, draws)
    assert of_squares - mean**2 > 1e-3


def test_without_batch_statistics_the_gradient_of_parts_is_the_batchs():
    model, _ = build_network(tiny_config(), num_inputs=2)
    variables = loud(first_variables(model, tiny_config(), None, fold=0))
    batch = jnp.asarray(images(count=COUNT)), jnp.asarray(labels(COUNT))

    def gradient(key, images, labels):
        def loss(params):
            given = variables | {"params": params}
            return cross_entropy(model.apply(given, images, train=False), labels)

        return jax.value_and_grad(loss)(variables["params"])

    def of_parts(size):
        run = partial(average_parts, jax.random.key(0), gradient, size=size)
        return jax.jit(run)(*batch)

    found, wanted = of_parts(2), of_parts(0)
    largest = max(np.abs(leaf).max() for leaf in jax.tree.leaves(wanted[1]))
    assert_close(found, wanted, rtol=1e-5, atol=1e-5 * largest)


# --- the step -------------------------------------------------------------------------


def step_of(frozen: str, part: int, **changes):
    """Variables, first moments (of the gradient) and loss after one step."""
    stage = {"batch_size": COUNT, "device_batch": part}
    take, state, *_ = prepare(frozen, stage=stage, **changes)
    state, loss = take(state, images(count=COUNT))
    return parallel.to_host(state.variables), state.optimizer[0].mu, float(loss)


@pytest.mark.parametrize("form", ["plain", "fastai"])
def test_with_frozen_encoders_the_step_of_parts_is_the_batchs(form):
    head = Head(form=form, hidden=8, dropout=0.5)
    found, wanted = (step_of("encoders", part, head=head) for part in (2, 0))
    largest = max(np.abs(leaf).max() for leaf in jax.tree.leaves(wanted[1]))
    assert_close(found[1:], wanted[1:], atol=1e-5 * largest)
    assert_close(found[0]["batch_stats"], wanted[0]["batch_stats"])
    # Adam's first step heeds a gradient's sign, however small it is.
    assert_close(found[0]["params"], wanted[0]["params"], rtol=1e-4, atol=1e-6)


def test_a_saliency_in_parts_mixes_as_that_of_the_batch():
    mixing = Mixing(preset="supplement", num_blocks=(2,), beta=0.0, eta=0.0)
    found, wanted = (step_of("encoders", part, mixing=mixing) for part in (2, 0))
    assert_close(found[2], wanted[2], rtol=1e-4)
    assert_close(found[1], wanted[1], rtol=1e-3, atol=1e-5)


def test_running_means_of_parts_are_the_batchs_and_variances_lack_what_is_between():
    of_parts, of_batch = (step_of("none", part)[0]["batch_stats"] for part in (2, 0))
    # Of the first normalization: later ones see what the first has made of a part.
    found, wanted = (of["encoders_0"]["stem_norm"] for of in (of_parts, of_batch))
    np.testing.assert_allclose(found["mean"], wanted["mean"], rtol=1e-5, atol=1e-7)
    # The unbiased variance of fewer values may be larger, but not on the average.
    assert found["var"].mean() < wanted["var"].mean()
    assert (found["var"] < wanted["var"]).mean() > 0.9


def test_training_batch_normalization_makes_the_step_depend_on_the_parts():
    of_parts, of_batch = (step_of("none", part)[2] for part in (2, 0))
    assert np.isfinite(of_parts)
    assert abs(of_parts - of_batch) > 1e-5


# --- memory ---------------------------------------------------------------------------


def temporary_bytes(frozen: str, part: int) -> int:
    stage = {"image_size": 64, "batch_size": 16, "device_batch": part}
    take, state, *_ = prepare(frozen, stage=stage)
    batch = images(count=16, size=64)
    lowered = jax.jit(lambda given: take(given, batch)).lower(state)
    return lowered.compile().memory_analysis().temp_size_in_bytes


@pytest.mark.parametrize(("frozen", "share"), [("none", 0.5), ("encoders", 0.6)])
def test_a_quarter_at_a_time_takes_about_half_of_the_memory(frozen, share):
    # The images of the whole batch are there in both.
    assert temporary_bytes(frozen, 2) < temporary_bytes(frozen, 0) * share
