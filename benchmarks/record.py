"""What every benchmark shares: alternating rounds, their summary, a kept line."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np

ROOT = Path(__file__).resolve().parents[1]


def time_alternately(
    candidates: Mapping[str, Callable[[], Any]], *, rounds: int
) -> dict[str, list[float]]:
    """Return each candidate's seconds in every round, after one unmeasured round.

    Candidates alternate, because a machine's speed drifts.
    """
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(1 + rounds):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: values[1:] for name, values in seconds.items()}


def summarize(seconds: Sequence[float], **counts: int) -> dict[str, float]:
    """Median and interquartile range in ms, and each count per second at the median.

    Args:
        seconds: of every round.
        counts: what one round does, such as `patients=8`.
    """
    low, median, high = np.percentile(seconds, [25, 50, 75])
    rates = {f"{name}_per_s": count / median for name, count in counts.items()}
    found = {"ms": median * 1e3, "iqr_ms": (high - low) * 1e3, **rates}
    return {name: float(f"{value:.4g}") for name, value in found.items()}


def keep(row: Mapping[str, Any], out: str | None) -> None:
    """Print a result as one JSON line, and add it to a file."""
    line = json.dumps(row)
    print(line, flush=True)
    if out is not None:
        with open(out, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def describe_machine(packages: Sequence[str]) -> dict[str, Any]:
    """Hardware, date, versions and commit; to be asked before the first measurement."""
    device = jax.devices()[0]
    return {
        "device": device.device_kind if device.platform == "gpu" else "cpu",
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
        "commit": describe_commit(),
    }


def describe_commit() -> str:
    """The commit measured; "+changes" if the package has others on top."""
    commit = _git("rev-parse", "--short", "HEAD")
    changes = _git("status", "--porcelain", "--", "negspa_jax")
    return commit + ("+changes" if changes else "")


def cpu_name() -> str:
    """The processor's name, as far as Linux knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _git(*command: str) -> str:
    git = ["git", "-C", str(ROOT), *command]
    return subprocess.run(
        git, capture_output=True, text=True, check=False
    ).stdout.strip()
