"""Ask a finished run's models again: where is the evidence for a patient's score?

python -m negspa_jax.predict gradcam --run=runs/phantom
python -m negspa_jax.predict gradcam --run=runs/phantom --patients=P0097,P0101

Each command explains its flags with --help. Exit code 0: done; 2: something must be
mended first, and was said. Research software, not a medical device.
"""

import sys
from functools import partial
from typing import Any

from absl import flags

from negspa_jax.door import (
    Command,
    open_door,
    parse_optional_path,
    parse_path,
    require_flags,
    show_progress,
)


def main(arguments: list[str]) -> int:
    """Run a command; return the exit code."""
    commands = {"gradcam": Command(_define_gradcam, _run_gradcam)}
    return open_door(arguments, commands, about=__doc__)


def _define_gradcam() -> flags.FlagValues:
    values = flags.FlagValues()
    text, names = (
        partial(define, flag_values=values)
        for define in (flags.DEFINE_string, flags.DEFINE_list)
    )
    text("run", None, "directory of a finished training run")
    where = "folder to write, its table anew; default: gradcam in the run's"
    text("out", None, where)
    names("split", None, "typical and wrong cases of these splits; default: all splits")
    names("patients", None, "these patients, instead of typical and wrong cases")
    text("cohort", None, "the cohort table, if it is no longer where the run read it")
    flags.DEFINE_float(
        "tolerance",
        None,
        "largest difference from the run's own scores; default: 0.0001, or 0.01 of "
        "a run in bfloat16",
        lower_bound=0.0,
        upper_bound=1.0,
        flag_values=values,
    )
    return values


def _run_gradcam(values: Any) -> int:
    """gradcam: show where in their images the evidence for patients' scores is."""
    require_flags(values, "run")
    if values.split and values.patients:
        raise ValueError("--split or --patients must be given, not both")
    from negspa_jax.predict.finished_run import decode_patients, open_run
    from negspa_jax.predict.map_files import write_maps
    from negspa_jax.predict.maps import map_patients
    from negspa_jax.predict.selection import find_patients

    folder = parse_path(values.run)
    run = open_run(folder, cohort=parse_optional_path(values.cohort))
    names = find_patients(run, splits=values.split, patient_ids=values.patients)
    cache = decode_patients(run, run.select(names))
    maps = map_patients(
        run, cache, names, tolerance=values.tolerance, watch=show_progress
    )
    out = parse_optional_path(values.out) or folder / "gradcam"
    table = write_maps(run, cache, maps, out)
    count = "1 patient" if len(maps) == 1 else f"{len(maps)} patients"
    print(f"Wrote the maps of {count}, listed in {table}")
    print("Research software, not a medical device.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
