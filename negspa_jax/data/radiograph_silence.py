"""pydicom and Pillow read in silence: what they say may quote the patient.

Their warnings, log records and exceptions repeat the values they stumble over. None
leaves this module: warnings are counted, the logs are held shut, exceptions become a
sentence of ours that quotes nothing.
"""

import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from negspa_jax.data.errors import RefusedError

Result = TypeVar("Result")

# Warning filters and log levels belong to the whole process: one reader at a time.
_LOCK = threading.RLock()
_SPEAKERS = ("pydicom", "PIL")


def read_silently(read: Callable[[], Result], *, damaged: str) -> tuple[Result, int]:
    """Call a library; let nothing out but the result or a sentence without values.

    Args:
      read: does the work; the text of its own `RefusedError` passes.
      damaged: the reason to refuse with if anything else is raised.

    Returns:
      What `read` returns, and how many warnings pydicom and Pillow gave.

    Raises:
      RefusedError: `read` failed.
    """
    done: list[Result] = []
    reason = ""
    with _shut_logs(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            done.append(read())
        except RefusedError as error:
            reason = str(error)
        except Exception:  # whatever a damaged file makes a parser raise
            reason = damaged
    if not done:
        # Raised outside the handlers, lest its context carry a quoted value along.
        raise RefusedError(reason)
    folders = tuple(f"/{name}/" for name in _SPEAKERS)
    said = [warning.filename.replace("\\", "/") for warning in caught]
    return done[0], sum(any(folder in name for folder in folders) for name in said)


@contextmanager
def _shut_logs() -> Iterator[None]:
    """Hold the libraries' loggers shut; absl and others listen at the root."""
    loggers = [logging.getLogger(name) for name in _SPEAKERS]
    with _LOCK:
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
