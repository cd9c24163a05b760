"""Every real file is shown right or refused with a sentence, as this table says.

Means were computed on 2026-11-22 by `show_by_pydicom` below (pydicom 3.0.2 with
python-gdcm 3.2.6 where data are compressed, other decoders than the reader's own
wherever there are two), which the test also runs anew, pixel by pixel.
"""

import warnings

import numpy as np
import pydicom
import pytest
from pydicom.pixels import (
    apply_color_lut,
    apply_modality_lut,
    apply_voi_lut,
    get_decoder,
    pixel_array,
)

from negspa_jax.data.errors import CaseError
from negspa_jax.data.radiograph import read_radiograph

PREFIX = "pydicom_test_files/"

# Modality that the default refuses ("" none), rows and columns, mean of [0, 1].
IMAGES = {
    "693_J2KI.dcm": ("CT", (512, 512), 0.1739),
    "CT_small.dcm": ("CT", (128, 128), 0.4505),
    "ExplVR_BigEnd.dcm": ("US", (60, 80), 0.6931),
    "GDCMJ2K_TextGBR.dcm": ("", (400, 400), 0.7955),
    "J2K_pixelrep_mismatch.dcm": ("CT", (512, 512), 0.2479),
    "JPEG2000.dcm": ("NM", (1024, 256), 0.1939),
    "JPEGLSNearLossless_08.dcm": ("", (45, 10), 0.2179),
    "JPEGLSNearLossless_16.dcm": ("", (50, 10), 0.1833),
    "MR_small.dcm": ("MR", (64, 64), 0.4434),
    "MR_small_RLE.dcm": ("MR", (64, 64), 0.4434),
    "MR_small_bigendian.dcm": ("MR", (64, 64), 0.4434),
    "MR_small_expb.dcm": ("MR", (64, 64), 0.4434),
    "MR_small_implicit.dcm": ("MR", (64, 64), 0.4434),
    "MR_small_jp2klossless.dcm": ("MR", (64, 64), 0.4434),
    "MR_small_jpeg_ls_lossless.dcm": ("MR", (64, 64), 0.4434),
    "MR_small_padded.dcm": ("MR", (64, 64), 0.4434),
    "SC_jpeg_no_color_transform.dcm": ("", (256, 256), 0.6717),
    "SC_jpeg_no_color_transform_2.dcm": ("", (256, 256), 0.9066),
    "SC_rgb_dcmtk_+eb+cr.dcm": ("", (100, 100), 0.5009),
    "SC_rgb_dcmtk_+eb+cy+n1.dcm": ("", (100, 100), 0.5005),
    "SC_rgb_dcmtk_+eb+cy+n2.dcm": ("", (100, 100), 0.5008),
    "SC_rgb_dcmtk_+eb+cy+np.dcm": ("", (100, 100), 0.5005),
    "SC_rgb_dcmtk_+eb+cy+s2.dcm": ("", (100, 100), 0.5008),
    "SC_rgb_dcmtk_+eb+cy+s4.dcm": ("", (100, 100), 0.5008),
    "SC_rgb_gdcm_KY.dcm": ("", (100, 100), 0.5008),
    "SC_rgb_jls_lossy_line.dcm": ("", (100, 100), 0.5020),
    "SC_rgb_jls_lossy_sample.dcm": ("", (100, 100), 0.5020),
    "SC_rgb_jpeg.dcm": ("", (256, 256), 0.6717),
    "SC_rgb_jpeg_app14_dcmd.dcm": ("", (256, 256), 0.9066),
    "SC_rgb_jpeg_dcmd.dcm": ("", (256, 256), 0.6717),
    "SC_rgb_jpeg_dcmtk.dcm": ("", (100, 100), 0.5008),
    "SC_rgb_jpeg_gdcm.dcm": ("", (100, 100), 0.5008),
    "SC_rgb_jpeg_lossy_gdcm.dcm": ("", (100, 100), 0.5001),
    "SC_rgb_rle.dcm": ("", (100, 100), 0.5008),
    "SC_rgb_rle_16bit.dcm": ("", (100, 100), 0.5008),
    "SC_rgb_rle_32bit.dcm": ("", (100, 100), 0.5008),
    "SC_rgb_small_odd.dcm": ("", (3, 3), 0.5703),
    "SC_rgb_small_odd_big_endian.dcm": ("", (3, 3), 0.5703),
    "SC_rgb_small_odd_jpeg.dcm": ("", (3, 3), 0.5705),
    "SC_ybr_full_422_uncompressed.dcm": ("", (100, 100), 0.5008),
    "dcm_qa_ts/In/1.dcm": ("MR", (384, 384), 0.1919),
    "dcm_qa_ts/In/2.dcm": ("MR", (384, 384), 0.1919),
    "dcm_qa_ts/In/3.dcm": ("MR", (384, 384), 0.1919),
    "dcm_qa_ts/In/4.dcm": ("MR", (384, 384), 0.1919),
    "dcm_qa_ts/In/5.dcm": ("MR", (384, 384), 0.1919),
    "dcm_qa_ts/In/6.dcm": ("MR", (384, 384), 0.1919),
    "dcm_qa_ts/In/7.dcm": ("MR", (384, 384), 0.1919),
    "dcm_qa_ts/In/8.dcm": ("MR", (384, 384), 0.1919),
    "dcm_qa_ts/In/9.dcm": ("MR", (384, 384), 0.1919),
    "examples_jpeg2k.dcm": ("US", (480, 640), 0.1396),
    "examples_overlay.dcm": ("MR", (300, 484), 0.1887),
    "examples_palette.dcm": ("US", (350, 800), 0.0764),
    "examples_rgb_color.dcm": ("US", (240, 320), 0.1516),
    "image_dfl.dcm": ("", (512, 512), 0.4985),
    "radiographs/RG2_J2KR": ("", (2140, 1760), 0.4412),
    "radiographs/RG2_JLSL": ("", (2140, 1760), 0.4412),
    "radiographs/RG3_J2KR": ("", (1760, 1760), 0.6961),
    "radiographs/RG3_JLSL": ("", (1760, 1760), 0.6961),
    "rtdose_1frame.dcm": ("RTDOSE", (10, 10), 0.4750),
    "rtdose_expb_1frame.dcm": ("RTDOSE", (10, 10), 0.4750),
    "rtdose_rle_1frame.dcm": ("RTDOSE", (10, 10), 0.4750),
}

NO_PIXELS = "it has no pixel data"
TWELVE_BITS = (
    "JPEG Extended (Process 2 and 4): it is damaged, or needs pylibjpeg-libjpeg"
)
NEITHER = "must be a DICOM, PNG or TIFF file, but is none"

# Words of the refusal where any modality is accepted.
REFUSED = {
    "ExplVR_BigEndNoMeta.dcm": NO_PIXELS,
    "ExplVR_LitEndNoMeta.dcm": NO_PIXELS,
    "JPEG-lossy.dcm": TWELVE_BITS,
    "JPEG2000-embedded-sequence-delimiter.dcm": "(1024, 3722445056, 1), got",
    "JPGExtended.dcm": TWELVE_BITS,
    "MR_truncated.dcm": "must hold 8,192 bytes of pixel data, got 8,130",
    "README.txt": NEITHER,
    "SC_rgb_rle_16bit_2frame.dcm": "must be one image, got 2 frames",
    "SC_rgb_rle_2frame.dcm": "must be one image, got 2 frames",
    "SC_rgb_rle_32bit_2frame.dcm": "must be one image, got 2 frames",
    "UN_sequence.dcm": NO_PIXELS,
    "badVR.dcm": "must have one finite number as NumberOfFrames, but it has not",
    "dcm_qa_ts/LICENSE": NEITHER,
    "dcm_qa_ts/README.md": NEITHER,
    "dcm_qa_ts/Ref/1.nii": NEITHER,
    "empty_charset_LEI.dcm": NO_PIXELS,
    "examples_ybr_color.dcm": "must be one image, got 30 frames",
    "liver_1frame.dcm": "must have 8, 16 or 32 bits allocated to a pixel, got 1",
    "liver_expb_1frame.dcm": "must have 8, 16 or 32 bits allocated to a pixel, got 1",
    "meta_missing_tsyntax.dcm": "must have a whole number as Rows, but it has not",
    "nested_priv_SQ.dcm": "must have a whole number as Rows, but it has not",
    "no_meta.dcm": NEITHER,
    "no_meta_group_length.dcm": NO_PIXELS,
    "priv_SQ.dcm": NO_PIXELS,
    "reportsi.dcm": NO_PIXELS,
    "reportsi_with_empty_number_tags.dcm": NO_PIXELS,
    "rtdose.dcm": "must be one image, got 15 frames",
    "rtdose_expb.dcm": "must be one image, got 15 frames",
    "rtdose_rle.dcm": "must be one image, got 15 frames",
    "rtplan.dcm": NO_PIXELS,
    "rtplan_truncated.dcm": NO_PIXELS,
    "rtstruct.dcm": NO_PIXELS,
    "test-SR.dcm": NO_PIXELS,
    "waveform_ecg.dcm": NO_PIXELS,
    "zipMR.gz": "must be a DICOM, PNG or TIFF file, but is none (it is gzip",
}


def list_files(shared):
    folder = shared / "data" / "dicom"
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix().removeprefix(PREFIX) for path in found}


def find(shared, name):
    folder = shared / "data" / "dicom"
    path = folder / PREFIX / name
    return path if path.is_file() else folder / name


def show_by_pydicom(path):
    """What pydicom and numpy alone make of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        elements = pydicom.dcmread(path)
        syntax = elements.file_meta.TransferSyntaxUID
        plugins = get_decoder(syntax).available_plugins if syntax.is_compressed else ()
        plugin = next((name for name in ("gdcm", "pydicom") if name in plugins), "")
        values = pixel_array(elements, decoding_plugin=plugin)
    if elements.PhotometricInterpretation == "PALETTE COLOR":
        values = apply_color_lut(values, elements)
    if values.ndim == 3:
        values = np.dot(values, [0.299, 0.587, 0.114])
    elif "WindowCenter" in elements:
        shown = apply_voi_lut(apply_modality_lut(values, elements), elements)
        width = 2.0**elements.BitsStored - 1
        start = (
            -(2.0 ** (elements.BitsStored - 1)) if elements.PixelRepresentation else 0
        )
        start += elements.get("RescaleIntercept", 0)
        shown = (shown - start) / width
        inverted = elements.PhotometricInterpretation == "MONOCHROME1"
        return 1 - shown if inverted else shown
    ordered = np.sort(values.astype(np.float64), axis=None)
    places = np.array([0.005, 0.995]) * (ordered.size - 1)
    low, high = np.interp(places, np.arange(ordered.size), ordered)
    return np.clip((values - low) / (high - low), 0, 1)


def refuse(path, **options) -> str:
    with pytest.raises(CaseError) as caught:
        read_radiograph(path, **options)
    message = str(caught.value)
    assert message.startswith(f"file {path}: must ")
    assert "\n" not in message
    return caught.value.reason


def test_the_table_names_every_file(shared):
    assert set(IMAGES) | set(REFUSED) == list_files(shared)
    assert not set(IMAGES) & set(REFUSED)


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_what_an_independent_path_makes_of_it(shared, name):
    path = find(shared, name)
    refused_as, shape, mean = IMAGES[name]
    got = read_radiograph(path, modalities=None)
    assert got.image.shape == shape
    assert got.image.mean() == pytest.approx(mean, abs=2e-4)
    np.testing.assert_allclose(got.image, show_by_pydicom(path), atol=1e-5)
    if refused_as:
        assert f"got {refused_as} (" in refuse(path)
    else:
        np.testing.assert_array_equal(read_radiograph(path).image, got.image)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_image_is_refused(shared, name):
    path = find(shared, name)
    assert REFUSED[name] in refuse(path, modalities=None)
    assert refuse(path)


LOSSLESS = [
    [f"dcm_qa_ts/In/{number}.dcm" for number in range(1, 10)],
    ["radiographs/RG2_J2KR", "radiographs/RG2_JLSL"],
    ["radiographs/RG3_J2KR", "radiographs/RG3_JLSL"],
    [name for name in IMAGES if name.startswith("MR_small")],
    ["SC_rgb_rle.dcm", "SC_rgb_jpeg_gdcm.dcm"],
    ["SC_rgb_small_odd.dcm", "SC_rgb_small_odd_big_endian.dcm"],
    [name for name in IMAGES if name.startswith("rtdose")],
]


@pytest.mark.parametrize("names", LOSSLESS, ids=lambda names: names[0])
def test_lossless_syntaxes_of_one_image_are_equal_bit_for_bit(shared, names):
    images = [
        read_radiograph(find(shared, name), modalities=None).image for name in names
    ]
    for image in images[1:]:
        np.testing.assert_array_equal(image, images[0])


# The largest difference of a pixel from the lossless original, of white; measured.
LOSSY = {
    "SC_rgb_dcmtk_+eb+cr.dcm": 0.02,
    "SC_rgb_dcmtk_+eb+cy+n1.dcm": 0.04,
    "SC_rgb_dcmtk_+eb+cy+n2.dcm": 0.02,
    "SC_rgb_dcmtk_+eb+cy+np.dcm": 0.04,
    "SC_rgb_dcmtk_+eb+cy+s2.dcm": 0.02,
    "SC_rgb_dcmtk_+eb+cy+s4.dcm": 0.02,
    "SC_rgb_jls_lossy_line.dcm": 0.02,
    "SC_rgb_jls_lossy_sample.dcm": 0.02,
    "SC_rgb_jpeg_dcmtk.dcm": 0.02,
    "SC_rgb_jpeg_lossy_gdcm.dcm": 0.04,
    "SC_ybr_full_422_uncompressed.dcm": 0.02,
}


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_syntaxes_stay_near_the_original(shared, name):
    original = read_radiograph(find(shared, "SC_rgb_rle.dcm")).image
    image = read_radiograph(find(shared, name)).image
    assert np.abs(image - original).max() <= LOSSY[name]


@pytest.mark.parametrize("name", ["RG2_J2KR", "RG3_J2KR"])
def test_bones_are_brighter_than_the_air_beside_the_body(shared, name):
    # Rows and columns looked up by eye: the femur's and the tibia's shaft, and air.
    places = {
        "RG2_J2KR": ((1250, 1350), (1700, 900)),
        "RG3_J2KR": ((500, 880), (500, 530)),
    }
    image = read_radiograph(find(shared, f"radiographs/{name}")).image
    bone, air = (image[r : r + 40, c : c + 40].mean() for r, c in places[name])
    assert bone > air + 0.3
