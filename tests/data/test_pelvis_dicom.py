"""Every way of storing shows the same picture, is valid, and says it is synthetic."""

import io
import warnings
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from negspa_jax.data.pelvis_dicom import (
    BITS,
    Storage,
    draw_storage,
    encode_dicom,
    make_uid,
)
from negspa_jax.data.radiograph import read_radiograph

SIGNAL = np.random.default_rng(0).normal(3, 0.5, (40, 50)).astype(np.float32)
CR = Storage(
    modality="CR",
    bits=12,
    inverted=False,
    signed=False,
    slope=None,
    intercept=None,
    has_window=True,
    room=(0.05, 0.1),
    implicit=False,
)


def encode(storage, *, signal=SIGNAL, patient_id="P0001", seed=0):
    return encode_dicom(
        signal,
        storage,
        spacing_mm=(0.9, 1.1),
        patient_id=patient_id,
        seed=seed,
        age=43.7,
        sex="female",
    )


def show(storage, folder):
    """As the reader of radiographs shows it, with square pixels lest it resamples."""
    image = pydicom.dcmread(io.BytesIO(encode(storage)))
    image.ImagerPixelSpacing = [1, 1]
    image.save_as(folder / "image.dcm")
    return read_radiograph(folder / "image.dcm")


STORAGES = [
    replace(kind, bits=bits, inverted=inverted)
    for bits in BITS
    for inverted in (False, True)
    for kind in (
        CR,
        replace(CR, modality="DX"),
        replace(CR, slope=0.5, intercept=-200.0),
        replace(CR, signed=True, slope=2.0, intercept=100.0),
    )
]


@pytest.mark.parametrize("storage", STORAGES, ids=range(len(STORAGES)))
def test_a_window_shows_the_same_picture_however_it_is_stored(storage, tmp_path):
    low, high = np.percentile(SIGNAL[::3, ::3], (1, 99))
    wanted = np.clip((SIGNAL - low) / (high - low), 0, 1)
    step = 3 * 2.0 ** -min(storage.bits, 12)
    assert np.allclose(show(storage, tmp_path).image, wanted, atol=step)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("bits", BITS)
def test_without_a_window_high_is_still_bright(bits, inverted, tmp_path):
    storage = replace(CR, bits=bits, inverted=inverted, has_window=False)
    shown = show(storage, tmp_path)
    assert shown.display == "percentiles"
    assert np.corrcoef(shown.image.ravel(), SIGNAL.ravel())[0, 1] > 0.97


def test_drawn_storages_are_of_every_kind_and_none_is_against_the_standard():
    drawn = [draw_storage(np.random.default_rng(i)) for i in range(300)]
    assert {s.bits for s in drawn} == set(BITS)
    for name in ("inverted", "signed", "has_window", "implicit"):
        assert {getattr(s, name) for s in drawn} == {False, True}
    assert {s.slope is None for s in drawn} == {False, True}
    for storage in drawn:
        if storage.modality == "DX":
            assert (storage.slope, storage.intercept) == (1.0, 0.0)
            assert storage.has_window
            assert not storage.signed


def test_pydicom_reads_every_kind_without_a_warning(monkeypatch):
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", 2)
    for number in range(60):
        content = encode(draw_storage(np.random.default_rng(number)))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            image = pydicom.dcmread(io.BytesIO(content))
            for element in image.iterall():
                assert element.value is not None or element.VM == 0
        assert image.pixel_array.shape == (40, 50)


def test_a_file_says_that_it_is_synthetic():
    image = pydicom.dcmread(io.BytesIO(encode(CR, patient_id="P0042")))
    assert image.PatientName == "SYNTHETIC^P0042"
    assert image.PatientID == "P0042"
    assert image.PatientBirthDate == ""
    assert image.PatientAge == "043Y"
    for keyword in ("PatientComments", "ImageComments", "StudyDescription"):
        assert image[keyword].value.startswith("SYNTHETIC")


def test_identifiers_are_valid_and_follow_from_seed_and_patient():
    assert make_uid(0, "P0001", "image") == make_uid(0, "P0001", "image")
    found = [
        make_uid(seed, patient, kind)
        for seed in range(3)
        for patient in ("P0001", "P0002")
        for kind in ("study", "image")
    ]
    assert len(set(found)) == len(found)
    assert all(uid.is_valid for uid in found)


def test_the_same_image_gives_the_same_bytes():
    assert encode(CR) == encode(CR)
    assert encode(CR) != encode(CR, seed=1)


def test_polarity_is_said_once_in_cr_and_twice_in_dx():
    for modality, shape in (("CR", None), ("DX", "INVERSE")):
        content = encode(replace(CR, modality=modality, inverted=True))
        image = pydicom.dcmread(io.BytesIO(content))
        assert image.PhotometricInterpretation == "MONOCHROME1"
        assert image.get("PresentationLUTShape") == shape
