"""Where weights come from: a file, or torchvision's published ImageNet weights.

torchvision's file names end with the first eight digits of the file's SHA-256, which
is checked at every use. Files lie in `$NEGSPA_CACHE` (default ~/.cache/negspa_jax); a
file that torch has already downloaded is used where it lies.
"""

import hashlib
import os
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from negspa_jax.models.multi_encoder import check_encoder

PUBLISHED = "https://download.pytorch.org/models/"

# IMAGENET1K_V1 of torchvision.
FILE_NAMES = {
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "resnet101": "resnet101-63fe2227.pth",
    "vgg16_bn": "vgg16_bn-6c64b313.pth",
}


@dataclass(frozen=True)
class Weights:
    """A file of weights and its SHA-256."""

    path: Path
    sha256: str


def resolve_weights(
    spec: str | Path, *, encoder: str, cache_dir: str | Path | None = None
) -> Weights | None:
    """The file that `spec` means, or None for random weights.

    Args:
        spec: "imagenet" (torchvision's, downloaded once), "none", or a path.
        encoder: a key of `ENCODERS`.
        cache_dir: where downloads are kept; None for the default.

    Raises:
        ValueError: if there is no such file, it is not torchvision's, or it cannot be
            downloaded; the sentence says what to do.
    """
    check_encoder(encoder)
    if spec == "none":
        return None
    if spec != "imagenet":
        return Weights(Path(spec), file_sha256(spec))
    name = FILE_NAMES[encoder]
    cache = Path(cache_dir or _default_cache())
    for folder in (cache, _torch_cache()):
        if (folder / name).is_file():
            return _check_name(folder / name, name)
    return _download(name, cache)


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file in hexadecimal.

    Raises:
        ValueError: if it cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ValueError(
            f"weights must be 'imagenet', 'none' or a readable file, got {str(path)!r}"
            f" ({error.strerror}): check the path"
        ) from error


def _default_cache() -> Path:
    return Path(os.environ.get("NEGSPA_CACHE") or "~/.cache/negspa_jax").expanduser()


def _torch_cache() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = Path(os.environ.get("TORCH_HOME") or Path(cache, "torch")).expanduser()
    return home / "hub" / "checkpoints"


def _check_name(path: Path, name: str) -> Weights:
    sha256 = file_sha256(path)
    digits = name.rpartition("-")[2].removesuffix(".pth")
    if not sha256.startswith(digits):
        raise ValueError(
            f"the SHA-256 of {path} must start with {digits}, got {sha256[:8]}: "
            "the file is damaged or another one, delete it"
        )
    return Weights(path, sha256)


def _download(name: str, cache: Path) -> Weights:
    """Fetch beside its place, check, then rename: no half file bears the name."""
    logging.info("Downloading %s%s to %s", PUBLISHED, name, cache)
    partial = None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.urlopen(PUBLISHED + name, timeout=30) as source,
            tempfile.NamedTemporaryFile(dir=cache, delete=False) as target,
        ):
            partial = Path(target.name)
            while chunk := source.read(1 << 20):
                target.write(chunk)
        weights = _check_name(partial, name)
        os.replace(partial, cache / name)
        return Weights(cache / name, weights.sha256)
    except OSError as error:
        raise ValueError(
            f"ImageNet weights must be downloaded, got no {PUBLISHED}{name} ({error}): "
            f"put that file into {cache}, name another with --config.encoder.weights="
            "FILE, or start from random ones with --config.encoder.weights=none"
        ) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
