"""Small DICOM files made to measure: any depth, sign, polarity, syntax, and damage."""

from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    generate_uid,
)

RAMP = np.arange(256, dtype=np.uint16).reshape(16, 16) * 16


def make_elements(
    pixels: np.ndarray, *, syntax: UID = ExplicitVRLittleEndian, **elements: Any
) -> Dataset:
    """One image of `pixels` (grey "h w", RGB "h w 3"), with elements set or removed.

    Args:
      pixels: stored values, as they shall stand in the file.
      syntax: an uncompressed transfer syntax.
      elements: values by keyword; None removes what is set by default.
    """
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    made.SOPClassUID = ComputedRadiographyImageStorage
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    made.Modality = "CR"
    made.Rows, made.Columns = pixels.shape[:2]
    made.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    made.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    if pixels.ndim == 3:
        made.PlanarConfiguration = 0
    made.BitsAllocated = made.BitsStored = 8 * pixels.itemsize
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    content = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    made.PixelData = content + b"\0" * (len(content) % 2)
    made["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"
    for keyword, value in elements.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    if "HighBit" not in elements and isinstance(made.get("BitsStored"), int):
        made.HighBit = made.BitsStored - 1
    return made


def write_dicom(path: Path, pixels: np.ndarray = RAMP, **elements: Any) -> Path:
    """Write what `make_elements` makes."""
    make_elements(pixels, **elements).save_as(path, enforce_file_format=True)
    return path


def make_table(entries: np.ndarray, *, first: int = 0, bits: int = 16) -> Dataset:
    """One item of a modality or VOI LUT sequence."""
    item = Dataset()
    item.LUTDescriptor = [entries.size % 2**16, first, bits]
    item["LUTDescriptor"].VR = "SS" if first < 0 else "US"
    item.ModalityLUTType = "US"
    item.LUTData = entries.astype("<u2").tobytes()
    item["LUTData"].VR = "OW"
    return item


def as_sequence(*items: Dataset) -> Sequence:
    """The items as a sequence element's value."""
    return Sequence(items)
