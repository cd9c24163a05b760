"""The nightly run: `python -m tests.fuzz --count=20000 --seed=0`.

The exit code is 1 if any input failed. Each failure is printed with its index and kept
as a file: `--first=INDEX --count=1` makes it anew, `--file=PATH --target=NAME` reads
it alone.
"""

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz import bundles
from tests.fuzz.campaign import Failure, Report, run_campaign
from tests.fuzz.seeds import write_neighbours
from tests.fuzz.targets import TARGETS
from tests.fuzz.watchdog import Verdict, Watchdog


def print_failure(failure: Failure) -> None:
    """One failure, and how to have it again."""
    verdict = failure.verdict
    print(
        f"FAILED {failure.target}, index {failure.index} ({failure.damage}): "
        f"{verdict.outcome}, {verdict.seconds:.1f} s, {verdict.added_mb:.0f} MB; "
        f"kept as {failure.file}\n{verdict.words}",
        flush=True,
    )


def print_report(report: Report, seconds: float) -> None:
    """The table of outcomes by target."""
    names = sorted({name for counts in report.outcomes.values() for name in counts})
    print(f"{'target':24}" + "".join(f"{name:>18}" for name in names))
    for target in TARGETS:
        counts = report.outcomes[target]
        print(f"{target:24}" + "".join(f"{counts[name]:>18}" for name in names))
    total = sum(sum(counts.values()) for counts in report.outcomes.values())
    print(f"{total} inputs in {seconds:.0f} s, {len(report.failures)} failed")
    print(f"slowest: {report.slowest[0]:.2f} s ({report.slowest[1]})")
    print(f"most added memory: {report.largest[0]:.0f} MB ({report.largest[1]})")


def read_one(folder: Path, target: str, file: Path) -> Verdict:
    """Read one file as a target."""
    write_neighbours(folder)
    bundles.write_sound(folder)
    with Watchdog(folder) as watchdog:
        return watchdog.read(target, file.resolve())


def main() -> int:
    """Run what the flags say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("runs/fuzz"))
    parser.add_argument("--target", choices=list(TARGETS))
    parser.add_argument("--file", type=Path)
    flags = parser.parse_args()
    folder = flags.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if flags.file:
        verdict = read_one(folder, flags.target, flags.file)
        print(verdict)
        return 0 if verdict.is_sound else 1
    start = time.monotonic()
    report = run_campaign(
        range(flags.first, flags.first + flags.count),
        seed=flags.seed,
        folder=folder,
        num_workers=flags.workers,
        tell=print_failure,
    )
    print_report(report, time.monotonic() - start)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
