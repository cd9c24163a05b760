"""A config file, and `--config.FIELD=VALUE` that replaces a field of its config.

Both are written by hand and go wrong in many ways; each way is one sentence here,
which is why the few lines that read them are our own.
"""

import dataclasses
import difflib
import inspect
import os
import re
import runpy
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from negspa_jax.config import Config, ConfigError
from negspa_jax.config.rules import without_none

_EXAMPLE = "configs/tri_r50.py"


def load_config(argument: str) -> Config:
    """Return what `get_config()` of a file returns; FILE:TEXT hands it a text.

    Raises:
        ConfigError: no such file, or anything that goes wrong in it.
    """
    name, colon, text = argument.partition(":")
    name = os.path.expanduser(name)
    if not Path(name).is_file():
        found = "a directory" if Path(name).is_dir() else "no such file"
        raise ConfigError(
            f"--config must be a file such as {_EXAMPLE}, got {name!r}: {found}"
        )
    try:
        config = _call(runpy.run_path(name), name, [text] if colon else [])
    except ConfigError:
        raise
    # The file is a program of its own: it may raise anything, or leave.
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{name} cannot be used: {_where(error, name)}") from None
    if not isinstance(config, Config):
        raise ConfigError(
            f"get_config() of {name} must return a negspa_jax Config, got "
            f"{type(config).__name__}"
        )
    return config


def _call(names: dict[str, Any], path: str, arguments: list[str]) -> Any:
    get_config = names.get("get_config")
    if not callable(get_config):
        raise ConfigError(f"{path} must define get_config(), see {_EXAMPLE}")
    try:
        inspect.signature(get_config).bind(*arguments)
    except TypeError:
        wish = "takes no text" if arguments else "needs a text"
        raise ConfigError(
            f"get_config() of {path} {wish}, got {':'.join([path, *arguments])!r}"
        ) from None
    return get_config(*arguments)


def _where(error: BaseException, path: str) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f"line {error.lineno}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == path]
    line = f"line {lines[-1]}: " if lines else ""
    return f"{line}{type(error).__name__}: {' '.join(str(error).split())}"


def apply_override(config: Config, word: str) -> Config:
    """Return the config with one field replaced.

    Args:
        config: stays as it is.
        word: such as "stages[0].epochs=60" or "data.sequences=t1w,fs".

    Raises:
        ConfigError: for a name that is no field, or a text that is no such value.
    """
    name, equals, text = word.partition("=")
    if not re.fullmatch(r"\w+(\[\d+\])?(\.\w+(\[\d+\])?)*", name):
        raise ConfigError(
            "an override must be like --config.data.sides=left or "
            f"--config.stages[0].epochs=60, got --config.{word}"
        )
    if not equals:
        raise ConfigError(f"--config.{name} needs a value: --config.{name}=VALUE")
    return _replace(config, re.findall(r"\w+", name), text, "config")


def _replace(part: Any, steps: list[str], text: str, place: str) -> Any:
    """Return a part of the config with the field that `steps` lead to replaced."""
    if not steps:
        raise ConfigError(_name_one(part, place))
    step, *rest = steps
    if isinstance(part, (tuple, list)):
        if not step.isdecimal() or int(step) >= len(part):
            raise ConfigError(
                f"{place} has {len(part)} entries, from [0], got [{step}]"
            )
        index, place = int(step), f"{place}[{step}]"
        changed = _replace(part[index], rest, text, place)
        return (*part[:index], changed, *part[index + 1 :])
    types = {item.name: without_none(item.type) for item in dataclasses.fields(part)}
    if step not in types:
        near = difflib.get_close_matches(step, types, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(types)}"
        raise ConfigError(f"{place} has no field {step!r}: {hint}")
    value, place = getattr(part, step), f"{place}.{step}"
    if (parse := _PARSERS.get(types[step])) is None:
        value = _replace(value, rest, text, place)
    elif rest:
        raise ConfigError(f"{place} is one value and has no {rest[0]!r}")
    else:
        value = _parse(parse, text, place)
    return dataclasses.replace(part, **{step: value})


def _name_one(part: Any, place: str) -> str:
    if isinstance(part, (tuple, list)):
        example, advice = f"{place}[0].FIELD", "; a config file adds or drops entries"
    else:
        example, advice = f"{place}.{dataclasses.fields(part)[0].name}", ""
    return f"{place} is no single value: give --{example}=VALUE{advice}"


def _parse(parse: Any, text: str, place: str) -> Any:
    try:
        return parse(text)
    except (KeyError, ValueError):
        raise ConfigError(f"{place} must be {_WORDS[parse]}, got {text!r}") from None


def _switch(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()]


def _names(text: str) -> tuple[str, ...]:
    # t1w,fs as well as the Python literal ('t1w', 'fs').
    literal = re.fullmatch(r"[(\[](.*?),?[)\]]", text)
    names = (literal[1] if literal else text).split(",")
    return tuple(name.strip(" '\"") for name in names)


def _whole_numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _names(text))


_PARSERS: dict[Any, Callable[[str], Any]] = {
    int: int,
    float: float,
    str: str,
    bool: _switch,
    tuple[str, ...]: _names,
    tuple[int, ...]: _whole_numbers,
}
_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    _switch: "true or false",
    _whole_numbers: "whole numbers such as 2,4",
}
