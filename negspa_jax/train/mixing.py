"""How a train step mixes its batch: the saliency of its own loss, then MixCut."""

from collections.abc import Callable

from negspa_jax.mixcut import Options, mixcut
from negspa_jax.shapes import Array, Float, Key
from negspa_jax.train.optim import Variables
from negspa_jax.train.saliency import FindSaliency

Mix = Callable[[Key, Variables, Array, Array], tuple[Array, Array]]


def make_mix(
    find_saliency: FindSaliency, *, options: Options, probability: float
) -> Mix:
    """Return the function of (key, variables, images, labels) that mixes a batch.

    Args:
        find_saliency: from `make_saliency`; called only where the options need it, on
            the images before mixing and their own labels.
        options: of `mixcut`.
        probability: of a sample to be mixed.
    """

    def mix(
        key: Key,
        variables: Variables,
        images: Float[Array, "b m h w c"],
        labels: Float[Array, "b k"],
    ) -> tuple[Array, Array]:
        saliency = find_saliency(variables, images, labels) if options.puzzle else None
        mixed = mixcut(
            key, images, labels, saliency, options=options, probability=probability
        )
        return mixed.images, mixed.labels

    # The plan of a mixing that does nothing would be drawn, and compiled, all the same.
    mixes = options.pairs_samples or options.cutout
    return mix if mixes else lambda key, variables, images, labels: (images, labels)
