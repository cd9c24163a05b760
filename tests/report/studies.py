"""Predictions tables for the tests of the report: fixed, by the standard library.

`write_tables` writes tables of any size; the same arguments give the same bytes, on
every machine and with every version of numpy.
"""

import csv
import math
import random
from pathlib import Path

from negspa_jax.columns import FEATURES

# Sizes like the paper's: split -> positive and negative patients.
PAPER = {
    "train": (184, 144),
    "internal": (45, 27),
    "external": (25, 29),
    "reader study": (52, 35),
}
SMALL = {"train": (16, 14), "external": (9, 8)}


def write_tables(
    folder: Path, sizes=SMALL, *, readers=("A", "B"), features=True, seed=0
) -> tuple[Path, Path]:
    """Two models' predictions of the same patients, the first with all columns."""
    draw = random.Random(seed)
    first, second = [], []
    for split, (positive, negative) in sizes.items():
        for number in range(positive + negative):
            label = int(number < positive)
            who = {
                "patient_id": f"{split[:2].upper()}{number:03}",
                "split": split,
                "label": label,
            }
            columns = _columns(draw, label, readers, features)
            skill = draw.gauss(0, 1)
            first += _rows(draw, who, split, 1.5 * label + skill, columns)
            second += _rows(draw, who, split, 0.9 * label + skill, {})
    paths = folder / "tri_r50.csv", folder / "single_r50.csv"
    for path, rows in zip(paths, (first, second), strict=True):
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return paths


def write_bare(path: Path, *, size=12) -> Path:
    """A table from elsewhere: patient_id, label, score."""
    draw = random.Random(1)
    lines = [
        f"p{n},{n % 2},{_sigmoid(draw.gauss(n % 2, 1)):.4f}\n" for n in range(size)
    ]
    path.write_text("patient_id,label,score\n" + "".join(lines), "utf-8")
    return path


def _rows(draw, who, split, strength, columns):
    """Two sides and both: out of fold in train, else of two folds and their mean."""
    folds = [draw.randrange(2)] if split == "train" else [0, 1, "mean"]
    found, means = [], {}
    for fold in folds:
        for side in ("left", "right"):
            score = _sigmoid(strength - 0.6 + draw.gauss(0, 0.5))
            if fold == "mean":
                score = sum(means[side]) / 2
            means.setdefault(side, []).append(score)
            found.append((fold, side, score))
        pair = [score for _, _, score in found[-2:]]
        found.append((fold, "both", sum(pair) / 2))
    return [
        {**who, "fold": fold, "side": side, "score": repr(score), **columns}
        for fold, side, score in found
    ]


def _columns(draw, label, readers, features):
    columns = {
        "age": round(draw.gauss(31 - 2 * label, 8)),
        "sex": draw.choice("FM") if draw.random() < 0.97 else "",
        "disease_duration_months": round(abs(draw.gauss(30, 30)), 1),
        "structural_damage": int(draw.random() < 0.1 + 0.2 * label),
    }
    if features:
        share = 0.12 + 0.16 * label
        columns |= {name: int(draw.random() < share) for name in FEATURES}
    for place, name in enumerate(readers):
        right = 0.68 + 0.05 * (place % 4)
        for start, skill in (("reader:", right), ("reader_ai:", right + 0.08)):
            call = label if draw.random() < skill else 1 - label
            columns[f"{start}{name}"] = call if draw.random() < 0.98 else ""
    return columns


def _sigmoid(value):
    return 1 / (1 + math.exp(-value))
