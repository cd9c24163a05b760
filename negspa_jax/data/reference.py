"""What a patient's label is taken from: a column, two grades, or readers' calls.

Reference: modified New York criteria, van der Linden, Valkenburg, Cats, Arthritis Rheum
27, 361 (1984); readers as in the PROOF and GESPIC studies of Bressem et al., Arthritis
Res Ther 23, 106 (2021), Assessment of radiographic sacroiliitis.
"""

from collections.abc import Collection, Sequence

from negspa_jax.columns import GRADES, READER
from negspa_jax.data.errors import RefusedError

RULES = ("auto", "label", "grades", "readers", "agreement")
HIGHEST_GRADE = 4

# What each rule means, for those who look at a table or a run.
RULE_WORDS = {
    "label": "the column label",
    "grades": "the grades: definite sacroiliitis is grade 2 or more on both sides, or "
    "3 or more on one (modified New York criteria)",
    "readers": "the readers: what two of them say, a third deciding where two disagree",
    "agreement": "two readers, where they agree",
}


def is_definite(grade_right: int, grade_left: int) -> bool:
    """Definite radiographic sacroiliitis: both sides >= 2, or one side >= 3.

    >>> is_definite(2, 1), is_definite(2, 2), is_definite(0, 3)
    (False, True, True)
    """
    grades = grade_right, grade_left
    return min(grades) >= 2 or max(grades) >= 3


def judge_grades(right: int | None, left: int | None) -> int | None:
    """The label that two grades give; None where there are none.

    A side of grade 3 or more decides alone, whatever the other is.

    Args:
      right: grade from 0 to 4 of the patient's right joint, None where not read.
      left: of the left.

    Raises:
      RefusedError: one grade is missing and the other does not decide.
    """
    known = [grade for grade in (right, left) if grade is not None]
    if not known:
        return None
    if len(known) == 1 and known[0] < 3:
        raise RefusedError("must be filled where the other side is below 3")
    return int(is_definite(known[0], known[-1]))


def adjudicate(calls: Sequence[int | None]) -> int | None:
    """Two of three readers: the label that two of them call.

    Where the first two agree that is theirs; where they disagree the third decides.

    Args:
      calls: 0, 1 or None (not asked) of two or three readers.

    Returns:
      The label; None where no two readers called the same.

    >>> adjudicate([1, 1, None]), adjudicate([0, 1, 1]), adjudicate([0, 1, None])
    (1, 1, None)
    """
    return next((label for label in (0, 1) if calls.count(label) > 1), None)


def agree(calls: Sequence[int | None]) -> int | None:
    """The call of the first two readers where they agree, else None.

    >>> agree([1, 1, 0]), agree([0, 1, 1])
    (1, None)
    """
    return adjudicate(calls[:2])


def find_rule(rule: str, columns: Collection[str], *, kind: str) -> str:
    """Return the rule of a table; `auto` is the first one that its columns allow.

    Of an MRI `auto` is the column label alone: its readers are judged by the label, and
    do not make it unless that is asked for.

    Args:
      rule: one of `RULES`.
      columns: of the table; readers are `reader:NAME`, or `grade_right:NAME` with
        `grade_left:NAME`.

    Raises:
      RefusedError: the columns that the rule needs are not there.
    """
    readers = list_readers(columns)
    there = {
        "label": "label" in columns,
        "grades": {*GRADES} <= {*columns},
        "readers": 2 <= len(readers) <= 3,
        "agreement": len(readers) >= 2,
    }
    if rule == "auto" and kind == "mri":
        return "label"
    if rule == "auto":
        return next((name for name in there if there[name]), "label")
    if not there[rule]:
        raise RefusedError(f"must have {_NEEDS[rule]}, {_found(rule, readers)}")
    return rule


def list_readers(columns: Collection[str]) -> list[str]:
    """Names of the readers of a table, in the order of their columns."""
    prefixes = (READER, *(f"{name}:" for name in GRADES))
    names = (
        name.removeprefix(prefix)
        for name in columns
        for prefix in prefixes
        if name.startswith(prefix)
    )
    return list(dict.fromkeys(names))


_NEEDS = {
    "label": "a column label",
    "grades": "the columns grade_right and grade_left",
    "readers": "the calls of two or three readers (reader:NAME, first the two, then "
    "the one who decides)",
    "agreement": "the calls of at least two readers (reader:NAME)",
}


def _found(rule: str, readers: Sequence[str]) -> str:
    if rule in ("readers", "agreement"):
        named = f" ({', '.join(readers)})" if readers else ""
        return f"got {len(readers)}{named}: rename those who are not the reference"
    return "but they are not there: choose another --config.data.reference"
