"""Axial spondyloarthritis from MRI and radiographs of the sacroiliac joints.

Research software, not a medical device. Importing this package imports nothing
heavy: each room (`mixcut`, `models`, `data`, `stats`, ...) is opened on first use.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_ROOMS = (
    "augment",
    "checkpoint",
    "config",
    "data",
    "evaluate",
    "mixcut",
    "models",
    "predict",
    "predictions",
    "stats",
)

__all__ = ["__version__", "load", *_ROOMS]


def __getattr__(name: str) -> Any:
    if name == "load":
        return importlib.import_module(f"{__name__}.predict").load
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
