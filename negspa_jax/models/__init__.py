"""Encoders as in torchvision, joined into one network, with pretrained weights."""

from negspa_jax.models.depth import DEPTHS, find_depth
from negspa_jax.models.gradcam import (
    bilinear,
    grad_cam,
    grad_cam_of_features,
    occlusion_map,
    saliency_map,
)
from negspa_jax.models.multi_encoder import ENCODERS, MultiEncoder, make_encoder
from negspa_jax.models.pretrained import convert_weights, load_encoder_weights
from negspa_jax.models.weight_files import Weights, resolve_weights

__all__ = [
    "DEPTHS",
    "ENCODERS",
    "MultiEncoder",
    "Weights",
    "bilinear",
    "convert_weights",
    "find_depth",
    "grad_cam",
    "grad_cam_of_features",
    "load_encoder_weights",
    "make_encoder",
    "occlusion_map",
    "resolve_weights",
    "saliency_map",
]
