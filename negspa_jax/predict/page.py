"""`summary.html`: every scored patient on one page, flags first."""

import math
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from negspa_jax.columns import NO_SPLIT
from negspa_jax.predict.cohort_scores import Failure
from negspa_jax.predict.model import Model
from negspa_jax.predict.scored import Scored
from negspa_jax.templates import open_templates

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
    environment = open_templates(_FOLDER)
    environment.filters |= {"number": format_number}
    environment.filters["as_address"] = quote
    template = environment.get_template("summary.html")
    return template.render(
        model=model,
        scored=scored,
        failed=failed,
        flagged=[found for found in scored if found.flags],
        points=_list_points(scored),
        image_points=[p for p in model.points if p.score in ("image", "model")],
        split=any(found.patient.split != NO_SPLIT for found in scored),
        label=any(found.patient.label is not None for found in scored),
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
