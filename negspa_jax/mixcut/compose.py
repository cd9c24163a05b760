"""One call that mixes a batch: choose partners, mix pixels, mix labels.

The pixel weight W of the first image is carried through all steps, and the label
weight is its mean, so that a label always states the true pixel share.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from negspa_jax.mixcut.mixup import constant_weights, mix_labels, mix_pixels
from negspa_jax.shapes import Array, Float, Int, Key, Shaped

PRESETS = ("none", "mixup")


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a batch is mixed; hashable, so that it can be a static argument of a jit.

    Attributes:
        preset: "none" returns the batch as it is; "mixup" blends whole images,
            lambda ~ Beta(alpha, alpha), drawn for each sample.
        alpha: above 0, of the Beta distribution.
        probability: in [0, 1], of a sample to be mixed at all.
    """

    preset: str = "mixup"
    alpha: float = 1.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            words = " | ".join(PRESETS)
            raise ValueError(f"preset must be {words}, got {self.preset!r}")
        if not 0 < self.alpha < float("inf"):
            raise ValueError(f"alpha must be above 0 and finite, got {self.alpha}")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability must be in [0, 1], got {self.probability}")

    @property
    def needs_saliency(self) -> bool:
        """Whether `mixcut` reads its saliency, a pass through the network."""
        return False


class Mixed(NamedTuple):
    """A mixed batch.

    Attributes:
        images: as given, mixed.
        labels: as given, mixed by the pixel share.
        weights: W, the weight of the sample itself at each pixel.
        partner: index within the batch of the sample that it was mixed with.
    """

    images: Float[Array, "b *pixels c"]
    labels: Float[Array, "b k"]
    weights: Float[Array, "b h w"]
    partner: Int[Array, " b"]


def mixcut(
    key: Key,
    images: Float[Array, "b *pixels c"],
    labels: Shaped[Array, "b k"],
    saliency: Float[Array, "b h w"] | None = None,
    *,
    options: Options | None = None,
) -> Mixed:
    """Mix every sample of a batch with a random partner of the same batch.

    Args:
        key: a JAX key; the same key gives the same batch.
        images: `b h w c` or `b m h w c`, in [0, 1]; the m sequences of a sample
            share one draw.
        labels: one-hot or soft, or one column of probabilities.
        saliency: what the pixels matter to the loss, not negative; None where
            `options.needs_saliency` is False.
        options: default `Options()`.

    Returns:
        The mixed batch. A sample that is not mixed comes back bit-identical, with
        weight 1 and itself as the partner.

    Raises:
        ValueError: labels that are class indices.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> images, labels = jnp.ones((4, 8, 8, 3)), jnp.eye(2)[jnp.array([0, 1, 0, 1])]
        >>> mixcut(jax.random.key(0), images, labels).images.shape
        (4, 8, 8, 3)
    """
    options = options or Options()
    if not jnp.issubdtype(labels.dtype, jnp.floating):
        raise ValueError(
            "labels must be one-hot, soft or one column of probabilities, in floating "
            f"point, got {labels.dtype}: use jax.nn.one_hot on class indices"
        )
    b, (h, w) = images.shape[0], images.shape[-3:-1]
    if options.preset == "none":
        unmixed = jnp.ones((b, h, w), jnp.float32)
        return Mixed(images, labels, unmixed, jnp.arange(b))
    key_partner, key_share, key_chosen = jax.random.split(key, 3)
    chosen = jax.random.bernoulli(key_chosen, options.probability, (b,))
    partner = jnp.where(chosen, jax.random.permutation(key_partner, b), jnp.arange(b))
    share = jax.random.beta(key_share, options.alpha, options.alpha, (b,))
    return _mix(images, labels, constant_weights((h, w), share), partner)


def _mix(
    images: Float[Array, "b *pixels c"],
    labels: Float[Array, "b k"],
    weights: Float[Array, "b h w"],
    partner: Int[Array, " b"],
) -> Mixed:
    alone = partner == jnp.arange(len(partner))
    weights = jnp.where(alone[:, None, None], 1.0, weights)
    mixed_images = mix_pixels(images, images[partner], weights)
    mixed_labels = mix_labels(labels, labels[partner], weights.mean((1, 2)))
    # w x + (1 - w) x differs from x in the last bit: keep the sample itself.
    kept = alone.reshape(-1, *(1,) * (images.ndim - 1))
    return Mixed(
        jnp.where(kept, images, mixed_images),
        jnp.where(alone[:, None], labels, mixed_labels),
        weights,
        partner,
    )
