"""The table of everyone who was called wrongly."""

import math
from collections.abc import Iterable

from negspa_jax.evaluate.cases import Case
from negspa_jax.evaluate.study import Study
from negspa_jax.report.roles import describe_point
from negspa_jax.report.tables.table import (
    LONG_TEXT,
    NUMBER,
    TEXT,
    Table,
    make_columns,
)

_READINGS = {"reader:": "Readers alone", "reader_ai:": "Readers with help"}


def list_errors(study: Study) -> Table:
    """Every false positive and false negative with all that is known of the call."""
    wrong = [case for case in study.cases if case.outcome.startswith("false")]
    scores = list(dict.fromkeys(name for case in wrong for name in case.scores))
    sides = list(dict.fromkeys(name for case in wrong for name in case.sides))
    readings = [
        (start, title)
        for start, title in _READINGS.items()
        if any(name.startswith(start) for case in wrong for name in case.calls)
    ]
    # One window is the patient: its score is the image score, already there.
    sides = [] if sides == ["whole"] else sides
    folds = any(not math.isnan(case.fold_sd) for case in wrong)
    cutoff = f" at {describe_point(study.point)}" if study.point else ""
    return Table(
        "errors",
        "Every false positive and false negative",
        f"Labelled patients called wrongly by score “{study.names.primary}”{cutoff}. "
        f"{_explain(bool(sides), folds)} Readers: how each called the patient.",
        make_columns(
            *(("Split", TEXT), ("Patient", TEXT), ("Outcome", TEXT)),
            *((f"Score {name}", NUMBER) for name in scores),
            *((f"Side {name}", NUMBER) for name in sides),
            *([("SD of folds", NUMBER)] if folds else []),
            *((title, LONG_TEXT) for _, title in readings),
        ),
        tuple(
            (
                *(case.split, case.patient_id, case.outcome),
                *(case.scores.get(name) for name in scores),
                *(case.sides.get(name) for name in sides),
                *([case.fold_sd] if folds else []),
                *(_list_calls(case, start) for start, _ in readings),
            )
            for case in _sorted(wrong)
        ),
        empty="Nobody was called wrongly.",
    )


def _explain(sides: bool, folds: bool) -> str:
    words = ["Scores of every kind from 0 to 1"]
    words += ["image score of each side"] if sides else []
    words += ["SD: of the folds' image scores"] if folds else []
    return f"{'; '.join(words)}."


def _sorted(cases: Iterable[Case]) -> list[Case]:
    """The splits in their order; false negatives stand before false positives."""
    cases = list(cases)
    splits = list(dict.fromkeys(case.split for case in cases))
    return sorted(
        cases,
        key=lambda case: (splits.index(case.split), case.outcome, case.patient_id),
    )


def _list_calls(case: Case, start: str) -> str:
    words = []
    for call, word in ((1, "positive"), (0, "negative")):
        names = [
            name.removeprefix(start)
            for name, found in case.calls.items()
            if name.startswith(start) and found == call
        ]
        words += [f"{word}: {', '.join(names)}"] if names else []
    return "; ".join(words)
