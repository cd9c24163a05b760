"""Which mixing a config asks for: its preset's options, and what it changes in them."""

import dataclasses

from negspa_jax.config import Config, ConfigError, Mixing
from negspa_jax.mixcut.options import Options, find_options

# Below this, an encoder's feature map may be empty; images have at least as many.
_LEAST_SIZE = 32


def find_mixing(mixing: Mixing) -> Options:
    """Return the options of a config's mixing.

    Raises:
        ConfigError: they contradict each other.
    """
    names = [item.name for item in dataclasses.fields(Options)]
    given = {name: getattr(mixing, name) for name in names}
    changes = {name: value for name, value in given.items() if value is not None}
    try:
        return find_options(mixing.preset, **changes)
    except ValueError as error:
        raise ConfigError(f"config.mixing.{error}") from None


def resolve_mixing(config: Config) -> Config:
    """Return the config with every option of its mixing spelt out, none left None.

    Raises:
        ConfigError: the options contradict each other or do not suit the images.
    """
    options = find_mixing(config.mixing)
    if options.puzzle:
        for index in range(len(config.stages)):
            _check_sizes(config, options, index)
    mixing = dataclasses.replace(config.mixing, **dataclasses.asdict(options))
    return dataclasses.replace(config, mixing=mixing)


def _check_sizes(config: Config, options: Options, index: int) -> None:
    pixels, size = config.stages[index].image_size, config.mixing.saliency_size
    grids = [n for n in options.num_blocks if pixels % n == 0]
    place = f"the {pixels} pixels of config.stages[{index}].image_size"
    if not grids:
        raise ConfigError(
            f"config.mixing.num_blocks must hold a divisor of {place}, got "
            f"{options.num_blocks}"
        )
    fitting = [
        s
        for s in range(_LEAST_SIZE, pixels + 1)
        if pixels % s == 0 and not any(s % n for n in grids)
    ]
    if config.mixing.saliency == "gradient" and size not in (0, *fitting):
        raise ConfigError(
            f"config.mixing.saliency_size must be {' | '.join(map(str, (0, *fitting)))}"
            f" for {place} and blocks in grids of {grids}, got {size}"
        )
