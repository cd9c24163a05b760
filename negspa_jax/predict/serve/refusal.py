"""What the page answers where it does not do what was asked."""

from collections.abc import Iterable
from pathlib import Path

from negspa_jax.data.errors import CaseError, CohortError


class Refusal(ValueError):
    """A sentence for the person at the page.

    Args:
        status: of HTTP.
        sentence: what must be otherwise, and what to do.
    """

    def __init__(self, status: int, sentence: str) -> None:
        self.status, self.sentence = status, sentence
        super().__init__(sentence)


def explain_error(error: ValueError, *, folder: Path) -> tuple[str, ...]:
    """The sentences of an error, without paths that mean nothing to a visitor.

    Args:
        error: of the data room, or any other that is a person's mistake.
        folder: of the session; files in it bear names that nobody has seen.
    """
    if isinstance(error, CaseError):
        sentences: Iterable[str] = [error.reason]
    elif isinstance(error, CohortError):
        sentences = error.problems or [error.headline]
    else:
        sentences = [str(error)]
    return tuple(sentence.replace(f"{folder}/", "") for sentence in sentences)
