"""Mixing a batch: labels state the pixel share; what is not mixed stays as it is."""

import doctest
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import beta, kstest

from negspa_jax.config import Mixing
from negspa_jax.mixcut import Options, compose, mixcut
from negspa_jax.mixcut.compose import PRESETS

KEY = jax.random.key(5)
MIXUP, NONE = Options(preset="mixup"), Options(preset="none")
ALL = [Options(preset=preset) for preset in PRESETS]
mix = jax.jit(mixcut, static_argnames="options")


# Each shape and option is a compilation of two seconds: tests share what they can.
def batch(b: int = 8, *, sequences: tuple[int, ...] = (), dtype="float32"):
    """Random images and the one-hot labels of their classes, in turn."""
    random = np.random.default_rng(b).random((b, *sequences, 6, 5, 3))
    labels = np.eye(2)[np.arange(b) % 2]
    return jnp.asarray(random, dtype), jnp.asarray(labels, dtype)


def constant_batch(b: int = 8):
    """Each image is everywhere 0 or 1, as the second column of its label is."""
    labels = np.eye(2, dtype=np.float32)[np.arange(b) % 2]
    images = np.broadcast_to(labels[:, 1, None, None, None], (b, 6, 5, 3))
    return jnp.asarray(images), jnp.asarray(labels)


@cache
def many(count: int = 4000):
    """The same batch, mixed by many keys."""
    images, labels = batch()
    keys = jax.random.split(KEY, count)
    mixed = jax.jit(jax.vmap(lambda key: mixcut(key, images, labels)))(keys)
    return keys, jax.tree.map(np.asarray, mixed)


def shares(alpha: float) -> np.ndarray:
    """The drawn weights of many samples."""
    if alpha == 1:
        _, mixed = many()
        weights, partner = mixed.weights[:, :, 0, 0], mixed.partner
        return weights[partner != np.arange(8)].astype(np.float64)
    images, labels = jnp.zeros((5000, 1, 1, 1)), jnp.zeros((5000, 1))
    mixed = mix(KEY, images, labels, options=Options(alpha=alpha))
    others = np.asarray(mixed.partner) != np.arange(5000)
    return np.asarray(mixed.weights)[others, 0, 0].astype(np.float64)


# --- labels ---------------------------------------------------------------------------


@pytest.mark.parametrize("options", ALL, ids=lambda o: o.preset)
def test_a_label_is_the_true_pixel_share(options):
    images, labels = constant_batch()
    mixed = mix(KEY, images, labels, options=options)
    brightness = np.asarray(mixed.images).mean((1, 2, 3))
    np.testing.assert_allclose(mixed.labels[:, 1], brightness, atol=1e-6)


@pytest.mark.parametrize("options", ALL, ids=lambda o: o.preset)
def test_images_and_labels_are_the_equation_with_the_returned_weights(options):
    images, labels = batch()
    mixed = jax.tree.map(np.asarray, mix(KEY, images, labels, options=options))
    x, y, w = np.asarray(images), np.asarray(labels), mixed.weights[..., None]
    share = mixed.weights.mean((1, 2))[:, None]
    np.testing.assert_allclose(
        mixed.images, w * x + (1 - w) * x[mixed.partner], atol=1e-6
    )
    np.testing.assert_allclose(
        mixed.labels, share * y + (1 - share) * y[mixed.partner], atol=1e-6
    )


def test_mixed_labels_sum_to_one():
    labels = mix(KEY, *batch(), options=MIXUP).labels
    np.testing.assert_allclose(labels.sum(1), 1.0, atol=1e-6)


def test_a_column_of_probabilities_is_mixed_as_the_second_of_two_columns_is():
    images, labels = batch()
    one, two = (mix(KEY, images, y, options=MIXUP) for y in (labels[:, 1:], labels))
    np.testing.assert_allclose(one.labels[:, 0], two.labels[:, 1], atol=1e-6)


def test_soft_labels_are_mixed():
    images, _ = batch()
    labels = jnp.tile(jnp.array([[0.2, 0.8], [0.7, 0.3]]), (4, 1))
    mixed = mix(KEY, images, labels, options=MIXUP).labels
    assert np.all((np.asarray(mixed)[:, 0] >= 0.2) & (np.asarray(mixed)[:, 0] <= 0.7))


@pytest.mark.parametrize("options", ALL, ids=lambda o: o.preset)
@pytest.mark.parametrize("kind", ["int32", "uint8", "bool"])
def test_class_indices_are_refused_with_the_remedy(options, kind):
    images, _ = batch()
    with pytest.raises(ValueError, match=r"one-hot.*got \w+: use jax\.nn\.one_hot"):
        mixcut(KEY, images, jnp.zeros((8, 1), kind), options=options)


# --- who is mixed, and with whom ------------------------------------------------------


@pytest.mark.parametrize("options", [NONE, Options(probability=0.0)])
def test_what_is_not_mixed_comes_back_bit_identical(options):
    images, labels = batch()
    mixed = mix(KEY, images, labels, options=options)
    np.testing.assert_array_equal(np.asarray(mixed.images), np.asarray(images))
    np.testing.assert_array_equal(np.asarray(mixed.labels), np.asarray(labels))
    np.testing.assert_array_equal(np.asarray(mixed.weights), 1.0)
    np.testing.assert_array_equal(np.asarray(mixed.partner), np.arange(8))


def test_one_half_is_mixed_with_probability_one_half_and_the_rest_is_untouched():
    count = 2000
    images = jnp.asarray(np.random.default_rng(0).random((count, 2, 2, 1)), "float32")
    labels = images[:, 0, 0]
    mixed = mix(KEY, images, labels, options=Options(probability=0.5))
    alone = np.asarray(mixed.partner) == np.arange(count)
    assert abs(alone.mean() - 0.5) < 5 * np.sqrt(0.25 / count)
    np.testing.assert_array_equal(np.asarray(mixed.images)[alone], images[alone])
    np.testing.assert_array_equal(np.asarray(mixed.labels)[alone], labels[alone])
    changed = np.any(np.asarray(mixed.images) != np.asarray(images), axis=(1, 2, 3))
    assert changed[~alone].mean() > 0.99


def test_partners_are_a_permutation():
    partner = np.asarray(mix(KEY, *batch(), options=MIXUP).partner)
    assert sorted(partner) == list(range(8))


def test_every_partner_is_equally_likely():
    keys, mixed = many()
    likely = np.stack([(mixed.partner == j).mean(0) for j in range(8)])
    assert np.abs(likely - 1 / 8).max() < 5 * np.sqrt(7 / 64 / len(keys))


def test_a_batch_of_one_is_its_own_partner_and_stays_as_it_is():
    images, labels = batch(1)
    mixed = mix(KEY, images, labels, options=MIXUP)
    np.testing.assert_array_equal(np.asarray(mixed.images), np.asarray(images))
    np.testing.assert_array_equal(np.asarray(mixed.weights), 1.0)


def test_a_sample_that_is_its_own_partner_is_bit_identical():
    images = np.asarray(batch()[0])
    _, mixed = many()
    alone = mixed.partner == np.arange(8)
    assert alone.any()
    everyone = np.broadcast_to(images, mixed.images.shape)
    np.testing.assert_array_equal(mixed.images[alone], everyone[alone])


# --- the draw -------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.4, 1.0])
def test_weights_follow_the_beta_distribution(alpha):
    assert kstest(shares(alpha), beta(alpha, alpha).cdf).pvalue > 1e-3


@pytest.mark.parametrize("alpha", [0.4, 1.0])
def test_weights_have_the_betas_mean_and_variance(alpha):
    variance = 1 / (4 * (2 * alpha + 1))
    found = shares(alpha)
    assert abs(found.mean() - 0.5) < 5 * np.sqrt(variance / len(found))
    assert found.var() == pytest.approx(variance, rel=0.1)


def test_each_sample_has_a_weight_of_its_own():
    weights = np.asarray(mix(KEY, *batch(8), options=MIXUP).weights)[:, 0, 0]
    mixed = weights[weights < 1]
    assert len(set(mixed)) == len(mixed) > 1


def test_global_mixup_has_one_weight_for_all_pixels_of_a_sample():
    weights = np.asarray(mix(KEY, *batch(8), options=MIXUP).weights)
    np.testing.assert_array_equal(weights, weights[:, :1, :1] * np.ones((1, 6, 5)))


# --- shapes, types, transformations ---------------------------------------------------


@pytest.mark.parametrize("options", ALL, ids=lambda o: o.preset)
def test_the_sequences_of_a_sample_share_the_weights(options):
    images, labels = batch(sequences=(3,))
    mixed = mix(KEY, images, labels, options=options)
    assert mixed.weights.shape == (8, 6, 5)
    for m in range(3):
        alone = mix(KEY, images[:, m], labels, options=options)
        np.testing.assert_allclose(mixed.images[:, m], alone.images, atol=1e-6)


@pytest.mark.parametrize("options", ALL, ids=lambda o: o.preset)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_shapes_and_dtypes_stay(options, dtype):
    images, labels = batch(sequences=(3,), dtype=dtype)
    mixed = mix(KEY, images, labels, options=options)
    assert (mixed.images.shape, mixed.images.dtype) == (images.shape, images.dtype)
    assert (mixed.labels.shape, mixed.labels.dtype) == (labels.shape, labels.dtype)
    assert mixed.weights.dtype == np.float32


def test_eager_and_jitted_agree():
    images, labels = jnp.ones((4, 8, 8, 3)), jnp.eye(2)[jnp.array([0, 1, 0, 1])]
    eager = mixcut(KEY, images, labels, options=MIXUP)
    for a, b in zip(eager, mix(KEY, images, labels, options=MIXUP), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_vmapped_over_keys_it_is_the_same_as_one_by_one():
    keys, mixed = many()
    for i in range(3):
        alone = mix(keys[i], *batch(), options=MIXUP)
        for a, b in zip(mixed, alone, strict=True):
            np.testing.assert_allclose(a[i], b, atol=1e-6)


def test_the_same_key_gives_the_same_bytes_and_another_key_others():
    first, second = (mix(KEY, *batch(), options=MIXUP).images for _ in range(2))
    other = mix(jax.random.key(6), *batch(), options=MIXUP).images
    assert np.asarray(first).tobytes() == np.asarray(second).tobytes()
    assert not np.allclose(first, other)


# --- options --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"preset": "mixing"},
        {"alpha": 0.0},
        {"alpha": -1.0},
        {"alpha": float("nan")},
        {"alpha": float("inf")},
        {"probability": 1.1},
        {"probability": -0.1},
        {"probability": float("nan")},
    ],
)
def test_an_option_out_of_range_is_refused_by_name(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=rf"^{name} must be .*, got "):
        Options(**wrong)


def test_equal_options_are_one_compilation():
    options = [Options(alpha=2.0), Options(alpha=2.0)]
    assert len({*options}) == 1


@pytest.mark.parametrize("options", ALL, ids=lambda o: o.preset)
def test_presets_that_need_no_saliency_say_so(options):
    assert not options.needs_saliency


def test_the_config_offers_the_presets_and_the_same_ranges():
    assert set(Mixing.__dataclass_fields__) == set(Options.__dataclass_fields__)
    offered = Mixing.__dataclass_fields__["preset"].metadata["options"]
    assert set(offered) == set(PRESETS)


def test_the_example_of_the_docstring_runs():
    found = doctest.testmod(compose)
    assert (found.attempted, found.failed) == (3, 0)
