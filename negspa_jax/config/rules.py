"""What a field of a config may hold, stated beside the field and checked here."""

import dataclasses
from collections.abc import Iterator
from dataclasses import field
from types import NoneType
from typing import Any, get_args


class ConfigError(ValueError):
    """A field of a config is out of its range; the message says which and why."""


def one_of(*options: str) -> Any:
    """Return a field whose value is one of `options`; the first is the default."""
    return field(default=options[0], metadata={"options": options})


def filled(default: str) -> Any:
    """Return a field whose value is text that is not empty."""
    return field(default=default, metadata={"filled": True})


def within(default: int | float, low: int | float, high: int | float) -> Any:
    """Return a field whose value lies in [low, high]."""
    return field(default=default, metadata={"low": low, "high": high})


def positive(default: int | float, high: int | float) -> Any:
    """Return a field whose value lies in (0, high]."""
    return field(default=default, metadata={"above": 0, "high": high})


def preset_or(
    *options: str, low: int | float | None = None, high: int | float | None = None
) -> Any:
    """Return a field that is None, "as the preset says", or else obeys a rule.

    Args:
        *options: the words that it may be.
        low: the range [low, high] of a number, or of each of several.
        high: its upper end.
    """
    words = {"options": options} if options else {}
    numbers = {"low": low, "high": high} if high is not None else {}
    return field(default=None, metadata=words | numbers)


def without_none(kind: Any) -> Any:
    """Return X where a type is `X | None`, and any other type as it is."""
    return get_args(kind)[0] if NoneType in get_args(kind) else kind


def problems_of(part: Any, name: str) -> Iterator[str]:
    """Yield a sentence for every field of a part that breaks its rule.

    Args:
        part: a dataclass whose fields are made by the functions above, are parts
            themselves, or are tuples of parts, of numbers or of column names.
        name: its place, such as "config.data".
    """
    for item in dataclasses.fields(part):
        value, place = getattr(part, item.name), f"{name}.{item.name}"
        kind = without_none(item.type)
        if value is None and kind is not item.type:
            continue
        if dataclasses.is_dataclass(kind):
            yield from _part_problems(value, place, kind)
        elif get_args(kind) == (str, ...):
            yield from _names_problems(value, place)
        elif get_args(kind) == (int, ...):
            yield from _numbers_problems(value, place, item.metadata)
        elif get_args(kind):
            yield from _parts_problems(value, place, get_args(kind)[0])
        elif "options" in item.metadata:
            if value not in item.metadata["options"]:
                options = " | ".join(item.metadata["options"])
                yield f"{place} must be {options}, got {value!r}"
        elif not isinstance(value, _TYPES[kind]):
            yield f"{place} must be {_TYPE_WORDS[kind]}, got {value!r}"
        elif "filled" in item.metadata and not value.strip():
            yield f"{place} must be text that is not empty, got {value!r}"
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


def _numbers_problems(value: Any, place: str, rule: Any) -> Iterator[str]:
    numbers = value if isinstance(value, (tuple, list)) else ()
    good = [isinstance(n, int) and _in_range(n, rule) for n in numbers]
    if not good or not all(good):
        must = f"one or more whole numbers, each {_range_words(rule)}"
        yield f"{place} must be {must}, got {value!r}"


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
