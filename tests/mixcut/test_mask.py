"""Masks have the least energy, whatever the grid, the labels and the batch."""

from functools import cache, partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from negspa_jax.mixcut import mask
from negspa_jax.mixcut.costs import Costs
from negspa_jax.mixcut.mask import solve_masks
from tests.mixcut import oracles
from tests.mixcut.problems import KINDS, draw_costs, draw_pairs, draw_random_costs
from tests.mixcut.test_energy import cost, energy_of, read

solve = jax.jit(solve_masks, static_argnames=("num_labels", "eta"))


@cache
def solved(kind: str, seed: int, n: int):
    """64 pairs with their solutions, as numpy arrays."""
    costs, lam = draw_costs(kind, seed, 64, num_blocks=n)
    return jax.tree.map(np.asarray, (costs, lam, solve(costs, lam)))


def gaps(solution) -> np.ndarray:
    return (solution.energy - solution.bound) / solution.energy


def exact_energy(costs: Costs, lam, pair, *, num_labels=3, by, eta=0.2) -> float:
    first, second, *edges = (np.asarray(c[pair], np.float64) for c in costs)
    unary = oracles.unary_costs(first, second, lam, num_labels=num_labels, eta=eta)
    return by(unary, *edges)


# --- least energy ---------------------------------------------------------------------


@pytest.mark.parametrize("num_labels", [2, 3])
@pytest.mark.parametrize("n", [2, 4, 8, 16])
def test_energies_are_the_true_minimum_and_not_above_the_originals(
    shared, n, num_labels
):
    found = read(shared, n, num_labels)
    names = ("cost_first", "cost_second", "w_vertical", "w_horizontal")
    costs = Costs(*(jnp.asarray(found[name]) for name in names))
    energy = np.asarray(solve(costs, float(found["lam"]), num_labels=num_labels).energy)
    np.testing.assert_allclose(energy, found["energy_exact"], rtol=1e-5)
    assert np.all(energy <= found["energy_swap"] * (1 + 2e-6))


@pytest.mark.parametrize("n", [8, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_thousands_of_pairs_are_certified(kind, n):
    worst = np.concatenate([gaps(solved(kind, seed, n)[2]) for seed in range(5)])
    assert (worst <= 1e-5).mean() >= 0.995
    assert worst.max() <= 1e-4


@pytest.mark.parametrize("n", [2, 4, 8, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_no_mask_has_less_energy(kind, n):
    costs, lam, solution = solved(kind, 0, n)
    for pair in range(3):
        least = exact_energy(
            costs, lam[pair], pair, by=oracles.least_by_linear_programme
        )
        assert abs(solution.energy[pair] - least) <= 1e-5 * least
        assert solution.bound[pair] <= least * (1 + 1e-6)


@pytest.mark.parametrize("num_labels", [2, 4, 6])
@pytest.mark.parametrize("shape", [(2, 2), (2, 8), (9, 5)])
def test_grids_and_labels_of_any_number_are_solved(shape, num_labels):
    costs = draw_random_costs(num_labels, 7, shape)
    lam = jnp.linspace(0, 1, 7)
    solution = solve(costs, lam, num_labels=num_labels)
    for pair in range(7):
        least = exact_energy(
            costs,
            lam[pair],
            pair,
            num_labels=num_labels,
            by=oracles.least_by_linear_programme,
        )
        assert abs(solution.energy[pair] - least) <= 1e-5 * least


def test_the_linear_programme_agrees_with_rows_and_with_enumeration():
    costs = draw_random_costs(0, 6, (2, 3))
    for pair in range(6):
        of = partial(exact_energy, costs, 0.3, pair)
        least = of(by=oracles.least_by_enumeration)
        assert of(by=oracles.least_by_linear_programme) == pytest.approx(least)
        assert of(by=oracles.least_by_rows) == pytest.approx(least)


def test_eight_by_eight_blocks_agree_with_the_dynamic_programme_by_rows():
    costs, lam = draw_costs("peaks", 7, 8, num_blocks=8)
    solution = solve(costs, lam, num_labels=2)
    for pair in range(8):
        least = exact_energy(
            costs, lam[pair], pair, num_labels=2, by=oracles.least_by_rows
        )
        assert abs(solution.energy[pair] - least) <= 1e-5 * least


def test_the_returned_energy_is_the_masks():
    costs, lam, solution = solved("peaks", 0, 16)
    ours = energy_of(jnp.asarray(solution.masks), Costs(*costs), jnp.asarray(lam))
    np.testing.assert_array_equal(ours, solution.energy)


def test_masks_take_the_values_of_the_labels():
    _, _, solution = solved("peaks", 0, 16)
    assert set(np.unique(solution.masks)) <= {0.0, 0.5, 1.0}


@pytest.mark.parametrize("n", [2, 8])
def test_without_smoothing_every_block_is_the_cheaper_images(n):
    costs = draw_random_costs(5, 8, (n, n))
    alone = costs._replace(vertical=0 * costs.vertical, horizontal=0 * costs.horizontal)
    masks = solve(alone, 0.5, eta=0.0).masks
    np.testing.assert_array_equal(masks, costs.first < costs.second)


# --- symmetries -----------------------------------------------------------------------

TURNS = {
    "upside down": lambda x: x[:, ::-1],
    "mirrored": lambda x: x[:, :, ::-1],
    "a quarter turn": lambda x: np.rot90(x, axes=(1, 2)),
    "half a turn": lambda x: np.rot90(x, 2, axes=(1, 2)),
}


def turned(turn, arrays):
    return [jnp.asarray(np.ascontiguousarray(turn(np.asarray(a)))) for a in arrays]


@pytest.mark.parametrize("n", [4, 16])
@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_turned_images_have_the_same_least_energy(turn, n):
    images, saliency, partner, lam = draw_pairs("gradient", 3, 64)
    pair = (images, images[partner], saliency, saliency[partner])
    energies = [
        solve(cost(*arrays, num_blocks=n), lam).energy
        for arrays in (pair, turned(turn, pair))
    ]
    np.testing.assert_allclose(*energies, rtol=2e-5)


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_turned_images_have_the_turned_mask(turn):
    # With the pixels' noise no two masks of 4 x 4 blocks have the same energy.
    images, saliency, partner, lam = draw_pairs("noise", 4, 64)
    pair = (images, images[partner], saliency, saliency[partner])
    one, two = (
        np.asarray(solve(cost(*arrays, num_blocks=4), lam).masks)
        for arrays in (pair, turned(turn, pair))
    )
    np.testing.assert_array_equal(turn(one), two)


@pytest.mark.parametrize("n", [4, 16])
def test_exchanged_images_have_the_same_least_energy(n):
    costs, lam, solution = solved("gradient", 0, n)
    other = Costs(costs.second, costs.first, costs.vertical, costs.horizontal)
    exchanged = solve(jax.tree.map(jnp.asarray, other), 1 - jnp.asarray(lam))
    np.testing.assert_allclose(exchanged.energy, solution.energy, rtol=2e-5)
    if n == 4:
        np.testing.assert_array_equal(exchanged.masks, 1 - solution.masks)


def test_a_block_never_leaves_the_first_image_as_its_share_rises():
    costs, _ = draw_costs("gradient", 5, 64, num_blocks=4)
    masks = [np.asarray(solve(costs, lam).masks) for lam in np.linspace(0, 1, 9)]
    assert all(np.all(b >= a) for a, b in pairwise(masks))
    assert masks[-1].mean() > masks[0].mean() + 0.2


def test_the_mean_share_rises_with_lam():
    costs, _ = draw_costs("peaks", 6, 64, num_blocks=16)
    means = [float(solve(costs, lam).masks.mean()) for lam in np.linspace(0, 1, 9)]
    assert np.all(np.diff(means) > 0)


# --- defects that the original has ----------------------------------------------------


@pytest.mark.parametrize("n", [8, 16])
def test_a_dominant_block_stays_its_own_images(n):
    images, _, _, _ = draw_pairs("noise", 8, 4)
    block, other = np.full((2, 4, 64, 64), 1e-6)
    block[:, :4, :4], other[:, -4:, -4:] = 1.0, 1.0
    arrays = (images, images[::-1], *map(jnp.asarray, (block, other)))
    costs = cost(*(a.astype(jnp.float32) for a in arrays), num_blocks=n)
    masks = np.asarray(solve(costs, 0.5).masks)
    assert np.all(masks[:, 0, 0] == 1)
    assert np.all(masks[:, -1, -1] == 0)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
@pytest.mark.parametrize("n", [4, 16])
def test_a_useless_saliency_counts_as_uniform(value, n):
    images, saliency, partner, lam = draw_pairs("noise", 9, 8)
    second, flat = images[partner], jnp.ones_like(saliency)
    useless = cost(images, second, value * flat, value * flat, num_blocks=n)
    uniform = cost(images, second, flat, flat, num_blocks=n)
    np.testing.assert_array_equal(solve(useless, lam).masks, solve(uniform, lam).masks)


def test_one_channel_and_another_height_than_width_are_solved():
    random = np.random.default_rng(0)
    first, second = jnp.asarray(random.random((2, 3, 32, 48, 1)), jnp.float32)
    saliency = jnp.asarray(random.random((3, 32, 48)), jnp.float32)
    costs = cost(first, second, saliency, saliency[::-1], num_blocks=16)
    solution = solve(costs, 0.4)
    assert gaps(solution).max() <= 1e-5


# --- contract -------------------------------------------------------------------------


@pytest.mark.parametrize("n", [4, 16])
def test_a_pair_alone_and_in_a_batch_have_the_same_energy(n):
    costs, lam, solution = solved("peaks", 1, n)
    for pair in (0, 17):
        one = jax.tree.map(lambda c, at=pair: jnp.asarray(c[at : at + 1]), costs)
        alone = solve(Costs(*one), lam[pair])
        np.testing.assert_allclose(
            alone.energy, solution.energy[pair : pair + 1], rtol=2e-5
        )


def test_vmapped_problems_have_the_same_energy():
    costs, lam, solution = solved("dark", 0, 16)
    few = jax.tree.map(lambda c: jnp.asarray(c[:4]), (Costs(*costs), lam))
    alone = jax.tree.map(lambda c: c[:, None], few)
    mapped = jax.jit(jax.vmap(lambda c, share: solve_masks(c, share).energy))(*alone)
    np.testing.assert_allclose(mapped[:, 0], solution.energy[:4], rtol=2e-5)


def test_a_scalar_lam_is_the_same_for_all_pairs():
    costs, _, _ = solved("dark", 0, 4)
    costs = jax.tree.map(jnp.asarray, Costs(*costs))
    one, many = (solve(costs, lam).masks for lam in (0.3, jnp.full(64, 0.3)))
    np.testing.assert_array_equal(one, many)


def test_the_frontier_is_used_where_it_is_small():
    assert 3**4 <= mask.MOST_STATES < 3**8
