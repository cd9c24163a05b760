"""A thousand damaged files are each read as promised, or refused with a sentence."""

import json
import subprocess
import sys

import pytest

from tests.fuzz import bundles
from tests.fuzz.campaign import Inputs, run_campaign
from tests.fuzz.mutations import peel, repair_png
from tests.fuzz.seeds import write_neighbours
from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.watchdog import ROOT, Watchdog
from tests.fuzz.worker import judge

COUNT = 1000


@pytest.fixture(scope="module")
def inputs():
    return Inputs(0)


def test_the_undamaged_files_are_all_read(inputs, tmp_path):
    write_neighbours(tmp_path)
    bundles.write_sound(tmp_path)
    with Watchdog(tmp_path) as watchdog:
        for name, content in inputs.sound():
            path = tmp_path / f"sound{TARGETS[name].suffix}"
            path.write_bytes(content)
            assert watchdog.read(name, path).outcome == "read", name


def test_damaged_files_are_read_or_refused_and_nothing_else(tmp_path):
    report = run_campaign(range(COUNT), seed=0, folder=tmp_path)
    assert not report.failures
    assert sum(sum(counts.values()) for counts in report.outcomes.values()) == COUNT
    # Damage that is always refused, or never, would test nothing.
    for target in TARGETS:
        counts = report.outcomes[target]
        assert counts["refused"] > 0, target
        assert counts["read"] > 0, target


def test_the_same_seed_and_index_make_the_same_file(inputs):
    again = Inputs(0)
    assert [inputs.make(i) for i in range(50)] == [again.make(i) for i in range(50)]
    assert inputs.make(0) != Inputs(1).make(0)


def test_damage_reaches_what_checksums_and_compression_protect(inputs):
    protected = 0
    for _, content in inputs.sound():
        inner, wrap = peel(content)
        protected += inner != content or wrap is repair_png
        assert peel(wrap(inner))[0] == inner
    assert protected > 10


def _target(read) -> Target:
    return Target(lambda: [], (), read, ".x", refusals=(ValueError,))


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("pass", "read"),
        ("raise ValueError('a file must be a file, got none')", "refused"),
        ("raise ValueError('operands could not be broadcast')", "unclear refusal"),
        ("raise ValueError('must be \\x1b[31m red')", "unclear refusal"),
        ("raise KeyError('x')", "escaped KeyError"),
        ("assert False", "broken promise"),
        ("import warnings; warnings.warn('overflow')", "warned"),
    ],
)
def test_the_judge_tells_refusals_from_all_that_must_not_be(tmp_path, code, outcome):
    target = _target(lambda path, folder: exec(code))
    assert judge(target, tmp_path, tmp_path)[0] == outcome


# A worker that has one more target, whose files are what it does.
PATIENT_ZERO = """
import json, os, sys, time
print("ready", flush=True)
for line in sys.stdin:
    code = open(json.loads(line)["path"]).read()
    exec(code)
    print(json.dumps({"outcome": "read"}), flush=True)
"""


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("time.sleep(60)", "overdue"), ("os.kill(os.getpid(), 11)", "crashed (-11)")],
)
def test_the_watchdog_outlives_what_hangs_or_crashes(
    tmp_path, monkeypatch, code, outcome
):
    worker = tmp_path / "worker.py"
    worker.write_text(PATIENT_ZERO)
    monkeypatch.setattr("tests.fuzz.watchdog.WORKER", (str(worker),))
    path = tmp_path / "x"
    with Watchdog(tmp_path, max_seconds=0.3) as watchdog:
        path.write_text(code)
        assert watchdog.read("x", path).outcome == outcome
        path.write_text("pass")
        assert watchdog.read("x", path).is_sound


def test_memory_is_measured_for_each_input_alone(tmp_path):
    code = (
        "import json, sys, numpy as np; from tests.fuzz import worker; "
        "worker.judge = lambda *_: ('read', str(np.ones(2**24).sum())); "
        "job = {'target': 'volume', 'path': '.', 'folder': '.'}; "
        "large = worker.answer(job)['added_mb']; "
        "worker.judge = lambda *_: ('read', ''); "
        "small = worker.answer(job)['added_mb']; "
        "print(json.dumps([large, small]))"
    )
    large, small = json.loads(run_python(code))
    assert 120 < large < 200
    assert small < 10


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
