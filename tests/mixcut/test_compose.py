"""A mixed batch is the formula of its plan, and its labels are true pixel shares."""

from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import beta, chisquare, kstest

from negspa_jax.mixcut import (
    PRESETS,
    apply_plan,
    apply_plan_to_labels,
    draw_plan,
    find_options,
    input_saliency,
    local_mixup,
    mix_pixels,
    mixcut,
    plan_shares,
    plan_weights,
    transport_blocks,
)
from negspa_jax.mixcut.puzzle import refine_sources

KEY = jax.random.key(5)
SMALL = {"num_blocks": (2, 4), "hole_size": 6}
OPTIONS = {name: find_options(name, **SMALL) for name in PRESETS}
# Every named alternative, beside what the presets have.
PLAIN = find_options("supplement", puzzle=False, hole_size=6)
ONE_GRID = find_options("supplement", num_blocks=(2,), hole_size=6)
OTHERS = {
    "derangement": replace(PLAIN, partner="derangement"),
    "other class": replace(PLAIN, partner="other_class"),
    "one draw": replace(PLAIN, draw="batch"),
    "global": replace(PLAIN, local="global"),
    "fresh": replace(PLAIN, local_partner="fresh"),
    "soft": replace(ONE_GRID, local="soft"),
    "unmoved": replace(ONE_GRID, transport=False, num_labels=5),
}
SUPPLEMENT, MIXUP, NONE = (OPTIONS[n] for n in ("supplement", "mixup", "none"))
ALL = OPTIONS | OTHERS
mix = jax.jit(mixcut, static_argnames="options")
each = pytest.mark.parametrize("options", ALL.values(), ids=ALL)
# The public code's label is not the share of the pixels.
TRUE = {name: options for name, options in ALL.items() if name != "asmixcut"}
each_true = pytest.mark.parametrize("options", TRUE.values(), ids=TRUE)


def batch(b: int = 8, *, sequences: tuple[int, ...] = (), dtype="float32"):
    """Random images, the one-hot labels of their classes in turn, saliencies."""
    random = np.random.default_rng(b)
    images = random.random((b, *sequences, 16, 24, 3))
    labels = np.eye(2)[np.arange(b) % 2]
    saliency = random.random((b, 16, 24)) ** 4
    arrays = jnp.asarray(images, dtype), jnp.asarray(labels, "float32")
    return *arrays, jnp.asarray(saliency, "float32")


# A compilation takes seconds: all that can be asked of one call is asked of one.
def mix_eight(options, *, key=KEY, images=None, labels=None, probability=1.0):
    """Mix the batch of eight; an array of another image, of the same shape, may do."""
    given, classes, saliency = batch()
    given = given if images is None else images
    return mix(
        key,
        given,
        classes if labels is None else labels,
        saliency,
        options=options,
        probability=jnp.broadcast_to(jnp.asarray(probability, jnp.float32), (8,)),
        extra={"masks": given[..., :1], "more": [jnp.stack([given, 2 * given], 1)]},
    )


@cache
def mixed_by(options, *, key: int = 5):
    """The batch of eight, mixed, as numpy arrays."""
    return jax.tree.map(np.asarray, mix_eight(options, key=jax.random.key(key)))


@cache
def mixed_often(options, count: int = 3000):
    """The plans of the batch of eight without puzzle, by many keys."""
    images, labels, _ = batch()
    keys = jax.random.split(KEY, count)
    often = jax.jit(jax.vmap(lambda k: mixcut(k, images, labels, options=options).plan))
    return jax.tree.map(np.asarray, often(keys))


def on_device(plan):
    return jax.tree.map(jnp.asarray, plan)


def equal(one, two) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, two)


# --- images and labels ----------------------------------------------------------------


@each
def test_images_are_the_steps_one_after_the_other(options):
    images, _, _ = batch()
    mixed = mixed_by(options)
    plan = on_device(mixed.plan)
    n = plan.puzzle.masks.shape[-1]
    move = partial(transport_blocks, num_blocks=n)
    mask = np.kron(plan.puzzle.masks, np.ones((1, 16 // n, 24 // n)))
    puzzled = mix_pixels(
        move(images, plan.puzzle.sources_first),
        move(images[plan.partner], plan.puzzle.sources_second),
        jnp.asarray(mask, jnp.float32),
    )
    blended = local_mixup(puzzled, images[plan.fresh], plan.boxes, plan.blend)
    expected = np.where(plan.hidden[..., None], 0, blended)
    np.testing.assert_allclose(mixed.images, expected, atol=3e-6)


@each_true
def test_a_label_is_the_mean_of_the_pixel_weights(options):
    _, labels, _ = batch()
    mixed = mixed_by(options)
    weights = plan_weights(on_device(mixed.plan))
    np.testing.assert_allclose(sum(weights), 1.0, atol=3e-6)
    shares = np.stack([np.float64(w).mean((1, 2)) for w in weights], 1)
    owners = np.stack([np.arange(8), mixed.plan.partner, mixed.plan.fresh], 1)
    expected = (shares[:, :, None] * np.asarray(labels)[owners]).sum(1)
    np.testing.assert_allclose(mixed.labels, expected, atol=3e-6)


@each_true
def test_a_label_is_the_share_of_pixels_of_its_class(options):
    # Images that are everywhere 0 or 1, as their class: the mean is the share of 1.
    _, labels, _ = batch()
    images = jnp.broadcast_to(labels[:, 1, None, None, None], (8, 16, 24, 3))
    mixed = mix_eight(options, images=images)
    blind = mixed.plan._replace(hidden=jnp.zeros_like(mixed.plan.hidden))
    brightness = np.asarray(apply_plan(blind, images)).mean((1, 2, 3))
    np.testing.assert_allclose(mixed.labels[:, 1], brightness, atol=3e-6)


@each
def test_weights_are_the_samples_own(options):
    mixed = mixed_by(options)
    plan = on_device(mixed.plan)
    # Each sample alone is 1: what is left of it are its own weights.
    for sample in range(8):
        lit = jnp.zeros((8, 16, 24, 1)).at[sample].set(1.0)
        blind = plan._replace(hidden=jnp.zeros_like(plan.hidden))
        seen = np.asarray(apply_plan(blind, lit))[sample, ..., 0]
        np.testing.assert_allclose(mixed.weights[sample], seen, atol=3e-6)


def test_a_column_of_probabilities_is_mixed_as_the_second_of_two_columns_is():
    _, labels, _ = batch()
    mixed = mixed_by(SUPPLEMENT)
    one = apply_plan_to_labels(on_device(mixed.plan), labels[:, 1:])
    np.testing.assert_allclose(one[:, 0], mixed.labels[:, 1], atol=1e-6)


def test_soft_labels_are_mixed():
    labels = jnp.tile(jnp.array([[0.2, 0.8], [0.7, 0.3]]), (4, 1))
    mixed = np.asarray(mix_eight(SUPPLEMENT, labels=labels).labels)[:, 0]
    assert np.all((mixed >= 0.2 - 1e-6) & (mixed <= 0.7 + 1e-6))
    assert len(set(mixed)) > 2


def shown(rule: str, column: slice = slice(None)) -> np.ndarray:
    """The labels of a mixed batch by a rule."""
    _, labels, _ = batch()
    plan = on_device(mixed_by(SUPPLEMENT).plan)
    return np.asarray(apply_plan_to_labels(plan, labels[:, column], rule=rule))


def test_the_rule_of_the_options_makes_the_labels():
    mixed = mixed_by(replace(PLAIN, label="background"))
    plan, (_, labels, _) = on_device(mixed.plan), batch()
    expected = apply_plan_to_labels(plan, labels, rule="background")
    np.testing.assert_allclose(mixed.labels, expected, atol=1e-6)
    assert np.abs(expected - apply_plan_to_labels(plan, labels)).max() > 1e-3


def test_visible_labels_count_the_visible_pixels():
    _, labels, _ = batch()
    mixed, visible = mixed_by(SUPPLEMENT), shown("visible")
    seen = ~mixed.plan.hidden
    own = np.array([w[s].mean() for w, s in zip(mixed.weights, seen, strict=True)])
    partner = np.asarray(labels)[mixed.partner]
    expected = own[:, None] * np.asarray(labels) + (1 - own[:, None]) * partner
    np.testing.assert_allclose(visible, expected, atol=3e-6)
    assert np.abs(visible - mixed.labels).max() > 1e-3


def test_a_hole_over_everything_leaves_visible_labels_as_they_were():
    _, labels, _ = batch()
    plan = on_device(mixed_by(SUPPLEMENT).plan)
    blind = plan._replace(hidden=jnp.ones_like(plan.hidden))
    visible = apply_plan_to_labels(blind, labels, rule="visible")
    np.testing.assert_allclose(visible, shown("keep"), atol=1e-6)


def test_scaled_labels_lose_the_hidden_share():
    visible = 1 - mixed_by(SUPPLEMENT).plan.hidden.mean((1, 2))
    expected = visible[:, None] * shown("keep")
    np.testing.assert_allclose(shown("scaled"), expected, atol=1e-6)


def test_background_labels_give_the_hidden_share_to_class_0():
    background, scaled = shown("background"), shown("scaled")
    np.testing.assert_allclose(background.sum(1), 1.0, atol=1e-6)
    np.testing.assert_allclose(background[:, 1], scaled[:, 1], atol=1e-6)
    assert (background - scaled)[:, 0].max() > 0.01


def test_background_of_one_column_is_that_of_the_second_of_two():
    one, two = shown("background", slice(1, None)), shown("background")
    np.testing.assert_allclose(one[:, 0], two[:, 1], atol=1e-6)


def test_the_public_codes_label_is_one_minus_area_times_lambda():
    mixed = mixed_by(OPTIONS["asmixcut"])
    top, bottom, left, right = mixed.plan.boxes[0]
    area, lam = (bottom - top) * (right - left) / (16 * 24), mixed.plan.blend[0]
    shares = plan_shares(on_device(mixed.plan), rule="asmixcut")
    np.testing.assert_allclose(shares[:, 0], 1 - area * lam, atol=3e-6)
    inside = mixed.weights[mixed.partner != np.arange(8)]
    np.testing.assert_allclose(inside.mean(), 1 - area * (1 - lam), atol=3e-6)


@pytest.mark.parametrize("kind", ["int32", "uint8", "bool"])
def test_class_indices_are_refused_with_the_remedy(kind):
    images, _, _ = batch()
    with pytest.raises(ValueError, match=r"one-hot.*got \w+: use jax\.nn\.one_hot"):
        mixcut(KEY, images, jnp.zeros((8, 1), kind), options=NONE)


# --- who is mixed, and with whom ------------------------------------------------------


@each
def test_what_is_not_mixed_comes_back_bit_identical(options):
    images, labels, _ = batch()
    chosen = np.arange(8) % 3 == 2
    mixed = jax.tree.map(np.asarray, mix_eight(options, probability=chosen))
    equal(mixed.images[~chosen], np.asarray(images)[~chosen])
    equal(mixed.labels[~chosen], np.asarray(labels)[~chosen])
    assert np.all(mixed.weights[~chosen] == 1)
    equal(mixed.partner[~chosen], np.arange(8)[~chosen])
    equal(mixed.plan.mixed, chosen)


def test_not_mixed_is_bit_identical_beside_infinite_pixels_and_negative_zeros():
    images, _, _ = batch()
    images = images.at[1].set(jnp.inf).at[2].set(-0.0)
    mixed = mix_eight(SUPPLEMENT, images=images, probability=0)
    assert np.asarray(mixed.images).tobytes() == np.asarray(images).tobytes()


def test_probabilities_grids_and_keys_cost_no_further_compilation():
    mix_eight(SUPPLEMENT)
    before = mix._cache_size()
    for key, probability in enumerate((0.0, 0.3, 1.0, 1.0, 1.0)):
        mix_eight(SUPPLEMENT, key=jax.random.key(key), probability=probability)
    assert mix._cache_size() == before


@pytest.mark.parametrize("name", ["none", "cutout"])
def test_without_mixing_of_pixels_every_sample_is_its_own_partner(name):
    mixed = mixed_by(OPTIONS[name])
    equal(mixed.partner, np.arange(8))
    equal(mixed.labels, np.asarray(batch()[1]))


def test_half_of_the_samples_are_mixed_with_probability_one_half():
    images, labels = jnp.zeros((2000, 2, 2, 1)), jnp.zeros((2000, 1))
    mixed = mix(KEY, images, labels, options=MIXUP, probability=jnp.float32(0.5))
    assert abs(np.asarray(mixed.plan.mixed).mean() - 0.5) < 5 * np.sqrt(0.25 / 2000)


@pytest.mark.parametrize("probability", [-0.1, 1.5, float("nan")])
def test_a_probability_out_of_range_is_refused(probability):
    images, labels, _ = batch()
    with pytest.raises(ValueError, match=r"^probability must be .*, got "):
        mixcut(KEY, images, labels, options=MIXUP, probability=probability)


def test_partners_are_a_permutation_and_each_is_equally_likely():
    partner = mixed_often(MIXUP).partner
    assert np.all(np.sort(partner, axis=1) == np.arange(8))
    likely = np.stack([(partner == j).mean(0) for j in range(8)])
    assert np.abs(likely - 1 / 8).max() < 5 * np.sqrt(7 / 64 / len(partner))


def test_a_derangement_leaves_nobody_alone():
    partner = mixed_often(find_options("mixup", partner="derangement")).partner
    assert np.all(np.sort(partner, axis=1) == np.arange(8))
    assert not np.any(partner == np.arange(8))
    others = np.stack([(partner == j).mean(0) for j in range(8)])[
        ~np.eye(8, dtype=bool)
    ]
    assert np.abs(others - 1 / 7).max() < 5 * np.sqrt(6 / 49 / len(partner))


def test_partners_of_another_class_are_of_another_class():
    partner = mixed_often(find_options("mixup", partner="other_class")).partner
    assert np.all(partner % 2 != np.arange(8) % 2)
    counts = [(partner[:, 0] == j).sum() for j in (1, 3, 5, 7)]
    assert chisquare(counts).pvalue > 1e-3


def test_without_another_class_a_sample_is_its_own_partner():
    images, _, _ = batch()
    labels = jnp.broadcast_to(jnp.array([[0.0, 1.0]]), (8, 2))
    mixed = mix_eight(OTHERS["other class"], labels=labels)
    equal(mixed.partner, jnp.arange(8))
    visible = ~np.asarray(mixed.plan.hidden)
    equal(np.asarray(mixed.images)[visible], np.asarray(images)[visible])


@pytest.mark.parametrize("b", [1, 5])
def test_odd_batches_and_a_batch_of_one_are_mixed(b):
    images, labels, saliency = batch(b)
    mixed = mix(KEY, images, labels, saliency, options=ONE_GRID)
    assert sorted(np.asarray(mixed.partner)) == list(range(b))
    assert np.isfinite(mixed.images).all()
    if b == 1:
        visible = ~np.asarray(mixed.plan.hidden)
        equal(np.asarray(mixed.images)[visible], np.asarray(images)[visible])
        equal(mixed.labels, labels)


# --- the draw -------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.4, 1.0])
def test_lambdas_follow_the_beta_distribution(alpha):
    blend = mixed_often(find_options("mixup", alpha=alpha)).blend
    assert kstest(blend[:, 0], beta(alpha, alpha).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(blend[:, 0], blend[:, 1])[0, 1]) < 0.08


def test_a_box_has_a_lambda_of_its_own():
    plan = mixed_often(find_options("supplement", puzzle=False))
    area = np.prod(plan.boxes[:, 0, 1::2] - plan.boxes[:, 0, ::2], axis=1)
    assert abs(np.corrcoef(area, plan.blend[:, 0])[0, 1]) < 0.08


def test_a_tied_box_has_the_blends_lambda():
    plan = mixed_often(find_options("supplement", puzzle=False, box="tied"))
    area = np.prod(plan.boxes[:, 0, 1::2] - plan.boxes[:, 0, ::2], axis=1)
    assert np.corrcoef(area, plan.blend[:, 0])[0, 1] < -0.7


# What fastai calls MixUp.
DOMINANT = find_options("mixup", alpha=0.4, dominant=True)


def test_a_dominant_lambda_follows_the_folded_beta_distribution():
    lam = mixed_often(DOMINANT).blend.ravel()
    whole = beta(0.4, 0.4).cdf
    assert lam.min() >= 0.5
    assert kstest(lam, lambda x: whole(x) - whole(1 - x)).pvalue > 1e-3


@pytest.mark.parametrize("partner", ["any", "other_class"])
def test_a_dominant_lambda_is_the_weight_of_the_sample_in_pixels_and_label(partner):
    options = replace(DOMINANT, partner=partner)
    images, labels, _ = batch()
    mixed = mixed_by(options)
    lam, other = mixed.plan.blend, mixed.partner
    pixels = lam[:, None, None, None]
    expected = pixels * images + (1 - pixels) * images[other]
    np.testing.assert_allclose(mixed.images, expected, atol=1e-6)
    expected = lam[:, None] * labels + (1 - lam[:, None]) * labels[other]
    np.testing.assert_allclose(mixed.labels, expected, atol=1e-6)
    if partner == "other_class":
        np.testing.assert_array_equal(mixed.labels.argmax(1), labels.argmax(1))
        np.testing.assert_allclose(mixed.labels.max(1), lam, atol=1e-6)


@pytest.mark.parametrize("preset", ["mixup", "cutmix", "asmixcut"])
def test_a_dominant_sample_is_the_larger_part(preset):
    plans = on_device(mixed_often(find_options(preset, dominant=True), count=500))
    weights = jax.jit(jax.vmap(plan_weights))(plans)
    assert weights.first.mean((2, 3)).min() >= 0.5 - 1e-6


def test_a_dominant_lambda_is_the_greater_of_an_ordinary_one_and_its_complement():
    plain, dominant = (
        mixed_often(replace(PLAIN, dominant=on), count=100) for on in (False, True)
    )
    np.testing.assert_allclose(
        dominant.blend, np.maximum(plain.blend, 1 - plain.blend), atol=1e-7
    )
    sides = dominant.boxes[..., 1::2] - dominant.boxes[..., ::2]
    assert np.prod(sides, -1).max() <= 16 * 24 / 2
    images, labels, saliency = batch()
    plan = draw_plan(
        KEY, images, labels, saliency, options=replace(ONE_GRID, dominant=True, eta=1e3)
    )
    assert plan.puzzle.masks.mean((1, 2)).min() >= 0.5


def test_one_draw_for_a_batch_is_the_same_for_all_its_samples():
    plan = mixed_by(OTHERS["one draw"]).plan
    for drawn in (plan.puzzle.lam, plan.blend, plan.boxes, plan.hidden):
        equal(drawn, np.broadcast_to(drawn[:1], drawn.shape))


def test_each_sample_has_a_draw_of_its_own():
    plan = mixed_by(SUPPLEMENT).plan
    for drawn in (plan.puzzle.lam, plan.blend, plan.boxes, plan.hidden):
        assert len(np.unique(drawn.reshape(8, -1), axis=0)) > 6


def test_every_grid_is_drawn_and_stated_on_the_finest():
    keys = [mixed_by(SUPPLEMENT, key=key).plan.puzzle for key in range(12)]
    assert {int(puzzle.num_blocks) for puzzle in keys} == {2, 4}
    for puzzle in keys:
        assert puzzle.masks.shape == (8, 4, 4)
        assert np.all(np.sort(puzzle.sources_first, 1) == np.arange(16))
        if puzzle.num_blocks == 2:
            coarse = puzzle.masks[:, ::2, ::2]
            equal(puzzle.masks, np.kron(coarse, np.ones((1, 2, 2))))


def test_a_grid_stated_on_a_finer_one_moves_the_same_pixels():
    images, _, _ = batch()
    order = np.array([[2, 0, 3, 1]] * 8, np.int32)
    coarse = transport_blocks(images, jnp.asarray(order), num_blocks=2)
    finer = refine_sources(jnp.asarray(order), num_blocks=2, finest=8)
    equal(transport_blocks(images, finer, num_blocks=8), coarse)


def test_grids_that_do_not_divide_are_left_out():
    images, labels, saliency = batch()
    options = find_options("puzzlemix", num_blocks=(2, 5, 16))
    plan = jax.eval_shape(
        partial(draw_plan, options=options), KEY, images, labels, saliency
    )
    assert plan.puzzle.masks.shape == (8, 2, 2)


def test_without_a_grid_that_divides_the_images_are_refused():
    images, labels, saliency = batch()
    options = find_options("puzzlemix", num_blocks=(5, 7))
    with pytest.raises(ValueError, match=r"num_blocks must hold a divisor.*16 x 24"):
        mixcut(KEY, images, labels, saliency, options=options)


def test_a_puzzle_without_saliency_is_refused():
    images, labels, _ = batch()
    with pytest.raises(ValueError, match=r"saliency must be given.*input_saliency"):
        mixcut(KEY, images, labels, options=SUPPLEMENT)


def test_blending_by_one_is_the_identity_and_by_zero_the_partner():
    images, _, _ = batch()
    plan = on_device(mixed_by(MIXUP).plan)
    one, zero = (
        apply_plan(plan._replace(blend=jnp.full(8, blend)), images)
        for blend in (1.0, 0.0)
    )
    equal(one, images)
    equal(zero, images[plan.partner])


def test_the_same_key_gives_the_same_bytes_and_another_key_others():
    again = mix_eight(SUPPLEMENT)
    equal(jax.tree.map(np.asarray, again), mixed_by(SUPPLEMENT))
    assert not np.allclose(again.images, mixed_by(SUPPLEMENT, key=6).images)


# --- shapes, types, transformations ---------------------------------------------------


def test_the_sequences_of_a_sample_share_the_plan():
    images, labels, saliency = batch(sequences=(3,))
    mixed = mix(KEY, images, labels, saliency, options=ONE_GRID)
    assert mixed.weights.shape == (8, 16, 24)
    for m in range(3):
        alone = apply_plan(mixed.plan, images[:, m])
        np.testing.assert_allclose(mixed.images[:, m], alone, atol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_images_of_half_precision_are_mixed_in_float32_and_rounded_once(dtype):
    images, _, _ = batch(dtype=dtype)
    plan = on_device(mixed_by(SUPPLEMENT).plan)
    mixed = apply_plan(plan, images)
    assert mixed.dtype == images.dtype
    equal(mixed, apply_plan(plan, images.astype(jnp.float32)).astype(dtype))


def test_labels_keep_a_type_of_their_own():
    images, labels, saliency = batch(dtype="bfloat16")
    halves = [
        mix(KEY, images, y, saliency, options=PLAIN)
        for y in (labels, labels.astype(jnp.bfloat16))
    ]
    assert halves[0].images.dtype == jnp.bfloat16
    assert [half.labels.dtype for half in halves] == [jnp.float32, jnp.bfloat16]
    assert halves[0].weights.dtype == jnp.float32
    np.testing.assert_allclose(halves[0].labels, halves[1].labels, atol=4e-3)


@each
def test_extra_arrays_are_mixed_by_the_same_plan(options):
    mixed = mixed_by(options)
    equal(mixed.extra["masks"], mixed.images[..., :1])
    more = mixed.extra["more"][0]
    equal(more[:, 0], mixed.images)
    np.testing.assert_allclose(more[:, 1], 2 * mixed.images, atol=1e-6)


@pytest.mark.parametrize(
    "extra",
    [
        np.zeros((8, 16, 24), np.float32),
        np.zeros((8, 16, 24, 1), np.int32),
        np.zeros((8, 8, 24, 1), np.float32),
        np.zeros((4, 16, 24, 1), np.float32),
    ],
    ids=["no channel", "integers", "another height", "another batch"],
)
def test_extra_arrays_that_do_not_fit_are_refused(extra):
    images, labels, _ = batch()
    with pytest.raises(ValueError, match=r"extra must hold floating-point arrays \(8"):
        mixcut(KEY, images, labels, options=NONE, extra={"a": jnp.asarray(extra)})


def test_images_that_are_not_floating_point_are_refused():
    images, labels, _ = batch()
    with pytest.raises(ValueError, match=r"images must be floating point.*uint8"):
        mixcut(KEY, images.astype(jnp.uint8), labels, options=NONE)


def test_a_plan_can_be_applied_again():
    images, _, _ = batch()
    mixed = mixed_by(SUPPLEMENT)
    again = jax.jit(apply_plan)(on_device(mixed.plan), images)
    np.testing.assert_allclose(again, mixed.images, atol=3e-6)


@pytest.mark.parametrize("options", [PLAIN, MIXUP], ids=["plain", "mixup"])
def test_eager_and_jitted_agree(options):
    images, labels, saliency = batch()
    eager = mixcut(KEY, images, labels, saliency, options=options)
    jitted = mix(KEY, images, labels, saliency, options=options)
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-6), eager, jitted)


def test_vmapped_or_pmapped_it_is_the_same_as_one_by_one():
    keys = jax.random.split(KEY, 2)
    images, labels, saliency = (jnp.stack([a, a[::-1]]) for a in batch())
    call = partial(mixcut, options=ONE_GRID)
    for mapped in (jax.jit(jax.vmap(call)), jax.pmap(call)):
        found = mapped(keys, images, labels, saliency)
        for i in range(2):
            alone = mix(keys[i], images[i], labels[i], saliency[i], options=ONE_GRID)
            np.testing.assert_allclose(found.images[i], alone.images, atol=1e-6)
            np.testing.assert_allclose(found.labels[i], alone.labels, atol=1e-6)


def test_the_derivative_of_a_mixed_batch_is_its_weights():
    images, _, _ = batch()
    plan = on_device(mixed_by(SUPPLEMENT).plan)
    gradient = jax.grad(lambda x: apply_plan(plan, x).sum())(images)
    # Every visible weight is given to one pixel of each channel.
    np.testing.assert_allclose(gradient.sum(), 3 * (~plan.hidden).sum(), rtol=1e-5)
    assert gradient.min() >= 0


def test_a_loss_that_mixes_by_its_own_saliency_can_be_differentiated():
    images, labels, _ = batch()

    def loss(w, x, y):
        return ((jnp.tanh(x).mean((1, 2)) @ w - y[:, 1]) ** 2).mean()

    def mixed_loss(w):
        saliency = input_saliency(partial(loss, w), images, labels)
        mixed = mixcut(KEY, images, labels, saliency, options=ONE_GRID)
        return loss(w, mixed.images, mixed.labels) + 0.1 * saliency.mean()

    gradient = jax.jit(jax.grad(mixed_loss))(jnp.ones(3))
    assert np.all(np.isfinite(gradient))
    assert np.all(gradient != 0)


# --- the original ---------------------------------------------------------------------


@pytest.mark.parametrize("num_labels", [2, 3])
@pytest.mark.parametrize("n", [2, 4, 8, 16])
def test_pixels_and_label_of_the_originals_masks_and_plans_are_the_originals(
    shared, n, num_labels
):
    with np.load(shared / "vectors" / "puzzlemix_reference.npz") as file:
        start = f"n{n}_L{num_labels}_"
        found = {k.removeprefix(start): file[k] for k in file if k.startswith(start)}
    masks = found["mask_swap"]
    images, partner = jnp.asarray(found["images"]), found["partner"]
    size = 32 // n
    shown = np.zeros((8, 32, 32), bool)
    moved = []
    for whose, weight in (("first", masks), ("second", 1 - masks)):
        sources = found[f"source_{whose}"].astype(np.int32)
        # The original leaves a wanted block empty where it found no source.
        shown |= (
            np.kron((weight.reshape(8, -1) > 0) & (sources < 0), np.ones((1, 1)))
            .reshape(8, n, n)
            .repeat(size, 1)
            .repeat(size, 2)
            .astype(bool)
        )
        moved.append(jnp.asarray(np.maximum(sources, 0)))
    weights = jnp.asarray(masks.repeat(size, 1).repeat(size, 2))
    ours = mix_pixels(
        transport_blocks(images, moved[0], num_blocks=n),
        transport_blocks(images[partner], moved[1], num_blocks=n),
        weights,
    )
    compared = ~shown
    assert compared.mean() > 0.5
    np.testing.assert_allclose(
        np.asarray(ours)[compared], found["mixed"][compared], atol=1e-6
    )
    np.testing.assert_allclose(weights.mean((1, 2)), found["ratio"], atol=3e-6)
