"""The saliency of a train step: of the loss at each sample alone, in float32."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from negspa_jax.mixcut import spectral_residual
from negspa_jax.train.network import build_network, first_variables
from negspa_jax.train.saliency import make_saliency
from negspa_jax.train.step import cross_entropy
from tests.train.tiny import tiny_config, use_tiny_encoder

IMAGES = np.random.default_rng(0).random((3, 2, 32, 32, 3), dtype=np.float32)
LABELS = np.eye(2, dtype=np.float32)[[0, 1, 1]]


@pytest.fixture(scope="module")
def find():
    """Saliency of the images, or of others, by a method and at a size."""

    @cache
    def compiled(method, size, precision, part, smoothing):
        config = tiny_config(precision=precision)
        model, _ = build_network(config, num_inputs=2)
        variables = first_variables(model, config, None, fold=0)
        loss = partial(cross_entropy, label_smoothing=smoothing)
        options = {"method": method, "size": size, "device_batch": part, "loss": loss}
        function = jax.jit(make_saliency(model, **options))
        return lambda *batch: function(variables, *batch)

    def saliency(
        images=IMAGES,
        *,
        method="gradient",
        size=0,
        precision="float32",
        part=0,
        smoothing=0.0,
    ):
        function = compiled(method, size, precision, part, smoothing)
        return function(images, LABELS)

    with pytest.MonkeyPatch.context() as patch:
        use_tiny_encoder(patch)
        yield saliency


def test_a_samples_saliency_does_not_depend_on_the_other_samples(find):
    others = IMAGES.copy()
    others[1:] = 1 - others[1:] ** 2
    first, second = np.asarray(find()), np.asarray(find(others))
    np.testing.assert_allclose(first[0], second[0], rtol=1e-4)
    assert not np.allclose(first[1], second[1], rtol=1e-2)


def test_a_reduced_saliency_is_that_of_the_averaged_images(find):
    small = IMAGES.reshape(3, 2, 16, 2, 16, 2, 3).mean((3, 5))
    reduced = find(size=16)
    assert reduced.shape == (3, 16, 16)
    np.testing.assert_allclose(reduced, find(small), rtol=1e-4, atol=1e-9)


def test_the_saliency_of_a_bfloat16_network_is_float32_and_near_the_other(find):
    found = find(precision="bfloat16")
    assert found.dtype == jnp.float32
    assert np.corrcoef(np.ravel(found), np.ravel(find()))[0, 1] > 0.99


def test_the_spectral_residual_asks_the_images_alone(find):
    wanted = spectral_residual(jnp.asarray(IMAGES))
    found = find(method="spectral_residual")
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("size", [0, 16])
def test_the_saliency_of_parts_is_that_of_the_batch(find, size):
    found, wanted = find(part=1, size=size), find(size=size)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-9)


def test_a_grey_images_saliency_is_the_sum_over_its_three_channels(find):
    grey = IMAGES[..., :1]
    found = find(grey)
    assert found.shape == (3, 32, 32)
    assert found.all(axis=(1, 2)).any()
    # The signs of channels differ, so that the sum is below the norm times sqrt(3).
    bound = np.sqrt(3) * find(np.repeat(grey, 3, axis=-1))
    assert (np.asarray(found) <= bound * (1 + 1e-4) + 1e-9).all()


def test_a_smoothed_label_changes_a_samples_saliency_by_one_factor(find):
    ratio = np.asarray(find(smoothing=0.3)) / np.asarray(find())
    middle = np.median(ratio, axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(ratio, np.broadcast_to(middle, ratio.shape), rtol=1e-3)
    # The head starts near logits of 0: |.5 - .85| to |.5 - 1|.
    np.testing.assert_allclose(middle.ravel(), 0.7, rtol=0.05)
