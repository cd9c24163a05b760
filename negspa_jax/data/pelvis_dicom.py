"""A synthetic radiograph as a DICOM file, in the many ways that archives hold them.

Elements as in the CR and DX image objects of PS3.3 (A.2, A.26); a DX image is unsigned,
has a window, and no rescale but 1 and 0. Every file says in its patient's name and in
its comments that it is synthetic. Dates are fixed and identifiers hashes, so that the
same patient makes the same bytes.
"""

import io
import uuid
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from negspa_jax.data.pelvis_outlines import Field
from negspa_jax.shapes import Shaped

BITS = (8, 10, 12, 14, 16)
_DATE, _TIME = "20000101", "120000"
_STATEMENT = "SYNTHETIC IMAGE: drawn by a computer program, shows no person"


@dataclass(frozen=True)
class Storage:
    """How one image is stored.

    Args:
      modality: "CR" or "DX".
      bits: stored, one of `BITS`.
      inverted: MONOCHROME1, the lowest value is shown brightest.
      signed: two's complement.
      slope, intercept: stored to modality values; None where the file says nothing.
      has_window: whether a window goes with it; 8 bits are already windowed.
      room: share of the stored range below and above the image's values.
      implicit: Implicit VR instead of Explicit VR, both little endian.
    """

    modality: str
    bits: int
    inverted: bool
    signed: bool
    slope: float | None
    intercept: float | None
    has_window: bool
    room: tuple[float, float]
    implicit: bool


def draw_storage(key: np.random.Generator) -> Storage:
    """Draw a way of storing that the standard allows."""
    modality = "CR" if key.random() < 0.5 else "DX"
    bits = int(key.choice(BITS))
    inverted = bool(key.random() < 0.4)
    signed = modality == "CR" and bits > 8 and bool(key.random() < 0.4)
    scaled = modality == "CR" and bool(key.random() < 0.5)
    slope = float(key.choice((0.25, 0.5, 1.0, 2.0)))
    intercept = float(key.choice((-1024.0, -200.0, 0.0, 100.0)))
    return Storage(
        modality=modality,
        bits=bits,
        inverted=inverted,
        signed=signed,
        slope=slope if scaled else 1.0 if modality == "DX" else None,
        intercept=intercept if scaled else 0.0 if modality == "DX" else None,
        has_window=bool(key.random() < 0.4) or modality == "DX",
        room=(key.uniform(0, 0.2), key.uniform(0, 0.3)) if bits > 8 else (0.0, 0.0),
        implicit=bool(key.random() < 0.2),
    )


def encode_values(
    signal: Field, storage: Storage
) -> tuple[Shaped[np.ndarray, "h w"], tuple[float, float]]:
    """A signal (high = bone) as stored values, and the window to show it by.

    Returns:
      Stored values of 8 or 16 bits; centre and width in modality values.
    """
    low, high = np.percentile(signal[::3, ::3], (1.0, 99.0))
    bottom, top = (low, high) if storage.bits == 8 else (signal.min(), signal.max())
    largest = 2**storage.bits - 1
    start = storage.room[0] * largest
    scale = (largest * (1 - storage.room[1]) - start) / max(top - bottom, 1e-6)
    flip = -1.0 if storage.inverted else 1.0
    shift = start - scale * (-top if storage.inverted else bottom)
    offset = shift - (2 ** (storage.bits - 1) if storage.signed else 0)
    stored = np.float32(flip * scale) * signal + np.float32(offset)
    lowest = -(2 ** (storage.bits - 1)) if storage.signed else 0
    stored = np.clip(np.rint(stored), lowest, lowest + largest)
    ends = sorted(flip * scale * np.array((low, high)) + offset)
    slope, intercept = storage.slope or 1.0, storage.intercept or 0.0
    first, last = (slope * end + intercept for end in ends)
    # So that C.11.2.1.2's line, (x - c + 1/2) / (w - 1) + 1/2, runs from first to last.
    center, width = (first + last + 1) / 2, last - first + 1
    window = round(float(center), 2), round(float(width), 2)
    kind = "i" if storage.signed else "u"
    return stored.astype(f"<{kind}{1 if storage.bits == 8 else 2}"), window


def make_uid(*words: object) -> UID:
    """An identifier under 2.25 from words: the same words, the same identifier."""
    name = "negspa_jax " + " ".join(map(str, words))
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, name).int}")


def encode_dicom(
    signal: Field,
    storage: Storage,
    *,
    spacing_mm: tuple[float, float],
    patient_id: str,
    seed: int,
    age: float,
    sex: str,
) -> bytes:
    """One radiograph as a DICOM file's bytes.

    Args:
      signal: the detector's, high = bone.
      storage: how to store it.
      spacing_mm: height and width of a pixel at the detector.
      patient_id, seed: of the synthetic patient; identifiers follow from them.
      age: years; sex: "male" or "female".
    """
    stored, window = encode_values(signal, storage)
    image = Dataset()
    identify(image, patient_id, seed, age=age, sex=sex)
    describe_image(image, storage, spacing_mm)
    store_pixels(image, stored, storage)
    if storage.has_window:
        image.WindowCenter, image.WindowWidth = window
    write_meta(image, storage)
    buffer = io.BytesIO()
    image.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def identify(
    image: Dataset, patient_id: str, seed: int, *, age: float, sex: str
) -> None:
    """Patient, study, series and instance: all of them obviously made up."""
    image.PatientName = f"SYNTHETIC^{patient_id}"
    image.PatientID = patient_id
    image.PatientBirthDate = ""
    image.PatientSex = "M" if sex == "male" else "F"
    image.PatientAge = f"{int(age):03d}Y"
    image.PatientComments = image.ImageComments = _STATEMENT
    image.StudyDate = image.SeriesDate = image.ContentDate = _DATE
    image.StudyTime = image.SeriesTime = image.ContentTime = _TIME
    image.AcquisitionDate, image.AcquisitionTime = _DATE, _TIME
    image.AccessionNumber = image.ReferringPhysicianName = image.StudyID = ""
    image.StudyDescription = "SYNTHETIC PELVIS AP"
    image.Manufacturer, image.InstitutionName = "SYNTHETIC", "SYNTHETIC"
    image.StudyInstanceUID = make_uid(seed, patient_id, "study")
    image.SeriesInstanceUID = make_uid(seed, patient_id, "series")
    image.SOPInstanceUID = make_uid(seed, patient_id, "image")
    image.SeriesNumber, image.InstanceNumber = "1", "1"


def describe_image(
    image: Dataset, storage: Storage, spacing_mm: tuple[float, float]
) -> None:
    """Modality, body part and view, grey scale."""
    image.Modality = storage.modality
    image.BodyPartExamined, image.ViewPosition = "PELVIS", "AP"
    image.PatientOrientation = ["L", "F"]
    image.ImageType = ["ORIGINAL", "PRIMARY"]
    image.ImagerPixelSpacing = [round(side, 5) for side in spacing_mm]
    if storage.slope is not None:
        image.RescaleSlope, image.RescaleIntercept = storage.slope, storage.intercept
        image.RescaleType = "US"
    if storage.modality == "CR":
        image.SOPClassUID = ComputedRadiographyImageStorage
        return
    image.SOPClassUID = DigitalXRayImageStorageForPresentation
    image.PresentationIntentType = "FOR PRESENTATION"
    image.PresentationLUTShape = "INVERSE" if storage.inverted else "IDENTITY"
    image.PixelIntensityRelationship = "LOG"
    image.PixelIntensityRelationshipSign = 1 if storage.inverted else -1
    image.ImageLaterality, image.BurnedInAnnotation = "U", "NO"
    image.LossyImageCompression = "00"
    image.DetectorType, image.PositionerType = "SCINTILLATOR", "NONE"
    image.AnatomicRegionSequence = [make_code("12921003", "Pelvis")]
    view = make_code("399348003", "antero-posterior")
    view.ViewModifierCodeSequence = []
    image.ViewCodeSequence = [view]


def make_code(value: str, meaning: str) -> Dataset:
    """A code of SNOMED CT."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = value, "SCT"
    code.CodeMeaning = meaning
    return code


def store_pixels(
    image: Dataset, stored: Shaped[np.ndarray, "h w"], storage: Storage
) -> None:
    """Matrix, bits and the values themselves."""
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = (
        "MONOCHROME1" if storage.inverted else "MONOCHROME2"
    )
    image.Rows, image.Columns = stored.shape
    image.BitsAllocated = 8 * stored.itemsize
    image.BitsStored, image.HighBit = storage.bits, storage.bits - 1
    image.PixelRepresentation = int(storage.signed)
    content = stored.tobytes()
    image.PixelData = content + b"\0" * (len(content) % 2)
    image["PixelData"].VR = "OB" if stored.itemsize == 1 else "OW"


def write_meta(image: Dataset, storage: Storage) -> None:
    """The file's own header, the same whichever version of pydicom writes it."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = image.SOPClassUID
    meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    meta.TransferSyntaxUID = (
        ImplicitVRLittleEndian if storage.implicit else ExplicitVRLittleEndian
    )
    meta.ImplementationClassUID = make_uid("implementation")
    meta.ImplementationVersionName = "NEGSPA_JAX"
    image.file_meta = meta
