"""What opening a patient's files shows: images, how they are stored, what is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib

from negspa_jax.data.contact_sheet import Contact, shrink_images
from negspa_jax.data.errors import CaseError
from negspa_jax.data.kinds import KINDS
from negspa_jax.data.nifti import read_grid
from negspa_jax.data.patient import Patient
from negspa_jax.data.radiograph import read_radiograph
from negspa_jax.data.volume import measure_spacing, read_mask, read_volume

# How a file is stored, in words; the headings of an MRI and of a radiograph.
Description = tuple[str, str, str]
HEADINGS = {
    "mri": ("sequence", "volumes", "shape", "spacing", "orientation", "cut"),
    "radiograph": ("view", "images", "pixels", "spacing", "shown by"),
}


@dataclass(frozen=True)
class Finding:
    """What opening a patient's files has shown; `stored`, `planes` by sequence."""

    contact: Contact
    stored: dict[str, Description]
    planes: Mapping[str, str]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def open_patient(
    patient: Patient, faults: tuple[str, ...], *, kind: str, options: Mapping[str, Any]
) -> Finding:
    """Make a patient's images; where that fails, look at each file for its part.

    Args:
      patient: a row of the table.
      faults: what is wrong with the row itself; then only its files are looked at.
      kind: a key of `KINDS`.
      options: keywords of the kind's `decode`, as in training.
    """
    problems: list[str] = []
    warnings: tuple[str, ...] = ()
    images, planes = None, dict[str, str]()
    if faults or len(patient.images) < len(options["sequences"]):
        problems = _find_faults(patient, kind)
    else:
        try:
            crops = KINDS[kind].decode(patient, **options)
            images, warnings = shrink_images(crops.images), crops.warnings
            planes = crops.planes
        except CaseError as error:
            problems = _find_faults(patient, kind) or [str(error)]
    reason = "; ".join((*faults, *problems))
    contact = Contact(patient.patient_id, patient.split, patient.label, images, reason)
    describe = _describe_volume if kind == "mri" else _describe_radiograph
    stored = {name: describe(path) for name, path in patient.images.items()}
    known = {name: words for name, words in stored.items() if words is not None}
    return Finding(contact, known, planes, tuple(problems), warnings)


def _describe_volume(path: Path) -> Description | None:
    """Shape, spacing and orientation; None where it cannot be read."""
    try:
        shape, affine = read_grid(path)
    except ValueError:
        return None
    spacing = " x ".join(f"{size:.3g}" for size in measure_spacing(affine))
    axes = "".join(nib.aff2axcodes(affine))
    return " x ".join(map(str, shape)), f"{spacing} mm", axes


def _describe_radiograph(path: Path) -> Description | None:
    """Size to the next hundred, spacing, display; None where it cannot be read."""
    try:
        found = read_radiograph(path)
    except CaseError:
        return None
    # No two radiographs have the same size: hundreds can be counted.
    size = " x ".join(f"{round(length, -2)}" for length in found.image.shape)
    spacing = "unknown" if found.spacing_mm is None else f"{found.spacing_mm:.1f} mm"
    return f"about {size}", spacing, found.display


def _find_faults(patient: Patient, kind: str) -> list[str]:
    """What is wrong with each file of a patient, taken alone."""
    faults = []
    read: Callable[..., Any] = read_volume if kind == "mri" else read_radiograph
    files = [(path, read) for path in patient.images.values()]
    files += [(path, read_mask) for path in dict.fromkeys(patient.rvoi.values())]
    for path, open_file in files:
        # A missing file is a problem of the table, which has named it already.
        if not path.is_file():
            continue
        try:
            open_file(path, patient_id=patient.patient_id)
        except CaseError as error:
            faults.append(str(error))
    return faults
