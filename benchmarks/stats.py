"""How fast DeLong's interval and the bootstrap are, against what others use.

python -m benchmarks.stats --out=benchmarks/results/stats_cpu.jsonl

delong     `stats.delong_interval` against every pair (the definition of 1988) while
           pairs fit into memory, and against midranks in a Python loop, the algorithm
           of the Python code that most papers cite. Their values agree to 1e-9, or the
           benchmark stops. Peak memory is that of our call alone, in bytes per score.
bootstrap  `stats.bootstrap_interval` of the AUC and of the average precision, 1,000
           resamples of the patients, against `scipy.stats.bootstrap` of the same
           statistic, paired, percentile.
"""

import tracemalloc
from functools import partial
from typing import Any

import numpy as np
from absl import app, flags
from scipy.special import ndtri
from scipy.stats import bootstrap

from benchmarks.record import describe_machine, keep, summarize, time_alternately
from benchmarks.stats_published import compare_all_pairs, rank_in_a_loop
from negspa_jax.stats import (
    Estimate,
    auc,
    average_precision,
    bootstrap_interval,
    delong_interval,
)

_SIZES = flags.DEFINE_list("sizes", ["300", "10000", "1000000"], "numbers of patients")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "rounds measured", lower_bound=3)
_OUT = flags.DEFINE_string("out", None, "file to which the JSON lines are added")

# A float64 for each pair of 10,000 patients takes 200 MB.
_MOST_FOR_ALL_PAIRS = 10_000
_NUM_RESAMPLES = 1000


def draw_patients(num_patients: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and binormal scores with some ties, as rounded probabilities have."""
    generator = np.random.default_rng(0)
    labels = np.arange(num_patients) % 2
    scores = generator.normal(1.6 * labels, 1.0)
    return labels, np.round(1 / (1 + np.exp(-scores)), 4 if num_patients < 1e5 else 7)


def measure_delong(num_patients: int, *, rounds: int) -> dict[str, Any]:
    """Seconds of each algorithm on the same scores, and the memory of ours."""
    labels, scores = draw_patients(num_patients)
    positives, negatives = scores[labels == 1], scores[labels == 0]

    def run_ours() -> Estimate:
        return delong_interval(labels, scores)

    rivals = {"midranks in a loop": partial(rank_in_a_loop, positives, negatives)}
    if num_patients <= _MOST_FOR_ALL_PAIRS:
        rivals["every pair"] = partial(compare_all_pairs, positives, negatives)
    ours = run_ours()
    for run in rivals.values():
        area, variance = run()
        low = area - float(ndtri(0.975)) * variance**0.5
        np.testing.assert_allclose([area, low], [ours.value, ours.low], 1e-9)
    seconds = time_alternately({"ours": run_ours, **rivals}, rounds=rounds)
    tracemalloc.start()
    run_ours()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "part": "delong",
        "patients": num_patients,
        "bytes_per_score": round(peak / num_patients, 1),
        **{name: summarize(values) for name, values in seconds.items()},
        **_ratios(seconds),
    }


def measure_bootstrap(num_patients: int, *, rounds: int) -> list[dict[str, Any]]:
    """Seconds of 1,000 resamples, ours and scipy's, for two statistics."""
    labels, scores = draw_patients(num_patients)
    rows = []
    for statistic in (auc, average_precision):
        ours = partial(
            bootstrap_interval,
            *(labels, scores),
            statistic=statistic,
            num_resamples=_NUM_RESAMPLES,
        )
        scipys = partial(
            bootstrap,
            (labels, scores),
            statistic,
            paired=True,
            vectorized=False,
            method="percentile",
            n_resamples=_NUM_RESAMPLES,
        )
        seconds = time_alternately({"ours": ours, "scipy": scipys}, rounds=rounds)
        rows.append(
            {
                "part": "bootstrap",
                "statistic": statistic.__name__,
                "patients": num_patients,
                **{name: summarize(values) for name, values in seconds.items()},
                **_ratios(seconds),
            }
        )
    return rows


def _ratios(seconds: dict[str, list[float]]) -> dict[str, float]:
    """How many times faster ours is than each other, at the medians."""
    ours = np.median(seconds["ours"])
    return {
        f"times faster than {name}": float(f"{np.median(values) / ours:.3g}")
        for name, values in seconds.items()
        if name != "ours"
    }


def main(words: list[str]) -> None:
    """Measure every part and keep the lines."""
    if words[1:]:
        raise app.UsageError(f"unknown words {words[1:]}")
    machine = describe_machine(["numpy", "scipy"])
    sizes = [int(size) for size in _SIZES.value]
    rows = [measure_delong(size, rounds=_ROUNDS.value) for size in sizes]
    rows += measure_bootstrap(min(sizes), rounds=_ROUNDS.value)
    for row in rows:
        keep({**machine, **row}, _OUT.value)


if __name__ == "__main__":
    app.run(main)
