"""SIGTERM and Ctrl-C: finish the step, save, leave with exit code 75.

75 is sysexits' EX_TEMPFAIL: the same command again goes on where this one stopped.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

EXIT_INTERRUPTED = 75


class Interrupted(Exception):
    """The run was asked to stop, and has saved its state."""


class StopRequest:
    """Whether a signal has asked the run to stop."""

    requested = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take a signal; a second Ctrl-C stops at once, without saving."""
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        # The step, or a compilation, may still take a while. os.write is safe here.
        os.write(2, b"stopping after this step; Ctrl-C again stops at once\n")


@contextlib.contextmanager
def listening() -> Iterator[StopRequest]:
    """Turn SIGTERM and SIGINT into a request while the block runs."""
    request = StopRequest()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, request) for number in numbers}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
