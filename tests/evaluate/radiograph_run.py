"""The directory of a radiograph run: one model, validated on a split of its own.

Everything is drawn by the standard library: the same arguments give the same bytes on
every machine.
"""

import csv
import json
import math
import random
from pathlib import Path

from negspa_jax.config import (
    Augmentation,
    Config,
    Data,
    Encoder,
    Head,
    Mixing,
    Optimizer,
    Stage,
    flatten,
)

# Patients with and without sacroiliitis, of Bressem et al. and far fewer.
PAPER = {"train": (911, 493), "validation": (160, 87), "external": (54, 46)}
SMALL = {"train": (24, 16), "validation": (16, 12), "external": (14, 11)}
READERS = ("local", "central", "third")


def radiograph_config(**data) -> Config:
    """The recipe of Bressem et al. in this schema; keywords change its data."""
    stages = [
        Stage(
            image_size=size,
            batch_size=batch,
            device_batch=at_a_time,
            learning_rate=rate,
            frozen=frozen,
            stem_rate=stem,
        )
        for size, batch, at_a_time in ((224, 64, 0), (512, 32, 8), (768, 84, 7))
        for rate, frozen, stem in ((1e-3, "encoders", 1.0), (5e-4, "none", 0.1))
    ]
    adam = Optimizer(schedule="one_cycle", weight_decay=0.01, beta2=0.99)
    found = {"kind": "radiograph", "sequences": ("image",), "num_folds": 1}
    return Config(
        data=Data(**{**found, "cohort": "pelvis/cohort.csv", **data}),
        encoder=Encoder(normalize="imagenet"),
        head=Head(form="fastai", dropout=0.5),
        augmentation=Augmentation(
            rotation_degrees=10.0,
            shift=0.0,
            zoom=1.1,
            warp=0.2,
            brightness=0.2,
            contrast=0.2,
            probability=0.75,
            border="reflect",
        ),
        mixing=Mixing(preset="mixup", alpha=0.4, dominant=True),
        label_smoothing=0.1,
        optimizer=adam,
        stages=tuple(stages),
    )


def write_run(
    folder: Path, sizes=SMALL, *, config=None, unscored=True, validation="", seed=0
) -> Path:
    """A finished run as training leaves it, but for images and weights.

    Where labels are made by agreement, those on whom local and central differ have
    none. `unscored`: whether the run names those of train without a score.
    `validation`: what the manifest says of the origin of that split.
    """
    draw, config = random.Random(seed), config or radiograph_config()
    patients = [
        _draw_patient(draw, split, number, int(number < positive))
        for split, (positive, negative) in sizes.items()
        for number in range(positive + negative)
    ]
    for row in patients:
        if config.data.reference == "agreement" and _is_doubtful(row):
            row["label"] = ""
    folds = config.data.num_folds
    absent = [
        row
        for row in patients
        if row["split"] == "train" and (folds == 1 or row["label"] == "")
    ]
    scored = [row for row in patients if row not in absent]
    rows = [
        r for number, p in enumerate(scored) for r in _score(draw, p, number, folds)
    ]
    _write(folder / "predictions.csv", rows)
    if unscored and absent:
        _write(
            folder / "unscored.csv",
            [{k: v for k, v in row.items() if k != "split"} for row in absent],
        )
    manifest = {
        "config": flatten(config),
        "environment": {"devices": ["one device"], "git_commit": "abc"},
        "weights": {"sha256": "f0" * 32},
        "inputs": {"validation": validation} if validation else {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    _write(folder / "fold_0" / "history.csv", list(_train(draw)))
    return folder


def _write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _draw_patient(draw, split, number, label):
    ill, well = [(2, 2), (2, 3), (3, 3), (1, 3)], [(0, 1), (1, 1)]
    grades = draw.choice(ill if label else well)
    calls = dict.fromkeys(READERS, label)
    doubt = draw.random()
    # On the external set only those were taken on whom both agree.
    if split == "external" or doubt >= 0.27:
        calls["third"] = ""
    else:
        calls["local" if doubt < 0.16 else "central"] = 1 - label
    return {
        "patient_id": f"{split[:2].upper()}{number:04}",
        "split": split,
        "label": label,
        "age": round(draw.gauss(34, 9)),
        "sex": draw.choice(["female", "male"]),
        "grade_right": grades[0],
        "grade_left": grades[1],
        **{f"reader:{name}": calls[name] for name in READERS},
    }


def _is_doubtful(patient):
    return patient["reader:local"] != patient["reader:central"]


def _score(draw, patient, number, num_folds):
    """Scores of the whole image and of the patient: out of fold, or all models'."""
    likely = patient["label"] if patient["label"] != "" else 0.5
    strength = 2.4 * likely - 0.3 + draw.gauss(0, 0.9)
    score = 1 / (1 + math.exp(-strength))
    start = {name: patient[name] for name in ("patient_id", "split", "label")}
    rest = {name: cell for name, cell in patient.items() if name not in start}
    of_train = patient["split"] == "train"
    for fold in [number % num_folds] if of_train else [*range(num_folds), "mean"]:
        for side in ("whole", "both"):
            yield {**start, "fold": fold, "side": side, "score": repr(score), **rest}


def _train(draw):
    for stage in range(6):
        for epoch in range(5):
            done = stage + epoch / 5
            yield {
                "fold": 0,
                "stage": stage,
                "epoch": epoch,
                "learning_rate": 0.001,
                "train_loss": 0.35 + 0.35 * math.exp(-done / 2),
                "validation_auc": 0.97 - 0.4 * math.exp(-done) + draw.gauss(0, 0.004),
                "best_epoch": epoch,
                "seconds": 1.0,
            }
