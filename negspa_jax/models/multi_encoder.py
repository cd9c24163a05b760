"""One, two or three encoders and the head that joins them ([S], Figure S1).

    images -> normalize -> encoder of each input -> feature maps    encode
    feature maps -> head -> 2 logits                                classify

The score of a patient's side is the softmax of the logits, class 1.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp
from flax import linen as nn

from negspa_jax.models.head import make_head
from negspa_jax.models.resnet import ResNet
from negspa_jax.models.vgg import VGG16
from negspa_jax.shapes import Array, Float

ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "resnet18": partial(ResNet, blocks=(2, 2, 2, 2), bottleneck=False),
    "resnet34": partial(ResNet, blocks=(3, 4, 6, 3), bottleneck=False),
    "resnet50": partial(ResNet, blocks=(3, 4, 6, 3), bottleneck=True),
    "resnet101": partial(ResNet, blocks=(3, 4, 23, 3), bottleneck=True),
    "vgg16_bn": VGG16,
}

# Mean and standard deviation of ImageNet's red, green and blue in [0, 1].
NORMALIZATIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...]] | None] = {
    "none": None,
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def make_encoder(name: str, **options: Any) -> nn.Module:
    """The encoder of that name.

    Args:
        name: a key of `ENCODERS`.
        **options: `num_classes`, `dtype`, `axis_name` of the network.

    Raises:
        ValueError: if there is no such encoder.
    """
    check_encoder(name)
    return ENCODERS[name](**options)


def check_encoder(name: str) -> None:
    """Raise ValueError if there is no encoder of that name."""
    if name not in ENCODERS:
        raise ValueError(
            f"encoder must be one of {', '.join(ENCODERS)}, got {name!r}: choose one"
        )


class MultiEncoder(nn.Module):
    """The network of NegSpA-AI: `num_inputs` encoders, one head.

    Attributes:
        encoder: a key of `ENCODERS`.
        num_inputs: number of sequences m (1 single, 2 dual, 3 tri).
        shared: one encoder is applied to all inputs in turn.
        form: of the head: "plain", or "fastai" (see `FastaiHead`).
        hidden: width of the head's hidden layer.
        dropout: probability that a hidden unit is dropped in training.
        num_classes: number of logits.
        normalize: "none", or "imagenet" to subtract its mean and divide by its
            standard deviation, before anything else.
        dtype: computing type of the encoders (`jnp.bfloat16`); None for the
            parameters' own. Statistics, head and logits stay float32.
        axis_name: mapped axis over which batch statistics are shared.
    """

    encoder: str = "resnet50"
    num_inputs: int = 3
    shared: bool = False
    form: str = "plain"
    hidden: int = 512
    dropout: float = 0.0
    num_classes: int = 2
    normalize: str = "none"
    dtype: Any = None
    axis_name: str | None = None

    def setup(self) -> None:
        if self.normalize not in NORMALIZATIONS:
            raise ValueError(
                f"normalize must be one of {', '.join(NORMALIZATIONS)}, "
                f"got {self.normalize!r}: choose one"
            )
        self.encoders = [
            make_encoder(self.encoder, dtype=self.dtype, axis_name=self.axis_name)
            for _ in range(1 if self.shared else self.num_inputs)
        ]
        self.head = make_head(
            self.form,
            hidden=self.hidden,
            dropout=self.dropout,
            num_classes=self.num_classes,
            axis_name=self.axis_name,
        )

    def __call__(
        self, images: Float[Array, "b m h w c"], *, train: bool
    ) -> Float[Array, "b k"]:
        """Logits of images in [0, 1]."""
        return self.classify(self.encode(images, train=train), train=train)

    def encode(
        self, images: Float[Array, "b m h w c"], *, train: bool
    ) -> Float[Array, "b m p q d"]:
        """The last feature map of every input.

        Args:
            images: values in [0, 1]; three channels, or one that stands for three.
            train: normalize by the batch's statistics and update the running ones
                (then `batch_stats` must be mutable).
        """
        if images.shape[1] != self.num_inputs or images.shape[-1] not in (1, 3):
            raise ValueError(
                f"images must be (b, {self.num_inputs}, h, w, 3) or of one channel, "
                f"got {images.shape}: set num_inputs to the number of sequences"
            )
        images = self._normalize(images)
        encoders = self.encoders * (self.num_inputs if self.shared else 1)
        maps = [
            encoder(images[:, m], train=train) for m, encoder in enumerate(encoders)
        ]
        return jnp.stack(maps, axis=1)

    def classify(
        self, features: Float[Array, "b m p q d"], *, train: bool
    ) -> Float[Array, "b k"]:
        """Logits of the feature maps; needs the key "dropout" if dropout > 0."""
        return self.head(features, train=train)

    def _normalize(
        self, images: Float[Array, "b m h w c"]
    ) -> Float[Array, "b m h w 3"]:
        images = jnp.broadcast_to(images, (*images.shape[:-1], 3))
        statistics = NORMALIZATIONS[self.normalize]
        if statistics is None:
            return images
        mean, deviation = (
            jnp.asarray(values, images.dtype).reshape(1, 1, 1, 1, -1)
            for values in statistics
        )
        return (images - mean) / deviation
