"""torchvision's networks with random weights, for the tests that need torch."""

from typing import Any

from tests.models.torchvision_import import import_torchvision


def random_network(name: str, *, seed: int = 0) -> Any:
    """torchvision's network of that name; every tensor of its state dict is random.

    Weights have the scale of He's initialization; the affine parameters and running
    statistics of batch normalizations differ from 1 and 0, so that no two can be
    mistaken for each other. Dropout is off.
    """
    import torch

    torch.manual_seed(seed)
    with torch.device("meta"):
        network = getattr(import_torchvision().models, name)(weights=None)
    network.to_empty(device="cpu")
    for key, tensor in network.state_dict().items():
        if key.endswith("num_batches_tracked"):
            tensor.fill_(7)
        elif tensor.ndim > 1:
            fan = tensor[0].numel()
            tensor.uniform_(-((6 / fan) ** 0.5), (6 / fan) ** 0.5)
        else:
            low = 0.5 if key.endswith(("weight", "running_var")) else -0.2
            tensor.uniform_(low, low + 0.5)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return network
