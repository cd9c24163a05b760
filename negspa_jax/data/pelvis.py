"""A synthetic cohort of pelvic radiographs with sacroiliitis, as DICOM files.

Every patient follows from (seed, number of the patient) alone, so patients are written
in parallel and the first ones of a cohort do not depend on how many follow. No person's
data is in it. What bodies, joints, exposures, files and the table are drawn from is
said in the modules `pelvis_*`.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from negspa_jax.data.pelvis_dicom import encode_dicom
from negspa_jax.data.pelvis_patient import (
    SACRUM_MM,
    PelvisPatient,
    draw_patient,
    expose_patient,
)
from negspa_jax.data.pelvis_tables import PAPER_GROUPS, READERS
from negspa_jax.data.synthetic import pick_preset, shuffle_classes, write_table

COLUMNS = (
    "patient_id",
    "split",
    "label",
    "image",
    "crop",
    "grade_left",
    "grade_right",
    *(f"reader:{name}" for name in READERS),
    "age",
    "sex",
)


@dataclass(frozen=True)
class PelvisPreset:
    """A cohort's size.

    Args:
      groups: split -> patients (without, with) definite sacroiliitis.
      columns: lowest and highest number of pixels across an image.
      cropped: whether the table's crop box is the sacrum with both joints, as a person
        would choose it for few pixels; else it is empty.
    """

    groups: dict[str, tuple[int, int]]
    columns: tuple[int, int]
    cropped: bool = False


PRESETS = {
    "small": PelvisPreset(
        {"train": (200, 200), "validation": (40, 40), "external": (60, 60)},
        (304, 400),
        cropped=True,
    ),
    "paper": PelvisPreset(PAPER_GROUPS, (900, 1200)),
}


def write_pelvis(
    out: str | Path,
    *,
    preset: str | PelvisPreset = "small",
    seed: int = 0,
    num_patients: int | None = None,
    num_processes: int | None = None,
) -> Path:
    """Write synthetic pelvic radiographs as DICOM files and one table.

    Args:
      out: folder, made if absent; a cohort of the same name in it is overwritten.
      preset: "small" (quick start), "paper" (the paper's sizes), or a `PelvisPreset`.
      seed: the same seed gives the same bytes.
      num_patients: write only the first so many of the preset; None: all.
      num_processes: None: one for each available core.

    Returns:
      Path of `cohort.csv`; its paths are relative to it.

    Raises:
      ValueError: there is no preset of that name.
    """
    sizes = find_preset(preset)
    out = Path(out)
    (out / "images").mkdir(parents=True, exist_ok=True)
    rows = plan_rows(sizes, seed)[:num_patients]
    write = partial(write_patient, out=out, preset=sizes, seed=seed)
    return write_table(
        out / "cohort.csv", COLUMNS, write, rows, num_processes=num_processes
    )


def find_preset(preset: str | PelvisPreset) -> PelvisPreset:
    """Return a preset by its name; a `PelvisPreset` as it is."""
    return pick_preset(preset, PRESETS)


def plan_rows(preset: PelvisPreset, seed: int) -> list[tuple[int, str, int]]:
    """(number, split, label) of each patient; classes shuffled within a split."""
    return shuffle_classes(preset.groups, [seed, 2])


def write_patient(
    row: tuple[int, str, int], out: Path, preset: PelvisPreset, seed: int
) -> dict[str, object]:
    """Expose one patient, write the file, return the row of the table."""
    patient = draw_patient(row, columns=preset.columns, seed=seed)
    chart = patient.chart
    content = encode_dicom(
        expose_patient(patient),
        patient.storage,
        spacing_mm=patient.frame.spacing_mm,
        patient_id=patient.patient_id,
        seed=seed,
        age=chart.age,
        sex=chart.sex,
    )
    path = out / "images" / f"{patient.patient_id}.dcm"
    path.write_bytes(content)
    return {
        "patient_id": patient.patient_id,
        "split": patient.split,
        "label": patient.label,
        "image": path.relative_to(out).as_posix(),
        "crop": _format_crop(patient) if preset.cropped else "",
        "grade_left": chart.grade_left,
        "grade_right": chart.grade_right,
        **{f"reader:{name}": call for name, call in chart.calls.items()},
        "age": chart.age,
        "sex": chart.sex,
    }


def _format_crop(patient: PelvisPatient) -> str:
    return ",".join(map(str, patient.frame.enclose(*SACRUM_MM)))
