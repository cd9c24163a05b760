"""Valid files of every kind that the product reads, made anew, the same every time."""

import gzip
import io
import tempfile
from pathlib import Path
from typing import Any

import gdcm
import nibabel as nib
import numpy as np
import pydicom
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from negspa_jax.data.patient import Patient
from negspa_jax.data.rvoi import Clicks
from tests.data.dicom_files import RAMP, as_sequence, make_elements, make_table
from tests.data.synthetic import make_affine

SHAPE = (24, 8, 20)
AFFINE = make_affine(SHAPE, (8.0, 5.0, 8.0), "LPS")
BYTES = (RAMP // 16).astype(np.uint8)
COLOURS = np.stack([BYTES, BYTES.T, 255 - BYTES], axis=-1)
CORNERS = ((4.0, 4.0), (19.0, 4.0), (19.0, 15.0), (4.0, 15.0))


def _encode_nifti(data: np.ndarray, *, kind=nib.Nifti1Image, big=False) -> bytes:
    header = kind.header_class(endianness=">" if big else "<")
    header.set_data_dtype(data.dtype)
    image = kind(data, AFFINE, header)
    image.set_sform(AFFINE, code=1)
    image.set_qform(AFFINE, code=1)
    return image.to_bytes()


def make_images() -> list[bytes]:
    """Images: plain and zipped, both versions and byte orders, several types."""
    grey = np.random.default_rng(0).integers(0, 900, SHAPE)
    plain = [
        _encode_nifti(grey.astype("int16")),
        _encode_nifti(grey.astype("float32"), big=True),
        _encode_nifti(grey.astype("uint16"), kind=nib.Nifti2Image),
        _encode_nifti(grey.astype("float64"), kind=nib.Nifti2Image, big=True),
        _encode_nifti((grey % 256).astype("uint8")),
    ]
    return [*plain, *(gzip.compress(file, 6, mtime=0) for file in plain[:3])]


def make_masks() -> list[bytes]:
    """Label volumes of a box with joint."""
    box = np.zeros(SHAPE, "uint8")
    box[4:20, 2:6, 4:16] = 1
    plain = [_encode_nifti(box), _encode_nifti(box.astype("float32"), big=True)]
    plain.append(_encode_nifti((box * 3).astype("int16"), kind=nib.Nifti2Image))
    return [*plain, *(gzip.compress(file, 6, mtime=0) for file in plain)]


def encode_dicom(elements: pydicom.Dataset) -> bytes:
    """The elements as a file's bytes, the same every time."""
    uid = UID("1.2.3")
    elements.SOPInstanceUID = elements.file_meta.MediaStorageSOPInstanceUID = uid
    stream = io.BytesIO()
    elements.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _compress(frame: bytes, syntax: UID, pixels: np.ndarray, **elements) -> bytes:
    made = make_elements(pixels, **elements)
    made.file_meta.TransferSyntaxUID = syntax
    made.PixelData = encapsulate([frame])
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    return encode_dicom(made)


def encode_image(pixels: np.ndarray, kind: str, **options) -> bytes:
    """Pixels as Pillow saves them."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def make_dicoms() -> list[bytes]:
    """DICOM: byte orders, windows, tables, colours, and what is decoded in-process."""
    table = as_sequence(make_table(np.arange(4096) * 16))
    plain: list[dict[str, Any]] = [
        {"WindowCenter": [2000, 900], "WindowWidth": [3000, 50]},
        {"RescaleSlope": "0.5", "RescaleIntercept": "-1024"},
        {"PixelSpacing": ["0.2", "0.4"], "PixelPaddingValue": 0},
        {"VOILUTSequence": table},
        {"ModalityLUTSequence": table},
    ]
    files = [make_elements(RAMP, BitsStored=12, **more) for more in plain]
    files.append(make_elements(RAMP.astype("int16") - 2000))
    little, big = ImplicitVRLittleEndian, ExplicitVRBigEndian
    for syntax in (little, big, DeflatedExplicitVRLittleEndian):
        files.append(make_elements(RAMP, syntax=syntax, WindowCenter=9, WindowWidth=9))
    files += [make_elements(COLOURS), _add_palette(make_elements(BYTES))]
    run_lengths = make_elements(RAMP, PhotometricInterpretation="MONOCHROME1")
    run_lengths.compress(RLELossless)
    done = [encode_dicom(elements) for elements in (*files, run_lengths)]
    for pixels in (BYTES, COLOURS):
        done.append(_compress(encode_image(pixels, "JPEG"), JPEGBaseline8Bit, pixels))
    jpeg_2000 = encode_image(BYTES, "JPEG2000")
    done.append(_compress(jpeg_2000, JPEG2000Lossless, BYTES))
    start = jpeg_2000.index(b"\xff\x4f\xff\x51")
    return [*done, _compress(jpeg_2000[start:], JPEG2000Lossless, BYTES)]


def _add_palette(elements: pydicom.Dataset) -> pydicom.Dataset:
    elements.PhotometricInterpretation = "PALETTE COLOR"
    for colour in ("Red", "Green", "Blue"):
        name = f"{colour}PaletteColorLookupTable"
        setattr(elements, f"{name}Descriptor", [256, 0, 16])
        elements[f"{name}Descriptor"].VR = "US"
        setattr(elements, f"{name}Data", (np.arange(256, dtype="<u2") * 257).tobytes())
        elements[f"{name}Data"].VR = "OW"
    return elements


def make_lossless() -> list[bytes]:
    """DICOM that GDCM alone reads, and writes."""
    plain = encode_dicom(make_elements(RAMP, BitsStored=16))
    kinds = {
        JPEGLosslessSV1: gdcm.TransferSyntax.JPEGLosslessProcess14_1,
        JPEGLSLossless: gdcm.TransferSyntax.JPEGLSLossless,
    }
    frames = {syntax: _encode_apart(plain, kind) for syntax, kind in kinds.items()}
    return [_compress(frame, syntax, RAMP) for syntax, frame in frames.items()]


def _encode_apart(plain: bytes, kind: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "a.dcm"), Path(folder, "b.dcm")
        source.write_bytes(plain)
        reader, change = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax()
        reader.SetFileName(str(source))
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(kind))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(out))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        found = pydicom.dcmread(out)
    return pydicom.encaps.get_frame(found.PixelData, 0, number_of_frames=1)


def make_exports() -> list[bytes]:
    """PNG and TIFF of 8 and 16 bits, grey, colour, palette, compressed."""
    sixteen = RAMP * 16
    files = [encode_image(pixels, "PNG") for pixels in (BYTES, sixteen, COLOURS)]
    files += [encode_image(pixels, "TIFF") for pixels in (BYTES, sixteen, COLOURS)]
    kinds = ("tiff_lzw", "tiff_adobe_deflate", "packbits")
    files += [encode_image(BYTES, "TIFF", compression=kind) for kind in kinds]
    files.append(encode_image(BYTES, "PNG", dpi=(100, 200)))
    palette = io.BytesIO()
    Image.fromarray(COLOURS).quantize(200).save(palette, "PNG")
    return [*files, palette.getvalue()]


def _table(*rows: str) -> bytes:
    return ("\n".join(rows) + "\n").encode()


def make_mri_tables() -> list[bytes]:
    """Cohort tables of MRI, with masks and with clicks."""
    first = "patient_id,split,label,t1w,fs,rvoi"
    sound = [
        f"P{i},train,{i % 2},t1w_{i}.nii.gz,fs_{i}.nii.gz,m.nii.gz" for i in (1, 2)
    ]
    many = f"{first},age,sex,erosion_right,reader:a,reader:b,reader_ai:a,site"
    wide = [f"{row},4{i},male,1,0,1,1,x" for i, row in enumerate(sound)]
    clicks = "patient_id,split,label,t1w,fs,rvoi_corners,rvoi_first,rvoi_last,"
    clicks += "rvoi_sequence,rvoi_units,rvoi_index_base,rvoi_axis"
    corners = '"4,4; 19,4; 19,15; 4,15",3,5,t1w,voxel,1,j'
    clicked = [
        f"P{i},{split},{label},t1w_{i}.nii.gz,fs_{i}.nii.gz,{corners}"
        for i, split, label in ((1, "train", "1"), (2, "external", ""))
    ]
    return [_table(first, *sound), _table(many, *wide), _table(clicks, *clicked)]


def make_radiograph_tables() -> list[bytes]:
    """Cohort tables of radiographs, with crop boxes, grades and readers."""
    one = "patient_id,split,pelvis,crop,grade_right,grade_left"
    two = "patient_id,split,pelvis,reader:a,reader:b,reader:c"
    three = "patient_id;split;label;pelvis"
    return [
        _table(one, 'P1,train,p_1.dcm,"0,0,9,9",3,1', "P2,test,p_2.dcm,,2.0,2.0"),
        _table(two, "P1,train,p_1.dcm,1,1,", "P2,test,p_2.dcm,0,1,1"),
        _table(three, "P1;train;1;p_1.dcm", "P2;test;0;p_2.dcm"),
    ]


def make_predictions() -> list[bytes]:
    """Predictions tables: sides, folds, extra columns, and the least of all."""
    full = "patient_id,split,label,fold,side,score,age"
    rows = [
        f"P{i},internal,{i % 2},{fold},{side},0.{i}5,4{i}"
        for i in (1, 2)
        for fold in (0, 1, "mean")
        for side in ("left", "right", "both")
    ]
    return [
        _table(full, *rows),
        _table("patient_id,label,score", "P1,1,0.75", "P2,0,0.25"),
        _table("patient_id;label;score", "P1;1.0;0,75", "P2;;0,25"),
    ]


def write_neighbours(folder: Path) -> None:
    """Write what the tables name, and one sound image and mask."""
    image, mask = make_images()[5], make_masks()[3]
    for number in (1, 2):
        for name in ("t1w", "fs"):
            (folder / f"{name}_{number}.nii.gz").write_bytes(image)
        (folder / f"p_{number}.dcm").write_bytes(make_dicoms()[0])
    (folder / "m.nii.gz").write_bytes(mask)


def make_mri(folder: Path, **changed: Path) -> Patient:
    """A patient of two sequences whose files are sound but for those `changed`.

    Args:
      folder: of the files.
      changed: `t1w` or `rvoi` is another file; `clicked` is clicked on, too.
    """
    images = {"t1w": folder / "t1w_1.nii.gz", "fs": folder / "fs_1.nii.gz"}
    if clicked := changed.get("clicked"):
        clicks = Clicks(clicked, CORNERS, first=2, last=5, through="j")
        return Patient("17", "train", 1, {**images, "t1w": clicked}, clicks=clicks)
    images["t1w"] = changed.get("t1w", images["t1w"])
    mask = changed.get("rvoi", folder / "m.nii.gz")
    return Patient("17", "train", 1, images, dict.fromkeys(images, mask))
