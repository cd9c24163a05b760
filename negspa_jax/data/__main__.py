"""Look at a cohort, mark a region by six clicks, or write a synthetic cohort.

python -m negspa_jax.data check --cohort=cohort.csv --contact_sheet=sheet.png
python -m negspa_jax.data check --kind=radiograph --cohort=cohort.csv
python -m negspa_jax.data rvoi --image=t1w.nii.gz --out=mask.nii.gz \\
    --corners="70,238; 262,238; 250,122; 82,122" --first=8 --last=18
python -m negspa_jax.data phantom --out=DIR --kind=mri --preset=paper --seed=0

Each command explains its flags with --help. Exit code 0: done, and all is usable;
2: something must be mended first, and was said.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from absl import flags

from negspa_jax.data.reference import RULES
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
    return open_door(arguments, _COMMANDS, about=__doc__)


def _bind(values: flags.FlagValues, *defines: Any) -> list[Callable[..., Any]]:
    """absl's numbers take their place for flags behind their bounds."""
    return [partial(define, flag_values=values) for define in defines]


# What `crop_patient` may be told: name, choices or number, meaning.
_CROP_OPTIONS: tuple[tuple[str, Any, str], ...] = (
    ("sides", ["both", "left", "right", "whole"], "windows; whole: one on the region"),
    ("window", ["square", "half"], "a square, or the half of the region itself"),
    ("centre", ["lateral", "half"], "of a square"),
    ("window_mm", 100.0, "side of a square in mm"),
    ("plane", ["auto", "axial", "coronal", "sagittal"], "of the slices"),
    ("intensity", ["zscore", "minmax_slice", "percentile"], "how it is scaled"),
    ("z_clip", 3.0, "the z-score that becomes 1"),
)


def _define_check() -> flags.FlagValues:
    values = flags.FlagValues()
    text, switch = flags.DEFINE_string, flags.DEFINE_boolean
    whole, real = _bind(values, flags.DEFINE_integer, flags.DEFINE_float)
    text("cohort", None, "the cohort table (CSV)", values)
    kind = "of the images; in training --config.data.kind"
    flags.DEFINE_enum("kind", "mri", ["mri", "radiograph"], kind, values)
    meaning = "columns that hold images; default: t1w,t2w,fs, or image for radiographs"
    flags.DEFINE_list("sequences", None, meaning, values)
    meaning = "what labels are taken from; in training --config.data.reference"
    flags.DEFINE_enum("reference", "auto", RULES, meaning, values)
    meaning = "splits whose rows must have a label; default: train, of radiographs "
    meaning += "train,validation, as where one model is trained"
    flags.DEFINE_list("labelled", None, meaning, values)
    meaning = "of a radiograph's windows; in training --config.radiograph.window"
    text("radiograph_window", None, meaning, values)
    meaning = "of DICOM files to accept; in training --config.radiograph.modalities"
    flags.DEFINE_list("modalities", None, meaning, values)
    for name, choices, meaning in _CROP_OPTIONS:
        meaning = f"{meaning}; in training --config.data.{name}"
        if isinstance(choices, float):
            real(name, choices, meaning, lower_bound=0.1)
        else:
            flags.DEFINE_enum(name, choices[0], choices, meaning, values)
    switch("mirror_left", False, "mirror the left windows", values)
    switch("require_labels", True, "whether patients to train on need one", values)
    text("contact_sheet", None, "PNG of every patient's sub-images", values)
    text("manifest", None, "CSV of SHA-256: written, or compared with", values)
    whole("workers", 2, "patients opened at the same time", lower_bound=1)
    return values


def _run_check(values: Any) -> int:
    """check: open every file of a cohort, and say what is there and what is wrong."""
    from negspa_jax.data.check import check_cohort

    require_flags(values, "cohort")
    unnamed = values.sequences is None
    usable = check_cohort(
        parse_path(values.cohort),
        kind=values.kind,
        sequences=_SEQUENCES[values.kind] if unnamed else values.sequences,
        crop_options=_find_options(values),
        reference=values.reference,
        labelled=_find_labelled(values),
        contact_sheet=parse_optional_path(values.contact_sheet),
        manifest=parse_optional_path(values.manifest),
        workers=values.workers,
        watch=partial(show_progress, label="opening"),
    )
    return 0 if usable else 2


_LABELLED = {"mri": ["train"], "radiograph": ["train", "validation"]}
_SEQUENCES = {"mri": ["t1w", "t2w", "fs"], "radiograph": ["image"]}


def _find_labelled(values: Any) -> list[str]:
    if not values.require_labels:
        return []
    named: list[str] | None = values.labelled
    return _LABELLED[values.kind] if named is None else named


def _find_options(values: Any) -> dict[str, Any]:
    """What the kind's images are made with; flags of the other kind are refused."""
    of_mri = ("mirror_left", *(option[0] for option in _CROP_OPTIONS))
    of_radiographs = ("radiograph_window", "modalities")
    others = {"mri": of_radiographs, "radiograph": of_mri}[values.kind]
    given = [name for name in others if values[name].present]
    if given:
        other = "radiographs" if values.kind == "mri" else "MRI"
        raise ValueError(f"--{given[0]} is of {other}, got --kind={values.kind}")
    if values.kind == "mri":
        return {name: values[name].value for name in of_mri}
    window, modalities = values.radiograph_window, values.modalities
    for flag, value in (("radiograph_window", window), ("modalities", modalities)):
        if value is not None and not "".join(value).strip():
            raise ValueError(f"--{flag} must not be empty")
    options: dict[str, Any] = {} if window is None else {"window": window.strip()}
    if modalities is not None:
        options["modalities"] = tuple(name.strip().upper() for name in modalities)
    return options


def _define_rvoi() -> flags.FlagValues:
    values = flags.FlagValues()
    text, (whole,) = flags.DEFINE_string, _bind(values, flags.DEFINE_integer)
    text("image", None, "the NIfTI file that was clicked on", values)
    form = 'four corners in order round the region: "x,y; x,y; x,y; x,y" in voxels '
    form += 'along the slice\'s two array axes, or "x,y,z; ..." with --units=mm'
    text("corners", None, form, values)
    whole("first", None, "first slice with joint")
    whole("last", None, "last slice with joint")
    text("out", None, "the mask to write (.nii.gz)", values)
    units = "of the corners: voxel, or mm in the world (x right, y anterior, z up)"
    flags.DEFINE_enum("units", "voxel", ["voxel", "mm"], units, values)
    base = "how the first voxel and slice are numbered: 0, or 1 as ITK-SNAP shows them"
    whole("index_base", 0, base, lower_bound=0, upper_bound=1)
    axis = "array axis across the slices; default: the one of the largest spacing"
    flags.DEFINE_enum("axis", "", ["", "i", "j", "k"], axis, values)
    flags.DEFINE_boolean("overwrite", False, "replace an existing file", values)
    return values


def _run_rvoi(values: Any) -> int:
    """rvoi: write the mask that ITK-SNAP's six clicks would make."""
    from negspa_jax.data.errors import blame
    from negspa_jax.data.rvoi import Clicks, draw_rvoi, parse_corners, write_mask

    require_flags(values, "image", "corners", "first", "last", "out")
    clicks = Clicks(
        image=parse_path(values.image),
        corners=parse_corners(values.corners),
        first=values.first,
        last=values.last,
        units=values.units,
        index_base=values.index_base,
        through=values.axis,
    )
    mask = draw_rvoi(clicks)
    with blame("", values.out):
        write_mask(mask, parse_path(values.out), overwrite=values.overwrite)
    slices = clicks.last - clicks.first + 1
    print(f"Wrote {values.out}: {int(mask.data.sum()):,} voxels in {slices} slices")
    return 0


def _define_phantom() -> flags.FlagValues:
    values = flags.FlagValues()
    text, (whole,) = flags.DEFINE_string, _bind(values, flags.DEFINE_integer)
    text("out", None, "folder to write into", values)
    kind = "MRI of the sacroiliac joints (NIfTI) or pelvic radiographs (DICOM)"
    flags.DEFINE_enum("kind", "mri", ["mri", "radiograph"], kind, values)
    text("preset", "small", "small (quick start) or paper (its cohort sizes)", values)
    whole("seed", 0, "the same seed gives the same files", lower_bound=0)
    return values


def _run_phantom(values: Any) -> int:
    """phantom: write a synthetic cohort as NIfTI or DICOM files and a table."""
    from negspa_jax.data.pelvis import write_pelvis
    from negspa_jax.data.phantom import write_phantom

    require_flags(values, "out")
    write = write_pelvis if values.kind == "radiograph" else write_phantom
    table = write(parse_path(values.out), preset=values.preset, seed=values.seed)
    print(f"Wrote {table}")
    return 0


_COMMANDS = {
    "check": Command(_define_check, _run_check),
    "rvoi": Command(_define_rvoi, _run_rvoi),
    "phantom": Command(_define_phantom, _run_phantom),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
