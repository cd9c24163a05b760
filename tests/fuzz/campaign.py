"""Many damaged files, read by several workers; what came of them, by target."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.fuzz import bundles
from tests.fuzz.mutations import mutate
from tests.fuzz.seeds import write_neighbours
from tests.fuzz.targets import TARGETS
from tests.fuzz.watchdog import Verdict, Watchdog


@dataclass(frozen=True)
class Failure:
    """An input that was neither read nor refused, and how to have it again."""

    target: str
    index: int
    damage: str
    verdict: Verdict
    file: Path


@dataclass
class Report:
    """Outcomes by target, the slowest and the largest input, all failures."""

    outcomes: dict[str, Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[float, str] = (0.0, "")
    failures: list[Failure] = field(default_factory=list)

    def add(self, target: str, index: int, verdict: Verdict) -> None:
        """Count one input."""
        where = f"{target}, index {index}"
        self.outcomes[target][verdict.outcome] += 1
        self.slowest = max(self.slowest, (verdict.seconds, where))
        self.largest = max(self.largest, (verdict.added_mb, where))


class Inputs:
    """The damaged file of every index; the same seed and index make the same file."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._seeds = {name: target.make_seeds() for name, target in TARGETS.items()}
        weights = np.array([target.weight for target in TARGETS.values()], float)
        self._shares = weights / weights.sum()

    def make(self, index: int) -> tuple[str, bytes, str]:
        """The target's name, the file, and what was done to it."""
        key = np.random.default_rng([self._seed, index])
        name = str(key.choice(list(TARGETS), p=self._shares))
        content, damage = mutate(self._seeds[name], TARGETS[name].damage, key)
        return name, content, damage

    def sound(self) -> Iterable[tuple[str, bytes]]:
        """Every valid file with its target."""
        for name, files in self._seeds.items():
            yield from ((name, content) for content in files)


def run_campaign(
    indices: Iterable[int],
    *,
    seed: int,
    folder: Path,
    num_workers: int = 2,
    tell: Callable[[Failure], None] = lambda failure: None,
) -> Report:
    """Read the damaged files of these indices.

    Args:
      indices: which.
      seed: of all of them.
      folder: for neighbours and inputs; those that fail are kept in `failed`.
      num_workers: processes.
      tell: is called with every failure at once.
    """
    write_neighbours(folder)
    bundles.write_sound(folder)
    (folder / "failed").mkdir(exist_ok=True)
    inputs, report, lock = Inputs(seed), Report(), threading.Lock()
    waiting = iter(indices)

    def work(number: int) -> None:
        with Watchdog(folder) as watchdog:
            while True:
                with lock:
                    index = next(waiting, None)
                if index is None:
                    return
                name, content, damage = inputs.make(index)
                path = folder / f"input-{number}{TARGETS[name].suffix}"
                path.write_bytes(content)
                verdict = watchdog.read(name, path)
                with lock:
                    report.add(name, index, verdict)
                if not verdict.is_sound:
                    kept = folder / "failed" / f"{seed}-{index}{path.suffix}"
                    kept.write_bytes(content)
                    failure = Failure(name, index, damage, verdict, kept)
                    report.failures.append(failure)
                    tell(failure)

    with ThreadPoolExecutor(num_workers) as pool:
        list(pool.map(work, range(num_workers)))
    return report
