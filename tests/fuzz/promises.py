"""How the product reads each kind of file, and what it promises of what it returns."""

from pathlib import Path

import numpy as np

from negspa_jax.data.cohort import read_cohort, scan_cohort
from negspa_jax.data.crops import Crops, crop_patient
from negspa_jax.data.errors import CohortError
from negspa_jax.data.patient import Patient
from negspa_jax.data.radiograph import read_radiograph
from negspa_jax.data.rvoi import draw_rvoi
from negspa_jax.data.views import show_views
from negspa_jax.data.volume import read_mask, read_volume
from negspa_jax.predictions import read_predictions
from tests.fuzz.seeds import make_mri

_SIZE = 32


def read_image(path: Path, folder: Path) -> None:
    """A volume: finite float32 voxels that differ, and an affine."""
    volume = read_volume(path, patient_id="17")
    assert volume.data.dtype == np.float32
    assert volume.data.ndim == 3
    assert np.isfinite(volume.data).all()
    assert volume.data.min() < volume.data.max()
    _check_affine(volume.affine)
    _check_words(volume.warnings)


def read_region(path: Path, folder: Path) -> None:
    """A mask: booleans, some of them True."""
    mask = read_mask(path, patient_id="17")
    assert mask.data.dtype == bool
    assert mask.data.any()
    _check_affine(mask.affine)


def draw_region(path: Path, folder: Path) -> None:
    """A mask drawn by six clicks."""
    clicks = make_mri(folder, clicked=path).clicks
    assert clicks is not None
    mask = draw_rvoi(clicks, patient_id="17")
    assert mask.data.dtype == bool
    assert mask.data.any()


def crop_image(path: Path, folder: Path) -> None:
    """A patient, one of whose sequences is the file."""
    _crop(make_mri(folder, t1w=path))


def crop_region(path: Path, folder: Path) -> None:
    """A patient whose mask is the file."""
    _crop(make_mri(folder, rvoi=path))


def crop_clicked(path: Path, folder: Path) -> None:
    """A patient whose clicked image is the file."""
    _crop(make_mri(folder, clicked=path))


def _crop(patient: Patient) -> None:
    crops = crop_patient(patient, sequences=("t1w", "fs"), image_size=_SIZE)
    _check_crops(crops, (2, 2, _SIZE, _SIZE, 3))


def read_pelvis(path: Path, folder: Path) -> None:
    """A radiograph: an image in [0, 1]."""
    radiograph = read_radiograph(path, patient_id="17")
    image, side = radiograph.image, radiograph.spacing_mm
    assert image.ndim == 2
    assert image.dtype == np.float32
    assert 0.0 <= image.min() < image.max() <= 1.0
    assert side is None or 0.0 < side < np.inf
    _check_words(radiograph.warnings)


def show_pelvis(path: Path, folder: Path) -> None:
    """A patient of one view, as the network sees it."""
    patient = Patient("17", "train", 1, {"pelvis": path})
    crops = show_views(patient, sequences=("pelvis",), image_size=_SIZE)
    _check_crops(crops, (1, 1, _SIZE, _SIZE, 1))


def read_mri_table(path: Path, folder: Path) -> None:
    """A cohort of MRI."""
    _read_table(path, sequences=("t1w", "fs"), kind="mri")


def read_radiograph_table(path: Path, folder: Path) -> None:
    """A cohort of radiographs."""
    _read_table(path, sequences=("pelvis",), kind="radiograph")


def _read_table(path: Path, **options) -> None:
    scan = scan_cohort(path, **options)
    _check_words(scan.problems)
    for patient in scan.cohort.patients:
        assert all(file.is_file() for file in patient.files.values())
    try:
        cohort = read_cohort(path, **options)
    except CohortError as error:
        if error.problems != scan.problems:
            raise AssertionError("two readings must agree") from error
        raise
    assert not scan.problems
    assert cohort.patients
    ids = [patient.patient_id for patient in cohort.patients]
    assert all(name and name.isprintable() for name in ids)


def read_scores(path: Path, folder: Path) -> None:
    """A predictions table."""
    table = read_predictions(path)
    assert table
    for row in table:
        assert 0.0 <= row.score <= 1.0
        assert row.label in (None, 0, 1)
        assert row.patient_id.isprintable()
        assert row.split.isprintable()


def _check_crops(crops: Crops, shape: tuple[int, ...]) -> None:
    assert crops.images.shape == shape
    assert crops.images.dtype == np.float32
    assert np.isfinite(crops.images).all()
    assert crops.images.min() >= 0.0
    assert crops.images.max() <= 1.0
    _check_words(crops.warnings)


def _check_affine(affine: np.ndarray) -> None:
    assert affine.shape == (4, 4)
    assert np.isfinite(affine).all()


def _check_words(sentences: tuple[str, ...]) -> None:
    """Sentences stand on one line each and are shown as they are."""
    assert all(words and words.isprintable() for words in sentences), sentences
