"""Every field by its dotted name, and what differs between two runs."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from negspa_jax.config.schema import Config


def flatten(config: Config) -> dict[str, Any]:
    """Return every field by its dotted name, as on the command line."""
    return dict(_fields("", dataclasses.asdict(config)))


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
