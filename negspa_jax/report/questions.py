"""The items of three reporting checklists, and which answers a machine has to them.

CLAIM 2024 (Tejani et al., Radiol Artif Intell 2024;6:e240300), TRIPOD+AI (Collins et
al., BMJ 2024;385:e078378), STARD-AI (Sounderajah et al., Nat Med 2025;31:3283-3289).
Numbers and topics are theirs, the wording is not: submit their own forms.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from negspa_jax.csv_table import read_table

_FILES = {
    "CLAIM 2024": "claim_2024.csv",
    "TRIPOD+AI": "tripod_ai.csv",
    "STARD-AI": "stard_ai.csv",
}
CHECKLISTS = tuple(_FILES)


class Question(NamedTuple):
    """An item as its data file has it.

    `fills`: names of the machine's answers, empty where only a person knows.
    `remains`: what those answers leave to a person, empty if nothing.
    """

    checklist: str
    item: str
    section: str
    asks: str
    fills: tuple[str, ...]
    remains: str


@cache
def list_questions() -> tuple[Question, ...]:
    """Every item of the three checklists, in their order."""
    questions = []
    for checklist, name in _FILES.items():
        path = Path(__file__).parent / "checklists" / name
        for _, cells in read_table(path, key="item").rows:
            fills = tuple(cells["fills"].split())
            known = (cells["item"], cells["section"], cells["asks"])
            questions.append(Question(checklist, *known, fills, cells["remains"]))
    return tuple(questions)


def explain_unknown(checklist: str, item: str) -> str:
    """Why there is no such item, or "" if there is."""
    if checklist not in CHECKLISTS:
        return f"checklist must be one of {', '.join(CHECKLISTS)}, got {checklist!r}"
    items = [q.item for q in list_questions() if q.checklist == checklist]
    if item in items:
        return ""
    return (
        f"item of {checklist} must be one of {items[0]} to {items[-1]}, as "
        f"checklist.csv lists them, got {item!r}"
    )
