"""Encoders as in torchvision, joined into one network, with pretrained weights."""

from negspa_jax.models.multi_encoder import ENCODERS, MultiEncoder, make_encoder

__all__ = ["ENCODERS", "MultiEncoder", "make_encoder"]
