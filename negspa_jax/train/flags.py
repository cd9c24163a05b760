"""The command line of a training run; every mistake in it is one sentence."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from absl import flags

from negspa_jax.config import Config
from negspa_jax.train.overrides import apply_override, load_config


@dataclass(frozen=True)
class Command:
    """What a person asked for."""

    config: Config
    workdir: Path
    folds: list[int] | None
    distributed: bool
    coordinator: str | None
    num_processes: int | None
    process_id: int | None


def define_flags() -> flags.FlagValues:
    """Return the flags of `python -m negspa_jax.train`."""
    values = flags.FlagValues()
    text, whole, switch = (
        partial(define, flag_values=values)
        for define in (
            flags.DEFINE_string,
            flags.DEFINE_integer,
            flags.DEFINE_boolean,
        )
    )
    text(
        "config",
        None,
        "the run's config file, such as configs/tri_r50.py; --config.FIELD=VALUE "
        "overrides a field",
    )
    text("workdir", None, "its directory; the same command resumes it")
    text("folds", None, "train only these folds now, such as 0,3")
    switch("distributed", False, "join processes found by SLURM or Open MPI")
    text("coordinator", None, "HOST:PORT of the first of several processes")
    whole("num_processes", None, "how many processes there are")
    whole("process_id", None, "which of them this is, from 0")
    return values


def read_command(arguments: Sequence[str]) -> Command:
    """Parse the arguments that follow the program's name.

    Raises:
        ValueError: for a misspelt flag or field, a value of the wrong type, a config
            file that cannot be read.
    """
    overrides = [word for word in arguments if _OVERRIDE.match(word)]
    values = define_flags()
    try:
        words = values(["train", *(w for w in arguments if w not in overrides)])[1:]
    except flags.Error as error:
        raise ValueError(" ".join(str(error).split())) from None
    if words:
        raise ValueError(f"every argument must be a --flag, got {words[0]!r}")
    for name in ("config", "workdir"):
        if not values[name].value:
            raise ValueError(f"--{name} must be given, such as {_EXAMPLE}")
    config = load_config(values.config)
    for word in overrides:
        config = apply_override(config, _OVERRIDE.sub("", word))
    return Command(
        config,
        Path(os.path.expanduser(values.workdir)),
        _parse_folds(values.folds),
        values.distributed,
        values.coordinator,
        values.num_processes,
        values.process_id,
    )


_OVERRIDE = re.compile(r"--?config\.")
_EXAMPLE = "--config=configs/tri_r50.py --workdir=runs/tri_r50"


def _parse_folds(text: str | None) -> list[int] | None:
    if text is None:
        return None
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise ValueError(f"--folds must be whole numbers such as 0,3, got {text!r}")
    return [int(part) for part in parts]
