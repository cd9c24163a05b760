"""The command line of a training run; every mistake in it is one sentence."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import config_flags

from negspa_jax.config import Config


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
    config_flags.DEFINE_config_file(
        "config",
        None,
        "the run's config file, such as configs/tri_r50.py; --config.FIELD=VALUE "
        "overrides a field",
        flag_values=values,
    )
    text, whole, switch = (
        flags.DEFINE_string,
        flags.DEFINE_integer,
        flags.DEFINE_boolean,
    )
    text("workdir", None, "its directory; the same command resumes it", values)
    text("folds", None, "train only these folds now, such as 0,3", values)
    switch("distributed", False, "join processes found by SLURM or Open MPI", values)
    text("coordinator", None, "HOST:PORT of the first of several processes", values)
    whole("num_processes", None, "how many processes there are", values)
    whole("process_id", None, "which of them this is, from 0", values)
    return values


def read_command(arguments: Sequence[str]) -> Command:
    """Parse the arguments that follow the program's name.

    Raises:
        ValueError: for a misspelt flag or field, a value of the wrong type, a config
            file that cannot be read.
    """
    values = define_flags()
    try:
        words = values(["train", *arguments])[1:]
    except flags.Error as error:
        raise ValueError(" ".join(str(error).split())) from None
    except (KeyError, IndexError, AttributeError, TypeError):
        raise ValueError(_explain_override(arguments)) from None
    # A config file is a program of its own: anything may go wrong in it.
    except Exception as error:
        raise ValueError(f"--config cannot be read: {error!r}") from None
    if words:
        raise ValueError(f"every argument must be a --flag, got {words[0]!r}")
    for name in ("config", "workdir"):
        if not values[name].value:
            raise ValueError(f"--{name} must be given, such as {_EXAMPLE}")
    return Command(
        _checked(values["config"].value, arguments),
        Path(values.workdir),
        _parse_folds(values.folds),
        values.distributed,
        values.coordinator,
        values.num_processes,
        values.process_id,
    )


_EXAMPLE = "--config=configs/tri_r50.py --workdir=runs/tri_r50"


def _checked(config: Any, arguments: Sequence[str]) -> Config:
    if not isinstance(config, Config):
        given = [word for word in arguments if word.startswith("--config=")]
        raise ValueError(
            "--config must be a file whose get_config() returns a negspa_jax Config, "
            f"got {given[-1].removeprefix('--config=')!r}, which is none"
            if given
            else f"--config must be a file, such as {_EXAMPLE}"
        )
    return config


def _parse_folds(text: str | None) -> list[int] | None:
    if text is None:
        return None
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise ValueError(f"--folds must be whole numbers such as 0,3, got {text!r}")
    return [int(part) for part in parts]


def _explain_override(arguments: Sequence[str]) -> str:
    """Return the sentence for the first override that names no field."""
    for word in arguments:
        if word.startswith("--config."):
            name = word.split("=", 1)[0].removeprefix("--config.")
            if problem := _missing_field(Config(), name):
                return problem
    return (
        "--config.FIELD=VALUE must name a field of the config; see negspa_jax/config.py"
    )


def _missing_field(part: Any, name: str) -> str | None:
    place = "config"
    for step in re.findall(r"[^.\[\]]+", name):
        if isinstance(part, tuple):
            if not step.isdecimal() or int(step) >= len(part):
                return f"{place} has entries 0 to {len(part) - 1}, got [{step}]"
            part = part[int(step)]
            place += f"[{step}]"
            continue
        names = [item.name for item in fields(part)] if is_dataclass(part) else []
        if step not in names:
            near = difflib.get_close_matches(step, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(names)}"
            return f"{place} has no field {step!r}: {hint}"
        part, place = getattr(part, step), f"{place}.{step}"
    return None
