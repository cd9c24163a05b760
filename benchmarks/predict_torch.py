"""PyTorch's side of `predict`: the same network's forward, without gradients."""

from functools import partial

import numpy as np
import torch

from benchmarks.train_step_torch import Step, TorchMultiEncoder, in_layouts


def forward_steps(
    encoder: str, batch: int, shape: tuple[int, ...], *, precision: str
) -> dict[str, Step]:
    """PyTorch's candidates by name; each computes `batch` samples.

    Args:
        encoder: a key of `ENCODERS`.
        batch: samples.
        shape: of one sample, (m, h, w, c).
        precision: "float32" or "bfloat16".
    """
    return in_layouts(partial(_forward, encoder, batch, shape, precision=precision))


def _forward(
    encoder: str,
    batch: int,
    shape: tuple[int, ...],
    *,
    precision: str,
    layout: torch.memory_format,
    is_compiled: bool = False,
) -> Step:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = TorchMultiEncoder(encoder, shape[0]).to(device).eval()
    model.to(memory_format=layout)  # type: ignore[call-overload]
    pixels = np.random.default_rng(0).uniform(size=(batch, *shape)).astype(np.float32)
    images = [
        torch.from_numpy(pixels[:, m].transpose(0, 3, 1, 2).copy())
        .to(device)
        .contiguous(memory_format=layout)
        for m in range(shape[0])
    ]
    forward = torch.compile(model) if is_compiled else model
    autocast = torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16")

    def run() -> None:
        with torch.inference_mode(), autocast:
            torch.softmax(forward(images, True).float(), dim=1)
        if device == "cuda":
            torch.cuda.synchronize()

    return run
