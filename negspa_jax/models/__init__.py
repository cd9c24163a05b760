"""Encoders as in torchvision, joined into one network, with pretrained weights."""

from negspa_jax.models.multi_encoder import ENCODERS, MultiEncoder, make_encoder
from negspa_jax.models.pretrained import convert_weights, load_encoder_weights
from negspa_jax.models.weight_files import Weights, resolve_weights

__all__ = [
    "ENCODERS",
    "MultiEncoder",
    "Weights",
    "convert_weights",
    "load_encoder_weights",
    "make_encoder",
    "resolve_weights",
]
