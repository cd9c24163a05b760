"""Signals become a request, and the handlers of before come back."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from negspa_jax.train.interrupt import EXIT_INTERRUPTED, StopRequest, listening

ROOT = Path(__file__).resolve().parents[2]
SIGNALS = [signal.SIGTERM, signal.SIGINT]


def handlers() -> list:
    return [signal.getsignal(number) for number in SIGNALS]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_sets_the_request_and_the_work_goes_on(number):
    with listening() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested


def test_a_second_ctrl_c_stops_at_once():
    with listening() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested


def test_a_second_sigterm_is_still_a_request():
    with listening() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested


def test_the_handlers_of_before_come_back():
    before = handlers()
    with listening():
        assert handlers() != before
    assert handlers() == before


def test_the_handlers_come_back_after_an_error():
    before = handlers()
    with pytest.raises(RuntimeError, match="inside"), listening():
        raise RuntimeError("inside")
    assert handlers() == before


def test_two_runs_have_requests_of_their_own():
    first, second = StopRequest(), StopRequest()
    first(signal.SIGTERM, None)
    assert first.requested
    assert not second.requested


def test_the_exit_code_is_sysexits_temporary_failure():
    assert os.EX_TEMPFAIL == EXIT_INTERRUPTED


@pytest.mark.parametrize("seconds", [0.3, 1.0])
def test_ctrl_c_while_jax_is_imported_is_a_sentence_and_code_75(tmp_path, seconds):
    words = ["--config=configs/phantom.py", f"--workdir={tmp_path}"]
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code += "; from negspa_jax.train.__main__ import main; import sys"
    code += f"; signal.setitimer(signal.ITIMER_REAL, {seconds})"
    code += "; signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(2))"
    code += f"; sys.exit(main({words!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == EXIT_INTERRUPTED
    assert done.stderr.endswith("goes on from what was saved before\n")
    assert "Traceback" not in done.stderr
