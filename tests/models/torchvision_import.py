"""Import torchvision, also on a CPU build of torch for which it has no own build."""

import sys
from types import ModuleType
from typing import Any

_DECLARED: list[Any] = []


def import_torchvision() -> ModuleType:
    """torchvision; where its operators cannot be loaded, two of them are declared."""
    import torch

    try:
        import torchvision
    except RuntimeError:  # "operator torchvision::nms does not exist"
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        arguments = "Tensor dets, Tensor scores, float iou_threshold"
        library.define(f"nms({arguments}) -> Tensor")
        library.define(f"qnms({arguments}) -> Tensor")
        _DECLARED.append(library)  # the operators live as long as it does
        import torchvision
    return torchvision
