"""Where a network finds its evidence: Grad-CAM, and two maps to judge it by.

All three explain one logit of every sample in eval mode, and can be jitted. They show
what moved the network, which need not be what is ill: none of them outlines a lesion.

References: Selvaraju et al., Grad-CAM, ICCV 2017; Simonyan, Vedaldi, Zisserman, Deep
inside convolutional networks, 2014; Zeiler and Fergus, Visualizing and understanding
convolutional networks, ECCV 2014; Adebayo et al., Sanity checks for saliency maps,
NeurIPS 2018.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from negspa_jax.models.multi_encoder import MultiEncoder
from negspa_jax.shapes import Array, Float

Variables = Mapping[str, Any]


def grad_cam(
    model: MultiEncoder,
    variables: Variables,
    images: Float[Array, "b m h w c"],
    *,
    class_index: int = 1,
) -> Float[Array, "b m p q"]:
    """Return the evidence for a class at each cell of every encoder's last map.

    With the feature maps A of one encoder and the logit y of the class (Selvaraju 2017,
    Equations 1 and 2)

        a_d = mean over p, q of dy / dA_pqd,    L_pq = max(0, sum over d of a_d A_pqd)

    Maps of one sample are in the unit of the logit and may be compared between its
    sequences. A sample's map does not depend on the rest of the batch.

    Args:
        model: in eval mode: running statistics, no dropout.
        variables: its parameters and statistics.
        images: in [0, 1].
        class_index: of the logit that is explained, from 0.

    Returns:
        The maps, not negative, as coarse as the encoder's last map; float32 where the
        encoders compute in bfloat16.
    """
    features: Any = model.apply(variables, images, train=False, method="encode")
    return grad_cam_of_features(model, variables, features, class_index=class_index)


def grad_cam_of_features(
    model: MultiEncoder,
    variables: Variables,
    features: Float[Array, "b m p q d"],
    *,
    class_index: int = 1,
) -> Float[Array, "b m p q"]:
    """Return `grad_cam` of images whose last feature maps are known.

    Args:
        model: as for `grad_cam`, and so the rest.
        variables: its parameters and statistics.
        features: what `model.encode` gives in eval mode.
        class_index: of the logit that is explained, from 0.
    """
    # The sum over features would lose digits in bfloat16.
    features = features.astype(jnp.promote_types(features.dtype, jnp.float32))

    def logit_of(features: Float[Array, "m p q d"]) -> Float[Array, ""]:
        return _logits(model, variables, features[None], "classify")[0, class_index]

    def map_one(features: Float[Array, "m p q d"]) -> Float[Array, "m p q"]:
        weights = jax.grad(logit_of)(features).mean((1, 2))
        return jax.nn.relu(jnp.einsum("md,mpqd->mpq", weights, features))

    return jax.vmap(map_one)(features)


def saliency_map(
    model: MultiEncoder,
    variables: Variables,
    images: Float[Array, "b m h w c"],
    *,
    class_index: int = 1,
) -> Float[Array, "b m h w"]:
    """Return how much each pixel moves a logit y (Simonyan 2014, Section 3).

        s_hw = max over channels of |dy / dx_hwc|

    Args:
        model: as for `grad_cam`, and so the rest.
        variables: its parameters and statistics.
        images: in [0, 1].
        class_index: of the logit that is explained, from 0.

    Returns:
        The maps, not negative, in logits for each unit of the image.
    """

    def total(images: Float[Array, "b m h w c"]) -> Float[Array, ""]:
        # In eval mode no sample's logit depends on another's pixels.
        return _logits(model, variables, images, "__call__")[:, class_index].sum()

    return jnp.abs(jax.grad(total)(images)).max(-1)


def occlusion_map(
    model: MultiEncoder,
    variables: Variables,
    images: Float[Array, "b m h w c"],
    *,
    class_index: int = 1,
    patch: int = 32,
) -> Float[Array, "b m p q"]:
    """Return by how much a logit falls when a patch is covered (Zeiler 2014).

    Patches tile the image; each is covered in one sequence at a time, by that image's
    own mean (choice: grey). The network is run once for each patch and sequence: a
    check on the other maps, too slow for every day.

    Args:
        model: as for `grad_cam`, and so the rest.
        variables: its parameters and statistics.
        images: in [0, 1].
        class_index: of the logit that is explained, from 0.
        patch: side in pixels, from 1; divides height and width.

    Returns:
        Logit of the whole image less that of the covered one; positive where the patch
        speaks for the class.

    Raises:
        ValueError: if the patches do not tile the image.
    """
    _, m, h, w, _ = images.shape
    if patch < 1 or h % patch or w % patch:
        raise ValueError(
            f"patch must divide the images' {h} x {w} pixels, got {patch}: choose a "
            "divisor of both"
        )
    grey = images.mean((2, 3, 4), keepdims=True)
    shape = (m, h // patch, w // patch)

    def logit(images: Float[Array, "b m h w c"]) -> Float[Array, " b"]:
        return _logits(model, variables, images, "__call__")[:, class_index]

    def logit_without(place: Array) -> Float[Array, " b"]:
        tile = (jnp.arange(place_count) == place).reshape(shape)
        cover = jnp.repeat(jnp.repeat(tile, patch, axis=1), patch, axis=2)
        return logit(jnp.where(cover[None, ..., None], grey, images))

    place_count = m * shape[1] * shape[2]
    covered = jax.lax.map(logit_without, jnp.arange(place_count))
    return logit(images).reshape(-1, 1, 1, 1) - covered.T.reshape(-1, *shape)


def bilinear(
    maps: Float[Array, "*b p q"], *, height: int, width: int
) -> Float[Array, "*b h w"]:
    """Enlarge maps to an image: bilinear at pixel centres, the border repeated.

    Args:
        maps: any number of them.
        height: in pixels, at least that of the maps.
        width: in pixels, at least that of the maps.
    """
    return jax.image.resize(maps, (*maps.shape[:-2], height, width), "bilinear")


def _logits(
    model: MultiEncoder, variables: Variables, values: Array, method: str
) -> Float[Array, "b k"]:
    logits: Any = model.apply(variables, values, train=False, method=method)
    return logits
