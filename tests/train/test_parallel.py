"""Two devices, and two processes, compute what one device computes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def start(out: Path, precision: str, *place: str, devices: int) -> subprocess.Popen:
    """Start `replicas` in a process of its own, with that many fake devices."""
    flags = f"--xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, "-m", "tests.train.replicas", str(out), precision, *place],
        cwd=ROOT,
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*processes: subprocess.Popen) -> None:
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors[-3000:]


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(scope="module", params=["float64", "float32"])
def trained(request, tmp_path_factory):
    """What one device, two devices and two processes came to, in one precision."""
    folder, kind = tmp_path_factory.mktemp("replicas"), request.param
    for devices in (1, 2):
        finish(start(folder / f"devices{devices}.npz", kind, devices=devices))
    address = free_address()
    pair = [
        start(folder / "processes.npz", kind, address, str(rank), devices=1)
        for rank in range(2)
    ]
    finish(*pair)
    found = {}
    for name in ("devices1", "devices2", "processes"):
        with np.load(folder / f"{name}.npz") as content:
            found[name] = dict(content)
    return kind, found


def largest_difference(first: dict, second: dict, *names: str) -> float:
    assert first.keys() == second.keys()
    return max(
        float(np.max(np.abs(first[name] - second[name])))
        for name in first
        if not names or name in names
    )


@pytest.mark.slow
@pytest.mark.parametrize("other", ["devices2", "processes"])
def test_the_number_of_replicas_does_not_change_the_model(trained, other):
    kind, found = trained
    one, two = found["devices1"], found[other]
    if kind == "float64":
        assert one["losses"].dtype == np.float64
        assert largest_difference(one, two) < 1e-9
    else:
        assert largest_difference(one, two, "losses") < 1e-3


@pytest.mark.slow
def test_two_processes_hold_the_parameters_of_two_devices(trained):
    kind, found = trained
    limit = 1e-9 if kind == "float64" else 1e-3
    assert largest_difference(found["devices2"], found["processes"]) < limit


@pytest.mark.slow
def test_the_losses_fall_so_that_equality_means_something(trained):
    losses = trained[1]["devices1"]["losses"]
    assert len(losses) == 20
    assert len(set(losses.tolist())) == 20
