"""How facts become a sentence."""

from collections.abc import Iterable


def list_facts(start: str, facts: Iterable[str]) -> str:
    """A sentence "start: fact; fact.", or "" if there is no fact."""
    text = "; ".join(facts)
    return f"{start}: {text}." if text else ""
