"""A step asks for the saliency of a batch only where it is mixed by it."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from negspa_jax.mixcut import PRESETS
from negspa_jax.train import mixing

IMAGES = jnp.asarray(np.random.default_rng(0).random((4, 2, 8, 8, 3)), jnp.float32)
LABELS = jnp.eye(2)[jnp.array([0, 1, 0, 1])]
SALIENCY = IMAGES[:, 0, ..., 0]
VARIABLES = {"params": {}}


@pytest.fixture
def mix(monkeypatch):
    """Mix by a preset: what came back, how saliency was asked for, what was mixed."""

    def by(preset: str):
        asked: list = []
        given: list = []

        def find_saliency(*arguments):
            asked.append(arguments)
            return SALIENCY

        def mixcut(*arguments, **options):
            given.append((arguments, options))
            return SimpleNamespace(images=arguments[1] / 2, labels=arguments[2] / 2)

        monkeypatch.setattr(mixing, "mixcut", mixcut)
        function = mixing.make_mix(
            find_saliency, options=PRESETS[preset], probability=0.5
        )
        batch = function(jax.random.key(0), VARIABLES, IMAGES, LABELS)
        return batch, asked, given

    return by


def test_a_mixing_of_nothing_gives_the_batch_back_and_draws_nothing(mix):
    (images, labels), asked, given = mix("none")
    assert images is IMAGES
    assert labels is LABELS
    assert asked == given == []


@pytest.mark.parametrize("preset", ["mixup", "cutmix", "cutout", "asmixcut"])
def test_a_mixing_without_blocks_asks_for_no_saliency(mix, preset):
    _, asked, (((*_, saliency), _),) = mix(preset)
    assert asked == []
    assert saliency is None


@pytest.mark.parametrize("preset", ["supplement", "puzzlemix"])
def test_a_mixing_of_blocks_asks_for_the_unmixed_batchs_saliency_once(mix, preset):
    mixed, ((variables, *batch),), (((_, *arguments), options),) = mix(preset)
    assert variables is VARIABLES
    assert all(a is b for a, b in zip(batch, (IMAGES, LABELS), strict=True))
    wanted = (IMAGES, LABELS, SALIENCY)
    assert all(a is b for a, b in zip(arguments, wanted, strict=True))
    assert options == {"options": PRESETS[preset], "probability": 0.5}
    np.testing.assert_array_equal(mixed[0], IMAGES / 2)
    np.testing.assert_array_equal(mixed[1], LABELS / 2)
