"""A patient's result as the page shows it and as it can be downloaded."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import negspa_jax
from negspa_jax.predict.model import Model
from negspa_jax.predict.model_file import USE
from negspa_jax.predict.result import Call, Result
from negspa_jax.predict.serve.uploads import Upload, copy_uploads

# Of the sheet's title and the sentences: nobody is asked for a name.
NOBODY = "without a name"

_TITLES = {
    "image": "Image score",
    "clinical": "Clinical score",
    "fused": "Image and clinical score together",
}
# Cut-offs nearer than this share of the bar would write over each other.
_CLOSE = 0.05


@dataclass(frozen=True, eq=False)
class Outcome:
    """`report`: numbers and sentences, for JSON. `sheet`: a PNG. `kept`: where."""

    report: Mapping[str, Any]
    sheet: bytes
    kept: str = ""

    def as_json(self) -> str:
        """The report as it is downloaded."""
        return json.dumps(self.report, indent=1, ensure_ascii=False) + "\n"


def describe_result(
    model: Model,
    result: Result,
    *,
    uploads: Mapping[str, Upload],
    drawing: Mapping[str, Any],
) -> dict[str, Any]:
    """A result's numbers and sentences as plain values.

    Args:
        model: that scored the patient.
        result: of `model.predict`.
        uploads: by role; their contents are named by SHA-256, since the names that
            they bore may name the patient.
        drawing: the region and the crops that were used, from `describe_drawing`.
    """
    folds = [
        {
            "fold": int(fold),
            "score": float(score),
            "sides": dict(zip(result.sides, map(float, sides), strict=True)),
        }
        for fold, score, sides in zip(
            result.folds, result.fold_scores, result.scores, strict=True
        )
    ]
    sides = map(float, result.scores.mean(axis=0))
    return {
        "model": model.name,
        "classes": {"negative": model.negative, "positive": model.positive},
        "score": float(result.score),
        "spread": float(result.spread),
        "sides": dict(zip(result.sides, sides, strict=True)),
        "folds": folds,
        "clinical": _as_number(result.clinical),
        "fused": _as_number(result.fused),
        "lacking": list(result.lacking),
        "missing": model.missing,
        "features": dict(result.patient.features),
        "calls": [_as_call(call, model) for call in result.calls],
        "flags": [
            {"kind": flag.kind, "sequence": flag.sequence, "reason": flag.reason}
            for flag in result.flags
        ],
        "warnings": [_without_name(sentence) for sentence in result.warnings],
        **drawing,
        "sha256": {role: upload.sha256 for role, upload in uploads.items()},
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": negspa_jax.__version__,
        "caution": USE,
    }


def draw_bars(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each score's bar from 0 to 1: value, cut-offs, folds.

    Args:
        report: from `describe_result`.

    Returns:
        One a score, the image's first; places are shares of the bar.
    """
    values = {"image": report["score"]}
    values |= {k: report[k] for k in ("clinical", "fused") if report[k] is not None}
    bars = []
    for score, value in values.items():
        # A training without clinical features calls the image's score the model's.
        names = ("image", "model") if score == "image" else (score,)
        calls = [call for call in report["calls"] if call["score"] in names]
        folds = report["folds"] if score == "image" else []
        ticks = _place_ticks(calls)
        bars.append(
            {
                "score": score,
                "title": _TITLES[score],
                "value": value,
                "ticks": ticks,
                "names": _name_ticks(ticks),
                "dots": [fold["score"] for fold in folds],
            }
        )
    return bars


def keep_outcome(
    outcome: Outcome, uploads: Mapping[str, Upload], keep: Path
) -> Outcome:
    """Copy a patient's files and result to a new folder; say where, or why not.

    What cannot be kept whole is not kept at all.
    """
    moment = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    folder = keep / f"{moment}-{token_hex(8)}"
    try:
        folder.mkdir(mode=0o700, parents=True)
        copy_uploads(uploads, folder)
        (folder / "result.json").write_text(outcome.as_json(), "utf-8")
        (folder / "result.png").write_bytes(outcome.sheet)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        kept = f"Nothing was kept in {keep} ({error.strerror or error})."
    else:
        kept = f"Files and result are kept in {folder}."
    return replace(outcome, kept=kept)


def _without_name(sentence: str) -> str:
    return sentence.removeprefix(f"patient {NOBODY}, ")


def _as_number(value: Any) -> float | None:
    return None if value is None else float(value)


def _as_call(call: Call, model: Model) -> dict[str, Any]:
    return {
        "score": call.score,
        "point": call.point,
        "cutoff": float(call.cutoff),
        "value": float(call.value),
        "positive": bool(call.positive),
        "call": model.positive if call.positive else model.negative,
    }


def _place_ticks(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Number the cut-offs from low to high, and place them on the bar."""
    ordered = sorted(calls, key=lambda call: call["cutoff"])
    # Rules such as specificity >= 0.99 may give a cut-off beyond every score.
    places = [min(max(call["cutoff"], 0.0), 1.0) for call in ordered]
    return [
        call | {"number": number, "place": place}
        for number, (call, place) in enumerate(zip(ordered, places, strict=True), 1)
    ]


def _name_ticks(ticks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is written above the bar: one name for all that lie close together."""
    groups: list[list[dict[str, Any]]] = []
    for tick in ticks:
        near = groups and tick["place"] - groups[-1][-1]["place"] < _CLOSE
        groups[-1].append(tick) if near else groups.append([tick])
    names = []
    for group in groups:
        place = sum(tick["place"] for tick in group) / len(group)
        side = "first" if place < _CLOSE else "last" if place > 1 - _CLOSE else "middle"
        text = ", ".join(str(tick["number"]) for tick in group)
        names.append({"text": text, "place": place, "side": side})
    return names
