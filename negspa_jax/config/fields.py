"""Every field by its dotted name, and what differs between two runs."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from negspa_jax.config.rules import ConfigError, without_none
from negspa_jax.config.schema import Config


def flatten(config: Config) -> dict[str, Any]:
    """Return every field by its dotted name, as on the command line."""
    return dict(_fields("", dataclasses.asdict(config)))


def unflatten(fields: Mapping[str, Any]) -> Config:
    """Return the config whose fields `flatten` listed, checked again.

    Args:
        fields: all of them by their dotted names, as they come back from JSON.

    Raises:
        ConfigError: naming fields that are missing, unknown or out of range.
    """
    left = dict(fields)
    missing: list[str] = []
    config = _build(Config, "", left, missing)
    if missing or left:
        raise ConfigError(
            f"a config must have the fields of this version, got {len(missing)} missing"
            f" and {len(left)} unknown, {[*missing, *left][0]} first: read it with the "
            "version that wrote it"
        )
    config.validate()
    return config


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return a line for each field of two flattened configs that changes results.

    Files are left out: a run compares them by their hashes, wherever they lie.
    """
    return [
        f"{name}: {old.get(name)!r} in the run, {new.get(name)!r} now"
        for name in sorted(set(old) | set(new))
        if not name.startswith(("runtime.", "data.cohort", "encoder.weights"))
        and old.get(name) != new.get(name)
    ]


def _fields(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _fields(f"{prefix}.{name}" if prefix else name, item)
    elif isinstance(value, (tuple, list)) and value and isinstance(value[0], dict):
        for index, item in enumerate(value):
            yield from _fields(f"{prefix}[{index}]", item)
    else:
        yield prefix, list(value) if isinstance(value, tuple) else value


def _build(kind: Any, prefix: str, left: dict[str, Any], missing: list[str]) -> Any:
    """Take the fields of a part out of `left`; names that are not there, `missing`."""
    values = {}
    for item in dataclasses.fields(kind):
        name, inner = f"{prefix}{item.name}", without_none(item.type)
        part = next(iter(get_args(inner)), None)
        if dataclasses.is_dataclass(inner):
            values[item.name] = _build(inner, f"{name}.", left, missing)
        elif dataclasses.is_dataclass(part):
            values[item.name] = _build_parts(part, name, left, missing)
        elif name in left:
            value = left.pop(name)
            values[item.name] = tuple(value) if isinstance(value, list) else value
        else:
            missing.append(name)
    return kind(**values)


def _build_parts(
    kind: Any, name: str, left: dict[str, Any], missing: list[str]
) -> tuple[Any, ...]:
    parts: list[Any] = []
    while any(key.startswith(f"{name}[{len(parts)}].") for key in left):
        parts.append(_build(kind, f"{name}[{len(parts)}].", left, missing))
    return tuple(parts)
