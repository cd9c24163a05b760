"""What is written of each patient's maps: a picture, the arrays, a row of the table."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from negspa_jax.csv_table import format_table
from negspa_jax.data.pipeline import Cache
from negspa_jax.models import bilinear
from negspa_jax.predict.finished_run import FinishedRun
from negspa_jax.predict.maps import PatientMaps
from negspa_jax.predict.sheet import describe_images, draw_sheet
from negspa_jax.predictions import Prediction
from negspa_jax.whole_file import name_file, write_text

COLUMNS = (
    *("patient_id", "split", "label", "score"),
    *("file", "npz", "folds", "sha256"),
)


def write_maps(
    run: FinishedRun, cache: Cache, maps: Sequence[PatientMaps], out: Path
) -> Path:
    """Write every patient's sheet and arrays, and then the table that lists them.

    Args:
        run: from `open_run`.
        cache: the patients' sub-images, in the order of `maps`.
        maps: from `map_patients`.
        out: a folder, made if absent; files of the same names are replaced, the table
            lists these patients alone.

    Returns:
        The table's path: `gradcam.csv`.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for index, found in enumerate(maps):
        final = find_final(run.predictions, found.patient_id)
        stem = name_file(found.patient_id)
        images = np.stack([cache.read(index, s) for s in range(len(run.sides))])
        png = _write_sheet(run, found, images, final, out / f"{stem}.png")
        _write_arrays(run, found, out / f"{stem}.npz")
        label = "" if final.label is None else final.label
        folds = ",".join(map(str, found.folds))
        about = [final.patient_id, final.split, label, repr(final.score)]
        rows.append([*about, f"{stem}.png", f"{stem}.npz", folds, png])
    path = out / "gradcam.csv"
    write_text(path, format_table(COLUMNS, rows))
    return path


def find_final(table: Sequence[Prediction], patient_id: str) -> Prediction:
    """Return a patient's final score: the mean of the folds, or the one out of fold."""
    rows = [r for r in table if r.patient_id == patient_id and r.side == "both"]
    return next((row for row in rows if row.fold == "mean"), rows[0])


def _write_sheet(
    run: FinishedRun,
    found: PatientMaps,
    images: np.ndarray,
    final: Prediction,
    path: Path,
) -> str:
    """Draw and write a sheet; return the SHA-256 of its file."""
    slices = images[..., images.shape[-1] // 2]
    height, width = slices.shape[-2:]
    large = np.asarray(bilinear(jnp.asarray(found.mean), height=height, width=width))
    label = "unknown" if final.label is None else final.label
    number = len(found.folds)
    models = f"mean of {number} folds" if number > 1 else f"fold {found.folds[0]}"
    models = "the run's one model" if run.config.data.num_folds == 1 else models
    sheet = draw_sheet(
        slices,
        large,
        sides=run.sides,
        sequences=run.config.data.sequences,
        title=f"Patient {found.patient_id}   {final.split}   label {label}   "
        f"image score {final.score:.3f}",
        subtitle=f"Grad-CAM for the positive class, {models}; "
        f"{describe_images(run.config)}",
        kind=run.config.data.kind,
    )
    sheet.save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_arrays(run: FinishedRun, found: PatientMaps, path: Path) -> None:
    np.savez_compressed(
        path,
        maps=found.maps,
        mean=found.mean,
        scores=found.scores,
        axes_of_maps=np.array(["fold", "side", "sequence", "row", "column"]),
        folds=np.array(found.folds),
        sides=np.array(run.sides),
        sequences=np.array(run.config.data.sequences),
    )
