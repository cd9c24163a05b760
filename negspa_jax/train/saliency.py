"""What the pixels of a batch matter to the network that is trained on it.

Reference: supplement of doi 10.21037/qims-24-729, Appendix 2; Kim, Choo, Song, Puzzle
Mix, ICML 2020, Section 3.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from negspa_jax.mixcut import input_saliency, spectral_residual
from negspa_jax.models import MultiEncoder
from negspa_jax.shapes import Array, Float
from negspa_jax.train.optim import Variables
from negspa_jax.train.parts import map_parts
from negspa_jax.train.step import Loss, cross_entropy

FindSaliency = Callable[[Variables, Array, Array], Array]


def make_saliency(
    model: MultiEncoder,
    *,
    method: str,
    size: int,
    loss: Loss = cross_entropy,
    device_batch: int = 0,
) -> FindSaliency:
    """Return the function of (variables, images, labels) that gives their saliency.

    Args:
        model: whose loss is differentiated; nothing of its variables is updated.
        method: "gradient" of the training loss in the images, with the running
            statistics and without dropout; or "spectral_residual", which asks the
            images alone.
        size: pixels, of the images that the gradient is taken on; 0 for their own.
        loss: of training.
        device_batch: samples that the gradient is computed for at a time; 0: all.
    """

    def by_gradient(
        variables: Variables,
        images: Float[Array, "b m h w c"],
        labels: Float[Array, "b k"],
    ) -> Float[Array, "b p q"]:
        def loss_fn(part: Array, labels: Array) -> Array:
            logits: Any = model.apply(variables, part, train=False)
            # What the part adds to the mean over the batch.
            return loss(logits, labels) * (len(part) / len(images))

        find = partial(input_saliency, loss_fn, size=size or None)
        return map_parts(find, images, labels, size=device_batch)

    def by_spectrum(
        variables: Variables,
        images: Float[Array, "b m h w c"],
        labels: Float[Array, "b k"],
    ) -> Float[Array, "b h w"]:
        return spectral_residual(images)

    return by_gradient if method == "gradient" else by_spectrum
