"""What the data room says when something is wrong with a file, a patient, a table."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class RefusedError(ValueError):
    """Why something cannot be used; whoever knows patient and file adds them."""


class CaseError(ValueError):
    """One file of one patient cannot be used; the message is one sentence.

    Args:
      patient_id: the patient, as the cohort table spells it ("" where a file is
        looked at without a patient, as the `rvoi` command does).
      path: the file.
      reason: what it must be, what it is, and what to do.
    """

    def __init__(self, patient_id: str, path: str | Path, reason: str) -> None:
        self.patient_id, self.path, self.reason = patient_id, Path(path), reason
        whose = f"patient {patient_id}, " if patient_id else ""
        super().__init__(f"{whose}file {path}: {reason}")

    def __reduce__(self) -> tuple[type, tuple[str, Path, str]]:
        """Cross from a worker process to its parent whole."""
        return type(self), (self.patient_id, self.path, self.reason)


class CohortError(ValueError):
    """Everything that is wrong with a cohort's table or files, in one exception.

    Args:
      headline: one line, without the problems.
      problems: one sentence each; all of them, never only the first.
    """

    def __init__(self, headline: str, problems: Iterable[str]) -> None:
        self.headline, self.problems = headline, tuple(problems)
        super().__init__("\n  ".join((headline, *self.problems)))

    def __reduce__(self) -> tuple[type, tuple[str, tuple[str, ...]]]:
        """Cross from a worker process to its parent whole."""
        return type(self), (self.headline, self.problems)


@contextmanager
def blame(patient_id: str, path: str | Path) -> Iterator[None]:
    """Turn a `RefusedError` inside the block into a `CaseError` of this file."""
    try:
        yield
    except RefusedError as error:
        raise CaseError(patient_id, path, str(error)) from None
