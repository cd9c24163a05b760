"""What is written of scored patients: tables, a picture each, a page, a record."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax

from negspa_jax import __version__
from negspa_jax.csv_table import format_table
from negspa_jax.data.patient import list_clinical
from negspa_jax.predict.cohort_scores import Failure
from negspa_jax.predict.model import Model
from negspa_jax.predict.model_file import USE
from negspa_jax.predict.page import format_page
from negspa_jax.predict.results_folder import RECORD
from negspa_jax.predict.scored import Scored
from negspa_jax.predictions import write_predictions
from negspa_jax.whole_file import write_text


def write_scores(
    model: Model,
    results: Iterable[Scored | Failure],
    failures: Sequence[Failure],
    out: Path,
    *,
    asked: Mapping[str, Any],
) -> tuple[list[Scored], list[Failure]]:
    """Write everything into a folder; without a score there is no `predictions.csv`.

    Args:
        model: that scored.
        results: from `score_patients`, finished by `keep`.
        failures: patients whose row of the table was at fault.
        out: made if absent.
        asked: what was asked for, for `record.json`.

    Returns:
        Those with a score, and those without.
    """
    out.mkdir(parents=True, exist_ok=True)
    scored, failed = list[Scored](), [*failures]
    for result in results:
        if isinstance(result, Failure):
            failed.append(result)
        else:
            scored.append(result)
    clinical = list_clinical([found.patient for found in scored])
    rows = [
        replace(row, extra=extra)
        for found, extra in zip(scored, clinical, strict=True)
        for row in found.table
    ]
    if rows:
        write_predictions(out / "predictions.csv", rows)
    write_text(out / "summary.csv", format_summary(scored))
    write_text(out / "failures.csv", format_table(Failure._fields, failed))
    write_text(out / "summary.html", format_page(model, scored, failed))
    record = _record(model, scored, failed, asked)
    write_text(out / RECORD, json.dumps(record, indent=1) + "\n")
    return scored, failed


def format_summary(scored: Sequence[Scored]) -> str:
    """The text of `summary.csv`: one row for each patient.

    Columns `SCORE:POINT` hold 1 where the score is at or above the operating point's
    cut-off, else 0, and nothing where there is no such score.
    """
    points = dict.fromkeys(
        f"{c.score}:{c.point}" for found in scored for c in found.calls
    )
    rows = []
    for found in scored:
        calls = {f"{c.score}:{c.point}": int(c.positive) for c in found.calls}
        patient, folds, varied = found.patient, found.fold_scores, found.variation
        rows.append(
            [
                patient.patient_id,
                patient.split,
                _cell(patient.label),
                *map(_cell, (found.score, found.spread, min(folds), max(folds))),
                *(map(_cell, (varied.mean, varied.spread)) if varied else ("", "")),
                *map(_cell, (found.clinical, found.fused)),
                *(_cell(calls.get(name)) for name in points),
                ", ".join(found.lacking),
                "; ".join(flag.reason for flag in found.flags),
                "; ".join(found.warnings),
                found.picture,
            ]
        )
    return format_table([*_SUMMARY, *points, *_REMARKS], rows)


_REMARKS = ("lacking", "flags", "warnings", "picture")
_SUMMARY = (
    *("patient_id", "split", "label", "image", "image_sd", "image_min", "image_max"),
    *("augmented", "augmented_sd", "clinical", "fused"),
)


def _cell(value: float | int | None) -> str:
    return "" if value is None else repr(value)


def _record(
    model: Model,
    scored: Sequence[Scored],
    failed: Sequence[Failure],
    asked: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "use": USE,
        "model": {"name": model.name, **model.origin},
        "negspa_jax": __version__,
        "devices": [device.device_kind for device in jax.devices()],
        "doubts": list(model.doubts),
        "asked": dict(asked),
        "scored": len(scored),
        "flagged": sum(bool(found.flags) for found in scored),
        "failed": len(failed),
        "pictures": {found.picture: found.picture_sha256 for found in scored},
    }
