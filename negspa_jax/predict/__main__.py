"""Score new patients, see why, and hand a model on.

python -m negspa_jax.predict --run=runs/tri_r50 --cohort=new.csv --out=scores
python -m negspa_jax.predict --bundle=model --t1w=a.nii.gz --t2w=b.nii.gz \\
    --fs=c.nii.gz --rvoi=mask.nii.gz
python -m negspa_jax.predict export --run=runs/tri_r50 --out=model
python -m negspa_jax.predict serve --bundle=model
python -m negspa_jax.predict gradcam --run=runs/tri_r50

Each command explains its flags with --help (the first one: score --help). Exit code 0:
done; 2: something must be mended first, and was said; 3: some patients could not be
scored, all others are. Research software, not a medical device.
"""

import sys
from difflib import get_close_matches
from typing import Any

from negspa_jax.door import (
    Command,
    open_door,
    parse_optional_path,
    parse_path,
    require_flags,
    show_progress,
)
from negspa_jax.predict import flags as defined

EXIT_FAILURES = 3


def main(arguments: list[str]) -> int:
    """Run a command; return the exit code."""
    return open_door(arguments, _COMMANDS, about=__doc__, default="score")


def _run_score(values: Any, cells: dict[str, str]) -> int:
    """score: score the patients of a table, or one patient, by every fold's model.

    A table is a cohort table (split and label may be absent). One patient is a row of
    it on the command line: --t1w=a.nii.gz --t2w=b.nii.gz --fs=c.nii.gz, with
    --rvoi=mask.nii.gz or --rvoi_corners="x,y; x,y; x,y; x,y" --rvoi_first=8
    --rvoi_last=18 --rvoi_sequence=t1w; a radiograph is --image=x.dcm; features and
    covariates too (--elevated_crp=1).
    """
    if bool(values.cohort) == bool(cells):
        odd = f", got --{next(iter(cells))} beside it" if cells else ""
        raise ValueError(
            f"--cohort=FILE must be given, or one patient's files (--t1w=FILE ...){odd}"
        )
    for name in cells:
        if close := get_close_matches(name, [*values], 1, 0.75):
            raise ValueError(f"--{name} is no flag: did you mean --{close[0]}?")
    from negspa_jax.predict.console import score_one, score_table
    from negspa_jax.predict.results_folder import check_out

    out = parse_optional_path(values.out)
    if not cells:
        require_flags(values, "out")
    if out:
        check_out(out)
    model = _open(values)
    if cells:
        score_one(model, cells, out, augment=values.augment)
        return 0
    complete = score_table(
        model,
        parse_path(values.cohort),
        parse_path(values.out),
        augment=values.augment,
        workers=values.workers,
        watch=show_progress,
    )
    return 0 if complete else EXIT_FAILURES


def _run_export(values: Any) -> int:
    """export: write a finished run's models as one folder that needs nothing else."""
    require_flags(values, "run", "out")
    from negspa_jax.predict.export import export_run

    out = parse_path(values.out)
    digest = export_run(
        parse_path(values.run),
        out,
        options=defined.read_options(values),
        card=parse_optional_path(values.card),
        licence=parse_optional_path(values.licence),
    )
    print(f"Wrote {out}, SHA-256 of its list of hashes {digest}")
    print("Research software, not a medical device.")
    return 0


def _run_serve(values: Any) -> int:
    """serve: a page on this machine to try a model on one patient."""
    from negspa_jax.predict.serve import serve

    return serve(
        _open(values),
        port=values.port,
        max_bytes=values.max_mb * 2**20,
        seconds=values.seconds,
        keep=parse_optional_path(values.keep),
    )


def _open(values: Any) -> Any:
    if bool(values.run) == bool(values.bundle):
        got = "both" if values.run else "neither"
        raise ValueError(f"--run=DIR or --bundle=DIR must be given, got {got}")
    from negspa_jax.predict.bundle import SUMS, read_bundle
    from negspa_jax.predict.run_model import open_run_model

    folder = parse_path(values.run or values.bundle)
    if values.bundle:
        defined.refuse_options(values)
        if (folder / "manifest.json").exists() and not (folder / SUMS).exists():
            raise ValueError(f"--bundle must be a bundle, got a run: --run={folder}")
        return read_bundle(folder)
    if (folder / SUMS).exists() and not (folder / "manifest.json").exists():
        raise ValueError(f"--run must be a run, got a bundle: --bundle={folder}")
    return open_run_model(folder, defined.read_options(values))


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


_COMMANDS = {
    "score": Command(defined.define_score, _run_score, with_cells=True),
    "export": Command(defined.define_export, _run_export),
    "serve": Command(defined.define_serve, _run_serve),
    "gradcam": Command(defined.define_gradcam, _run_gradcam),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
