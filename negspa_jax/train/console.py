"""What a person sees while a run goes on: bars on a terminal, plain lines in a log."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import Progress

Item = TypeVar("Item")


class Reporter:
    """One line for each event; a bar while a loop runs, if somebody is looking."""

    def __init__(self, *, silent: bool = False) -> None:
        # Words such as [fold 1] are text, not markup, and a log's lines stay whole.
        self._console = Console(
            quiet=silent, soft_wrap=True, markup=False, highlight=False
        )

    def tell(self, line: str) -> None:
        """Print a line."""
        self._console.print(line)

    def bar(self, items: Iterable[Item], *, total: int, label: str) -> Iterator[Item]:
        """Pass items on, with a bar on a terminal that goes when they end."""
        if not self._console.is_terminal:
            yield from items
            return
        with Progress(console=self._console, transient=True) as progress:
            task: Any = progress.add_task(label, total=total)
            for item in items:
                yield item
                progress.advance(task)
