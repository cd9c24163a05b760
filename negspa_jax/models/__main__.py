"""Convert weights of torchvision to this package's names, as safetensors.

python -m negspa_jax.models convert --encoder=resnet50 --weights=FILE --out=FILE

FILE is a state dict of torchvision (.pth or .safetensors), "imagenet" its published
weights, which are downloaded. A run takes the result by --config.encoder.weights=FILE.
"""

import sys

from absl import flags

from negspa_jax.models.pretrained import convert_weights
from negspa_jax.models.weight_files import FILE_NAMES, resolve_weights


def define_flags() -> flags.FlagValues:
    """The flags of `convert`."""
    values = flags.FlagValues()
    help_flags = "the network that the weights are of", "a file, or 'imagenet'"
    flags.DEFINE_enum("encoder", None, list(FILE_NAMES), help_flags[0], values)
    flags.DEFINE_string("weights", None, help_flags[1], values)
    flags.DEFINE_string("out", None, "the .safetensors file to write", values)
    flags.mark_flags_as_required(["encoder", "weights", "out"], values)
    return values


def main(arguments: list[str]) -> int:
    """Run the command; 0, or 2 and one sentence on stderr."""
    values = define_flags()
    if {"-h", "--help"} & set(arguments):
        print(__doc__, values.get_help(), sep="\n")
        return 0
    try:
        words = values(["convert", *arguments])[1:]
        if words != ["convert"]:
            raise ValueError(f"the command must be 'convert', got {' '.join(words)!r}")
        weights = resolve_weights(values.weights, encoder=values.encoder)
        if weights is None:
            raise ValueError("--weights must be a file or 'imagenet', got 'none'")
        convert_weights(weights.path, values.out, encoder=values.encoder)
    except (flags.Error, ValueError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2
    print(f"Wrote {values.out} (source SHA-256 {weights.sha256})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
