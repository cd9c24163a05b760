"""Train a model: python -m negspa_jax.train --config=configs/tri_r50.py --workdir=DIR.

Exit codes: 0 done; 2 a mistake in the command, the config or the data, said in one
sentence; 3 the loss became non-finite; 75 interrupted by SIGTERM or Ctrl-C and saved:
the same command goes on. Research software, not a medical device.
"""

import sys

from negspa_jax.train.flags import Command, define_flags, read_command
from negspa_jax.train.interrupt import EXIT_INTERRUPTED, Interrupted, listening

EXIT_MISTAKE, EXIT_NON_FINITE = 2, 3


def main(arguments: list[str]) -> int:
    """Run the command; return the exit code."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__, define_flags().get_help(), sep="\n")
        return 0
    try:
        return _run(read_command(arguments))
    except OSError as error:
        what = f"{error.filename or 'a file'} cannot be read or written"
        print(f"negspa_jax.train: {what} ({error.strerror or error})", file=sys.stderr)
        return EXIT_MISTAKE
    except ValueError as error:
        print(f"negspa_jax.train: {error}", file=sys.stderr)
        return EXIT_MISTAKE
    except KeyboardInterrupt:
        # Before the run could listen, or a second time: nothing more was saved.
        what = "interrupted: the same command goes on from what was saved before"
        print(f"negspa_jax.train: {what}", file=sys.stderr)
        return EXIT_INTERRUPTED


def _run(command: Command) -> int:
    # A mistake in the command is told without waiting for the imports of jax.
    command.config.validate()
    # Those may swallow a KeyboardInterrupt, or report it as a failed import.
    with listening() as stop:
        from negspa_jax.train.console import Reporter
        from negspa_jax.train.experiment import run
        from negspa_jax.train.fit import NonFiniteLossError
        from negspa_jax.train.parallel import connect, is_first

        if stop.requested:
            raise KeyboardInterrupt
        if command.distributed or command.coordinator:
            connect(command.coordinator, command.num_processes, command.process_id)
        reporter = Reporter(silent=not is_first())
        config, workdir = command.config, command.workdir
        try:
            run(config, workdir, folds=command.folds, stop=stop, reporter=reporter)
        except Interrupted:
            reporter.tell("interrupted and saved: the same command goes on from here")
            return EXIT_INTERRUPTED
        except NonFiniteLossError as error:
            print(error, file=sys.stderr)
            return EXIT_NON_FINITE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
