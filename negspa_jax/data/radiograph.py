"""A radiograph from DICOM, PNG or TIFF as a radiologist sees it, in [0, 1].

In this order: stored values, foreign bits masked -> modality values (rescale) ->
crop box -> [0, 1] by the file's window or table, else by percentiles 0.5-99.5 ->
inverted once if the lowest value is the brightest -> square pixels.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from negspa_jax.data.dicom_file import MAX_FILE_BYTES
from negspa_jax.data.errors import RefusedError, blame
from negspa_jax.data.radiograph_dicom import RADIOGRAPHS, read_dicom
from negspa_jax.data.radiograph_export import read_export
from negspa_jax.data.radiograph_grey import Crop, Picture, make_square, show_grey
from negspa_jax.shapes import Float

_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Without a preamble, DICOM begins with group 0008 in either byte order.
_BARE_DICOM = (b"\x08\x00", b"\x00\x08")


@dataclass(frozen=True, eq=False)
class Radiograph:
    """An image in [0, 1], higher = brighter, square pixels; its file.

    Args:
      image: rows from top to bottom, columns from left to right.
      spacing_mm: a pixel's side: as calibrated in the patient if the file says so,
        else at the detector or on the film; None where unknown.
      display: "window", "table" or "percentiles", by which [0, 1] was reached.
      path: the file.
      warnings: what is doubtful, one remark each, without anything of the patient.
      body_part: which the file says it shows, where it is one of DICOM's; else "".
    """

    image: Float[np.ndarray, "h w"]
    spacing_mm: float | None
    display: str
    path: Path
    warnings: tuple[str, ...] = ()
    body_part: str = ""


def read_radiograph(
    path: str | Path,
    *,
    patient_id: str = "",
    window: int | str | None = 0,
    crop: Crop | None = None,
    modalities: Collection[str] | None = RADIOGRAPHS,
) -> Radiograph:
    """Read one radiograph of any depth, sign, polarity and colour.

    Args:
      path: a DICOM, PNG or TIFF file, told apart by content.
      patient_id: whose it is, for the message if it is refused.
      window: which of a DICOM file's VOI tables and windows to show it by, in this
        order: its number from 0, or its explanation's text; None for percentiles.
        A file without any is shown by percentiles where `window` is 0.
      crop: (top, left, bottom, right) in the file's own pixels, the last two
        exclusive; percentiles are taken inside.
      modalities: DICOM modalities to accept; None for any. A file without modality
        is accepted with a warning.

    Returns:
      The image; whatever is doubtful about it stands in `warnings`.

    Raises:
      CaseError: the file is missing, damaged, truncated, too large, no single image
        of these modalities, or shows one grey value only.
    """
    with blame(patient_id, path):
        picture = _read_picture(Path(path), window=window, modalities=modalities)
        shown = show_grey(picture, crop)
        image, side = make_square(shown, picture.sides)
    return Radiograph(
        image=image,
        spacing_mm=side if picture.in_mm else None,
        display=picture.kind,
        path=Path(path),
        warnings=tuple(picture.warnings),
        body_part=picture.body_part,
    )


def _read_picture(
    path: Path, *, window: int | str | None, modalities: Collection[str] | None
) -> Picture:
    """Read by what the first bytes say, whatever the name says."""
    start = _read_start(path)
    # DICOM first: its free 128 bytes may make a file readable as TIFF, too.
    has_preamble = start[128:] == b"DICM"
    if not has_preamble and start.startswith((_PNG, *_TIFF)):
        return read_export(path)
    if not has_preamble and not start.startswith(_BARE_DICOM):
        raise RefusedError(
            f"must be a DICOM, PNG or TIFF file, but is none{_explain(path, start)}"
        )
    return read_dicom(
        path, window=window, modalities=modalities, has_preamble=has_preamble
    )


def _explain(path: Path, start: bytes) -> str:
    """What a file is instead, where that is plain."""
    if path.name.lower().endswith((".nii", ".nii.gz")):
        return " (NIfTI holds MRI: --config.data.kind=mri)"
    return " (it is gzip: unpack it)" if start.startswith(b"\x1f\x8b") else ""


def _read_start(path: Path) -> bytes:
    try:
        if not path.exists():
            raise RefusedError("must exist, but there is no such file")
        if not path.is_file():
            raise RefusedError("must be a file, got a directory or a device")
        if (size := path.stat().st_size) > MAX_FILE_BYTES:
            reason = f"must have at most {MAX_FILE_BYTES:,} bytes, got {size:,}"
            raise RefusedError(reason)
        with path.open("rb") as file:
            return file.read(132)
    except OSError as error:
        raise RefusedError(f"cannot be read ({error.strerror or error})") from None
