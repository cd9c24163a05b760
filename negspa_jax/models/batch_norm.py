"""Batch normalization that agrees with torch, alone and over several devices.

Training, per channel, over the n = b h w values of all devices (n = b without pixels):

    y = scale (x - mean) / sqrt(var + eps) + bias,    var = sum (x - mean)^2 / n
    running_mean <- .9 running_mean + .1 mean
    running_var  <- .9 running_var  + .1 var n / (n - 1)       (unbiased, as torch)

Statistics are float32 where the images are bfloat16, and float64 where anything is.
"""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from negspa_jax.shapes import Array, Float

MOMENTUM = 0.1
EPSILON = 1e-5


def _moments(
    features: Float[Array, "b *pixels d"], axis_name: str | None
) -> tuple[Float[Array, " d"], Float[Array, " d"]]:
    """Mean and biased variance per channel in one pass over the features.

    The variance is E[(x - r)^2] - E[x - r]^2: with r = 0 two large numbers would
    cancel, so r is the mean of a small grid of the channel's own values. Devices
    exchange (mean, variance) once, and the variance between devices is added.
    """
    axes = tuple(range(features.ndim - 1))
    grid = features[:, *(_few(length) for length in features.shape[1:-1])]
    reference = lax.stop_gradient(jnp.mean(grid, axis=axes, keepdims=True))
    shifted = features - reference
    offset = jnp.mean(shifted, axis=axes)
    variance = jnp.mean(jnp.square(shifted), axis=axes) - jnp.square(offset)
    mean = jnp.squeeze(reference, axes) + offset
    if axis_name is None:
        return mean, variance
    means, variances = lax.all_gather((mean, variance), axis_name)
    return means.mean(0), variances.mean(0) + means.var(0)


def _few(length: int) -> slice:
    """About four of an axis's pixels, evenly spaced."""
    return slice(length // 8, None, max(length // 4, 1))


class BatchNorm(nn.Module):
    """Batch normalization over all axes but the last.

    Attributes:
        dtype: what the result is rounded to; None keeps the promoted type.
        axis_name: the mapped axis over whose devices statistics are shared.
    """

    dtype: Any = None
    axis_name: str | None = None

    @nn.compact
    def __call__(
        self, features: Float[Array, "b *pixels d"], *, train: bool
    ) -> Float[Array, "b *pixels d"]:
        """Normalize by the batch's statistics (train) or by the running ones."""
        width = features.shape[-1:]
        scale = self.param("scale", nn.initializers.ones, width)
        bias = self.param("bias", nn.initializers.zeros, width)
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, width)
        running_var = self.variable("batch_stats", "var", jnp.ones, width)
        dtype = self.dtype or jnp.promote_types(features.dtype, scale.dtype)
        features = features.astype(jnp.promote_types(features.dtype, scale.dtype))
        mean, var = running_mean.value, running_var.value
        if train:
            # Initialization runs outside the mapped axis.
            axis_name = None if self.is_initializing() else self.axis_name
            mean, var = _moments(features, axis_name)
            if not self.is_initializing():
                self._update(running_mean, mean)
                devices = 1 if axis_name is None else lax.axis_size(axis_name)
                count = devices * features.size // features.shape[-1]
                if count == 1:
                    raise ValueError(
                        "batch statistics must have more than one value per channel, "
                        "got 1: use more samples or larger images"
                    )
                self._update(running_var, var * (count / (count - 1)))
        factor = scale * lax.rsqrt(var + EPSILON)
        centred = features - jnp.broadcast_to(mean, features.shape)
        result = centred * jnp.broadcast_to(factor, features.shape)
        return (result + jnp.broadcast_to(bias, features.shape)).astype(dtype)

    def _update(self, running: Any, new: Float[Array, " d"]) -> None:
        old = running.value
        new = lax.stop_gradient(new).astype(old.dtype)
        running.value = (1 - MOMENTUM) * old + MOMENTUM * new
