"""ResNet-18, -34, -50 and -101, channels last, equal to torchvision's.

Deeper blocks put the stride on the 3x3 convolution ("V1.5"), as torchvision does.

Reference: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", 2016.
"""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn

from negspa_jax.models.batch_norm import BatchNorm
from negspa_jax.models.conv import Conv, max_pool
from negspa_jax.shapes import Array, Float


class Block(nn.Module):
    """relu(x + branch(x)): two 3x3 convolutions, or 1x1, 3x3, 1x1 (bottleneck)."""

    width: int
    stride: int
    bottleneck: bool
    dtype: Any = None
    axis_name: str | None = None

    @nn.compact
    def __call__(
        self, features: Float[Array, "b h w c"], *, train: bool
    ) -> Float[Array, "b p q d"]:
        out = self.width * 4 if self.bottleneck else self.width
        branch = features
        layers = self._layers(out)
        for index, (width, size, stride) in enumerate(layers, 1):
            conv = Conv(width, size, stride, dtype=self.dtype, name=f"conv{index}")
            norm = BatchNorm(self.dtype, self.axis_name, name=f"norm{index}")
            branch = norm(conv(branch), train=train)
            if index < len(layers):
                branch = nn.relu(branch)
        if self.stride != 1 or features.shape[-1] != out:
            conv = Conv(out, 1, self.stride, dtype=self.dtype, name="shortcut_conv")
            norm = BatchNorm(self.dtype, self.axis_name, name="shortcut_norm")
            features = norm(conv(features), train=train)
        return nn.relu(branch + features.astype(branch.dtype))

    def _layers(self, out: int) -> tuple[tuple[int, int, int], ...]:
        """Width, size and stride of the branch's convolutions."""
        if self.bottleneck:
            return (self.width, 1, 1), (self.width, 3, self.stride), (out, 1, 1)
        return (self.width, 3, self.stride), (out, 3, 1)


class ResNet(nn.Module):
    """A residual network; without `num_classes` its last feature map is returned.

    Attributes:
        blocks: number of blocks in each of the four stages.
        bottleneck: blocks of three convolutions (50, 101) instead of two (18, 34).
        num_classes: width of the classifier, None for the encoder alone.
        dtype: computing type of convolutions, None for the parameters' own.
        axis_name: mapped axis over which batch statistics are shared.
    """

    blocks: tuple[int, int, int, int]
    bottleneck: bool
    num_classes: int | None = None
    dtype: Any = None
    axis_name: str | None = None

    @nn.compact
    def __call__(
        self, images: Float[Array, "b h w c"], *, train: bool
    ) -> Float[Array, "b ..."]:
        features = Conv(64, 7, 2, dtype=self.dtype, name="stem_conv")(images)
        norm = BatchNorm(self.dtype, self.axis_name, name="stem_norm")
        features = nn.relu(norm(features, train=train))
        features = max_pool(features, size=3, stride=2, pad=1)
        for stage, number in enumerate(self.blocks):
            for index in range(number):
                block = Block(
                    width=64 * 2**stage,
                    stride=2 if stage > 0 and index == 0 else 1,
                    bottleneck=self.bottleneck,
                    dtype=self.dtype,
                    axis_name=self.axis_name,
                    name=f"stage{stage + 1}_block{index}",
                )
                features = block(features, train=train)
        if self.num_classes is None:
            return features
        pooled = features.mean((1, 2), dtype=jnp.promote_types(features.dtype, "f4"))
        return nn.Dense(self.num_classes, name="classifier")(pooled)
