"""What opening a patient's files shows: images, how they are stored, what is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib

from negspa_jax.data.contact_sheet import Contact, shrink_images
from negspa_jax.data.crops import Crops, crop_patient
from negspa_jax.data.errors import CaseError
from negspa_jax.data.nifti import read_grid
from negspa_jax.data.patient import Patient
from negspa_jax.data.radiograph import Radiograph
from negspa_jax.data.views import read_view, square_views
from negspa_jax.data.volume import measure_spacing, read_mask, read_volume

# Of the images that are looked at; their tiles are smaller still.
_RADIOGRAPH_SIZE = 224
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
      kind: a key of `kinds.KINDS`.
      options: keywords of the kind's `decode`, as in training.
    """
    open_files = _open_volumes if kind == "mri" else _open_radiographs
    usable = not faults and len(patient.images) == len(options["sequences"])
    opened = open_files(patient, options, usable=usable)
    images, planes = None, dict[str, str]()
    warnings: tuple[str, ...] = ()
    if opened.crops is not None:
        images = shrink_images(opened.crops.images)
        warnings, planes = opened.crops.warnings, opened.crops.planes
    reason = "; ".join((*faults, *opened.problems))
    contact = Contact(patient.patient_id, patient.split, patient.label, images, reason)
    return Finding(contact, opened.stored, planes, tuple(opened.problems), warnings)


class _Opened(NamedTuple):
    """How each file is stored, what is wrong with it; images where all can be used."""

    stored: dict[str, Description]
    problems: list[str]
    crops: Crops | None


def _open_volumes(
    patient: Patient, options: Mapping[str, Any], *, usable: bool
) -> _Opened:
    stored = {name: _describe_volume(path) for name, path in patient.images.items()}
    known = {name: words for name, words in stored.items() if words is not None}
    # Where no column has a region at all, the table's own problem says so.
    located = patient.clicks or len(patient.rvoi) == len(options["sequences"])
    if not (usable and located):
        return _Opened(known, _find_faults(patient), None)
    try:
        return _Opened(known, [], crop_patient(patient, **options))
    except CaseError as error:
        return _Opened(known, _find_faults(patient) or [str(error)], None)


def _open_radiographs(
    patient: Patient, options: Mapping[str, Any], *, usable: bool
) -> _Opened:
    how = {name: value for name, value in options.items() if name != "sequences"}
    found, problems = {}, []
    for name in _existing(patient.images):
        try:
            found[name] = read_view(patient, name, **how)
        except CaseError as error:
            problems.append(str(error))
    stored = {name: _describe_view(radiograph) for name, radiograph in found.items()}
    if problems or not usable:
        return _Opened(stored, problems, None)
    who = patient.patient_id
    crops = square_views(found, patient_id=who, image_size=_RADIOGRAPH_SIZE)
    return _Opened(stored, [], crops)


def _describe_volume(path: Path) -> Description | None:
    """Shape, spacing and orientation; None where it cannot be read."""
    try:
        shape, affine = read_grid(path)
    except ValueError:
        return None
    spacing = " x ".join(f"{size:.3g}" for size in measure_spacing(affine))
    axes = "".join(nib.aff2axcodes(affine))
    return " x ".join(map(str, shape)), f"{spacing} mm", axes


def _describe_view(radiograph: Radiograph) -> Description:
    """Size, spacing and display of what is used."""
    # No two radiographs have the same size: hundreds can be counted.
    size = " x ".join(str(max(100, round(n, -2))) for n in radiograph.image.shape)
    side = radiograph.spacing_mm
    spacing = "unknown" if side is None else f"{side:.1f} mm"
    return f"about {size}", spacing, radiograph.display


def _find_faults(patient: Patient) -> list[str]:
    """What is wrong with each volume and mask of a patient, taken alone."""
    faults = []
    files: list[tuple[Path, Callable[..., Any]]] = []
    files += [(path, read_volume) for path in _existing(patient.images).values()]
    masks = dict.fromkeys(_existing(patient.rvoi).values())
    files += [(path, read_mask) for path in masks]
    for path, read in files:
        try:
            read(path, patient_id=patient.patient_id)
        except CaseError as error:
            faults.append(str(error))
    return faults


def _existing(files: Mapping[str, Path]) -> dict[str, Path]:
    """The files that are there: a missing one the table's problems have named."""
    return {name: path for name, path in files.items() if path.is_file()}
