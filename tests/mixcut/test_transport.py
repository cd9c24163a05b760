"""Plans against an exact assignment and the published rounds; pixels against a loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment

from negspa_jax.mixcut import transport
from negspa_jax.mixcut.transport import plan_transport, transport_blocks

SIZES = (2, 4, 8, 16)
T_EPS = 0.8
LANES = 16  # of every batch below, so that all tests share one compilation a grid
POWERS = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)

compiled = jax.jit(plan_transport)


def plan(masks, saliency, t_eps=T_EPS):
    """The plans of one batch; each is a permutation, whatever is asked."""
    sources = np.asarray(compiled(*map(jnp.float32, (masks, saliency)), t_eps=t_eps))
    assert (np.sort(sources, axis=1) == np.arange(sources.shape[1])).all()
    return sources


def cost_matrix(mask, saliency, t_eps=T_EPS):
    """What source i (row) costs at target j (column), as the specification says it."""
    row, column = np.indices(mask.shape).reshape(2, -1)
    squares = (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2
    way = squares / max(max(mask.shape) - 1, 1) ** 2
    return t_eps * way - np.float64(saliency).reshape(-1, 1) * (mask.reshape(-1) > 0)


def plan_cost(mask, saliency, sources, t_eps=T_EPS):
    """Total over the wanted columns; a target without a source costs nothing."""
    targets = np.flatnonzero((mask.reshape(-1) > 0) & (sources >= 0))
    return cost_matrix(mask, saliency, t_eps)[sources[targets], targets].sum()


def exact_cost(mask, saliency, t_eps=T_EPS):
    matrix = cost_matrix(mask, saliency, t_eps)[:, mask.reshape(-1) > 0]
    return matrix[linear_sum_assignment(matrix)].sum()


def published_rounds(mask, saliency):
    """n times: sources claim their cheapest target, which keeps its cheapest claimant;
    for the others it becomes dearer by 1."""
    cost = cost_matrix(mask, saliency).astype(np.float32)
    every = np.arange(len(cost))
    for _ in range(len(mask)):
        claims = cost.argmin(1)[:, None] == every
        kept = np.where(claims, cost, np.inf).argmin(0)
        cost = cost + (claims & (kept[None] != every[:, None]))
    return np.where(claims.any(0), kept, -1)


def all_costs(function, *arrays):
    return np.array([function(*items) for items in zip(*arrays, strict=True)])


def smooth_fields(random, n, widest):
    widths = random.uniform(0.3, widest, LANES)
    noise = random.standard_normal((LANES, n, n))
    fields = [gaussian_filter(*item) for item in zip(noise, widths, strict=True)]
    return np.stack([field / field.std() for field in fields])


def random_problems(seed, n, power):
    """Masks of three values and saliency from flat (power 0) to very peaked."""
    random = np.random.default_rng(seed)
    saliency = np.exp(power * smooth_fields(random, n, n / 6))
    fields, low = (
        smooth_fields(random, n, n / 4),
        random.uniform(-1, 0.5, (LANES, 1, 1)),
    )
    masks = np.where(fields < low, 0, np.where(fields < low + 0.5, 0.5, 1))
    return masks, saliency / saliency.sum((1, 2), keepdims=True)


def identity(n):
    return np.tile(np.arange(n * n), (LANES, 1))


# --- plans ----------------------------------------------------------------------------


@pytest.mark.parametrize("n", SIZES)
def test_plans_of_the_reference_problems_are_exact_and_beat_the_rounds(shared, n):
    stored = np.load(shared / "vectors/transport_reference.npz")
    masks, saliency = stored[f"n{n}_masks"], stored[f"n{n}_saliency_blocks"]
    cost = all_costs(plan_cost, masks, saliency, plan(masks, saliency))
    assert (cost <= stored[f"n{n}_cost_rounds"] + 1e-3).all()
    np.testing.assert_allclose(cost, stored[f"n{n}_cost_exact"], atol=1e-5)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("num_labels", [2, 3])
def test_plans_of_the_reference_pairs_are_exact_and_beat_the_rounds(
    shared, n, num_labels
):
    every = np.load(shared / "vectors/puzzlemix_reference.npz")
    key = f"n{n}_L{num_labels}_"
    stored = {name[len(key) :]: every[name] for name in every if name.startswith(key)}
    blocks = stored["saliency"].reshape(8, n, 32 // n, n, 32 // n).mean((2, 4))
    blocks = blocks / blocks.sum((1, 2), keepdims=True)
    masks = np.concatenate([stored["mask_swap"], 1 - stored["mask_swap"]])
    saliency = np.concatenate([blocks, blocks[stored["partner"]]])
    cost = all_costs(plan_cost, masks, saliency, plan(masks, saliency))
    sides = ("first", "second")
    rounds = np.concatenate([stored[f"transport_rounds_{side}"] for side in sides])
    exact = np.concatenate([stored[f"transport_exact_{side}"] for side in sides])
    assert (cost <= rounds + 1e-3).all()
    np.testing.assert_allclose(cost, exact, atol=1e-5)


@pytest.mark.parametrize("n", SIZES)
def test_the_rounds_of_these_tests_are_the_reference_s(shared, n):
    stored = np.load(shared / "vectors/transport_reference.npz")
    masks, saliency = stored[f"n{n}_masks"], stored[f"n{n}_saliency_blocks"]
    rounds = all_costs(published_rounds, masks, saliency)
    hidden = masks.reshape(LANES, -1) <= 0
    assert ((rounds == stored[f"n{n}_source_rounds"]) | hidden).all()


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("n", SIZES)
def test_random_plans_are_exact_and_beat_the_rounds(n, power):
    problems = random_problems(int(100 * power) + n, n, power)
    cost = all_costs(plan_cost, *problems, plan(*problems))
    published = all_costs(published_rounds, *problems)
    assert (cost <= all_costs(plan_cost, *problems, published) + 1e-3).all()
    np.testing.assert_allclose(cost, all_costs(exact_cost, *problems), atol=1e-5)


@pytest.mark.parametrize("n", [4, 8, 16])
def test_the_share_of_the_exact_gain_is_above_98_percent(n):
    shares = []
    for power in POWERS:
        problems = random_problems(int(1000 * power) + n, n, power)
        home = all_costs(plan_cost, *problems, identity(n))
        gain = home - all_costs(exact_cost, *problems)
        found = home - all_costs(plan_cost, *problems, plan(*problems))
        shares += list(found[gain > 1e-4] / gain[gain > 1e-4])
    assert len(shares) > 10
    assert np.mean(shares) > 0.98
    assert np.min(shares) > 0.98


@pytest.mark.parametrize("n", [2, 16])
@pytest.mark.parametrize("wanted", [0.0, 1.0])
def test_nothing_moves_where_all_or_nothing_is_wanted(n, wanted):
    _, saliency = random_problems(0, n, 4.0)
    sources = plan(np.full((LANES, n, n), wanted), saliency)
    np.testing.assert_array_equal(sources, identity(n))


@pytest.mark.parametrize("n", [2, 16])
def test_one_dominant_block_goes_where_the_mask_shows_it(n):
    masks, _ = random_problems(1, n, 1.0)
    masks[:, 0, 0], masks[:, 0, -1] = 0.5, 0.0
    saliency = np.full((LANES, n, n), 0.01 / (n * n - 1))
    saliency[:, 0, -1] = 0.99
    sources = plan(masks, saliency)
    shown = [
        (row[mask.reshape(-1) > 0] == n - 1).any()
        for row, mask in zip(sources, masks, strict=True)
    ]
    assert all(shown)
    cost = all_costs(plan_cost, masks, saliency, sources)
    np.testing.assert_allclose(cost, all_costs(exact_cost, masks, saliency), atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 1 / 64, np.nan, np.inf])
def test_nothing_moves_without_a_finite_saliency_that_differs(value):
    masks, saliency = random_problems(2, 8, 4.0)
    expected = plan(masks, saliency).copy()
    saliency[3] = value
    expected[3] = np.arange(64)
    np.testing.assert_array_equal(plan(masks, saliency), expected)


def test_one_block_that_is_not_finite_keeps_its_image_at_home():
    masks, saliency = random_problems(2, 8, 4.0)
    saliency[:, 3, 4] = np.nan
    np.testing.assert_array_equal(plan(masks, saliency), identity(8))


@pytest.mark.parametrize("n", [4, 16])
def test_where_moving_is_free_the_most_salient_blocks_are_shown(n):
    masks, saliency = random_problems(3, n, 2.0)
    cost = all_costs(plan_cost, masks, saliency, plan(masks, saliency, 0.0), [0.0] * 16)
    count = (masks > 0).sum((1, 2))
    ranked = -np.sort(-saliency.reshape(LANES, -1), axis=1)
    best = [-row[:number].sum() for row, number in zip(ranked, count, strict=True)]
    np.testing.assert_allclose(cost, best, atol=1e-5)


@pytest.mark.parametrize("t_eps", [1e3, 1e30])
def test_where_moving_is_dear_nothing_moves(t_eps):
    sources = plan(*random_problems(4, 16, 8.0), t_eps)
    np.testing.assert_array_equal(sources, identity(16))


def test_a_hidden_block_stays_at_home_where_its_home_is_free():
    masks, saliency = random_problems(5, 8, 4.0)
    sources = plan(masks, saliency)
    for row, mask in zip(sources, masks.reshape(LANES, -1), strict=True):
        hidden = np.flatnonzero(mask <= 0)
        at_home = row[hidden] == hidden
        moved_in = np.isin(hidden, row[mask > 0])
        np.testing.assert_array_equal(at_home, ~moved_in)


@pytest.mark.parametrize(
    "turn", [np.fliplr, np.flipud, np.rot90, np.transpose], ids=lambda f: f.__name__
)
def test_the_cost_is_the_same_for_turned_problems(turn):
    problems = random_problems(6, 8, 2.0)
    turned = [np.stack([turn(item) for item in items]) for items in problems]
    cost = all_costs(plan_cost, *problems, plan(*problems))
    again = all_costs(plan_cost, *turned, plan(*turned))
    np.testing.assert_allclose(again, cost, atol=1e-5)


def test_a_plan_is_the_same_alone_eager_and_mapped():
    masks, saliency = map(jnp.float32, random_problems(7, 8, 4.0))
    expected = plan(masks, saliency)
    np.testing.assert_array_equal(plan_transport(masks, saliency), expected)
    mapped = jax.vmap(plan_transport)(masks[:, None], saliency[:, None])
    np.testing.assert_array_equal(mapped[:, 0], expected)
    alone = [compiled(masks[i : i + 1], saliency[i : i + 1])[0] for i in range(LANES)]
    np.testing.assert_array_equal(np.stack(alone), expected)


def test_a_grid_need_not_be_square():
    masks, saliency = (items[:, :3] for items in random_problems(8, 8, 2.0))
    cost = all_costs(plan_cost, masks, saliency, plan(masks, saliency))
    np.testing.assert_allclose(cost, all_costs(exact_cost, masks, saliency), atol=1e-5)
    assert (
        cost < all_costs(plan_cost, masks, saliency, identity(8)[:, :24]) - 1e-3
    ).any()


def test_a_plan_that_is_cut_short_is_still_a_permutation(monkeypatch):
    monkeypatch.setattr(transport, "MOST_ROUNDS", 1)
    masks, saliency = (items[:5] for items in random_problems(9, 8, 4.0))
    sources = plan(masks, saliency)  # of a batch that no other test has compiled
    cost = all_costs(plan_cost, masks, saliency, sources)
    assert (cost > all_costs(exact_cost, masks, saliency) + 1e-4).any()


def test_both_ways_to_find_the_cheapest_place_agree():
    random = np.random.default_rng(10)
    shapes = ((5, 3, 2), (5, 5, 2), (3, 3, 2))
    arrays = [jnp.asarray(random.integers(0, 10**6, shape)) for shape in shapes]
    prices, rows, columns = map(np.asarray, arrays)
    sums = prices[None, None] + rows[:, None, :, None] + columns[None, :, None]
    expected = sums.min((2, 3))
    np.testing.assert_array_equal(transport._at_once(*arrays), expected)
    symmetric = [prices, rows + rows.swapaxes(0, 1), columns + columns.swapaxes(0, 1)]
    found = transport._in_steps(*map(jnp.asarray, symmetric))
    again = transport._at_once(*map(jnp.asarray, symmetric))
    np.testing.assert_array_equal(found, again)


# --- pixels ---------------------------------------------------------------------------


def moved_by_loop(images, sources, n):
    moved = np.empty_like(images)
    height, width = images.shape[-3] // n, images.shape[-2] // n
    for sample, row in enumerate(sources):
        for target, source in enumerate(row):
            there, here = (
                (
                    ...,
                    slice(r * height, (r + 1) * height),
                    slice(c * width, (c + 1) * width),
                    slice(None),
                )
                for r, c in (divmod(target, n), divmod(source, n))
            )
            moved[sample][there] = images[sample][here]
    return moved


def random_sources(random, b, n):
    return np.stack([random.permutation(n * n) for _ in range(b)])


@pytest.mark.parametrize(
    ("shape", "n", "dtype"),
    [
        ((3, 8, 12, 3), 4, "float32"),
        ((3, 2, 8, 12, 1), 2, "float32"),
        ((1, 3, 16, 16, 2), 16, "bfloat16"),
        ((2, 6, 4, 3), 2, "uint8"),
    ],
)
def test_blocks_move_as_a_loop_moves_them(shape, n, dtype):
    random = np.random.default_rng(11)
    images = jnp.asarray(random.integers(0, 256, shape), dtype)
    sources = random_sources(random, shape[0], n)
    moved = transport_blocks(images, jnp.asarray(sources), num_blocks=n)
    assert moved.dtype == images.dtype
    expected = moved_by_loop(np.asarray(images), sources, n)
    np.testing.assert_array_equal(np.asarray(moved), expected)


def test_the_gradient_moves_back():
    random = np.random.default_rng(12)
    images, slopes = random.random((2, 2, 8, 4, 3)).astype(np.float32)
    sources = random_sources(random, 2, 2)

    def loss(x):
        moved = transport_blocks(x, jnp.asarray(sources), num_blocks=2)
        return (moved * slopes).sum()

    back = moved_by_loop(slopes, np.argsort(sources, axis=1), 2)
    np.testing.assert_array_equal(jax.grad(loss)(jnp.asarray(images)), back)


def test_a_plan_is_a_constant_of_the_gradient():
    masks, saliency = (jnp.float32(items) for items in random_problems(13, 4, 4.0))

    def loss(x):
        sources = plan_transport(masks, x[..., 0])
        return transport_blocks(x**2, sources, num_blocks=4).sum()

    images = saliency[..., None]
    np.testing.assert_allclose(jax.jit(jax.grad(loss))(images), 2 * images, rtol=1e-6)


def test_a_grid_that_does_not_divide_the_images_is_refused():
    sources = jnp.zeros((1, 9), int)
    with pytest.raises(ValueError, match=r"must divide .* got 3 blocks for 9 x 8: use"):
        transport_blocks(jnp.ones((1, 9, 8, 1)), sources, num_blocks=3)


def test_a_plan_for_another_grid_is_refused():
    sources = jnp.zeros((1, 16), int)
    with pytest.raises(ValueError, match=r"must have .* 4 columns, got 16: plan"):
        transport_blocks(jnp.ones((1, 8, 8, 1)), sources, num_blocks=2)
