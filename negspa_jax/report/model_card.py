"""A model card of a study: the checklists' texts under the usual headings.

Reference: Mitchell M, et al. Model cards for model reporting. FAT* 2019:220-229.
"""

import re
from collections.abc import Sequence

from negspa_jax.evaluate.performance import Performance
from negspa_jax.evaluate.study import Study
from negspa_jax.report.checklist import Item, is_draft
from negspa_jax.report.roles import remark_split

_RESEARCH = (
    "**Research software, not a medical device. No diagnosis may rest on its output.**"
)
_OUT_OF_SCOPE = (
    "Out of scope: every use in the care of patients, such as diagnosis, triage or "
    "choice of treatment, and patients, devices or images other than those "
    "described below."
)
# Under each heading: a label, and the item whose text says it.
_ENTRIES: dict[str, tuple[tuple[str, tuple[str, str]], ...]] = {
    "Model details": (
        ("Model", ("CLAIM 2024", "22")),
        ("Initial values", ("CLAIM 2024", "24")),
        ("Training", ("CLAIM 2024", "25")),
        ("Selection", ("CLAIM 2024", "26")),
        ("Software", ("CLAIM 2024", "23")),
        ("Availability", ("CLAIM 2024", "43")),
        ("Funding", ("CLAIM 2024", "44")),
    ),
    "Intended use and out-of-scope use": (
        ("Purpose", ("TRIPOD+AI", "3b")),
        ("Users", ("STARD-AI", "15d")),
    ),
    "Factors": (
        ("Groups of patients", ("STARD-AI", "21")),
        ("Acquisition", ("CLAIM 2024", "13")),
    ),
    "Metrics": (
        ("Measures", ("CLAIM 2024", "28")),
        ("Uncertainty", ("CLAIM 2024", "29")),
        ("Cut-offs", ("STARD-AI", "15c")),
    ),
    "Evaluation data": (
        ("Source", ("CLAIM 2024", "7")),
        ("Patients", ("CLAIM 2024", "8")),
        ("Sets", ("CLAIM 2024", "19")),
        ("Reference standard", ("CLAIM 2024", "14")),
        ("Missing data", ("CLAIM 2024", "12")),
    ),
    "Training data": (
        ("Source", ("TRIPOD+AI", "5a")),
        ("Preprocessing", ("CLAIM 2024", "9")),
        ("Part of the images", ("CLAIM 2024", "10")),
    ),
    "Quantitative analyses": (
        ("Subgroups", ("CLAIM 2024", "37")),
        ("Wrong cases", ("CLAIM 2024", "39")),
    ),
    "Ethical considerations": (
        ("Approval", ("STARD-AI", "6")),
        ("De-identification", ("CLAIM 2024", "11")),
        ("Inequalities", ("TRIPOD+AI", "3c")),
        ("Ethics and fairness of use", ("STARD-AI", "35")),
    ),
    "Caveats and recommendations": (
        ("Limitations", ("CLAIM 2024", "40")),
        ("Poor or absent input", ("TRIPOD+AI", "27a")),
        ("Implications", ("CLAIM 2024", "41")),
    ),
}
# Whatever could begin a table's cell, emphasis, code, a link, or a tag.
_MARKS = re.compile(r"([\\`*|<\[\]])")
_HEADER = (
    "split",
    "score",
    "patients",
    "positive",
    "AUC",
    "sensitivity",
    "specificity",
    "remark",
)


def format_model_card(study: Study, items: Sequence[Item]) -> str:
    """The model card in Markdown, marked as a draft while any of its texts says TODO.

    Args:
        study: whose numbers stand under "Quantitative analyses".
        items: the filled checklists, all of them.
    """
    known = {(item.checklist, item.item): item for item in items}
    used = [known[key] for entries in _ENTRIES.values() for _, key in entries]
    lines = [f"# Model card: {escape(study.names.title)}", "", _RESEARCH, ""]
    if is_draft(used):
        count = sum(item.status == "TODO" for item in used)
        lines += [f"**Draft**: {count} of {len(used)} texts left to a person.", ""]
    for heading, entries in _ENTRIES.items():
        lines += [f"## {heading}", ""]
        lines += [_OUT_OF_SCOPE, ""] if heading.startswith("Intended use") else []
        lines += [*_tabulate(study), ""] if heading.startswith("Quantitative") else []
        lines += [_format_entry(label, known[key]) for label, key in entries]
        lines += [""]
    return "\n".join(lines)


def escape(text: str) -> str:
    """Text on one line that Markdown shows as it is, also in a cell of a table.

    Example:
        >>> print(escape("a|b <i>"))
        a\\|b \\<i>
    """
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def _format_entry(label: str, item: Item) -> str:
    return f"- {label} ({item.checklist}, item {item.item}): {escape(item.text)}"


def _tabulate(study: Study) -> list[str]:
    """The performance of every score in every split, as a table."""
    found = (_format_row(study, performance) for performance in study.performances)
    rows = [_HEADER, ("---",) * len(_HEADER), *found]
    return [f"| {' | '.join(row)} |" for row in rows]


def _format_row(study: Study, performance: Performance) -> tuple[str, ...]:
    calls = performance.calls[0] if performance.calls else None
    named = f" at {escape(calls.point.name)}" if calls else ""
    return (
        escape(performance.split),
        escape(performance.score),
        str(performance.num_patients),
        str(performance.num_positive),
        str(performance.auc),
        f"{calls.sensitivity}{named}" if calls else "no cut-off",
        f"{calls.specificity}{named}" if calls else "no cut-off",
        remark_split(study, performance.split),
    )
