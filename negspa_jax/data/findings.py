"""What opening a patient's files shows: images, how they are stored, what is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib

from negspa_jax.data.contact_sheet import Contact, shrink_images
from negspa_jax.data.errors import CaseError
from negspa_jax.data.kinds import KINDS
from negspa_jax.data.nifti import read_grid
from negspa_jax.data.patient import Patient
from negspa_jax.data.radiograph import Radiograph
from negspa_jax.data.views import read_view
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
    views = options["sequences"]
    # Where no column has a region at all, the table's own problem says so.
    located = kind != "mri" or patient.clicks or len(patient.rvoi) == len(views)
    if faults or not located or len(patient.images) < len(views):
        problems = _find_faults(patient, kind, options)
    else:
        try:
            crops = KINDS[kind].decode(patient, **options)
            images, warnings = shrink_images(crops.images), crops.warnings
            planes = crops.planes
        except CaseError as error:
            problems = _find_faults(patient, kind, options) or [str(error)]
    reason = "; ".join((*faults, *problems))
    contact = Contact(patient.patient_id, patient.split, patient.label, images, reason)
    stored = {}
    for name, path in patient.images.items():
        words = (
            _describe_volume(path)
            if kind == "mri"
            else _describe_view(patient, name, options)
        )
        if words is not None:
            stored[name] = words
    return Finding(contact, stored, planes, tuple(problems), warnings)


def _describe_volume(path: Path) -> Description | None:
    """Shape, spacing and orientation; None where it cannot be read."""
    try:
        shape, affine = read_grid(path)
    except ValueError:
        return None
    spacing = " x ".join(f"{size:.3g}" for size in measure_spacing(affine))
    axes = "".join(nib.aff2axcodes(affine))
    return " x ".join(map(str, shape)), f"{spacing} mm", axes


def _describe_view(
    patient: Patient, name: str, options: Mapping[str, Any]
) -> Description | None:
    """Size, spacing and display of what is used; None where it cannot be read."""
    try:
        found = _read_view(patient, name, options)
    except CaseError:
        return None
    # No two radiographs have the same size: hundreds can be counted.
    size = " x ".join(str(max(100, round(n, -2))) for n in found.image.shape)
    spacing = "unknown" if found.spacing_mm is None else f"{found.spacing_mm:.1f} mm"
    return f"about {size}", spacing, found.display


def _read_view(patient: Patient, name: str, options: Mapping[str, Any]) -> Radiograph:
    window, modalities = options["window"], options["modalities"]
    return read_view(patient, name, window=window, modalities=modalities)


def _find_faults(patient: Patient, kind: str, options: Mapping[str, Any]) -> list[str]:
    """What is wrong with each file of a patient, taken alone."""
    who = patient.patient_id
    readers: list[tuple[Path, Callable[[], Any]]] = []
    for name, path in patient.images.items():
        read = partial(read_volume, path, patient_id=who)
        view = partial(_read_view, patient, name, options)
        readers.append((path, read if kind == "mri" else view))
    for path in dict.fromkeys(patient.rvoi.values()):
        readers.append((path, partial(read_mask, path, patient_id=who)))
    faults = []
    for path, read_file in readers:
        # A missing file is a problem of the table, which has named it already.
        if not path.is_file():
            continue
        try:
            read_file()
        except CaseError as error:
            faults.append(str(error))
    return faults
