"""Traits say what an image is like, whatever its file's axes and its greys' unit."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from negspa_jax.data.cohort import Cohort
from negspa_jax.data.crops import crop_patient
from negspa_jax.data.patient import Patient
from negspa_jax.data.pipeline import build_cache
from negspa_jax.data.radiograph import read_radiograph
from negspa_jax.data.traits import GRID, Traits, pack_traits, unpack_traits
from negspa_jax.data.views import show_views
from negspa_jax.data.volume import file_sha256
from tests.data.dicom_files import write_dicom
from tests.data.synthetic import (
    box_mask,
    make_affine,
    make_patient,
    reorient,
    rotate,
    write_volume,
)

SHAPE, SPACING = (80, 70, 9), (2.0, 2.5, 6.0)


def bumps(points: np.ndarray) -> np.ndarray:
    """Smooth, and unlike itself in any mirror."""
    x, y, z = np.moveaxis(points, -1, 0)
    return 300 + 90 * np.sin(x / 31) + 70 * np.cos(z / 23 + x / 50) + 2 * y


def write_case(folder: Path, *, value=bumps, tilt: float = 0.0, name: str = "v"):
    """A stack whose normal leans from front to above, and the region in its middle."""
    affine = make_affine(SHAPE, SPACING, "LSP", rotation=rotate((tilt, 0, 0)))
    image = write_volume(folder / f"{name}.nii", affine, SHAPE, value)
    box = box_mask((-60, -12, -30), (60, 12, 30))
    mask = write_volume(folder / f"{name}_m.nii", affine, SHAPE, box, "uint8")
    return make_patient({"t1w": image}, mask)


def look(patient: Patient, **options) -> Traits:
    options = {"sequences": ("t1w",), "image_size": 48} | options
    return crop_patient(patient, **options).traits["t1w"]


def test_the_grid_is_measured_in_mm_and_voxels(tmp_path):
    numbers = look(write_case(tmp_path)).numbers
    assert numbers["spacing_mm"] == pytest.approx(np.sqrt(2.0 * 2.5), rel=1e-5)
    assert numbers["slice_mm"] == 6.0
    assert numbers["matrix"] == 80
    assert numbers["num_slices"] == 9
    assert numbers["field_mm"] == 175.0


@pytest.mark.parametrize("tilt", [-40.0, 0.0, 25.0])
def test_the_normal_is_that_of_the_slices(tmp_path, tilt):
    numbers = look(write_case(tmp_path, tilt=tilt)).numbers
    normal = [numbers[f"normal_{axis}"] for axis in "xyz"]
    expected = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    np.testing.assert_allclose(normal, (0, *expected), atol=1e-5)


def test_what_lies_outside_the_image_is_measured(tmp_path):
    # The square of 300 mm on an image of 160 x 175 mm, no farther than its middle.
    traits = look(write_case(tmp_path), window_mm=300.0)
    assert traits.numbers["outside"] > 0.5
    assert look(write_case(tmp_path)).numbers["outside"] < 0.1


FOLDER = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@FOLDER
@given(st.permutations(range(3)), st.tuples(*[st.booleans()] * 3))
def test_how_a_file_stores_its_axes_changes_nothing(tmp_path, order, flips):
    before = look(write_case(tmp_path, tilt=-30))
    patient = write_case(tmp_path, tilt=-30, name="turned")
    reorient(patient.images["t1w"], tuple(order), flips)
    after = look(patient)
    assert after.words == before.words
    assert after.numbers == pytest.approx(before.numbers, rel=1e-4, abs=1e-5)
    for side, cells in before.layout.items():
        difference = np.subtract(list(cells), list(after.layout[side]))
        assert np.abs(difference).max() <= 1


def test_the_unit_of_grey_values_changes_nothing(tmp_path):
    before = look(write_case(tmp_path))
    after = look(write_case(tmp_path, value=lambda p: 40 * bumps(p) - 1000, name="w"))
    assert after.numbers == pytest.approx(before.numbers, rel=1e-3, abs=1e-4)


def test_a_layout_shows_what_is_where(tmp_path):
    # Brighter above: rows run from superior, so the first cells are the brightest.
    traits = look(write_case(tmp_path, value=lambda points: points[..., 2]))
    for cells in traits.layout.values():
        rows = np.array(list(cells)).reshape(GRID, GRID).mean(axis=1)
        assert (np.diff(rows) < 0).all()


def test_a_mirrored_left_side_has_the_same_traits(tmp_path):
    patient = write_case(tmp_path)
    assert look(patient, mirror_left=True) == look(patient)


def test_measuring_twice_gives_the_same(tmp_path):
    patient = write_case(tmp_path)
    assert look(patient) == look(patient)


# --- kept with the images -------------------------------------------------------------


def test_traits_come_back_as_they_were_packed(tmp_path):
    traits = {"t1w": look(write_case(tmp_path))}
    text = json.dumps(pack_traits(traits))
    assert unpack_traits(json.loads(text)) == traits


@pytest.mark.parametrize(
    "content",
    [
        {"t1w": {}},
        {"t1w": None},
        ["t1w"],
        {"t1w": {"numbers": {}, "words": {}, "layout": {"left": "00"}}},
        {"t1w": {"numbers": {"a": "much"}, "words": {}, "layout": {}}},
    ],
)
def test_what_is_no_traits_is_refused(content):
    with pytest.raises(ValueError, match="measure them again"):
        unpack_traits(content)


@pytest.fixture
def build(tmp_path):
    patient = write_case(tmp_path)
    hashes = {path: file_sha256(path) for path in patient.files.values()}
    cohort = Cohort(tmp_path / "cohort.csv", ("t1w",), (patient,))

    def run():
        options = {"sequences": ("t1w",), "image_size": 48}
        folder = tmp_path / "cache"
        return build_cache(cohort, hashes, cache_dir=folder, crop_options=options)

    return patient, run


def test_the_cache_keeps_the_traits_beside_the_images(build):
    patient, run = build
    assert run().traits == ({"t1w": look(patient)},)
    assert run().traits == ({"t1w": look(patient)},)


@pytest.mark.parametrize("damage", [None, {"t1w": {"numbers": {}}}, "absent"])
def test_notes_with_damaged_traits_are_made_again(build, damage):
    patient, run = build
    notes = run().files[0].with_suffix(".json")
    content = json.loads(notes.read_text())
    content["traits"] = damage
    if damage == "absent":
        del content["traits"]
    notes.write_text(json.dumps(content))
    assert run().traits == ({"t1w": look(patient)},)


# --- radiographs ----------------------------------------------------------------------


def show(path: Path) -> Traits:
    patient = Patient("P7", "train", 1, {"image": path})
    return show_views(patient, sequences=["image"], image_size=32).traits["image"]


def test_a_radiograph_has_pixels_aspect_and_spacing(tmp_path):
    path = tmp_path / "a.dcm"
    write_dicom(path, PixelSpacing=[0.2, 0.2])
    traits = show(path)
    height, width = read_radiograph(path).image.shape
    assert traits.numbers["pixels"] == max(height, width)
    assert traits.numbers["aspect"] == pytest.approx(width / height, rel=1e-5)
    assert traits.numbers["spacing_mm"] == 0.2
    assert set(traits.layout) == {"whole"}


@pytest.mark.parametrize(
    ("written", "kept"), [("PELVIS", "PELVIS"), ("hip ", "HIP"), ("MISS JONES", None)]
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_a_body_part_is_kept_only_if_it_is_one_of_dicoms(tmp_path, written, kept):
    path = tmp_path / "a.dcm"
    write_dicom(path, BodyPartExamined=written)
    assert show(path).words.get("body_part") == kept


def test_traits_can_be_changed_only_by_making_others(tmp_path):
    traits = look(write_case(tmp_path))
    with pytest.raises(AttributeError):
        traits.words = {}
    assert replace(traits, words={"plane": "axial"}) != traits
