"""The network as StableHLO: a file that runs with jax alone, on CPU and CUDA.

    from jax import export
    from safetensors.numpy import load_file

    network = export.deserialize(open("model/network.stablehlo", "rb").read())
    scores = network.call(load_file("model/fold_0.safetensors"), images)

Every fold's weights fit it; any number of samples does. Reference: OpenXLA, StableHLO;
jax.export keeps such a file readable for later versions of jax.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
from jax import export

from negspa_jax.models import MultiEncoder
from negspa_jax.predict.network import make_template
from negspa_jax.shapes import Array, Float

PLATFORMS = ("cpu", "cuda")
_SOURCE_LINES = "jax_traceback_in_locations_limit"


def serialize_network(
    model: MultiEncoder,
    *,
    image_size: int,
    channels: int,
    platforms: tuple[str, ...] = PLATFORMS,
) -> bytes:
    """Return the network from weights and images to scores, without its weights.

    Args:
        model: from `build_model`.
        image_size: h and w in pixels.
        channels: c, 3 of an MRI, 1 of a radiograph.
        platforms: it is lowered for.

    Returns:
        A function of a dictionary of weights, as in `fold_*.safetensors`, and images
        (b, m, h, w, c) in [0, 1]; it gives each sample's probability of the positive
        class (b,).
    """
    found, structure = jax.tree.flatten_with_path(make_template(model))
    names = [jax.tree_util.keystr(p, simple=True, separator="/") for p, _ in found]

    def score(
        weights: Mapping[str, Array], images: Float[Array, "b m h w c"]
    ) -> Float[Array, " b"]:
        variables = jax.tree.unflatten(structure, [weights[name] for name in names])
        logits: Any = model.apply(variables, images, train=False)
        return jax.nn.softmax(logits)[:, 1]

    specs = {name: leaf for name, (_, leaf) in zip(names, found, strict=True)}
    shape = export.symbolic_shape(
        f"b, {model.num_inputs}, {image_size}, {image_size}, {channels}"
    )
    images = jax.ShapeDtypeStruct(shape, jnp.float32)
    with _without_source_lines():
        exported = export.export(jax.jit(score), platforms=platforms)(specs, images)
        return bytes(exported.serialize())


@contextmanager
def _without_source_lines() -> Iterator[None]:
    """Keep the paths of this machine's source files out of the artefact."""
    known = getattr(jax.config, _SOURCE_LINES)
    jax.config.update(_SOURCE_LINES, 0)
    try:
        yield
    finally:
        jax.config.update(_SOURCE_LINES, known)
