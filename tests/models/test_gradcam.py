"""Maps of evidence: the equations, an oracle by hand, and what random weights show."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import spearmanr

from negspa_jax.models import (
    ENCODERS,
    MultiEncoder,
    bilinear,
    grad_cam,
    occlusion_map,
    saliency_map,
)
from tests.models.blobs import TINY, draw_blobs, train_on_blobs

QUICK = {"xla_backend_optimization_level": 0}
MAPS = {
    "grad_cam": grad_cam,
    "saliency_map": saliency_map,
    "occlusion_map": partial(occlusion_map, patch=4),
}


@pytest.fixture(autouse=True)
def tiny_encoder(monkeypatch):
    """The name resnet18 means a network of one block."""
    monkeypatch.setitem(ENCODERS, "resnet18", TINY)


def draw(model, number, size):
    """Variables of a spread that lets every layer matter, and images."""
    generator = np.random.default_rng(0)
    images = generator.random((number, model.num_inputs, size, size, 3), np.float32)

    def leaf(like):
        values = 1 + 0.1 * generator.random(like.shape)
        if like.ndim > 1:
            scale = 1.4 / np.sqrt(np.prod(like.shape[:-1]))
            values = generator.normal(0, scale, like.shape)
        return jnp.asarray(values, like.dtype)

    init = partial(model.init, train=False)
    shapes = jax.eval_shape(init, jax.random.key(0), images)
    return jax.tree.map(leaf, shapes), jnp.asarray(images)


def compiled(function, model, **options):
    return jax.jit(partial(function, model, **options), compiler_options=QUICK)


def in_float64(tree):
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float64), tree)


# --- the equations --------------------------------------------------------------------


@pytest.mark.parametrize("class_index", [0, 1])
def test_grad_cam_weighs_channels_by_finite_differences_of_the_logit(class_index):
    model = MultiEncoder("resnet18", num_inputs=2, hidden=8)
    drawn = draw(model, 1, 32)
    with jax.enable_x64(True):
        variables, images = in_float64(drawn)
        features = model.apply(variables, images, train=False, method="encode")
        classify = jax.jit(partial(model.apply, train=False, method="classify"))
        _, m, p, q, d = features.shape
        weights, step = np.zeros((m, d)), 1e-4
        for place in np.ndindex(m, d):
            # Moved in all p q cells at once: the sum of the cells' derivatives.
            change = jnp.zeros((1, m, 1, 1, d)).at[0, place[0], 0, 0, place[1]].set(1)
            change = jnp.broadcast_to(step * change, features.shape)
            up, down = (
                classify(variables, features + sign * change)[0, class_index]
                for sign in (1, -1)
            )
            weights[place] = (up - down) / (2 * step) / (p * q)
        weighted = np.einsum("md,mpqd->mpq", weights, features[0])
        got = grad_cam(model, variables, images, class_index=class_index)[0]
    assert got.dtype == np.float64
    assert weighted.min() < 0 < weighted.max()
    np.testing.assert_allclose(got, np.maximum(weighted, 0), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "size", "cells"),
    [
        ({"encoder": "resnet18", "num_inputs": 3}, 32, 8),
        ({"encoder": "resnet18", "num_inputs": 2, "shared": True}, 40, 10),
        ({"encoder": "vgg16_bn", "num_inputs": 1}, 64, 2),
    ],
    ids=["three encoders", "a shared encoder", "VGG"],
)
def test_grad_cam_of_a_linear_head_is_the_product_of_its_kernels(options, size, cells):
    model = MultiEncoder(hidden=8, **options)
    variables, images = draw(model, 2, size)
    head = variables["params"]["head"]
    # Every hidden unit is far above 0, so that the head is linear.
    head["hidden"]["bias"] += 1e3
    features = np.asarray(compiled_encode(model)(variables, images), np.float64)
    m, d = features.shape[1], features.shape[-1]
    kernels = (np.asarray(head[name]["kernel"]) for name in ("hidden", "logits"))
    weights = np.linalg.multi_dot([*kernels, [0.0, 1.0]]).reshape(m, d) / cells**2
    wanted = np.maximum(np.einsum("md,bmpqd->bmpq", weights, features), 0)
    got = compiled(grad_cam, model)(variables, images)
    assert got.shape == (2, m, cells, cells)
    assert wanted.any(axis=(2, 3)).any()
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5 * wanted.max())


def compiled_encode(model):
    encode = partial(model.apply, train=False, method="encode")
    return jax.jit(encode, compiler_options=QUICK)


def test_saliency_is_the_largest_finite_difference_of_a_pixels_channels():
    model = MultiEncoder("resnet18", num_inputs=2, hidden=8)
    drawn = draw(model, 1, 32)
    with jax.enable_x64(True):
        variables, images = in_float64(drawn)
        logits = jax.jit(partial(model.apply, train=False))
        got = saliency_map(model, variables, images)
        for m, h, w in ((0, 3, 30), (0, 16, 16), (1, 7, 21)):
            moved = [
                logits(variables, images.at[0, m, h, w, c].add(step))[0, 1]
                for c in range(3)
                for step in (1e-6, -1e-6)
            ]
            slopes = np.abs(np.subtract(moved[::2], moved[1::2])) / 2e-6
            np.testing.assert_allclose(got[0, m, h, w], slopes.max(), rtol=1e-5)


def test_occlusion_is_the_fall_of_the_logit_with_a_patch_covered_by_the_mean():
    model = MultiEncoder("resnet18", num_inputs=2, hidden=8)
    variables, images = draw(model, 2, 32)
    got = compiled(occlusion_map, model, patch=8)(variables, images)
    assert got.shape == (2, 2, 4, 4)
    covered = np.array(images)
    covered[:, 1, 8:16, 24:] = covered[:, 1].mean((1, 2, 3)).reshape(2, 1, 1, 1)
    inputs = images, jnp.asarray(covered)
    before, after = (model.apply(variables, x, train=False) for x in inputs)
    np.testing.assert_allclose(
        got[:, 1, 1, 3], (before - after)[:, 1], rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("patch", [0, 5, 64])
def test_patches_that_do_not_tile_the_image_are_refused(patch):
    model = MultiEncoder("resnet18", num_inputs=2)
    sentence = rf"patch must divide the images' 32 x 32 pixels, got {patch}"
    with pytest.raises(ValueError, match=sentence):
        occlusion_map(model, {}, jnp.zeros((1, 2, 32, 32, 3)), patch=patch)


def test_enlarging_keeps_the_cells_centres_and_repeats_the_border():
    maps = jnp.array([[[0.0, 4.0]], [[8.0, 0.0]]])
    got = bilinear(maps, height=2, width=8)
    row = [0, 0, 0.5, 1.5, 2.5, 3.5, 4, 4]
    np.testing.assert_allclose(got[0], [row, row], atol=1e-6)
    np.testing.assert_allclose(got[1], 8 - 2 * got[0], atol=1e-6)


# --- how they are used ----------------------------------------------------------------


def test_a_samples_map_does_not_depend_on_its_batch():
    model = MultiEncoder("resnet18", num_inputs=2, hidden=8)
    variables, images = draw(model, 3, 32)
    together = compiled(grad_cam, model)(variables, images)
    alone = grad_cam(model, variables, images[1:2])
    np.testing.assert_allclose(alone[0], together[1], rtol=1e-4, atol=1e-5)


def test_maps_of_a_bfloat16_network_are_float32():
    model = MultiEncoder("resnet18", num_inputs=2, hidden=8, dtype=jnp.bfloat16)
    variables, images = draw(model, 1, 32)
    got = compiled(grad_cam, model)(variables, images)
    exact = compiled(grad_cam, model.clone(dtype=None))(variables, images)
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, exact, atol=0.05 * exact.max())


@pytest.mark.parametrize("name", MAPS)
def test_maps_of_grey_images_are_those_of_three_equal_channels(name):
    model = MultiEncoder("resnet18", num_inputs=2, hidden=8, form="fastai")
    variables, images = draw(model, 2, 32)
    grey = images[..., :1]
    explain = compiled(MAPS[name], model)
    got, wanted = (explain(variables, x) for x in (grey, jnp.repeat(grey, 3, axis=-1)))
    assert got.shape == wanted.shape
    if name == "saliency_map":
        # The slope along grey: the sum of the channels', not the largest of them.
        assert got.any()
        assert (got <= 3 * wanted * (1 + 1e-4) + 1e-7).all()
        return
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


# --- what they show -------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    """A network that finds blobs, and sixteen samples with one in the first input."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENCODERS, "resnet18", TINY)
        model, variables = train_on_blobs()
    images, _, masks = draw_blobs(1, 32)
    return model, variables, images[1::2], masks[1::2]


def rank_correlation(ours, others) -> float:
    """Spearman's, the mean over samples."""
    pairs = zip(np.asarray(ours), np.asarray(others), strict=True)
    return float(np.mean([spearmanr(a.ravel(), b.ravel()).statistic for a, b in pairs]))


@pytest.mark.parametrize("name", MAPS)
def test_maps_change_when_the_weights_are_randomised(trained, name):
    model, variables, images, _ = trained
    explain = compiled(MAPS[name], model)
    ours = explain(variables, images)
    for seed in (5, 6):
        drawn = model.init(jax.random.key(seed), images[:1], train=False)
        assert rank_correlation(ours, explain(drawn, images)) < 0.5
    # The measure is not blind: a hundredth of the weights leaves the maps alone.
    nearly = jax.tree.map(lambda leaf: 1.01 * leaf, variables)
    assert rank_correlation(ours, explain(nearly, images)) > 0.9


@pytest.mark.parametrize("name", ["grad_cam", "occlusion_map"])
def test_a_trained_networks_evidence_is_in_the_input_that_has_it(trained, name):
    model, variables, images, _ = trained
    maps = np.asarray(compiled(MAPS[name], model)(variables, images))
    assert (maps[:, 0].max((1, 2)) > 2 * maps[:, 1].max((1, 2))).mean() > 0.8


@pytest.mark.parametrize("name", MAPS)
def test_a_trained_networks_evidence_is_where_the_blob_is(trained, name):
    model, variables, images, masks = trained
    maps = compiled(MAPS[name], model)(variables, images)[:, 0]
    large = np.asarray(bilinear(maps, height=32, width=32))
    inside = np.where(masks, large, 0).sum((1, 2)) / masks.sum((1, 2))
    outside = np.where(masks, 0, large).sum((1, 2)) / (~masks).sum((1, 2))
    assert (inside > 2 * outside).mean() > 0.9
