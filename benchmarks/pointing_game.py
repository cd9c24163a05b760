"""Does Grad-CAM point at the lesion? The pointing game on a run of synthetic patients.

The rule. Of every patient with label 1 whom the run calls positive (final score at or
above Youden's cut-off of the out-of-fold scores): the cell of the largest value of the
mean map over folds, on the sequence on whose grid the lesions were planted, over all
sides. A hit: the cell's centre lies in the planted lesions of that side, dilated by one
map cell. The planted lesions are cut from their mask with the image's own windows, and
count where they show on any of the three slices that the network sees.

Beside it, of the same masks: the window's centre and a random cell on the same side,
the cells that the other patients' maps point at, and the one cell that would hit most
patients, had it been known; and the games of networks with random weights. Everything
is also given without the dilation. Floors: 80 % hits, and 15 points more than the
centre; the exit code is 1 below them.

    python -m benchmarks.pointing_game --run=DIR --out=benchmarks/results/FILE.jsonl

Reference: Zhang et al., Top-down neural attention by excitation backprop, 2018.
"""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags, logging
from scipy.ndimage import maximum_filter

from benchmarks.record import describe_machine, keep
from negspa_jax.config import image_keywords
from negspa_jax.data.crops import crop_patient
from negspa_jax.data.patient import Patient
from negspa_jax.data.pipeline import Cache
from negspa_jax.models import grad_cam
from negspa_jax.predict.finished_run import (
    FinishedRun,
    decode_patients,
    open_run,
)
from negspa_jax.predict.maps import PatientMaps, map_patients
from negspa_jax.predict.network import build_model
from negspa_jax.predictions import TRAIN, patient_scores
from negspa_jax.shapes import Array, Bool, Float
from negspa_jax.stats import choose_cutoff, clopper_pearson

FLOOR, MARGIN = 0.80, 0.15
RANDOM_NETWORKS = 3
PLANTED = "fs"  # the sequence on whose grid the column `lesions` is


class Game(NamedTuple):
    """One patient's: the cell that the map points at, and which would be hits."""

    point: tuple[int, int, int]  # side, row, column
    hits: Bool[np.ndarray, "s p q"]
    centres: Bool[np.ndarray, " s"]  # whether each window's centre would be one


def play(
    maps: Float[np.ndarray, "s p q"], masks: Bool[np.ndarray, "s h w"], *, dilation: int
) -> Game:
    """Play one patient's game.

    A cell is a hit if its centre lies in the mask, dilated by a square of which the
    half side is so many cells. A centre between pixels is taken to be the pixel below
    and to the right of it.

    Args:
        maps: of the sequence on which the lesions were planted; their rows and columns
            divide the image's.
        masks: the planted lesions, in pixels.
        dilation: in cells, from 0.
    """
    side, row, column = np.unravel_index(np.argmax(maps), maps.shape)
    h, w = (
        n // cells for n, cells in zip(masks.shape[1:], maps.shape[1:], strict=True)
    )
    reach = (1, 2 * dilation * h + 1, 2 * dilation * w + 1)
    wide = maximum_filter(masks, size=reach, mode="constant")
    return Game(
        point=(int(side), int(row), int(column)),
        hits=wide[:, h // 2 :: h, w // 2 :: w],
        centres=wide[:, masks.shape[1] // 2, masks.shape[2] // 2],
    )


def count_hits(games: Sequence[Game]) -> dict[str, Any]:
    """Return the share of hits, and of what would have hit without the map.

    Returns:
        `map` with its 95 % `interval`; `centre` of the window and `random_cell` on the
        side that the map points at; `other_patient`: the cells that the other
        patients' maps point at; `best_cell`: the one cell that hits most patients.
    """
    number = len(games)
    hits = np.stack([game.hits for game in games]).astype(float)
    points = tuple(np.array([game.point for game in games]).T)
    crossed = hits[:, *points]  # patient's lesions by patient's point
    own = np.diagonal(crossed)
    low, high = clopper_pearson(successes=int(own.sum()), trials=number)
    others = (crossed.sum() - own.sum()) / (number * (number - 1))
    found = {
        "map": own.mean(),
        "interval": [low, high],
        "centre": np.mean([game.centres[game.point[0]] for game in games]),
        "random_cell": np.mean([game.hits[game.point[0]].mean() for game in games]),
        "other_patient": others,
        "best_cell": hits.mean(0).max(),
    }
    return {name: np.round(value, 3).tolist() for name, value in found.items()}


def cut_lesions(run: FinishedRun, patient: Patient) -> Bool[np.ndarray, "s h w"]:
    """Cut a patient's planted lesions with the windows of his or her images."""
    path = run.cohort.path.parent / patient.extra["lesions"]
    truth = dataclasses.replace(
        patient,
        images={PLANTED: path},
        rvoi={PLANTED: patient.rvoi[PLANTED]} if patient.rvoi else {},
    )
    # Each slice by its own extremes: a mask stays 0 and 1, an empty slice 0.
    size = run.config.stages[-1].image_size
    options = image_keywords(run.config, image_size=size)
    options |= {"sequences": (PLANTED,), "intensity": "minmax_slice"}
    return crop_patient(truth, **options).images[:, 0].max(-1) > 0.5


def find_true_positives(run: FinishedRun) -> tuple[str, ...]:
    """Return the ids of all patients with label 1 who are called positive."""
    train = patient_scores(run.predictions, split=TRAIN).labelled()
    cutoff = choose_cutoff(train.labels, train.scores, rule="youden")
    found: list[str] = []
    for split in dict.fromkeys(row.split for row in run.predictions):
        scores = patient_scores(run.predictions, split=split)
        right = (scores.labels == 1) & (scores.scores >= cutoff)
        found += [scores.patient_ids[i] for i in np.flatnonzero(right)]
    return tuple(found)


def play_all(
    run: FinishedRun, maps: Sequence[PatientMaps], *, dilation: int
) -> dict[str, Any]:
    """Play the game of every patient."""
    column = run.config.data.sequences.index(PLANTED)
    patients = run.select([found.patient_id for found in maps]).patients
    return count_hits(
        [
            play(found.mean[:, column], cut_lesions(run, patient), dilation=dilation)
            for found, patient in zip(maps, patients, strict=True)
        ]
    )


def map_untrained(
    run: FinishedRun, cache: Cache, maps: Sequence[PatientMaps], *, seed: int
) -> list[PatientMaps]:
    """The same patients' maps by a network of the same kind with random weights."""
    model = build_model(run.config)
    explain = jax.jit(partial(grad_cam, model))

    def read(index: int) -> Float[Array, "s m h w c"]:
        return jnp.stack([cache.read(index, s) for s in range(len(run.sides))])

    variables = model.init(jax.random.key(seed), read(0), train=False)
    return [
        dataclasses.replace(found, maps=np.asarray(explain(variables, read(i)))[None])
        for i, found in enumerate(maps)
    ]


def describe_run(run: FinishedRun) -> Mapping[str, Any]:
    """What the result depends on."""
    data = run.config.data
    return {
        "encoder": run.config.encoder.name,
        "sides": data.sides,
        "window_mm": data.window_mm,
        "image_size": run.config.stages[-1].image_size,
        "folds": data.num_folds,
    }


def main(words: Sequence[str]) -> None:
    """Play, and keep the result."""
    if words[1:]:
        raise app.UsageError(f"every argument must be a --flag, got {words[1]!r}")
    logging.set_verbosity(logging.WARNING)  # orbax tells of every file
    machine = describe_machine(["jax", "flax"])
    run = open_run(Path(flags.FLAGS.run))
    names = find_true_positives(run)
    cache = decode_patients(run, run.select(names))
    maps = map_patients(run, cache, names)
    dilated, plain = (play_all(run, maps, dilation=cells) for cells in (1, 0))
    untrained = [
        play_all(run, map_untrained(run, cache, maps, seed=seed), dilation=1)["map"]
        for seed in range(RANDOM_NETWORKS)
    ]
    passed = dilated["map"] >= max(FLOOR, dilated["centre"] + MARGIN)
    row = {
        **describe_run(run),
        "cells": list(maps[0].maps.shape[-2:]),
        "true_positives": len(maps),
        "dilated": dilated,
        "random_weights": untrained,
        "undilated": plain,
        "passed": bool(passed),
    }
    keep({**row, **machine}, flags.FLAGS.out)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    flags.DEFINE_string("run", None, "a finished run of synthetic patients")
    flags.DEFINE_string("out", None, "file that a line of JSON is added to")
    flags.mark_flag_as_required("run")
    app.run(main)
