"""Reads one file after the other in a process of its own, and judges each.

A job is one line of JSON on stdin, {"target", "path", "folder"}; the answer one line
on stdout, a `Verdict`. `python -m tests.fuzz.worker` is started by `watchdog`.
"""

import json
import os
import re
import resource
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

from tests.fuzz.targets import TARGETS, Target

# More address space than any input may ever touch; a runaway ends in MemoryError.
_ADDRESS_SPACE = 12 * 2**30
_MAX_ADDED_MB = 1000.0
# What a sentence of this package says, and a library's does not.
_OWN_WORDS = re.compile(r"\b(must|cannot|missing|has|have)\b")


def judge(target: Target, path: Path, folder: Path) -> tuple[str, str]:
    """Read a file as the product does: the outcome's name, and its words."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            target.read(path, folder)
        except AssertionError:
            return "broken promise", traceback.format_exc(limit=-3)
        except Exception as error:
            outcome = _judge_error(error, target)
        else:
            outcome = "read", ""
    if caught and outcome[0] in ("read", "refused"):
        return "warned", "; ".join(
            f"{item.filename}: {item.message}" for item in caught
        )
    return outcome


def _judge_error(error: Exception, target: Target) -> tuple[str, str]:
    if type(error) not in target.refusals:
        return f"escaped {type(error).__name__}", traceback.format_exc(limit=-6)
    sentences = str(error).split("\n")
    clear = all(words.isprintable() and words.strip() for words in sentences)
    if not clear or not _OWN_WORDS.search(str(error)):
        return "unclear refusal", repr(str(error)[:2000])
    return "refused", sentences[-1][:300]


def _read_memory() -> tuple[float, float]:
    """Resident memory of this process now and at its highest, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    now, highest = (int(found[name].split()[0]) for name in ("VmRSS", "VmHWM"))
    return now * 1024 / 1e6, highest * 1024 / 1e6


def _read_children() -> float:
    """Memory of the largest process that this one has started so far, in MB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6


def answer(job: dict[str, str]) -> dict[str, Any]:
    """Do a job: outcome, words, seconds, and added memory at its highest in MB."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the highest so far
    before, largest_child = _read_memory()[0], _read_children()
    target, start = TARGETS[job["target"]], time.monotonic()
    outcome, words = judge(target, Path(job["path"]), Path(job["folder"]))
    seconds = time.monotonic() - start
    added, child = _read_memory()[1] - before, _read_children()
    if child > largest_child:
        added = max(added, child)
    if added > _MAX_ADDED_MB:
        outcome, words = "too much memory", f"{added:.0f} MB, {outcome}: {words}"
    return {"outcome": outcome, "words": words, "seconds": seconds, "added_mb": added}


def main() -> None:
    """Answer until stdin ends; what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    answers.write("ready\n")
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")


if __name__ == "__main__":
    main()
