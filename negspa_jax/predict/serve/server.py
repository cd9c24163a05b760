"""The page on 127.0.0.1, by waitress, until somebody ends it."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import waitress

from negspa_jax.predict.model import Model
from negspa_jax.predict.model_file import USE
from negspa_jax.predict.serve.app import make_app
from negspa_jax.predict.serve.desk import Desk
from negspa_jax.predict.serve.sessions import Sessions

_ADDRESS = "127.0.0.1"
_SWEEP_SECONDS = 20.0
# Of a connection on which nothing moves; a slow upload moves.
_SILENT_SECONDS = 60
# That a computation has to end once the server was told to.
_LAST_SECONDS = 10.0


def serve(
    model: Model,
    *,
    port: int = 8080,
    max_bytes: int = 2**29,
    seconds: float = 300.0,
    keep: Path | None = None,
    minutes: float = 30.0,
    num_sessions: int = 4,
) -> int:
    """Show the page on this computer alone until Ctrl-C or SIGTERM; return 0.

    The keywords but `port` (0: any that is free) are those of `make_app`. While a
    file arrives waitress holds what is more than 512 KiB in a temporary file without
    a name; everything else is in the folder of the visits, which is deleted at the
    end, or by the next server if this one is killed.

    Raises:
        ValueError: the port is taken, or may not be used.
    """
    app = make_app(
        model,
        max_bytes=max_bytes,
        seconds=seconds,
        keep=keep,
        minutes=minutes,
        num_sessions=num_sessions,
    )
    desk: Desk = app.extensions["desk"]
    sessions = desk.sessions
    with contextlib.closing(sessions), _sweeping(sessions), _ended_by_signal():
        server = _listen(app, port, max_bytes)
        try:
            address = f"http://{_ADDRESS}:{server.effective_port}/"
            print(f"Open {address} in a browser on this computer; Ctrl-C ends it.")
            kept = f"kept in {keep} where somebody ticks it" if keep else "not kept"
            print(f"Patients are {kept}. {USE}", flush=True)
            server.run()
        finally:
            server.close()
    if not desk.scorer.close(seconds=_LAST_SECONDS):
        # Python would abort on a thread inside XLA; the files are deleted by now.
        os._exit(0)
    return 0


def _listen(app: Any, port: int, max_bytes: int) -> Any:
    try:
        return waitress.create_server(
            app,
            host=_ADDRESS,
            port=port,
            threads=4,
            # The page's own sentence is said up to here; beyond, waitress's.
            max_request_body_size=max_bytes + 2**20,
            channel_timeout=_SILENT_SECONDS,
            ident=None,
        )
    except OSError as error:
        raise ValueError(
            f"port {port} cannot be used ({error.strerror or error}): give another, "
            "or --port=0 for any free one"
        ) from None


@contextlib.contextmanager
def _sweeping(sessions: Sessions) -> Iterator[None]:
    """End unused visits also while nobody asks for anything."""
    ended = threading.Event()

    def sweep() -> None:
        while not ended.wait(_SWEEP_SECONDS):
            sessions.sweep()

    threading.Thread(target=sweep, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


@contextlib.contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Let SIGTERM end the server as Ctrl-C does, so that files are deleted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
