"""The one table between torchvision's tensor names and the variables of an encoder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from negspa_jax.models.multi_encoder import make_encoder
from negspa_jax.models.resnet import ResNet
from negspa_jax.models.vgg import STAGES

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """How torch stores a tensor: its shape for a shape of ours, and the way back."""

    torch_shape: Callable[[Shape], Shape]
    convert: Callable[[np.ndarray], np.ndarray]


VECTOR = Layout(lambda shape: shape, lambda tensor: tensor)
DENSE = Layout(lambda shape: shape[::-1], lambda tensor: tensor.T)
# torch: out, in, rows, columns; here: rows, columns, in, out.
CONV = Layout(
    lambda shape: (shape[3], shape[2], shape[0], shape[1]),
    lambda tensor: tensor.transpose(2, 3, 1, 0),
)


def _from_map(tensor: np.ndarray) -> np.ndarray:
    maps = tensor.reshape(len(tensor), -1, 7, 7)
    return CONV.convert(maps).reshape(-1, len(tensor))


# VGG's first dense layer reads a 7x7 map, which torch flattens channels first.
DENSE_MAP = Layout(DENSE.torch_shape, _from_map)


@dataclass(frozen=True)
class Target:
    """Where a tensor goes, as in ("params", "stem_conv", "kernel"), and its layout."""

    path: tuple[str, ...]
    layout: Layout

    @property
    def in_classifier(self) -> bool:
        """Whether the encoder alone does without it."""
        return self.path[1] in ("classifier", "dense1", "dense2")


def list_targets(encoder: str) -> dict[str, Target | None]:
    """Every tensor of torchvision's state dict, classifier included.

    `num_batches_tracked` counts training steps, for averages with momentum None that
    torchvision does not use; files before torch 0.4.1 lack it. It maps to None: it may
    be there and has no place here.
    """
    network = make_encoder(encoder)
    names = _resnet(network) if isinstance(network, ResNet) else _vgg16_bn()
    return dict(names)


Names = Iterator[tuple[str, Target | None]]


def _weights(theirs: str, ours: tuple[str, ...], layout: Layout) -> Names:
    yield f"{theirs}.weight", Target(("params", *ours, "kernel"), layout)


def _bias(theirs: str, ours: tuple[str, ...]) -> Names:
    yield f"{theirs}.bias", Target(("params", *ours, "bias"), VECTOR)


def _norm(theirs: str, ours: tuple[str, ...]) -> Names:
    yield f"{theirs}.weight", Target(("params", *ours, "scale"), VECTOR)
    yield from _bias(theirs, ours)
    yield f"{theirs}.running_mean", Target(("batch_stats", *ours, "mean"), VECTOR)
    yield f"{theirs}.running_var", Target(("batch_stats", *ours, "var"), VECTOR)
    yield f"{theirs}.num_batches_tracked", None


def _dense(theirs: str, ours: tuple[str, ...], layout: Layout = DENSE) -> Names:
    yield from _weights(theirs, ours, layout)
    yield from _bias(theirs, ours)


def _resnet(network: ResNet) -> Names:
    yield from _weights("conv1", ("stem_conv",), CONV)
    yield from _norm("bn1", ("stem_norm",))
    for stage, number in enumerate(network.blocks, 1):
        for index in range(number):
            theirs, ours = f"layer{stage}.{index}", f"stage{stage}_block{index}"
            for layer in range(1, 4 if network.bottleneck else 3):
                yield from _weights(
                    f"{theirs}.conv{layer}", (ours, f"conv{layer}"), CONV
                )
                yield from _norm(f"{theirs}.bn{layer}", (ours, f"norm{layer}"))
            if index == 0 and (stage > 1 or network.bottleneck):
                shortcut = f"{theirs}.downsample"
                yield from _weights(f"{shortcut}.0", (ours, "shortcut_conv"), CONV)
                yield from _norm(f"{shortcut}.1", (ours, "shortcut_norm"))
    yield from _dense("fc", ("classifier",))


def _vgg16_bn() -> Names:
    position = 0  # in torchvision's list of convolutions, norms, ReLUs and poolings
    for stage, widths in enumerate(STAGES, 1):
        for index in range(1, len(widths) + 1):
            conv, norm = f"features.{position}", f"features.{position + 1}"
            yield from _weights(conv, (f"conv{stage}_{index}",), CONV)
            yield from _bias(conv, (f"conv{stage}_{index}",))
            yield from _norm(norm, (f"norm{stage}_{index}",))
            position += 3
        position += 1
    yield from _dense("classifier.0", ("dense1",), DENSE_MAP)
    yield from _dense("classifier.3", ("dense2",))
    yield from _dense("classifier.6", ("classifier",))
