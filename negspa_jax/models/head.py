"""The heads: feature maps of all inputs in, logits out; in float32 at least."""

from functools import partial

import jax.numpy as jnp
from flax import linen as nn

from negspa_jax.models.batch_norm import BatchNorm
from negspa_jax.shapes import Array, Float

FORMS = ("plain", "fastai")


def make_head(
    form: str,
    *,
    hidden: int,
    dropout: float,
    num_classes: int,
    axis_name: str | None,
) -> nn.Module:
    """The head of that form.

    Args:
        form: "plain" for `PlainHead`, "fastai" for `FastaiHead`.
        hidden: width of the hidden layer.
        dropout: probability that a unit before the logits is dropped in training.
        num_classes: number of logits.
        axis_name: mapped axis over which batch statistics are shared.

    Raises:
        ValueError: if there is no such form.
    """
    if form not in FORMS:
        raise ValueError(
            f"form must be one of {', '.join(FORMS)}, got {form!r}: choose one"
        )
    if form == "fastai":
        return FastaiHead(hidden, dropout, num_classes, axis_name)
    return PlainHead(hidden, dropout, num_classes)


class PlainHead(nn.Module):
    """Average over pixels, a hidden layer, logits ([S], Figure S1)."""

    hidden: int
    dropout: float
    num_classes: int

    @nn.compact
    def __call__(
        self, features: Float[Array, "b m p q d"], *, train: bool
    ) -> Float[Array, "b k"]:
        features = _widen(features)
        pooled = features.mean((2, 3))
        # [S] gives no initial values: Gaussian, standard deviation .01 (choice).
        dense = partial(nn.Dense, kernel_init=nn.initializers.normal(0.01))
        hidden = pooled.reshape(pooled.shape[0], -1)
        hidden = nn.relu(dense(self.hidden, name="hidden")(hidden))
        hidden = nn.Dropout(self.dropout, deterministic=not train)(hidden)
        return dense(self.num_classes, name="logits")(hidden)


class FastaiHead(nn.Module):
    """The head that fastai's `vision_learner` puts on a network.

        maximum and average over pixels
        batch normalization, dropout p/2 -> hidden layer, ReLU
        batch normalization, dropout p   -> logits

    Neither layer has a bias; both start Gaussian with variance 2 / (number of inputs),
    as He et al. 2015. Several inputs follow each other, each with its maxima and then
    its averages. Biases of the normalizations start at 0 (fastai: 0.001).

    Reference: fastai 2, `create_head`, with its defaults.
    """

    hidden: int
    dropout: float
    num_classes: int
    axis_name: str | None = None

    @nn.compact
    def __call__(
        self, features: Float[Array, "b m p q d"], *, train: bool
    ) -> Float[Array, "b k"]:
        features = _widen(features)
        pooled = [features.max((2, 3)), features.mean((2, 3))]
        values = jnp.concatenate(pooled, axis=-1).reshape(len(features), -1)
        start = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
        dense = partial(nn.Dense, use_bias=False, kernel_init=start)
        norm = partial(BatchNorm, axis_name=self.axis_name)
        drop = partial(nn.Dropout, deterministic=not train)
        values = drop(self.dropout / 2)(norm(name="norm1")(values, train=train))
        hidden = nn.relu(dense(self.hidden, name="hidden")(values))
        hidden = drop(self.dropout)(norm(name="norm2")(hidden, train=train))
        return dense(self.num_classes, name="logits")(hidden)


def _widen(features: Float[Array, "b m p q d"]) -> Float[Array, "b m p q d"]:
    return features.astype(jnp.promote_types(features.dtype, jnp.float32))
