"""A worker that is ended where an input takes too long, and started anew."""

import json
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WORKER: tuple[str, ...] = ("-m", "tests.fuzz.worker")
MAX_SECONDS = 5.0
_START_SECONDS = 120.0


@dataclass(frozen=True)
class Verdict:
    """What became of one input.

    `outcome`: "read" or "refused" are right; all others are failures.
    """

    outcome: str
    words: str = ""
    seconds: float = 0.0
    added_mb: float = 0.0

    @property
    def is_sound(self) -> bool:
        """Whether the reader did what it promises."""
        return self.outcome in ("read", "refused")


class Watchdog:
    """Has a worker read files; use it as a context.

    Args:
      folder: of sound neighbours.
      max_seconds: after which an input is overdue.
    """

    def __init__(self, folder: Path, *, max_seconds: float = MAX_SECONDS) -> None:
        self._folder, self._max_seconds = folder, max_seconds
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Watchdog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def read(self, target: str, path: Path) -> Verdict:
        """Have a file read; what is overdue once is tried again, alone.

        On a machine that others use, too, a second attempt tells a slow neighbour
        from an endless loop.
        """
        verdict = self._read_once(target, path)
        return (
            self._read_once(target, path) if verdict.outcome == "overdue" else verdict
        )

    def _read_once(self, target: str, path: Path) -> Verdict:
        process = self._start()
        job = {"target": target, "path": str(path), "folder": str(self._folder)}
        assert process.stdin is not None
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
        line = self._wait(self._max_seconds)
        if line is None:
            self._stop()
            return Verdict(
                "overdue", f"over {self._max_seconds:g} s", self._max_seconds
            )
        if not line:
            code = process.wait()
            self._stop()
            return Verdict(f"crashed ({code})", "the worker ended")
        found: dict[str, Any] = json.loads(line)
        return Verdict(**found)

    def _start(self) -> subprocess.Popen:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, *WORKER],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            assert self._wait(_START_SECONDS) == b"ready\n", "the worker must start"
        return self._process

    def _wait(self, seconds: float) -> bytes | None:
        """The next line; b"" where the worker has ended, None where none came."""
        assert self._process is not None
        stdout = self._process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], seconds)
        return stdout.readline() if ready else None

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
