"""Reporting checklists of a study, filled as far as a machine can, and by a person.

What only a person can know is TODO. The person fills the column `text` of
checklist.csv, or of a file of the columns checklist, item, text, and passes it back.
What the machine says stands in a column of its own and follows the study: a person's
words never carry a number of an earlier one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from negspa_jax.csv_table import format_table, read_table
from negspa_jax.evaluate.study import Study
from negspa_jax.report.answers import ANSWERS
from negspa_jax.report.questions import Question, explain_unknown, list_questions
from negspa_jax.whole_file import write_text

_COLUMNS = (
    *("checklist", "item", "section", "asks"),
    *("machine", "remains", "text", "status", "source"),
)
_TODO = re.compile(r"\bTODO\b")


@dataclass(frozen=True)
class Item:
    """An item of a checklist.

    `machine`: what the study's files say, "" if nothing; `source`: where they say it.
    `remains`: what that leaves to a person. `answer`: what a person says.
    """

    checklist: str
    item: str
    section: str
    asks: str
    machine: str
    remains: str
    answer: str
    source: str

    @property
    def text(self) -> str:
        """The machine's words, then the person's, or what is left to do."""
        rest = f"TODO: {self.remains}" if self.remains else ""
        return " ".join(filter(None, (self.machine, self.answer or rest))) or "TODO"

    @property
    def status(self) -> Literal["machine", "person", "TODO"]:
        """Who has the last word; TODO while the text says so, whoever wrote it."""
        if _TODO.search(self.text):
            return "TODO"
        return "person" if self.answer else "machine"


def fill_checklists(
    study: Study, *, answers: Mapping[tuple[str, str], str] | None = None
) -> tuple[Item, ...]:
    """Fill every item from the study, and from a person, who has the last word.

    Args:
        study: what the machine's answers are taken from.
        answers: a person's texts by (checklist, item), as `read_answers` returns them.

    Returns:
        All items in order.

    Raises:
        ValueError: if an answer is to an item that there is not.
    """
    answers = answers or {}
    _refuse(list(filter(None, (explain_unknown(*key) for key in answers))), "answers")
    return tuple(
        _fill(question, study, answers.get((question.checklist, question.item), ""))
        for question in list_questions()
    )


def is_draft(items: Sequence[Item]) -> bool:
    """Whether anything is left to do."""
    return any(item.status == "TODO" for item in items)


def read_answers(path: str | Path) -> dict[tuple[str, str], str]:
    """Read what a person wrote into checklist.csv, or into a smaller table.

    Args:
        path: CSV with the columns checklist, item, text; others may follow.

    Returns:
        Texts that are not empty by (checklist, item).

    Raises:
        ValueError: with every row that names an item that there is not or was already
            answered, or saying why the file is no such table.
    """
    path = Path(path)
    table = read_table(path, key="checklist")
    problems = list(table.problems)
    absent = [
        name for name in ("checklist", "item", "text") if name not in table.columns
    ]
    if absent and not problems:
        problems.append(f"must have a column {absent[0]!r}, got {list(table.columns)}")
    _refuse(problems, str(path))
    found: dict[tuple[str, str], str] = {}
    for row in table.rows:
        key = row.cells["checklist"], row.cells["item"]
        problem = explain_unknown(*key)
        if not problem and row.cells["text"]:
            text = found.setdefault(key, row.cells["text"])
            if text != row.cells["text"]:
                problem = f"{' '.join(key)} must be answered once, got two texts"
        problems += [f"row {row.line}: {problem}"] if problem else []
    _refuse(problems, str(path))
    return found


def write_checklist(path: str | Path, items: Sequence[Item]) -> None:
    """Write checklist.csv, whole or not at all.

    Raises:
        ValueError: if the file is there and holds a person's answer to an item that
            would be lost.
    """
    path = Path(path)
    if path.exists():
        kept = {(item.checklist, item.item) for item in items if item.answer}
        lost = [" ".join(key) for key in read_answers(path) if key not in kept]
        advice = f"pass --answers={path}, or move the file away"
        _refuse(
            [f"the answer to {name} must not be lost: {advice}" for name in lost], path
        )
    write_text(path, format_checklist(items))


def format_checklist(items: Sequence[Item]) -> str:
    """The text of checklist.csv."""
    rows = []
    for item in items:
        known = (item.checklist, item.item, item.section, item.asks)
        said = (item.machine, item.remains, item.answer, item.status, item.source)
        rows.append([*known, *said])
    return format_table(_COLUMNS, rows)


def _fill(question: Question, study: Study, answer: str) -> Item:
    texts = {
        name: " ".join(ANSWERS[name].write(study).split()) for name in question.fills
    }
    given = [name for name, text in texts.items() if text]
    remains = [question.remains] if given and question.remains else []
    missing = ", ".join(name for name in texts if name not in given).replace("_", " ")
    if given and missing:
        remains.insert(0, f"{missing} (not in this study's files)")
    return Item(
        *(question.checklist, question.item, question.section, question.asks),
        machine=" ".join(texts[name] for name in given),
        remains="; ".join(remains),
        answer=answer.strip(),
        source="; ".join(dict.fromkeys(ANSWERS[name].source for name in given)),
    )


def _refuse(problems: Sequence[str], name: str | Path) -> None:
    if problems:
        raise ValueError("\n  ".join([f"{name}:", *problems]))
