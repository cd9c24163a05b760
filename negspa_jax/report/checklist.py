"""Reporting checklists of a study, filled as far as a machine can, and by a person.

What only a person can know is TODO. The person fills the column `text` of
checklist.csv, or of a file of the columns checklist, item, text, and passes it back.
Texts of the machine end their `source` in a fingerprint, by which a text that nobody
changed is told from a person's, and written anew when the study changes.
"""

import csv
import hashlib
import io
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from negspa_jax.csv_table import Row, read_table
from negspa_jax.evaluate.study import Study
from negspa_jax.report.answers import ANSWERS
from negspa_jax.report.questions import Question, explain_unknown, list_questions

_COLUMNS = ("checklist", "item", "section", "asks", "text", "status", "source")
_PERSON = "person"
_TODO = re.compile(r"\bTODO\b")
_FINGERPRINT = re.compile(r"\[([0-9a-f]{8})\]$")


@dataclass(frozen=True)
class Item:
    """An item of a checklist with its text, which says TODO where it is not done.

    `source`: where a text of the machine comes from; "person", or "" if there is none.
    """

    checklist: str
    item: str
    section: str
    asks: str
    text: str
    status: Literal["machine", "person", "TODO"]
    source: str


def fill_checklists(
    study: Study, *, answers: Mapping[tuple[str, str], str] | None = None
) -> tuple[Item, ...]:
    """Fill every item from the study, and from a person, who wins.

    Args:
        study: what the machine's answers are taken from.
        answers: a person's texts by (checklist, item), as `read_answers` returns them.

    Returns:
        All items in order. An item whose text says TODO has the status TODO, whoever
        wrote it.

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
        path: CSV with the columns checklist, item, text; others may follow. Left out
            are texts that are empty or only TODO, and texts of the machine (told by
            their `source`) in which nobody changed a word.

    Returns:
        Texts by (checklist, item).

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
        if not problem and _is_a_persons(row):
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
        kept = {(i.checklist, i.item) for i in items if i.source == _PERSON}
        lost = [" ".join(key) for key in read_answers(path) if key not in kept]
        advice = f"pass --answers={path.name}, or move the file away"
        _refuse(
            [f"the answer to {name} must not be lost: {advice}" for name in lost], path
        )
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        part.write_text(format_checklist(items), encoding="utf-8", newline="")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def format_checklist(items: Sequence[Item]) -> str:
    """The text of checklist.csv."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for item in items:
        signed = replace(item, source=_sign(item))
        writer.writerow([getattr(signed, name) for name in _COLUMNS])
    return file.getvalue()


def _sign(item: Item) -> str:
    """The source, with a mark by which an untouched text of the machine is known."""
    if item.source in ("", _PERSON):
        return item.source
    return f"{item.source} [{_fingerprint(item.text)}]"


def _fill(question: Question, study: Study, answer: str) -> Item:
    text, source = answer, _PERSON
    if not answer.strip():
        text, source = _ask_machine(question, study)
    known = (question.checklist, question.item, question.section, question.asks)
    if _TODO.search(text):
        return Item(*known, text, "TODO", source)
    return Item(*known, text, "person" if source == _PERSON else "machine", source)


def _ask_machine(question: Question, study: Study) -> tuple[str, str]:
    """Text and source; what is left to a person stands behind TODO."""
    texts = {name: _one_line(ANSWERS[name].write(study)) for name in question.fills}
    given = [name for name, text in texts.items() if text]
    if not given:
        return "TODO", ""
    text = " ".join(texts[name] for name in given)
    missing = [name for name, text in texts.items() if not text]
    if missing:
        absent = ", ".join(missing).replace("_", " ")
        text += f" TODO: {absent} (not in this study's files)"
    if question.remains:
        text += f" TODO: {question.remains}"
    sources = dict.fromkeys(ANSWERS[name].source for name in given)
    return text, "; ".join(sources)


def _is_a_persons(row: Row) -> bool:
    text = row.cells["text"]
    if text in ("", "TODO"):
        return False
    found = _FINGERPRINT.search(row.cells.get("source", ""))
    return found is None or found[1] != _fingerprint(text)


def _fingerprint(text: str) -> str:
    return hashlib.sha256(_one_line(text).encode()).hexdigest()[:8]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _refuse(problems: Sequence[str], name: str | Path) -> None:
    if problems:
        raise ValueError("\n  ".join([f"{name}:", *problems]))
