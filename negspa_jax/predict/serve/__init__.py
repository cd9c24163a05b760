"""A page on this computer to try a model with: files, region, features, result.

`make_app` builds it, `serve` opens it on 127.0.0.1. Both need the extra `serve`; they
are looked up on first use, so that nobody else needs it. Research software, not a
medical device.
"""

import importlib
from typing import Any

_HOMES = {"make_app": "app", "serve": "server"}
_EXTRA = {"flask", "waitress", "werkzeug"}

__all__ = ["make_app", "serve"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        home = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        raise ValueError(
            f"the page needs {error.name}, which is not installed: "
            "pip install 'negspa_jax[serve]'"
        ) from None
    return getattr(home, name)
