"""How long the whole report of the paper's cohort takes, without activation maps.

python -m benchmarks.report --out=benchmarks/results/report_cpu.jsonl

541 patients of four splits, five folds, nine features, four covariates, four readers
alone and with help, 1,000 resamples. Nothing comparable is published: the
reference of the same run is the time that scikit-learn's `roc_auc_score` takes for the
bootstrap intervals of the same AUCs, the least that such a table needs elsewhere.
"""

import csv
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from sklearn.metrics import roc_auc_score

from benchmarks.record import describe_machine, keep
from negspa_jax.columns import FEATURES
from negspa_jax.evaluate import Study, load_study
from negspa_jax.report.folder import write_report

_OUT = flags.DEFINE_string("out", None, "file to which the JSON line is added")

# Non-axSpA and axSpA ([S], Tables S3 and S4).
_GROUPS = {
    "train": (190, 138),
    "internal": (27, 45),
    "external": (29, 25),
    "prospective": (34, 53),
}
_NUM_FOLDS, _NUM_READERS, _NUM_RESAMPLES = 5, 4, 1000


def draw_rows(seed: int = 0) -> Iterator[dict[str, Any]]:
    """Rows of a predictions table, drawn binormally."""
    draw = np.random.default_rng(seed)
    for split, counts in _GROUPS.items():
        for place, label in enumerate(np.repeat([0, 1], counts)):
            patient = {
                "patient_id": f"{split}-{place}",
                "split": split,
                "label": int(label),
                **{name: int(draw.random() < 0.2 + 0.1 * label) for name in FEATURES},
                "age": int(draw.integers(18, 80)),
                "sex": "FM"[int(draw.random() < 0.5)],
                "disease_duration_months": int(draw.integers(1, 200)),
                "structural_damage": int(draw.random() < 0.5),
            }
            for reader in range(_NUM_READERS):
                for column, skill in (("reader", 0.7), ("reader_ai", 0.8)):
                    right = draw.random() < skill
                    patient[f"{column}:{reader}"] = int(label if right else 1 - label)
            train = split == "train"
            folds = [place % _NUM_FOLDS] if train else [*range(_NUM_FOLDS), "mean"]
            for fold in folds:
                logit = draw.normal(1.6 * label - 0.8)
                score = float(1 / (1 + np.exp(-logit)))
                yield {**patient, "fold": fold, "side": "both", "score": score}


def bootstrap_areas(study: Study) -> None:
    """The reference: bootstrap intervals of every AUC by scikit-learn."""
    draw = np.random.default_rng(0)
    for one in study.performances:
        labels = np.repeat(
            [0, 1], [one.num_patients - one.num_positive, one.num_positive]
        )
        scores = draw.random(len(labels))
        for _ in range(_NUM_RESAMPLES):
            chosen = draw.integers(len(labels), size=len(labels))
            roc_auc_score(labels[chosen], scores[chosen])


def measure(folder: Path) -> dict[str, float]:
    """Seconds of reading and assessing, of drawing and writing, of the reference."""
    path, rows = folder / "predictions.csv", list(draw_rows())
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    start = time.perf_counter()
    study = load_study(predictions=[path])
    assessed = time.perf_counter()
    write_report(study, folder / "report")
    written = time.perf_counter()
    bootstrap_areas(study)
    finished = time.perf_counter()
    return {
        "assess_s": round(assessed - start, 2),
        "write_s": round(written - assessed, 2),
        "reference_s": round(finished - written, 2),
        "times_reference": round((written - start) / (finished - written), 2),
        "html_mb": round((folder / "report" / "report.html").stat().st_size / 1e6, 2),
    }


def main(words: list[str]) -> None:
    """Measure once and keep the line."""
    if words[1:]:
        raise app.UsageError(f"unknown words {words[1:]}")
    machine = describe_machine(["numpy", "scipy", "scikit-learn", "matplotlib"])
    with tempfile.TemporaryDirectory() as folder:
        keep({**machine, "part": "report", **measure(Path(folder))}, _OUT.value)


if __name__ == "__main__":
    app.run(main)
