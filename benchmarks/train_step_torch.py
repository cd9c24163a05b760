"""PyTorch's side of `train_step`: the same network of torchvision's encoders."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from tests.models.torchvision_import import import_torchvision

RATE = 1e-4
Step = Callable[[], Any]


class TorchMultiEncoder(torch.nn.Module):
    """The same network of torchvision's parts."""

    def __init__(self, encoder: str, num_inputs: int) -> None:
        super().__init__()
        make = getattr(import_torchvision().models, encoder)
        networks = [make(weights=None) for _ in range(num_inputs)]
        is_vgg = encoder == "vgg16_bn"
        self.encoders = torch.nn.ModuleList(
            net.features if is_vgg else torch.nn.Sequential(*list(net.children())[:-2])
            for net in networks
        )
        width = 2048 if encoder in ("resnet50", "resnet101") else 512
        self.head = torch.nn.Sequential(
            torch.nn.Linear(width * num_inputs, 512),
            torch.nn.ReLU(),
            torch.nn.Linear(512, 2),
        )

    def encode(self, images: list[torch.Tensor]) -> torch.Tensor:
        pairs = zip(self.encoders, images, strict=True)
        return torch.cat([encoder(image) for encoder, image in pairs], dim=1)

    def forward(self, images: list[torch.Tensor], frozen: bool) -> torch.Tensor:
        with torch.set_grad_enabled(not frozen):
            features = self.encode(images)
        return self.head(features.mean((2, 3)))


def torch_steps(
    encoder: str, stage: int, images: np.ndarray, labels: np.ndarray, *, precision: str
) -> dict[str, Step]:
    """PyTorch's candidates by name."""
    return in_layouts(
        partial(torch_step, encoder, stage, images, labels, precision=precision)
    )


def in_layouts(make: Callable[..., Step]) -> dict[str, Step]:
    """The step that `make` makes in both memory layouts, on a GPU compiled, too.

    Args:
        make: takes `layout`, and `is_compiled` where it shall be.
    """
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    layouts = {
        "torch_contiguous": torch.contiguous_format,
        "torch_channels_last": torch.channels_last,
    }
    steps = {}
    for name, layout in layouts.items():
        steps[name] = make(layout=layout)
        if torch.cuda.is_available():
            steps[f"{name}_compiled"] = make(layout=layout, is_compiled=True)
    return steps


def torch_step(
    encoder: str,
    stage: int,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    layout: torch.memory_format,
    precision: str,
    is_compiled: bool = False,
) -> Step:
    """One step of PyTorch's; it returns when the device has finished."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = TorchMultiEncoder(encoder, images.shape[1]).to(device)
    model.to(memory_format=layout)  # type: ignore[call-overload]
    model.encoders.train(stage == 2)
    batch = [
        torch.from_numpy(images[:, m].transpose(0, 3, 1, 2).copy())
        .to(device)
        .contiguous(memory_format=layout)
        for m in range(images.shape[1])
    ]
    targets = torch.from_numpy(labels).to(device)
    trained = model.parameters() if stage == 2 else model.head.parameters()
    # The fused update is the fastest that PyTorch has on both devices.
    optimizer = torch.optim.Adam(trained, lr=RATE, fused=True)
    forward = torch.compile(model) if is_compiled else model
    is_half = precision == "bfloat16"
    autocast = torch.autocast(device, torch.bfloat16, enabled=is_half)

    def run() -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast:
            logits = forward(batch, stage == 1)
            loss = torch.nn.functional.cross_entropy(logits.float(), targets)
        loss.backward()
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return run
