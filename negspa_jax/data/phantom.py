"""A synthetic cohort: three MRI sequences, RVOI, lesions and a table per patient.

Every patient follows from (seed, number of the patient) alone, so patients are written
in parallel and the first ones of a cohort do not depend on how many follow. No person's
data is in it. What the body, the lesions and the table are drawn from is said in
`phantom_anatomy`, `phantom_lesions` and `phantom_tables`.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from negspa_jax.columns import FEATURES
from negspa_jax.data.phantom_anatomy import SEQUENCES
from negspa_jax.data.phantom_body import Body, draw_body
from negspa_jax.data.phantom_images import scan_patient
from negspa_jax.data.phantom_lesions import Lesion, draw_lesions
from negspa_jax.data.phantom_scan import draw_scans
from negspa_jax.data.phantom_tables import (
    GROUPS,
    READERS,
    Clinic,
    draw_clinic,
)
from negspa_jax.data.synthetic import pick_preset, shuffle_classes, write_table


@dataclass(frozen=True)
class Preset:
    """A cohort's size: patients per split as (non-axSpA, axSpA), and voxels.

    Args:
      groups: split -> (number of non-axSpA, number of axSpA).
      matrix: lowest and highest in-plane number of voxels; slices likewise.
    """

    groups: dict[str, tuple[int, int]]
    matrix: tuple[int, int]
    slices: tuple[int, int]


SPLITS = ("train", "internal", "external", "prospective")
PRESETS = {
    "small": Preset({"train": (48, 48), "internal": (24, 24)}, (88, 104), (8, 9)),
    "paper": Preset(
        {s: (GROUPS[s, 0].num_patients, GROUPS[s, 1].num_patients) for s in SPLITS},
        (256, 304),
        (14, 18),
    ),
}

COLUMNS = (
    "patient_id",
    "split",
    "label",
    *SEQUENCES,
    "rvoi",
    "lesions",
    *FEATURES,
    "age",
    "sex",
    "disease_duration_months",
    "structural_damage",
    *(f"reader:{name}" for name in READERS),
    *(f"reader_ai:{name}" for name in READERS),
)


@dataclass(frozen=True)
class PhantomPatient:
    """Everything about a patient that is known before the scanner runs."""

    patient_id: str
    split: str
    label: int
    clinic: Clinic
    body: Body
    lesions: tuple[Lesion, ...]
    key: np.random.Generator


def write_phantom(
    out: str | Path,
    *,
    preset: str | Preset = "small",
    seed: int = 0,
    num_patients: int | None = None,
    num_processes: int | None = None,
) -> Path:
    """Write a synthetic cohort as NIfTI files and one table.

    Args:
      out: folder, made if absent; a cohort of the same name in it is overwritten.
      preset: "small" (quick start), "paper" (the paper's cohort sizes), or a `Preset`.
      seed: the same seed gives the same bytes.
      num_patients: write only the first so many of the preset; None: all.
      num_processes: None: one for each available core.

    Returns:
      Path of `cohort.csv`; its paths are relative to it.
    """
    sizes = find_preset(preset)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    rows = plan_rows(sizes, seed)[:num_patients]
    write = partial(write_patient, out=out, preset=sizes, seed=seed)
    return write_table(
        out / "cohort.csv", COLUMNS, write, rows, num_processes=num_processes
    )


def find_preset(preset: str | Preset) -> Preset:
    """Return a preset by its name; a `Preset` as it is.

    Raises:
      ValueError: for a name that is none.
    """
    return pick_preset(preset, PRESETS)


def plan_rows(preset: Preset, seed: int) -> list[tuple[int, str, int]]:
    """(number, split, label) of each patient; classes shuffled within a split."""
    return shuffle_classes(preset.groups, [seed, 0])


def draw_patient(row: tuple[int, str, int], seed: int) -> PhantomPatient:
    """Table, body and lesions of a patient: from seed and number alone."""
    number, split, label = row
    key = np.random.default_rng([seed, 1, number])
    clinic = draw_clinic(key, split, label)
    lesions = draw_lesions(key, clinic.activity, clinic.structural_damage)
    return PhantomPatient(
        f"P{number:04d}", split, label, clinic, draw_body(key), lesions, key
    )


def write_patient(
    row: tuple[int, str, int], out: Path, preset: Preset, seed: int
) -> dict[str, object]:
    """Scan one patient, write the files, return the row of the table."""
    patient = draw_patient(row, seed)
    scans = draw_scans(patient.key, patient.split, preset.matrix, preset.slices)
    files = scan_patient(patient.key, patient.body, patient.lesions, scans)
    folder = out / patient.patient_id
    folder.mkdir(exist_ok=True)
    paths = {}
    for name, content in files.items():
        path = folder / f"{name}.nii.gz"
        path.write_bytes(content)
        paths[name] = path.relative_to(out).as_posix()
    clinic = patient.clinic
    return {
        "patient_id": patient.patient_id,
        "split": patient.split,
        "label": patient.label,
        **paths,
        **clinic.features,
        "age": clinic.age,
        "sex": clinic.sex,
        "disease_duration_months": clinic.disease_duration_months,
        "structural_damage": clinic.structural_damage,
        **{f"reader:{name}": call for name, call in clinic.readers.items()},
        **{f"reader_ai:{name}": call for name, call in clinic.readers_ai.items()},
    }
