"""`summary.html`: every scored patient on one page, flags first."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from negspa_jax.columns import NO_SPLIT
from negspa_jax.predict.cohort_scores import Failure
from negspa_jax.predict.model import Model
from negspa_jax.predict.scored import Scored

_FOLDER = Path(__file__).parent
_NOTHING = "\N{EN DASH}"


def format_page(
    model: Model, scored: Sequence[Scored], failed: Sequence[Failure]
) -> str:
    """The text of `summary.html`; pictures are beside it, in the folder `maps`.

    Args:
        model: that scored.
        scored: in the order of the page.
        failed: patients without a score.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": format_number}
    environment.filters["as_address"] = quote
    template = environment.get_template("summary.html")
    return template.render(
        model=model,
        scored=scored,
        failed=failed,
        flagged=[found for found in scored if found.flags],
        points=_list_points(scored),
        points_of_images=[p for p in model.points if p.score in ("image", "model")],
        split=any(found.patient.split != NO_SPLIT for found in scored),
        label=any(found.patient.label is not None for found in scored),
        marks={
            found.patient.patient_id: _place_marks(model, found) for found in scored
        },
        style=Markup((_FOLDER / "summary.css").read_text("utf-8")),
    )


def format_number(value: float | None) -> str:
    """Three digits, or a dash where there is nothing.

    >>> format_number(0.51234)
    '0.512'
    """
    if value is None:
        return _NOTHING
    return f"{value:.3f}" if math.isfinite(value) else "(never reached)"


def _list_points(scored: Sequence[Scored]) -> list[tuple[str, str]]:
    """Score and name of the first operating point of each score that anybody has."""
    calls: dict[str, str] = {}
    for call in (call for found in scored for call in found.calls):
        calls.setdefault(call.score, call.point)
    return [*calls.items()]


def _place_marks(model: Model, found: Scored) -> dict[str, Any]:
    """Where folds, mean and cut-offs stand on the bar from 0 to 1, in percent."""
    cutoffs = [
        (point.name, 100 * point.cutoff)
        for point in model.points
        if point.score in ("image", "model") and 0 <= point.cutoff <= 1
    ]
    return {
        "folds": [100 * score for score in found.fold_scores],
        "mean": 100 * found.score,
        "cutoffs": cutoffs,
    }
