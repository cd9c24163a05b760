"""Axial spondyloarthritis from MRI and radiographs of the sacroiliac joints.

Research software, not a medical device. Importing this package imports nothing
heavy: each room (`mixcut`, `models`, `data`, `stats`, ...) is opened on first use.
"""

import importlib
from types import ModuleType

__version__ = "0.1.0"

_ROOMS = (
    "augment",
    "checkpoint",
    "config",
    "data",
    "evaluate",
    "mixcut",
    "models",
    "predictions",
    "stats",
)

__all__ = ["__version__", *_ROOMS]


def __getattr__(name: str) -> ModuleType:
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
