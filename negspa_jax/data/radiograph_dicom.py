"""A radiograph in DICOM (CR, DX, secondary capture): elements, pixels, display."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pydicom

from negspa_jax.data.dicom_display import (
    apply_palette,
    find_padding,
    is_inverted,
    rescale,
    to_grey,
)
from negspa_jax.data.dicom_file import read_elements, read_pair, read_word
from negspa_jax.data.dicom_pixels import GREYS, read_layout, read_stored
from negspa_jax.data.dicom_voi import choose_display
from negspa_jax.data.errors import RefusedError
from negspa_jax.data.radiograph_grey import Picture
from negspa_jax.data.radiograph_silence import read_silently

# Computed and digital radiography, digitised film, and what secondary captures say.
RADIOGRAPHS = ("CR", "DX", "RG", "OT")

_OTHERS = {
    "AU": "audio",
    "BI": "biomagnetic imaging",
    "CT": "computed tomography",
    "DOC": "a document",
    "ECG": "an electrocardiogram",
    "ES": "endoscopy",
    "IO": "an intra-oral radiograph",
    "KO": "a selection of key objects",
    "MG": "mammography",
    "MR": "magnetic resonance",
    "NM": "nuclear medicine",
    "PR": "a presentation state",
    "PT": "positron emission tomography",
    "PX": "a panoramic radiograph",
    "REG": "a registration",
    "RF": "fluoroscopy",
    "RTDOSE": "a radiotherapy dose",
    "RTIMAGE": "a radiotherapy image",
    "RTPLAN": "a radiotherapy plan",
    "RTSTRUCT": "radiotherapy structures",
    "SEG": "a segmentation",
    "SM": "slide microscopy",
    "SR": "a structured report",
    "US": "ultrasound",
    "XA": "angiography",
    "XC": "photography",
}
# Of PS3.16 annex L, what is often X-rayed: any other text may be of the patient.
_BODY_PARTS = {
    *("ABDOMEN", "ANKLE", "ARM", "CHEST", "CLAVICLE", "COCCYX", "CSPINE", "ELBOW"),
    *("EXTREMITY", "FEMUR", "FOOT", "HAND", "HIP", "JAW", "KNEE", "LEG", "LSPINE"),
    *("LUMBOSACRALSPINE", "PELVIS", "PELVISHIP", "SACROILIACJOINT", "SACRUM", "SKULL"),
    *("SHOULDER", "SPINE", "SSPINE", "TLSPINE", "TSPINE", "WHOLEBODY", "WRIST"),
}
_DAMAGED = (
    "must be an undamaged DICOM file, but its elements make no sense: copy it again "
    "from its source"
)


def read_dicom(
    path: Path,
    *,
    window: int | str | None,
    modalities: Collection[str] | None,
    has_preamble: bool,
) -> Picture:
    """Read one DICOM image; nothing that identifies the patient is even parsed.

    Args:
      path: the file.
      window: the window or table to show it by, see `read_radiograph`.
      modalities: those to accept; None for any.
      has_preamble: whether "DICM" stands where it should.

    Raises:
      RefusedError: it is no single image of these modalities, or damaged.
    """

    def read() -> Picture:
        elements = read_elements(path, has_preamble=has_preamble)
        return _read_picture(elements, path, window=window, modalities=modalities)

    picture, num_warnings = read_silently(read, damaged=_DAMAGED)
    if not has_preamble:
        picture.warnings.append("has no DICOM preamble: its encoding was deduced")
    if num_warnings:
        remark = f"breaks DICOM's rules: pydicom's warnings number {num_warnings}"
        picture.warnings.append(remark)
    return picture


def _read_picture(
    elements: pydicom.Dataset,
    path: Path,
    *,
    window: int | str | None,
    modalities: Collection[str] | None,
) -> Picture:
    warnings = _check_modality(elements, modalities)
    layout = read_layout(elements)
    stored = read_stored(elements, layout, path)
    sides, in_mm = _find_sides(elements, warnings)
    part = read_word(elements, "BodyPartExamined")
    common: dict[str, Any] = {
        "inverted": is_inverted(elements),
        "sides": sides,
        "in_mm": in_mm,
        "warnings": warnings,
        # What stands there is passed on only where it is one of DICOM's own codes.
        "body_part": part if part in _BODY_PARTS else "",
    }
    if layout.photometric not in GREYS:
        palette = layout.samples == 1
        grey = apply_palette(elements, stored) if palette else to_grey(stored)
        # Windows are for grey values alone (PS3.3 C.11.2.1.2).
        return Picture(grey, **common)
    display = choose_display(elements, window=window)
    return Picture(
        rescale(elements, stored),
        show=display.show if display else None,
        kind=display.kind if display else "percentiles",
        padding=find_padding(elements, stored),
        **common,
    )


def _check_modality(
    elements: pydicom.Dataset, modalities: Collection[str] | None
) -> list[str]:
    """Refuse other modalities; return what else is doubtful about the image's kind."""
    modality, warnings = read_word(elements, "Modality"), []
    if not modality:
        warnings.append("says nothing of its modality: make sure it is a radiograph")
    elif modalities is not None and modality not in modalities:
        # What stands there is quoted only where it is one of DICOM's own codes.
        known = modality in _OTHERS or modality in RADIOGRAPHS
        got = f"{modality} ({_OTHERS.get(modality, 'radiography')})" if known else ""
        wanted = f"must have a modality of {', '.join(modalities)}, got "
        raise RefusedError(wanted + (got or "another"))
    if read_word(elements, "PresentationIntentType") == "FOR PROCESSING":
        warnings.append("holds a detector's raw values (FOR PROCESSING), not a picture")
    if read_word(elements, "BurnedInAnnotation") == "YES":
        warnings.append("says that text is burned into its pixels: look for names")
    return warnings


def _find_sides(
    elements: pydicom.Dataset, warnings: list[str]
) -> tuple[tuple[float, float], bool]:
    """Height and width of a pixel, in mm where known: calibrated, detector, film."""
    keywords = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
    for keyword in keywords:
        if sides := read_pair(elements, keyword):
            return sides, True
        if elements.get(keyword):
            warnings.append(f"has an unusable {keyword}: ignored")
    return read_pair(elements, "PixelAspectRatio") or (1.0, 1.0), False
