"""Ask a finished run's models again: where is the evidence for a patient's score?

python -m negspa_jax.predict gradcam --run=runs/phantom
python -m negspa_jax.predict gradcam --run=runs/phantom --patients=P0097,P0101

Each command explains its flags with --help. Exit code 0: done; 2: something must be
mended first, and was said. Research software, not a medical device.
"""

import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from absl import flags

EXIT_MISTAKE, EXIT_INTERRUPTED = 2, 75


def main(arguments: list[str]) -> int:
    """Run a command; 0, or 2 and sentences on stderr."""
    name = arguments[0] if arguments else ""
    if name in ("", "help") or name.startswith("-h") or name == "--help":
        print(__doc__)
        return 0 if name else EXIT_MISTAKE
    if name not in _COMMANDS:
        commands = ", ".join(_COMMANDS)
        print(f"the command must be one of {commands}, got {name!r}", file=sys.stderr)
        return EXIT_MISTAKE
    define, run = _COMMANDS[name]
    values = define()
    if {"-h", "--help", "--helpfull"} & set(arguments[1:]):
        print(run.__doc__, *_explain(values), sep="\n")
        return 0
    try:
        words = values([name, *arguments[1:]])[1:]
        if words:
            raise ValueError(f"every argument must be a --flag, got {words[0]!r}")
        run(values)
        return 0
    except flags.Error as error:
        print(f"{name}: {' '.join(str(error).split())}", file=sys.stderr)
    except (ValueError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return EXIT_MISTAKE


def _explain(values: flags.FlagValues) -> list[str]:
    """One line for each flag, without those that absl adds."""
    found = [values[name] for name in values if name not in ("flagfile", "undefok")]
    return [f"  --{flag.name}={flag.default}: {flag.help}" for flag in found]


def _path(text: str | None) -> Path | None:
    # A shell leaves the ~ of --flag=~/file to the program.
    return Path(os.path.expanduser(text)) if text else None


def _watch(items: Iterable[Any], *, total: int, label: str) -> Iterable[Any]:
    """A progress bar where somebody looks at the terminal."""
    if not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(items, label, total=total, console=console, transient=True)


def _define_gradcam() -> flags.FlagValues:
    values = flags.FlagValues()
    text, names, real = (
        partial(define, flag_values=values)
        for define in (flags.DEFINE_string, flags.DEFINE_list, flags.DEFINE_float)
    )
    text("run", None, "directory of a finished training run")
    text("out", None, "folder to write; default: gradcam in the run's")
    names("split", None, "typical and wrong cases of these splits; default: all splits")
    names("patients", None, "these patients, instead of typical and wrong cases")
    text("cohort", None, "the cohort table, if it is no longer where the run read it")
    real(
        "tolerance",
        1e-4,
        "largest difference from the run's own scores",
        lower_bound=0.0,
        upper_bound=1.0,
    )
    return values


def _run_gradcam(values: Any) -> None:
    """gradcam: show where in their images the evidence for patients' scores is."""
    folder = _path(values.run)
    if folder is None:
        raise ValueError("--run must be given, see --help")
    if values.split and values.patients:
        raise ValueError("--split or --patients must be given, not both")
    from negspa_jax.predict.finished_run import decode_patients, open_run
    from negspa_jax.predict.map_files import write_maps
    from negspa_jax.predict.maps import map_patients
    from negspa_jax.predict.selection import find_patients

    run = open_run(folder, cohort=_path(values.cohort))
    names = find_patients(
        run.predictions, splits=values.split, patient_ids=values.patients
    )
    cache = decode_patients(run, run.select(names))
    maps = map_patients(run, cache, names, tolerance=values.tolerance, watch=_watch)
    table = write_maps(run, cache, maps, _path(values.out) or folder / "gradcam")
    count = "1 patient" if len(maps) == 1 else f"{len(maps)} patients"
    print(f"Wrote the maps of {count}, listed in {table}")
    print("Research software, not a medical device.")


_COMMANDS: dict[
    str, tuple[Callable[[], flags.FlagValues], Callable[[flags.FlagValues], None]]
] = {"gradcam": (_define_gradcam, _run_gradcam)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
