"""What a field of a config may hold, stated beside the field and checked here."""

import dataclasses
from collections.abc import Iterator
from dataclasses import field
from typing import Any, get_args


class ConfigError(ValueError):
    """A field of a config is out of its range; the message says which and why."""


def one_of(*options: str) -> Any:
    """Return a field whose value is one of `options`; the first is the default."""
    return field(default=options[0], metadata={"options": options})


def within(default: int | float, low: int | float, high: int | float) -> Any:
    """Return a field whose value lies in [low, high]."""
    return field(default=default, metadata={"low": low, "high": high})


def positive(default: int | float, high: int | float) -> Any:
    """Return a field whose value lies in (0, high]."""
    return field(default=default, metadata={"above": 0, "high": high})


def problems_of(part: Any, name: str) -> Iterator[str]:
    """Yield a sentence for every field of a part that breaks its rule.

    Args:
        part: a dataclass whose fields are made by the functions above, are parts
            themselves, or are tuples of parts or of column names.
        name: its place, such as "config.data".
    """
    for item in dataclasses.fields(part):
        value, place = getattr(part, item.name), f"{name}.{item.name}"
        if dataclasses.is_dataclass(item.type):
            yield from _part_problems(value, place, item.type)
        elif get_args(item.type) == (str, ...):
            yield from _names_problems(value, place)
        elif get_args(item.type):
            yield from _parts_problems(value, place, get_args(item.type)[0])
        elif "options" in item.metadata:
            if value not in item.metadata["options"]:
                options = " | ".join(item.metadata["options"])
                yield f"{place} must be {options}, got {value!r}"
        elif not isinstance(value, _TYPES[item.type]):
            yield f"{place} must be {_TYPE_WORDS[item.type]}, got {value!r}"
        elif "high" in item.metadata and not _in_range(value, item.metadata):
            yield f"{place} must be {_range_words(item.metadata)}, got {value!r}"


def _part_problems(value: Any, place: str, kind: Any) -> Iterator[str]:
    if isinstance(value, kind):
        yield from problems_of(value, place)
    else:
        yield f"{place} must be a {kind.__name__}, got {value!r}"


def _parts_problems(value: Any, place: str, kind: Any) -> Iterator[str]:
    if not isinstance(value, (tuple, list)) or not value:
        yield f"{place} must be a tuple of at least one {kind.__name__}, got {value!r}"
        return
    for index, part in enumerate(value):
        yield from _part_problems(part, f"{place}[{index}]", kind)


def _names_problems(value: Any, place: str) -> Iterator[str]:
    names = value if isinstance(value, (tuple, list)) else ()
    plain = {name.strip() for name in names if isinstance(name, str)} - {""}
    if not plain or len(plain) < len(names):
        yield f"{place} must be one or more different column names, got {value!r}"


_TYPE_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "text",
}
_TYPES: dict[Any, Any] = {int: int, float: (int, float), bool: bool, str: str}


def _in_range(value: Any, rule: Any) -> bool:
    # Written so that NaN, of which every comparison is false, lies in no range.
    above = value > rule["above"] if "above" in rule else value >= rule["low"]
    return above and value <= rule["high"] and not isinstance(value, bool)


def _range_words(rule: Any) -> str:
    low = f"above {rule['above']}" if "above" in rule else f"at least {rule['low']}"
    return f"{low} and at most {rule['high']}"
