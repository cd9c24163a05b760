"""The three groups are fastai's splits of torchvision's modules."""

import pytest

from negspa_jax.models import ENCODERS, find_depth
from negspa_jax.models.torchvision_names import list_targets


def fastai_group(name: str, encoder: str) -> int:
    """Of a tensor of torchvision: ResNet's children [:6], VGG's features [:22]."""
    first, second, *_ = name.split(".")
    if encoder == "vgg16_bn":
        return int(int(second) >= 22)
    children = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2"]
    return int(first not in children)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_depth_of_every_parameter_is_its_group_in_fastai(encoder):
    seen = set()
    for name, target in list_targets(encoder).items():
        if target and target.path[0] == "params" and not target.in_classifier:
            depth = find_depth(("encoders_2", *target.path[1:]))
            assert depth == fastai_group(name, encoder), name
            seen.add(depth)
    assert seen == {0, 1}


def test_the_head_is_the_third_group():
    assert find_depth(("head", "norm1", "scale")) == 2
