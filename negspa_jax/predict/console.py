"""What the door does with a model, and what it tells."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from negspa_jax.columns import FEATURES
from negspa_jax.data.doubts import find_unread_columns
from negspa_jax.data.new_patients import read_new_patients
from negspa_jax.data.volume import file_sha256
from negspa_jax.predict.cohort_scores import Failure, score_patients
from negspa_jax.predict.model import Model
from negspa_jax.predict.model_file import USE
from negspa_jax.predict.result import Result
from negspa_jax.predict.results_folder import clear_results
from negspa_jax.predict.score_files import write_scores
from negspa_jax.predict.scored import Scored, keep


def score_table(
    model: Model,
    cohort: Path,
    out: Path,
    *,
    augment: bool,
    workers: int,
    watch: Callable[..., Any],
) -> bool:
    """Score the patients of a table, write everything, and tell what came of it.

    Args:
        model: from `negspa_jax.load`.
        cohort: the table.
        out: folder to write.
        augment: score mirrored and shifted copies, too.
        workers: patients read ahead.
        watch: passes on the results, with `total` and `label` for a bar.

    Returns:
        Whether every patient has a score.

    Raises:
        ValueError: if the table as a whole cannot be used.
    """
    data = model.config.data
    found = read_new_patients(
        cohort, sequences=data.sequences, kind=data.kind, reference=data.reference
    )
    for doubt in (*model.doubts, *find_unread_columns(found.cohort)):
        print(f"warning: {doubt}", file=sys.stderr)
    clear_results(out)
    results = score_patients(
        model,
        found.cohort.patients,
        augment=augment,
        workers=workers,
        finish=partial(keep, out=out),
    )
    scored, failed = write_scores(
        model,
        watch(results, total=len(found.cohort.patients), label="scoring"),
        [Failure(name, "", reason) for name, reason in found.faults],
        out,
        asked={"cohort_sha256": file_sha256(cohort), "augment": augment},
    )
    for line in list_remarks(scored, failed):
        print(line, file=sys.stderr)
    flagged = sum(bool(row.flags) for row in scored)
    print(
        f"Scored {len(scored)} of {len(scored) + len(failed)} patients"
        f"{f', {flagged} flagged' if flagged else ''}: {out / 'summary.html'}"
    )
    if failed:
        print(f"{len(failed)} without a score: {out / 'failures.csv'}")
    print(USE)
    return not failed


def list_remarks(scored: Sequence[Scored], failed: Sequence[Failure]) -> list[str]:
    """What a person must know of the patients of a table, a line each."""
    lines = []
    for failure in failed:
        file = f", file {failure.file}" if failure.file else ""
        lines.append(f"patient {failure.patient_id}{file}: {failure.reason}")
    for row in scored:
        who = f"patient {row.patient.patient_id}"
        lines += [f"FLAG: {who}, {f.sequence}: {f.reason}" for f in row.flags]
        lines += [f"warning: {warning}" for warning in row.warnings]
    partly = [row for row in scored if 0 < len(row.lacking) < len(FEATURES)]
    gaps = [row for row in partly if row.clinical is None]
    if gaps:
        names = dict.fromkeys(name for row in gaps for name in row.lacking)
        lines.append(
            f"warning: {len(gaps)} of {len(scored)} patients have no clinical score: "
            f"without a value are {', '.join(names)}"
        )
    return lines


def score_one(
    model: Model, cells: Mapping[str, str], out: Path | None, *, augment: bool
) -> None:
    """Score one patient, tell the result, and write it where a folder is given.

    Args:
        model: from `negspa_jax.load`.
        cells: the patient as a row of the cohort table.
        out: folder to write, if any.
        augment: score mirrored and shifted copies, too.

    Raises:
        ValueError: if the patient cannot be scored.
    """
    result = model.predict(model.read_cells(cells), augment=augment)
    print("\n".join(describe_result(model, result)))
    if out:
        clear_results(out)
        asked = {"augment": augment}
        write_scores(model, [keep(result, out)], [], out, asked=asked)
        print(out / "summary.html")
    print(USE)


def describe_result(model: Model, result: Result) -> list[str]:
    """A result in lines of text, flags first."""
    lines = [f"FLAG: {flag.sequence}: {flag.reason}" for flag in result.flags]
    lines += [f"warning: {doubt}" for doubt in model.doubts]
    lines += [f"warning: {warning}" for warning in result.warnings]
    folds = ", ".join(f"{score:.3f}" for score in result.fold_scores)
    many = f" (models {folds}; SD {result.spread:.3f})" if len(result.folds) > 1 else ""
    lines.append(
        f"patient {result.patient.patient_id}: probability of {model.positive} "
        f"{result.score:.3f}{many}"
    )
    means = result.scores.mean(0)
    if len(result.sides) > 1:
        sides = zip(result.sides, means, strict=True)
        lines.append(", ".join(f"{side} {score:.3f}" for side, score in sides))
    if varied := result.variation:
        lines.append(
            f"mean of the image and {varied.count - 1} mirrored or shifted copies "
            f"{varied.mean:.3f} (SD {varied.spread:.3f})"
        )
    lacking = ", ".join(result.lacking)
    if result.fused is not None:
        absent = f" (taken as absent: {lacking})" if lacking else ""
        scores = f"clinical {result.clinical:.3f}, fused {result.fused:.3f}"
        lines.append(f"{scores}{absent}")
    elif len(result.lacking) < len(FEATURES):
        lines.append(f"no clinical score: without a value are {lacking}")
    lines += [
        f"{call.score} {call.value:.3f} at {call.point} ({call.cutoff:.3f}): "
        f"{model.positive if call.positive else model.negative}"
        for call in result.calls
    ]
    return lines
