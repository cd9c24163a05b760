"""Weights of torchvision for the encoders: read, checked, converted.

    weights = resolve_weights("imagenet", encoder="resnet50")     # path and SHA-256
    variables = load_encoder_weights(weights.path, encoder="resnet50")

Readable are torchvision's state dicts (.pth or .safetensors) and what
`python -m negspa_jax.models convert` writes; the content decides, not the name.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from negspa_jax.models.multi_encoder import make_encoder
from negspa_jax.models.torch_file import read_torch_file
from negspa_jax.models.torchvision_names import VECTOR, Target, list_targets
from negspa_jax.models.weight_files import file_sha256

_FORMAT = "negspa_jax encoder"


def load_encoder_weights(
    path: str | Path, *, encoder: str, classifier: bool = False, dtype: Any = np.float32
) -> dict[str, Any]:
    """The variables of one encoder from a file of weights.

    Args:
        path: a state dict of torchvision's network, or a converted file.
        encoder: a key of `ENCODERS`.
        classifier: keep the classifier, for `make_encoder(..., num_classes=...)`.
        dtype: of all variables.

    Returns:
        {"params": ..., "batch_stats": ...} of numpy arrays.

    Raises:
        ValueError: if the file is damaged, a tensor is missing, unknown, of another
            shape, or not finite; the sentence names it.
    """
    tensors, metadata = _read_tensors(path)
    try:
        if metadata.get("format") != _FORMAT:
            names = list_targets(encoder)
        elif classifier:
            raise ValueError("it must hold a classifier, got a converted encoder")
        else:
            names = _own_names(encoder, metadata)
        return _assemble(tensors, names, encoder, classifier, dtype)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def convert_weights(path: str | Path, out: str | Path, *, encoder: str) -> None:
    """Write an encoder's weights under the names of its variables, as safetensors.

    The metadata keep the encoder's name and the SHA-256 of the source.
    """
    leaves = flatten_dict(load_encoder_weights(path, encoder=encoder), sep="/")
    metadata = {
        "format": _FORMAT,
        "encoder": encoder,
        "source": Path(path).name,
        "source_sha256": file_sha256(path),
    }
    tensors = {name: np.ascontiguousarray(leaf) for name, leaf in leaves.items()}
    try:
        save_file(tensors, out, metadata)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{out} must be a writable file, got: {error}") from error


def _read_tensors(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Tensors and metadata; the first bytes tell the format."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(9)
    except OSError as error:
        raise ValueError(
            f"{path} must be a readable file of weights, got: {error.strerror}"
        ) from error
    if start[8:] == b"{":
        try:
            with safe_open(path, "numpy") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                return tensors, file.metadata() or {}
        except (SafetensorError, TypeError) as error:
            raise ValueError(
                f"{path} must be an undamaged safetensors file, got: {error}; "
                "fetch it again"
            ) from error
    if not start.startswith((b"PK", b"\x80")):
        raise ValueError(
            f"{path} must be a .safetensors file or a .pth file of torch, got a file "
            f"that starts with {start!r}: fetch the file itself"
        )
    return read_torch_file(path), {}


def _own_names(encoder: str, metadata: dict[str, str]) -> dict[str, Target | None]:
    """The names in a converted file."""
    if metadata.get("encoder") != encoder:
        raise ValueError(
            f"it must hold weights of {encoder}, got {metadata.get('encoder')}: "
            "choose that encoder or another file"
        )
    return {"/".join(path): Target(path, VECTOR) for path in _shapes(encoder, None)}


def _shapes(encoder: str, num_classes: int | None) -> dict[tuple[str, ...], Any]:
    """Shapes of all variables by path, found without computing them."""
    network = make_encoder(encoder, num_classes=num_classes)
    images = jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32)
    variables = jax.eval_shape(
        lambda key, images: network.init(key, images, train=False),
        jax.random.key(0),
        images,
    )
    return {path: leaf.shape for path, leaf in flatten_dict(variables).items()}


def _assemble(
    tensors: dict[str, np.ndarray],
    names: dict[str, Target | None],
    encoder: str,
    classifier: bool,
    dtype: Any,
) -> dict[str, Any]:
    unknown = sorted(tensors.keys() - names.keys())
    if unknown:
        raise ValueError(
            f"every tensor must be one of torchvision's {encoder}, got {unknown[0]!r} "
            f"({len(unknown)} unknown): choose the encoder that the file is of"
        )
    wanted = {
        name: target
        for name, target in names.items()
        if target and (classifier or not target.in_classifier)
    }
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise ValueError(
            f"it must hold the tensor {missing[0]!r} of {encoder}, got none "
            f"({len(missing)} missing): choose the encoder that the file is of"
        )
    num_classes = len(tensors[list(wanted)[-1]]) if classifier else None
    shapes = _shapes(encoder, num_classes)
    leaves = {
        target.path: _convert(name, tensors[name], target, shapes[target.path], dtype)
        for name, target in wanted.items()
    }
    return unflatten_dict(leaves)


def _convert(
    name: str, tensor: np.ndarray, target: Target, shape: tuple[int, ...], dtype: Any
) -> np.ndarray:
    must_be = target.layout.torch_shape(shape)
    if tensor.shape != must_be:
        raise ValueError(f"tensor {name} must be {must_be}, got {tensor.shape}")
    values = target.layout.convert(tensor.astype(dtype))
    if not np.isfinite(values).all():
        raise ValueError(f"tensor {name} must be finite, got NaN or infinity")
    return values
