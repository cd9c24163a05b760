"""Radiographs as square images: padded, resized, cropped first, doubts named."""

import numpy as np
import pytest
from PIL import Image

from negspa_jax.data.errors import CaseError
from negspa_jax.data.patient import Patient
from negspa_jax.data.radiograph import read_radiograph
from negspa_jax.data.views import fit_square, show_views
from tests.data.dicom_files import write_dicom


@pytest.fixture
def ramp(tmp_path):
    """A PNG of 40 rows and 60 columns, brighter to the right."""
    path = tmp_path / "a.png"
    pixels = np.tile(np.linspace(0, 65535, 60), (40, 1)).astype(np.uint16)
    Image.fromarray(pixels).save(path)
    return path


def patient_of(path, **boxes) -> Patient:
    return Patient("P7", "train", 1, {"image": path}, boxes=boxes)


def test_an_image_is_one_side_one_view_one_channel(ramp):
    crops = show_views(patient_of(ramp), sequences=["image"], image_size=32)
    assert crops.images.shape == (1, 1, 32, 32, 1)
    assert crops.images.dtype == np.float32
    assert crops.sides == ("whole",)
    assert crops.warnings == ()


def test_a_landscape_is_padded_with_black_above_and_below(ramp):
    image = show_views(patient_of(ramp), sequences=["image"], image_size=60).images
    image = image[0, 0, ..., 0]
    assert not image[:10].any()
    assert not image[-10:].any()
    assert (np.diff(image[10:50].mean(0)) >= 0).all()


@pytest.mark.parametrize(("shape", "rows", "columns"), [((3, 4), 3, 4), ((4, 3), 4, 3)])
def test_an_odd_line_is_at_the_bottom_or_right(shape, rows, columns):
    square = fit_square(np.ones(shape, np.float32), 4)
    assert square[:rows, :columns].all()
    assert square.sum() == 12


def test_the_same_size_changes_no_bit():
    image = np.random.default_rng(0).random((24, 24)).astype(np.float32)
    np.testing.assert_array_equal(fit_square(image, 24), image)


def test_shrinking_averages_over_all_pixels():
    # A grid of single bright pixels would vanish or stay, without antialiasing.
    image = np.zeros((64, 64), np.float32)
    image[::4, ::4] = 1
    small = fit_square(image, 16)
    np.testing.assert_allclose(small[4:-4, 4:-4], 1 / 16, atol=0.02)


def test_enlarging_stays_within_the_values():
    image = np.random.default_rng(1).random((7, 9)).astype(np.float32)
    large = fit_square(image, 64)
    assert large.min() >= 0
    assert large.max() <= image.max()


def test_the_crop_box_is_cut_out_first(ramp):
    patient = patient_of(ramp, image=(0, 0, 40, 20))
    image = show_views(patient, sequences=["image"], image_size=40).images[0, 0, ..., 0]
    # 40 x 20 pixels: black stands left and right now.
    assert not image[:, :10].any()
    assert not image[:, 30:].any()
    assert image[:, 10:30].mean() > 0.4


def test_two_views_are_two_inputs(ramp):
    patient = Patient("P7", "train", 1, {"ap": ramp, "oblique": ramp})
    crops = show_views(patient, sequences=["ap", "oblique"], image_size=32)
    assert crops.images.shape == (1, 2, 32, 32, 1)


def test_an_image_enlarged_by_much_is_doubted_by_name(ramp):
    crops = show_views(patient_of(ramp), sequences=["image"], image_size=128)
    doubt = "patient P7, image: 60 pixels are enlarged to 128"
    assert crops.warnings == (doubt,)


def test_a_bad_file_names_patient_and_file(tmp_path):
    (tmp_path / "b.png").write_bytes(b"nothing")
    with pytest.raises(CaseError, match=r"patient P7, file .*b\.png"):
        show_views(patient_of(tmp_path / "b.png"), sequences=["image"])


def test_a_box_outside_the_image_names_patient_and_file(ramp):
    with pytest.raises(CaseError, match=r"patient P7, file .*crop box"):
        show_views(patient_of(ramp, image=(0, 0, 41, 10)), sequences=["image"])


WINDOWS = {
    "WindowCenter": ["2000", "1000"],
    "WindowWidth": ["4000", "200"],
    "WindowCenterWidthExplanation": ["WIDE", "BONE"],
}


@pytest.mark.parametrize(
    ("named", "window"),
    [("first", 0), ("1", 1), ("BONE", "BONE"), ("percentiles", None)],
)
def test_windows_of_dicom_are_named_as_in_a_config(tmp_path, named, window):
    path = write_dicom(tmp_path / "a.dcm", **WINDOWS)
    crops = show_views(
        patient_of(path), sequences=["image"], window=named, image_size=16
    )
    wanted = read_radiograph(path, window=window).image
    np.testing.assert_array_equal(crops.images[0, 0, ..., 0], wanted)


def test_a_window_that_is_not_there_is_refused(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", **WINDOWS)
    with pytest.raises(CaseError, match="patient P7"):
        show_views(patient_of(path), sequences=["image"], window="LUNG")


def test_only_modalities_that_were_asked_for_are_shown(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", **WINDOWS)
    with pytest.raises(CaseError, match="must have a modality of DX"):
        show_views(patient_of(path), sequences=["image"], modalities=["DX"])
