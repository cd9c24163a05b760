"""Convert weights of torchvision to this package's names, as safetensors.

python -m negspa_jax.models convert --encoder=resnet50 --weights=FILE --out=FILE

FILE is a state dict of torchvision (.pth or .safetensors), "imagenet" its published
weights, which are downloaded. A run takes the result by --config.encoder.weights=FILE.
"""

import sys
from typing import Any

from absl import flags

from negspa_jax.door import Command, open_door, parse_path, require_flags
from negspa_jax.models.pretrained import convert_weights
from negspa_jax.models.weight_files import FILE_NAMES, resolve_weights


def main(arguments: list[str]) -> int:
    """Run the command; return the exit code."""
    return open_door(arguments, {"convert": Command(_define, _run)}, about=__doc__)


def _define() -> flags.FlagValues:
    values = flags.FlagValues()
    encoders = list(FILE_NAMES)
    flags.DEFINE_enum("encoder", None, encoders, "whose weights they are", values)
    flags.DEFINE_string("weights", None, "a file, or 'imagenet'", values)
    flags.DEFINE_string("out", None, "the .safetensors file to write", values)
    return values


def _run(values: Any) -> int:
    """convert: write torchvision's weights under this package's names."""
    require_flags(values, "encoder", "weights", "out")
    weights = resolve_weights(values.weights, encoder=values.encoder)
    if weights is None:
        raise ValueError("--weights must be a file or 'imagenet', got 'none'")
    out = parse_path(values.out)
    convert_weights(weights.path, out, encoder=values.encoder)
    print(f"Wrote {out} (source SHA-256 {weights.sha256})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
