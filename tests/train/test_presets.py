"""A preset and what changes it become options; what cannot be mixed is told early."""

import re
from pathlib import Path

import pytest

from negspa_jax.config import Config, ConfigError, Mixing, Stage, flatten
from negspa_jax.mixcut import PRESETS, Options
from negspa_jax.train.overrides import load_config
from negspa_jax.train.presets import find_mixing, resolve_mixing
from negspa_jax.train.progress import Progress, rate_at

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def config_of(*sizes: int, **mixing) -> Config:
    """A config of stages with these image sizes."""
    stages = tuple(Stage(image_size=size) for size in sizes or (224,))
    config = Config(stages=stages, mixing=Mixing(**mixing))
    config.validate()
    return config


def complaint(*sizes: int, **mixing) -> str:
    """The one sentence about what does not go together."""
    config = config_of(*sizes, **mixing)
    with pytest.raises(ConfigError) as caught:
        resolve_mixing(config)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_alone_gives_its_options(preset):
    assert find_mixing(Mixing(preset=preset)) == PRESETS[preset]


def test_what_is_given_replaces_the_presets():
    mixing = Mixing(preset="cutmix", alpha=0.5, puzzle=True, num_blocks=(2, 4))
    wanted = {"local": "paste", "cutout": False}
    assert find_mixing(mixing) == Options(alpha=0.5, num_blocks=(2, 4), **wanted)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_resolved_config_has_no_none_and_is_its_own_resolution(preset):
    resolved = resolve_mixing(config_of(preset=preset))
    resolved.validate()
    assert None not in flatten(resolved).values()
    assert resolve_mixing(resolved) == resolved


def test_resolving_leaves_the_given_config_as_it_is():
    config = config_of(alpha=0.5)
    assert resolve_mixing(config).mixing.beta == 1.2
    assert config == config_of(alpha=0.5)


def test_options_that_contradict_each_other_are_refused_by_their_field():
    assert complaint(label="asmixcut").startswith("config.mixing.label must be ")


def test_grids_that_do_not_divide_a_stages_images_are_refused_by_the_stage():
    told = complaint(96, 64, num_blocks=(3, 6))
    assert "num_blocks must hold a divisor of the 64 pixels of config.stages[1]" in told


def test_one_grid_that_divides_the_images_is_enough():
    resolve_mixing(config_of(72, num_blocks=(2, 4, 8, 16)))


def test_the_grids_that_divide_the_images_alone_must_divide_the_saliency():
    resolve_mixing(config_of(72, num_blocks=(2, 4, 16), saliency_size=36))


@pytest.mark.parametrize("size", [0, 32, 112, 224])
def test_saliency_may_have_a_size_that_images_and_blocks_divide(size):
    assert resolve_mixing(config_of(saliency_size=size)).mixing.saliency_size == size


# Not a divisor; not a multiple of the largest grid; too small; larger than the images.
@pytest.mark.parametrize("size", [100, 56, 16, 448])
def test_saliency_of_another_size_is_refused_with_the_possible_ones(size):
    told = complaint(saliency_size=size)
    assert told.startswith("config.mixing.saliency_size must be 0 | 32 | 112 | 224 for")
    assert re.search(rf"stages\[0\].*got {size}$", told)


def test_the_size_of_the_saliency_must_suit_every_stage():
    assert "stages[1]" in complaint(224, 96, saliency_size=112)


@pytest.mark.parametrize(
    "unread",
    [{"puzzle": False}, {"preset": "mixup"}, {"saliency": "spectral_residual"}],
)
def test_a_size_that_nothing_reads_is_no_mistake(unread):
    resolve_mixing(config_of(saliency_size=100, **unread))


# --- the configs of the project -------------------------------------------------------


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.py")), ids=lambda p: p.stem)
def test_the_mixing_of_every_config_suits_its_images(path):
    resolve_mixing(load_config(str(path)))


def test_the_authors_public_variant_has_one_box_a_batch_and_no_puzzle():
    mixing = resolve_mixing(load_config(str(CONFIGS / "asmixcut_r50.py"))).mixing
    assert (mixing.puzzle, mixing.cutout, mixing.local) == (False, False, "box")
    assert (mixing.draw, mixing.box, mixing.label) == ("batch", "tied", "asmixcut")


def test_the_authors_public_variant_keeps_its_rate():
    config = load_config(str(CONFIGS / "asmixcut_r50.py"))
    (stage,) = config.stages
    epochs = [Progress(epoch=epoch) for epoch in range(stage.epochs)]
    rates = {rate_at(progress, stage, config.optimizer, 10) for progress in epochs}
    assert rates == {1e-5}
