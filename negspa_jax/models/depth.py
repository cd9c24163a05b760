"""How deep in the network a parameter lies: fastai's three groups.

    0  of an encoder the first part: ResNet to its second stage, VGG to its third
    1  of an encoder the rest
    2  the head

Reference: fastai 2, `_resnet_split` and `_vgg_split`.
"""

import re

DEPTHS = 3

# Names of an encoder's modules: "stem_conv", "stage2_block0"; "conv3_1", "norm3_1".
_FIRST_PART = re.compile(r"stem_|stage[12]_|(conv|norm)[123]_")


def find_depth(path: tuple[str, ...]) -> int:
    """Return the depth of a parameter of `MultiEncoder`, from 0 to 2.

    Args:
        path: such as ("encoders_0", "stage1_block0", "conv1", "kernel").
    """
    if path[0] == "head":
        return 2
    return 0 if _FIRST_PART.match(path[1]) else 1
