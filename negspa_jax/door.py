"""What the command-line doors share: flags, help, one sentence for a mistake.

Exit codes: 0 done; 2 something must be mended first, and was said; 75 interrupted.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags

EXIT_MISTAKE, EXIT_INTERRUPTED = 2, 75
_HELP = {"-h", "--help", "--helpfull", "help"}


class Command(NamedTuple):
    """What a command may be told, and what it does; its docstring is its help.

    `run` returns an exit code; a ValueError or OSError that it raises is a person's
    mistake, and is told in its words. `with_cells`: flags that are not defined are
    cells of a table's row, which `run` takes as a second argument.
    """

    define: Callable[[], flags.FlagValues]
    run: Callable[..., int]
    with_cells: bool = False


def open_door(
    arguments: Sequence[str],
    commands: Mapping[str, Command],
    *,
    about: str,
    default: str = "",
) -> int:
    """Run the command that the first argument names; return the exit code.

    Args:
        arguments: what follows the program's name.
        commands: by name.
        about: printed for --help, and when there is no command.
        default: the command that is meant where the first argument is a flag.
    """
    if default and arguments and arguments[0].startswith("--"):
        arguments = arguments if arguments[0] in _HELP else [default, *arguments]
    name = arguments[0] if arguments else ""
    if not name or name in _HELP:
        print(about)
        return 0 if name else EXIT_MISTAKE
    if name not in commands:
        known = ", ".join(commands)
        print(f"the command must be one of {known}, got {name!r}", file=sys.stderr)
        return EXIT_MISTAKE
    command = commands[name]
    return run_command(name, command, arguments[1:], about=command.run.__doc__ or "")


def run_command(
    name: str, command: Command, arguments: Sequence[str], *, about: str
) -> int:
    """Parse a command's flags and run it; return the exit code.

    Args:
        name: stands before each sentence about a mistake.
        command: to run.
        arguments: its flags.
        about: printed before the flags for --help.
    """
    values = command.define()
    if _HELP & set(arguments):
        print(about, *_explain(values), sep="\n")
        return 0
    try:
        own, cells = [*arguments], dict[str, str]()
        if command.with_cells:
            own, cells = split_cells(arguments, values)
        words = values([name, *own])[1:]
        if words:
            raise ValueError(f"every argument must be a --flag, got {words[0]!r}")
        return command.run(values, cells) if command.with_cells else command.run(values)
    except flags.Error as error:
        print(f"{name}: {' '.join(str(error).split())}", file=sys.stderr)
    except OSError as error:
        what = f"{error.filename or 'a file'} cannot be read or written"
        print(f"{name}: {what} ({error.strerror or error})", file=sys.stderr)
    except ValueError as error:
        print(f"{name}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return EXIT_MISTAKE


def split_cells(
    arguments: Sequence[str], values: flags.FlagValues
) -> tuple[list[str], dict[str, str]]:
    """Part the flags that are defined from cells, `--column=cell` or `--column cell`.

    Args:
        arguments: of a command.
        values: its flags.

    Raises:
        ValueError: if a cell has no value, or is given twice.
    """
    own: list[str] = []
    cells: dict[str, str] = {}
    words = iter(arguments)
    for word in words:
        name, given, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or {name, name.removeprefix("no")} & set(values):
            own.append(word)
        else:
            value = value if given else next(words, "--")
            if value.startswith("--") and not given:
                raise ValueError(f"--{name} must have a value (--{name}=...), got none")
            if name in cells:
                raise ValueError(f"--{name} must be given once, got it twice")
            cells[name] = value
    return own, cells


def require_flags(values: flags.FlagValues, *names: str) -> None:
    """Raise ValueError if one of these flags was not given."""
    missing = [f"--{name}" for name in names if values[name].value in (None, "")]
    if missing:
        raise ValueError(f"{', '.join(missing)} must be given, see --help")


def parse_path(text: str) -> Path:
    """The path that a flag holds; a shell leaves the ~ of --flag=~/file to us."""
    return Path(os.path.expanduser(text))


def parse_optional_path(text: str | None) -> Path | None:
    """The same of a flag that need not be given."""
    return parse_path(text) if text else None


def show_progress(items: Iterable[Any], *, total: int, label: str) -> Iterable[Any]:
    """Pass items on, with a bar where somebody looks at the terminal."""
    if not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(items, label, total=total, console=console, transient=True)


def _explain(values: flags.FlagValues) -> list[str]:
    """One line for each flag, without those that absl adds."""
    found = [values[name] for name in values if name not in ("flagfile", "undefok")]
    return [f"  --{flag.name}={_as_typed(flag.default)}: {flag.help}" for flag in found]


def _as_typed(default: Any) -> str:
    if isinstance(default, list):
        return ",".join(default)
    return "" if default is None else str(default)
