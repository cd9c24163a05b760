"""Which of a DICOM file's windows and tables shows the image."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pydicom

from negspa_jax.data.dicom_display import Values, make_window, read_table
from negspa_jax.data.dicom_file import read_word
from negspa_jax.data.errors import RefusedError
from negspa_jax.data.radiograph_grey import BY_PERCENTILES


class Display(NamedTuple):
    """How modality values become [0, 1], and what that is called."""

    show: Callable[[Values], np.ndarray]
    kind: str  # "window" or "table"


class _View(NamedTuple):
    name: str
    make: Callable[[], Display]


def choose_display(
    elements: pydicom.Dataset, *, window: int | str | None
) -> Display | None:
    """Choose the view that `window` asks for; None where percentiles shall do.

    Tables stand before windows, as pydicom has it: a file that holds both was given
    its table by someone who thought a straight line too little.

    Args:
      elements: the file's elements.
      window: number of the view from 0, its explanation's text, or None for none.

    Raises:
      RefusedError: the file has views, but not that one; it has none, and one other
        than 0 is asked for; or the view asked for is unusable.
    """
    if window is None:
        return None
    views = [*_list_tables(elements), *_list_windows(elements)]
    if isinstance(window, str):
        wanted = window.strip().casefold()
        found = [view for view in views if view.name == wanted]
    else:
        found = views[window : window + 1] if window >= 0 else []
    if found:
        return found[0].make()
    if window == 0 and not views:
        return None
    asked = f'named "{window}"' if isinstance(window, str) else f"number {window}"
    reason = f"must have the window {asked}, but has {len(views)} windows or tables"
    raise RefusedError(f"{reason}: name another, or {BY_PERCENTILES}")


def _list_tables(elements: pydicom.Dataset) -> list[_View]:
    items = elements.get("VOILUTSequence") or ()
    return [
        _View(_fold(item.get("LUTExplanation")), partial(_use_table, elements, item))
        for item in items
    ]


def _use_table(elements: pydicom.Dataset, item: pydicom.Dataset) -> Display:
    table = read_table(elements, item)
    top = float(2**table.bits - 1)

    def show(values: Values) -> np.ndarray:
        return np.clip(table.look_up(values) / top, 0.0, 1.0)

    return Display(show, "table")


def _list_windows(elements: pydicom.Dataset) -> list[_View]:
    function = read_word(elements, "VOILUTFunction")
    centers = _as_list(elements.get("WindowCenter"))
    widths = _as_list(elements.get("WindowWidth"))
    names = _as_list(elements.get("WindowCenterWidthExplanation"))
    names += [""] * len(centers)
    return [
        _View(_fold(name), partial(_use_window, center, width, function))
        for center, width, name in zip(centers, widths, names, strict=False)
    ]


def _use_window(center: Any, width: Any, function: str) -> Display:
    show = None
    # Refused below, outside, lest a quoted value hang on the exception.
    with suppress(TypeError, ValueError):
        show = make_window(center=float(center), width=float(width), function=function)
    if show is None:
        reason = "must have a usable window, but its center, width or function is none"
        raise RefusedError(f"{reason}: {BY_PERCENTILES}")
    return Display(show, "window")


def _as_list(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    single = isinstance(value, str) or not isinstance(value, Iterable)
    return [value] if single else list(value)


def _fold(name: Any) -> str:
    return str(name or "").strip().casefold()
