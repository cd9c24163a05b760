"""Costs and energy are those of the formula, and those of the original's vectors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspa_jax.mixcut.costs import Costs, block_costs
from negspa_jax.mixcut.energy import mask_energy, prior_costs
from tests.mixcut import oracles
from tests.mixcut.problems import draw_pairs, draw_random_costs

GRIDS = (2, 4, 8, 16)
cost = jax.jit(
    block_costs, static_argnames=("num_blocks", "beta", "gamma", "neigh_size")
)

energy_of = jax.jit(mask_energy, static_argnames=("num_labels", "eta"))


def read(shared, n, num_labels):
    with np.load(shared / "vectors" / "puzzlemix_reference.npz") as file:
        start = f"n{n}_L{num_labels}_"
        return {k.removeprefix(start): file[k] for k in file if k.startswith(start)}


@pytest.mark.parametrize("num_labels", [2, 3])
@pytest.mark.parametrize("n", GRIDS)
def test_costs_are_the_originals(shared, n, num_labels):
    found = read(shared, n, num_labels)
    images, saliency, partner = (
        jnp.asarray(found[name]) for name in ("images", "saliency", "partner")
    )
    second, other = images[partner], saliency[partner]
    size = int(found["neigh"])
    costs = cost(images, second, saliency, other, num_blocks=n, neigh_size=size)
    names = ("cost_first", "cost_second", "w_vertical", "w_horizontal")
    for ours, name in zip(costs, names, strict=True):
        np.testing.assert_allclose(ours, found[name], atol=1e-6)


@pytest.mark.parametrize("num_labels", [2, 3])
@pytest.mark.parametrize("n", GRIDS)
def test_energies_are_the_originals(shared, n, num_labels):
    found = read(shared, n, num_labels)
    names = ("cost_first", "cost_second", "w_vertical", "w_horizontal")
    costs = Costs(*(jnp.asarray(found[name]) for name in names))
    ours = energy_of(
        jnp.asarray(found["mask_swap"]),
        costs,
        float(found["lam"]),
        num_labels=num_labels,
    )
    np.testing.assert_allclose(ours, found["energy_swap"], rtol=2e-6)


def slow_phi(first, second, n, neigh_size):
    """Phi block by block, as {(edge, a, c): value}, edge ((i, j), (i', j'))."""
    h, w = first.shape[-3] // n, first.shape[-2] // n
    r, s = (max(d for d in range(1, neigh_size + 1) if x % d == 0) for x in (h, w))
    cells = {}
    for a, image in ((1, first), (0, second)):
        m, c = image.shape[0], image.shape[-1]
        cells[a] = image.reshape(m, n, h // r, r, n, w // s, s, c).mean((3, 6))
    found = {}
    for i in range(n):
        for j in range(n):
            for a in (0, 1):
                for c in (0, 1):
                    here, there = cells[a][:, i, :, j], cells[c]
                    if i + 1 < n:
                        gap = here[:, -1] - there[:, i + 1, 0, j]
                        found[((i, j), (i + 1, j)), a, c] = np.abs(gap).mean()
                    if j + 1 < n:
                        gap = here[:, :, -1] - there[:, i, :, j + 1, 0]
                        found[((i, j), (i, j + 1)), a, c] = np.abs(gap).mean()
    return found


@pytest.mark.parametrize("shape", [(2, 24, 32, 3), (24, 16, 1)], ids=["m", "no m"])
def test_costs_are_the_formulas_block_by_block(shape):
    random = np.random.default_rng(0)
    n, beta, gamma = 4, 0.9, 0.7
    first, second = random.random((2, 1, *shape)).astype("float32")
    salient = random.random((2, 1, *shape[-3:-1])).astype("float32")
    costs = cost(
        *map(jnp.asarray, (first, second, *salient)),
        num_blocks=n,
        beta=beta,
        gamma=gamma,
        neigh_size=4,
    )
    with_m = (x[0] if len(shape) == 4 else x for x in (first, second))
    phi = slow_phi(*with_m, n, 4)
    share = salient[:, 0].reshape(2, n, shape[-3] // n, n, shape[-2] // n).mean((2, 4))
    share /= share.sum((1, 2), keepdims=True)
    b = beta / (16 * n)
    expected = {"first": share[1].copy(), "second": share[0].copy()}
    for one, other in {edge for edge, _, _ in phi}:
        p = {(a, c): phi[(one, other), a, c] for a in (0, 1) for c in (0, 1)}
        expected["first"][one] += b * gamma / 2 * (p[1, 0] + p[1, 1])
        expected["first"][other] += b * gamma / 2 * (p[0, 1] + p[1, 1])
        expected["second"][one] += b * gamma / 2 * (p[0, 1] + p[0, 0])
        expected["second"][other] += b * gamma / 2 * (p[1, 0] + p[0, 0])
        weight = b * (1 + gamma * (p[1, 0] + p[0, 1] - p[1, 1] - p[0, 0]) / 2)
        edges = costs.vertical if one[1] == other[1] else costs.horizontal
        np.testing.assert_allclose(edges[0][one], weight, atol=1e-6)
    np.testing.assert_allclose(costs.first[0], expected["first"], atol=1e-6)
    np.testing.assert_allclose(costs.second[0], expected["second"], atol=1e-6)


@pytest.mark.parametrize(
    ("n", "weight"), [(2, 0.0375), (4, 0.01875), (8, 0.009375), (16, 0.0046875)]
)
def test_between_equal_pixels_an_edge_weighs_beta_over_16n(n, weight):
    image, saliency = jnp.full((1, 16, 16, 1), 0.3), jnp.ones((1, 16, 16))
    costs = cost(image, image, saliency, saliency, num_blocks=n)
    np.testing.assert_allclose(costs.vertical, weight, rtol=1e-6)
    np.testing.assert_allclose(costs.horizontal, weight, rtol=1e-6)


def test_the_prior_is_the_negative_logarithm_of_a_binomial():
    prior = prior_costs(jnp.array([0.25]))
    np.testing.assert_allclose(prior, [[0.5754, 0.9808, 2.7726]], atol=5e-5)


def test_the_prior_is_finite_at_both_ends():
    assert np.isfinite(prior_costs(jnp.array([0.0, 1.0]), num_labels=5)).all()


@pytest.mark.parametrize("num_labels", [2, 3, 5])
def test_the_energy_is_the_sum_over_blocks_and_edges(num_labels):
    costs = draw_random_costs(1, 4, (3, 5))
    random = np.random.default_rng(2)
    labels = random.integers(0, num_labels, (4, 3, 5))
    lam = np.array([0.0, 0.2, 0.9, 1.0], np.float32)
    found = energy_of(
        jnp.asarray(labels / (num_labels - 1), jnp.float32),
        costs,
        jnp.asarray(lam),
        num_labels=num_labels,
    )
    for pair in range(4):
        first, second, *edges = (np.asarray(c[pair], np.float64) for c in costs)
        options = {"num_labels": num_labels, "eta": 0.2}
        unary = oracles.unary_costs(first, second, lam[pair], **options)
        expected = oracles.energy(labels[pair], unary, *edges)
        np.testing.assert_allclose(found[pair], expected, rtol=1e-5)


@settings(deadline=None, max_examples=20)
@given(st.floats(-30, 30))
def test_costs_do_not_depend_on_the_saliencys_scale(power):
    images, saliency, partner, _ = draw_pairs("gradient", 0, 4)
    second, other = images[partner], saliency[partner]
    plain = cost(images, second, saliency, other, num_blocks=4)
    scale = jnp.float32(10.0**power)
    scaled = cost(images, second, scale * saliency, scale * other, num_blocks=4)
    for a, b in zip(plain, scaled, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-9)


def test_exchanging_the_images_exchanges_their_costs():
    images, saliency, partner, _ = draw_pairs("gradient", 1, 4)
    second, other = images[partner], saliency[partner]
    one = cost(images, second, saliency, other, num_blocks=4)
    two = cost(second, images, other, saliency, num_blocks=4)
    np.testing.assert_allclose(one.first, two.second, atol=1e-7)
    np.testing.assert_allclose(one.second, two.first, atol=1e-7)
    np.testing.assert_allclose(one.vertical, two.vertical, atol=1e-7)


@pytest.mark.parametrize("n", [16, 8])
def test_224_pixels_can_be_cut_into_every_grid(n):
    # Blocks of 14 pixels: cells of 2, where 4 would not fit.
    image, saliency = jnp.zeros((1, 224, 224, 1)), jnp.ones((1, 224, 224))
    costs = cost(image, image, saliency, saliency, num_blocks=n)
    assert costs.first.shape == (1, n, n)
    assert np.isfinite(costs.first).all()


def test_pixels_outside_the_unit_range_give_no_negative_weight():
    random = np.random.default_rng(3)
    first, second = jnp.asarray(random.normal(0, 50, (2, 2, 16, 16, 3)), jnp.float32)
    saliency = jnp.ones((2, 16, 16))
    costs = cost(first, second, saliency, saliency, num_blocks=4)
    assert float(jnp.minimum(costs.vertical.min(), costs.horizontal.min())) == 0.0


def test_images_of_half_precision_have_costs_in_float32():
    images, saliency, partner, _ = draw_pairs("gradient", 2, 4)
    half = images.astype(jnp.bfloat16)
    costs = cost(half, half[partner], saliency, saliency[partner], num_blocks=4)
    exact = half.astype(jnp.float32)
    wide = cost(exact, exact[partner], saliency, saliency[partner], num_blocks=4)
    for a, b in zip(costs, wide, strict=True):
        assert a.dtype == jnp.float32
        np.testing.assert_allclose(a, b, atol=1e-7)


def test_a_grid_that_does_not_divide_is_refused():
    image, saliency = jnp.zeros((1, 16, 12, 1)), jnp.ones((1, 16, 12))
    with pytest.raises(ValueError, match=r"num_blocks must divide.*got 8"):
        block_costs(image, image, saliency, saliency, num_blocks=8)
