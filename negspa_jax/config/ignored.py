"""Fields that the kind of images does not use: set, they would be silently ignored."""

import dataclasses
from collections.abc import Iterator
from typing import Any

# The fields of `Data` that say how volumes are cut.
OF_MRI = frozenset(
    {
        *("sides", "window", "centre", "window_mm"),
        *("plane", "intensity", "z_clip", "mirror_left"),
    }
)


def find_ignored(data: Any, radiograph: Any) -> Iterator[str]:
    """Yield a sentence for each field of the other kind that is not its default.

    Args:
        data: the config's part `data`, which says the kind.
        radiograph: its part `radiograph`.
    """
    if data.kind == "radiograph":
        part, name, names = data, "data", OF_MRI
    else:
        part, name = radiograph, "radiograph"
        names = frozenset(item.name for item in dataclasses.fields(radiograph))
    default = type(part)()
    for item in sorted(names):
        value, usual = getattr(part, item), getattr(default, item)
        if value != usual:
            yield (
                f"config.{name}.{item} must be left at {usual!r} where "
                f"config.data.kind is {data.kind}, which does not use it, got {value!r}"
            )
