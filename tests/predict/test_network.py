"""The network that predicts is the one that was trained."""

import dataclasses

import pytest

from negspa_jax.config import Config, Encoder, Head
from negspa_jax.predict.maps import TOLERANCES
from negspa_jax.predict.network import build_model
from negspa_jax.train.network import build_network
from tests.train.tiny import tiny_config


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"encoder": Encoder(name="vgg16_bn", shared=True, normalize="imagenet")},
        {"head": Head(hidden=7, dropout=0.25), "precision": "bfloat16"},
    ],
)
def test_a_config_means_the_same_network_as_in_training(changes):
    config: Config = tiny_config(**changes)
    model, _ = build_network(config, num_inputs=len(config.data.sequences))
    assert build_model(config) == model.clone(axis_name=None)


def test_every_precision_of_a_run_has_a_tolerance_of_its_maps():
    fields = {item.name: item for item in dataclasses.fields(Config)}
    assert set(TOLERANCES) == set(fields["precision"].metadata["options"])
    assert TOLERANCES["float32"] < TOLERANCES["bfloat16"]
