"""PyTorch's side of `radiograph`: ResNet50 with fastai's head, and AdamW."""

from functools import partial

import numpy as np
import torch

from benchmarks.train_step_torch import Step, in_layouts
from tests.models.torchvision_import import import_torchvision

_RATE, _SMOOTHING, _DECAY = 1e-4, 0.1, 0.01


class TorchRadiograph(torch.nn.Module):
    """torchvision's ResNet50 and the head that fastai puts on it."""

    def __init__(self) -> None:
        super().__init__()
        network = import_torchvision().models.resnet50(weights=None)
        self.body = torch.nn.Sequential(*list(network.children())[:-2])
        self.head = torch.nn.Sequential(
            torch.nn.BatchNorm1d(4096),
            torch.nn.Dropout(0.25),
            torch.nn.Linear(4096, 512, bias=False),
            torch.nn.ReLU(),
            torch.nn.BatchNorm1d(512),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(512, 2, bias=False),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.body(images)
        return self.head(torch.cat([maps.amax((2, 3)), maps.mean((2, 3))], dim=1))


def torch_steps(
    images: np.ndarray, labels: np.ndarray, *, precision: str, parts: int
) -> dict[str, Step]:
    """PyTorch's candidates by name.

    Args:
        images: `b 1 h w 1`; PyTorch is given three equal channels.
        labels: `b 2`.
        precision: "float32", or "bfloat16" for autocast.
        parts: samples at a time, gradients being summed; 0 for all.
    """
    return in_layouts(
        partial(_make_step, images, labels, precision=precision, parts=parts)
    )


def _make_step(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    precision: str,
    parts: int,
    layout: torch.memory_format,
    is_compiled: bool = False,
) -> Step:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = TorchRadiograph().to(device).train()
    model.to(memory_format=layout)  # type: ignore[call-overload]
    grey = torch.from_numpy(images[:, 0].transpose(0, 3, 1, 2).copy()).to(device)
    batch = grey.repeat(1, 3, 1, 1).contiguous(memory_format=layout)
    targets = torch.from_numpy(labels).to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=_RATE, weight_decay=_DECAY, fused=True
    )
    loss_fn = torch.nn.CrossEntropyLoss(label_smoothing=_SMOOTHING)
    forward = torch.compile(model) if is_compiled else model
    autocast = torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16")
    size = parts or len(batch)

    def run() -> None:
        optimizer.zero_grad(set_to_none=True)
        for x, y in zip(batch.split(size), targets.split(size), strict=True):
            with autocast:
                loss = loss_fn(forward(x).float(), y) * len(x) / len(batch)
            loss.backward()
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return run
