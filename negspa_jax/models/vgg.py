"""VGG-16 with batch normalization, channels last, equal to torchvision's.

The encoder is torchvision's `features` alone; its 7x7 pooling and three dense layers
belong to the classifier.

Reference: Simonyan, Zisserman, "Very deep convolutional networks", 2015, model D.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from negspa_jax.models.batch_norm import BatchNorm
from negspa_jax.models.conv import Conv, max_pool
from negspa_jax.shapes import Array, Float

# Widths of the convolutions of each stage; a stage ends with a 2x2 max-pooling.
STAGES = ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3)


class VGG16(nn.Module):
    """VGG16_bn; without `num_classes` its last feature map is returned.

    Attributes:
        num_classes: width of the classifier, None for the encoder alone.
        dtype: computing type of convolutions, None for the parameters' own.
        axis_name: mapped axis over which batch statistics are shared.
    """

    num_classes: int | None = None
    dtype: Any = None
    axis_name: str | None = None

    @nn.compact
    def __call__(
        self, images: Float[Array, "b h w c"], *, train: bool
    ) -> Float[Array, "b ..."]:
        features = images
        for stage, widths in enumerate(STAGES, 1):
            for index, width in enumerate(widths, 1):
                suffix = f"{stage}_{index}"
                conv = Conv(
                    width, use_bias=True, dtype=self.dtype, name=f"conv{suffix}"
                )
                norm = BatchNorm(self.dtype, self.axis_name, name=f"norm{suffix}")
                features = nn.relu(norm(conv(features), train=train))
            features = max_pool(features, size=2, stride=2)
        if self.num_classes is None:
            return features
        return self._classify(features, train=train)

    def _classify(
        self, features: Float[Array, "b p q d"], *, train: bool
    ) -> Float[Array, "b k"]:
        features = features.astype(jnp.promote_types(features.dtype, jnp.float32))
        hidden = adaptive_average_pool(features, size=7)
        hidden = hidden.reshape(hidden.shape[0], -1)
        for index in (1, 2):
            hidden = nn.relu(nn.Dense(4096, name=f"dense{index}")(hidden))
            hidden = nn.Dropout(0.5, deterministic=not train)(hidden)
        return nn.Dense(self.num_classes or 0, name="classifier")(hidden)


def adaptive_average_pool(
    features: Float[Array, "b h w d"], *, size: int
) -> Float[Array, "b size size d"]:
    """Mean over window i = [floor(i h / size), ceil((i + 1) h / size)), as torch."""
    rows = _pooling_matrix(features.shape[1], size)
    columns = _pooling_matrix(features.shape[2], size)
    return jnp.einsum(
        "ph,qw,bhwd->bpqd",
        rows.astype(features.dtype),
        columns.astype(features.dtype),
        features,
    )


def _pooling_matrix(length: int, size: int) -> np.ndarray:
    """Row i holds the weights of output i."""
    starts = np.arange(size) * length // size
    stops = -(-(np.arange(size) + 1) * length // size)
    pixels = np.arange(length)
    inside = (pixels >= starts[:, None]) & (pixels < stops[:, None])
    return inside / inside.sum(1, keepdims=True)
