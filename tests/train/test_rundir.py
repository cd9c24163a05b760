"""The run directory: one owner, one config, and files that are whole or not there."""

import json
import os
import signal
import subprocess
import sys

import pytest

from negspa_jax.config import Config, flatten
from negspa_jax.train import rundir
from negspa_jax.train.rundir import (
    BusyError,
    check_claim,
    claim,
    environment,
    locked,
    write_text,
)

# Holds a lock by the system's own call, tells it, and waits to be ended.
HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the directory."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / ".lock")], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_directory_that_another_process_holds_is_refused(holder, tmp_path):
    with (
        pytest.raises(
            BusyError, match=r"is in use by another run: wait.*--folds.*--work"
        ),
        locked(tmp_path, wait=False),
    ):
        pass


def test_a_directory_is_free_after_its_owner_was_killed(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(tmp_path, wait=False):
        pass


def test_a_directory_is_held_against_other_processes_while_the_block_runs(tmp_path):
    code = (
        "import fcntl, sys; fcntl.flock(open(sys.argv[1], 'w'), "
        "fcntl.LOCK_EX | fcntl.LOCK_NB)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / ".lock")]
    with locked(tmp_path, wait=False):
        assert subprocess.run(command, capture_output=True).returncode == 1
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_the_directory_is_made(tmp_path):
    with locked(tmp_path / "a" / "b", wait=True):
        assert (tmp_path / "a" / "b").is_dir()


def test_a_directory_is_free_again_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), locked(tmp_path, wait=False):
        raise RuntimeError
    with locked(tmp_path, wait=False):
        pass


# --- files ----------------------------------------------------------------------------


def test_a_text_replaces_the_one_before(tmp_path):
    for text in ("a long first text", "é"):
        write_text(tmp_path / "file", text)
    assert (tmp_path / "file").read_bytes() == "é".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_text_before(tmp_path, monkeypatch):
    write_text(tmp_path / "file", "before")

    def fail(_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_text(tmp_path / "file", "after")
    assert (tmp_path / "file").read_text() == "before"


# --- the manifest ---------------------------------------------------------------------


def manifest(config: Config | None = None, **changes) -> dict:
    return {
        "config": flatten(config or Config()),
        "inputs": {"patients": 3, "cohort_sha256": "aa"} | changes,
        "weights": {"sha256": None},
    }


def test_a_directory_without_a_manifest_holds_no_run_yet(tmp_path):
    assert not check_claim(tmp_path, manifest())


def test_a_new_run_writes_its_manifest_and_what_it_is_for(tmp_path):
    claim(tmp_path, manifest())
    found = json.loads((tmp_path / "manifest.json").read_text())
    assert found["config"]["encoder.name"] == "resnet50"
    assert found["environment"]["packages"]["jax"]
    assert found["use"] == "research only"


def test_the_same_run_may_go_on(tmp_path):
    claim(tmp_path, manifest())
    assert check_claim(tmp_path, manifest())


def test_the_runtime_and_the_environment_may_differ(tmp_path, monkeypatch):
    monkeypatch.setattr(rundir, "environment", lambda: {"python": "2"})
    claim(tmp_path, manifest())
    changed = Config()
    changed.runtime.workers = 7
    changed.runtime.cache_dir = "elsewhere"
    assert check_claim(tmp_path, manifest(changed))


def test_another_config_is_refused_with_every_difference_shown(tmp_path):
    claim(tmp_path, manifest())
    changed = Config(seed=3)
    changed.stages[1].epochs = 5
    with pytest.raises(ValueError, match="holds a run made otherwise") as caught:
        check_claim(tmp_path, manifest(changed))
    assert "seed: 0 in the run, 3 now" in str(caught.value)
    assert "stages[1].epochs: 100 in the run, 5 now" in str(caught.value)
    assert str(caught.value).endswith("or another --workdir")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (
            "inputs",
            r"inputs\.patients: 3 in the run, other now; SHA-256 of the cohort ",
        ),
        ("weights", "SHA-256 of the weights: None in the run, other now: give the"),
    ],
)
def test_other_inputs_or_weights_are_refused_with_the_difference_shown(
    tmp_path, part, words
):
    claim(tmp_path, manifest())
    new = manifest()
    new[part] = {name: "other" for name in new[part]}
    with pytest.raises(ValueError, match=words):
        check_claim(tmp_path, new)


NO_MANIFESTS = [
    "",
    "{",
    "[]",
    "3",
    "{}",
    '{"config": 3}',
    '{"config": {}, "inputs": 3}',
]


@pytest.mark.parametrize("text", NO_MANIFESTS)
def test_a_manifest_that_is_none_is_one_sentence(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"manifest\.json must be a run's") as caught:
        check_claim(tmp_path, manifest())
    assert "\n" not in str(caught.value)


# --- the environment ------------------------------------------------------------------


def test_the_environment_names_versions_devices_and_commit():
    found = environment()
    assert found["packages"].keys() >= {"jax", "flax", "orbax-checkpoint", "numpy"}
    assert len(found["devices"]) == 2
    json.dumps(found)


def test_outside_a_checkout_there_is_no_commit(monkeypatch, tmp_path):
    monkeypatch.setattr(rundir, "__file__", str(tmp_path / "a" / "b" / "rundir.py"))
    assert environment()["git_commit"] is None


def test_without_git_there_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert environment()["git_commit"] is None


def test_a_directory_that_cannot_be_made_is_refused_by_the_flags_name(tmp_path):
    (tmp_path / "file").write_text("")
    words = "--workdir must be a directory that can be written to, got .*file"
    with pytest.raises(ValueError, match=words), locked(tmp_path / "file", wait=True):
        pass
