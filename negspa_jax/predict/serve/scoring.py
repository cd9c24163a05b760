"""One patient at a time is scored, in a thread, and given up after a time.

Python cannot stop a thread: what takes too long goes on until it ends, its result is
thrown away, and nobody else is scored before. The page says so.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from negspa_jax.predict.serve.outcome import Outcome

logger = logging.getLogger("negspa_jax.predict.serve")

UNKNOWN = (
    "something went wrong that should not have; the terminal where the server runs "
    "names the place in the program"
)


class Job:
    """The scoring of one patient, from the wish to its end.

    Args:
        seconds: after which it is given up, waiting or running.
        clock: seconds that never go back.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self.seconds, self._clock = seconds, clock
        self._begun: float | None = None
        self._asked, self._ended = clock(), 0.0
        self._outcome: Outcome | None = None
        self._sentences: tuple[str, ...] = ()

    @property
    def elapsed(self) -> float:
        """Seconds since it began, or where it waits since it was asked for."""
        start = self._asked if self._begun is None else self._begun
        return (self._ended or self._clock()) - start

    @property
    def state(self) -> str:
        """One of "waiting", "running", "done", "failed"."""
        if self._sentences or self.elapsed > self.seconds:
            return "failed"
        if self._outcome is not None:
            return "done"
        return "waiting" if self._begun is None else "running"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Why it failed."""
        if self._sentences or self.state != "failed":
            return self._sentences
        if self._begun is None:
            return (
                f"another patient has been scored for more than {self.seconds:g} s, "
                "so this one was not begun: try again later",
            )
        return (
            f"scoring must end within {self.seconds:g} s and was given up; a "
            "computation cannot be stopped from outside, so it goes on, its result "
            "will be thrown away, and nobody can be scored before it ends "
            "(--seconds raises the limit)",
        )

    def describe(self) -> dict[str, Any]:
        """State, seconds and sentences, as plain values."""
        seconds = round(self.elapsed, 1)
        problems = list(self.sentences)
        return {"state": self.state, "seconds": seconds, "problems": problems}

    @property
    def outcome(self) -> Outcome | None:
        """The result, once the state is "done"."""
        return self._outcome if self.state == "done" else None

    def begin(self) -> None:
        """Note that the computation begins."""
        self._begun = self._clock()

    def finish(self, outcome: Outcome) -> bool:
        """Note the result; return whether it was accepted, not thrown away too late."""
        if self.state != "running":
            return False
        self._ended = self._clock()
        self._outcome = outcome
        return self.state == "done"

    def amend(self, outcome: Outcome) -> None:
        """Put a fuller result in the place of the one that was accepted."""
        self._outcome = outcome

    def fail(self, sentences: tuple[str, ...]) -> None:
        """Note why there is no result."""
        if self.state in ("waiting", "running"):
            self._sentences = sentences
            self._ended = self._clock()


class Scorer:
    """Lets one patient be scored at a time.

    Args:
        seconds: the limit for each.
        clock: seconds that never go back.
    """

    def __init__(
        self, *, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._clock = seconds, clock
        self._free = threading.Lock()
        self._closed = False

    def start(
        self,
        work: Callable[[], Outcome],
        *,
        explain: Callable[[ValueError], tuple[str, ...]],
        settle: Callable[[Job, Outcome], object] = Job.finish,
    ) -> Job:
        """Begin when nobody else is scored.

        Args:
            work: scores the patient.
            explain: the sentences of a mistake that `work` raises.
            settle: lets the job finish with the outcome of `work`.
        """
        job = Job(self._seconds, self._clock)
        threading.Thread(
            target=self._run, args=(job, work, explain, settle), daemon=True
        ).start()
        return job

    def close(self, *, seconds: float) -> bool:
        """Begin nothing more; return whether what runs has ended within a time."""
        self._closed = True
        return self._free.acquire(timeout=seconds)

    def _run(
        self, job: Job, work: Callable[[], Outcome], explain: Any, settle: Any
    ) -> None:
        if not self._free.acquire(timeout=self._seconds):
            return  # by then the job has failed by the clock
        try:
            if job.state == "waiting" and not self._closed:
                job.begin()
                settle(job, work())
        except ValueError as error:
            job.fail(explain(error))
        except Exception as error:  # a thread's last chance to say anything
            log_error(error)
            job.fail((UNKNOWN,))
        finally:
            self._free.release()


def log_error(error: BaseException) -> None:
    """Log an error's kind and place; its words may hold a patient's data."""
    frames = traceback.extract_tb(error.__traceback__)
    places = "".join(
        f"\n  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames
    )
    logger.error("%s, at%s", type(error).__name__, places)
