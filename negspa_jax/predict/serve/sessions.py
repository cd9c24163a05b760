"""Each visit's files in a folder of its own, deleted when the visit ends.

A visit is found by an address that nobody can guess, and may change something only
with a second secret, which its own page alone knows. It ends when the visitor says
so, after some minutes without a request, or with the server.
"""

import atexit
import contextlib
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from negspa_jax.predict.serve.refusal import Refusal
from negspa_jax.predict.serve.root import make_root
from negspa_jax.predict.serve.scoring import Job
from negspa_jax.predict.serve.uploads import Upload

_ENDED = (
    "this visit has ended and its files were deleted (or it never began): start anew"
)


@dataclass(eq=False)
class Session:
    """One visit: its secrets, its folder, and what is known of one patient.

    `uploads`: by role, a sequence's name or "rvoi". `region`: the columns of six
    clicks. `crops`: the columns of crop boxes. `num_arriving`: files that are being
    received. `lock`: held by whatever changes it, though not while a file arrives.
    """

    name: str
    token: str
    folder: Path
    touched: float
    uploads: dict[str, Upload] = field(default_factory=dict)
    region: dict[str, str] = field(default_factory=dict)
    crops: dict[str, str] = field(default_factory=dict)
    job: Job | None = None
    closed: bool = False
    num_arriving: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    _one_file: threading.Lock = field(default_factory=threading.Lock)

    @property
    def busy(self) -> bool:
        """Whether the patient is being scored, so that nothing may change."""
        return self.job is not None and self.job.state in ("waiting", "running")

    @property
    def empty(self) -> bool:
        """Whether nothing would be lost: a page that was opened and left."""
        return not (self.uploads or self.num_arriving or self.busy)

    @contextlib.contextmanager
    def receive(self) -> Iterator[None]:
        """While a file arrives: one after the other, and the visit may still end."""
        with self.lock:
            self.num_arriving += 1
        try:
            with self._one_file:
                yield
        finally:
            with self.lock:
                self.num_arriving -= 1

    def check_open(self) -> None:
        """Raise `Refusal` if the visit has ended, and delete what came after that."""
        if self.closed:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise Refusal(404, "this visit has ended and its files were deleted")

    def describe(self) -> dict[str, Any]:
        """What the page's script needs to know, as plain values."""
        job = self.job
        return {
            "files": {
                role: {"name": upload.name, "shown": upload.shown, **upload.facts}
                for role, upload in self.uploads.items()
            },
            "region": self.region,
            "crops": self.crops,
            "job": job.describe() if job is not None else None,
        }

    def find_upload(self, name: str) -> Upload:
        """The upload that bears a name of ours; raises `Refusal` if there is none."""
        for upload in self.uploads.values():
            if upload.name == name:
                return upload
        raise Refusal(404, "there is no such picture: it was replaced or removed")

    def remove_upload(self, role: str) -> None:
        """Delete a role's files, and what was drawn or computed on them."""
        upload = self.uploads.pop(role, None)
        if upload is not None:
            upload.delete()
        if self.region.get("rvoi_sequence") == role:
            self.region = {}
        self.crops = {k: v for k, v in self.crops.items() if k != f"crop:{role}"}
        self.job = None


class Sessions:
    """All visits of a server.

    Args:
        limit: how many there may be at a time.
        minutes: without a request until a visit ends.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        *,
        limit: int,
        minutes: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.minutes = minutes
        self._limit, self._clock = limit, clock
        self._root, self._held = make_root()
        self._open: dict[str, Session] = {}
        self._lock = threading.Lock()
        atexit.register(self.close)

    @property
    def root(self) -> Path:
        """The folder of all folders."""
        return self._root

    def open(self) -> Session:
        """Begin a visit.

        Raises:
            Refusal: there are too many, all with files.
        """
        self.sweep()
        with self._lock:
            crowd = None
            if len(self._open) >= self._limit:
                crowd = self._find_emptiest()
                del self._open[crowd.name]
            name = secrets.token_urlsafe(24)
            folder = self._root / secrets.token_hex(16)
            folder.mkdir(mode=0o700)
            token = secrets.token_urlsafe(24)
            session = Session(name, token, folder, self._clock())
            self._open[name] = session
        if crowd is not None:
            _end(crowd)
        return session

    def find(self, name: str) -> Session:
        """The visit of this name, which thereby stays open.

        Raises:
            Refusal: there is none, or it has ended.
        """
        self.sweep()
        with self._lock:
            session = self._open.get(name)
            if session is None:
                raise Refusal(404, _ENDED)
            session.touched = self._clock()
            return session

    def forget(self, session: Session) -> None:
        """End a visit and delete its files."""
        with self._lock:
            self._open.pop(session.name, None)
        _end(session)

    def sweep(self) -> None:
        """End the visits that nobody has used for long."""
        oldest = self._clock() - 60 * self.minutes
        with self._lock:
            gone = [
                session
                for session in self._open.values()
                if session.touched < oldest
                and not (session.busy or session.num_arriving)
            ]
            for session in gone:
                del self._open[session.name]
        for session in gone:
            _end(session)

    def close(self) -> None:
        """End every visit and delete the folder of folders."""
        with self._lock:
            sessions, self._open = list(self._open.values()), {}
        for session in sessions:
            session.closed = True
        # A file that arrives meanwhile may escape once, not again without its folder.
        for _ in range(3):
            shutil.rmtree(self._root, ignore_errors=True)
        self._held.close()
        atexit.unregister(self.close)

    def _find_emptiest(self) -> Session:
        """The longest unused of the empty visits."""
        empty = [session for session in self._open.values() if session.empty]
        if not empty:
            raise Refusal(
                503,
                f"at most {self._limit} patients may be open at a time: forget one in "
                f"its own window, or wait {self.minutes:g} minutes",
            )
        return min(empty, key=lambda session: session.touched)


def _end(session: Session) -> None:
    with session.lock:
        session.closed = True
        shutil.rmtree(session.folder, ignore_errors=True)
