"""Sub-images show the right tissue, on the right side, however files are stored."""

import itertools
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from negspa_jax.data.crops import crop_patient
from negspa_jax.data.errors import CaseError
from negspa_jax.data.rvoi import Clicks
from negspa_jax.data.windows import find_through_axis
from tests.data.synthetic import (
    box_mask,
    make_affine,
    make_patient,
    reorient,
    rotate,
    world_grid,
    write_volume,
)

SHAPE, SPACING = (48, 44, 12), (4.0, 4.0, 6.0)
BOX = (-60.0, -21.0, -40.0), (60.0, 15.0, 30.0)
GRADIENT = np.array([0.9, 2.0, -1.3])


def linear(points):
    return points @ GRADIENT + 100


def linear_case(folder: Path, affine, mask_affine=None, *, shape=SHAPE, name="v"):
    """A volume linear in the world's coordinates, and a box drawn on a grid."""
    image = write_volume(folder / f"{name}.nii", affine, shape, linear)
    drawn_on = affine if mask_affine is None else mask_affine
    path = folder / f"{name}_m.nii"
    mask = write_volume(path, drawn_on, shape, box_mask(*BOX), "uint8")
    return make_patient({"t1w": image}, mask)


def expected_linear(image: Path, x, y, z, *, z_clip=10.0):
    """The intensity of world points, from the volume's own mean and deviation."""
    data = nib.load(image).get_fdata()
    score = (linear(np.stack([x, y, z], axis=-1)) - data.mean()) / data.std()
    return (score + z_clip) / (2 * z_clip)


def pixel_steps(size, extent):
    return ((np.arange(size) + 0.5) / size - 0.5) * extent


def crop(patient, **options):
    options = {"sequences": tuple(patient.images), "image_size": 32} | options
    return crop_patient(patient, **options)


# The box of voxels whose centres lie in BOX: x -58..58 -> faces -60..60 (W = 120),
# z -38..30 -> faces -40..32, y slices centred at -21, -15, ..., 15.
LEFT_X, RIGHT_X, MID_Z = -60 + 25.0, 60 - 25.0, -4.0


@pytest.mark.parametrize("axes", ["LSP", "RAS", "ASL", "PIR", "SLA", "IRP"])
def test_a_linear_volume_gives_the_values_of_its_world_points(tmp_path, axes):
    order = [{"L": 0, "R": 0, "S": 1, "I": 1, "A": 2, "P": 2}[code] for code in axes]
    shape = tuple(SHAPE[axis] for axis in order)
    spacing = tuple(SPACING[axis] for axis in order)
    affine = make_affine(shape, spacing, axes)
    patient = linear_case(tmp_path, affine, shape=shape)
    crops = crop(patient, z_clip=10.0)
    steps = pixel_steps(32, 100)
    # 7 slices at y = -21, -15, ..., 15: the middle is -3, channels anterior first.
    for side, x0 in enumerate((LEFT_X, RIGHT_X)):
        for channel, y in enumerate((3.0, -3.0, -9.0)):
            x = np.broadcast_to(x0 - steps, (32, 32))
            z = np.broadcast_to(MID_Z - steps[:, None], (32, 32))
            want = expected_linear(patient.images["t1w"], x, np.full_like(x, y), z)
            inside = (np.abs(x) <= 94) & (np.abs(z) <= 86)
            got = crops.images[side, 0, :, :, channel]
            np.testing.assert_allclose(got[inside], want[inside], atol=2e-6)
            outside = (np.abs(x) > 96.01) | (np.abs(z) > 88.01)
            assert (got[outside] == 0).all()


ORDERS = st.sampled_from(list(itertools.permutations(range(3))))
FLIPS = st.tuples(st.booleans(), st.booleans(), st.booleans())
SHARED_FOLDER = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SHARED_FOLDER
@given(ORDERS, FLIPS, ORDERS, FLIPS, st.sampled_from(["both", "whole"]))
def test_how_an_array_is_stored_changes_nothing(
    tmp_path, order, flips, mask_order, mask_flips, sides
):
    affine = make_affine(SHAPE, SPACING, rotation=rotate((12, -7, 9)))
    patient = linear_case(tmp_path, affine)
    before = crop(patient, sides=sides)
    reorient(patient.images["t1w"], order, flips)
    reorient(patient.rvoi["t1w"], mask_order, mask_flips)
    after = crop(patient, sides=sides)
    np.testing.assert_allclose(after.images, before.images, atol=1e-6)


@pytest.mark.parametrize("angles", [(25, 0, 0), (0, 12, 0), (0, 0, -15), (40, 8, 10)])
def test_a_tilted_patient_gives_the_same_sub_images(tmp_path, angles):
    upright = linear_case(tmp_path, make_affine(SHAPE, SPACING), name="upright")
    turn = rotate(angles)
    images = {}
    for name, value, dtype in (
        ("v", linear, "float32"),
        ("m", box_mask(*BOX), "uint8"),
    ):
        affine = make_affine(SHAPE, SPACING, rotation=turn)
        images[name] = write_volume(
            tmp_path / f"{name}.nii",
            affine,
            SHAPE,
            lambda p, f=value: f(p @ turn),
            dtype,
        )
    tilted = make_patient({"t1w": images["v"]}, images["m"])
    np.testing.assert_allclose(crop(tilted).images, crop(upright).images, atol=1e-5)


def test_the_crop_equals_an_independent_resampling_through_the_affine(tmp_path):
    generator = np.random.default_rng(3)
    affine = make_affine(SHAPE, SPACING, rotation=rotate((30, 5, -8)))
    data = generator.normal(size=SHAPE).astype("float32")
    nib.save(nib.Nifti1Image(data, affine), tmp_path / "v.nii")
    labels = np.zeros(SHAPE, "uint8")
    labels[10:38, 14:32, 3:8] = 1
    nib.save(nib.Nifti1Image(labels, affine), tmp_path / "m.nii")
    crops = crop(make_patient({"a": tmp_path / "v.nii"}, tmp_path / "m.nii"))
    unit = np.clip((data - data.mean()) / data.std() / 6 + 0.5, 0, 1)
    steps = pixel_steps(32, 100) / 4
    # i runs to the patient's left, j up: the left half's lateral border is i = 37.5.
    for side, i0 in enumerate((37.5 - 25 / 4, 9.5 + 25 / 4)):
        i, j = np.meshgrid(i0 + steps, 22.5 - steps)
        for channel, k in enumerate((4, 5, 6)):
            points = np.stack([i, j, np.full_like(i, k)])
            want = map_coordinates(unit, points, order=1, mode="nearest")
            inside = (i >= -0.5) & (i <= 47.5) & (j >= -0.5) & (j <= 43.5)
            got = crops.images[side, 0, :, :, channel]
            np.testing.assert_allclose(got, want * inside, atol=1e-5)


@pytest.mark.parametrize("axes", ["LSP", "RSA", "LIA", "RIP", "LPS", "RAS"])
def test_left_is_the_patients_left(tmp_path, axes):
    spacing = SPACING if axes[2] in "AP" else (4.0, 4.0, 6.0)
    affine = make_affine(SHAPE, spacing, axes, rotation=rotate((10, 0, 0)))

    def marker(points):
        # RAS: the patient's left is at negative x.
        return np.exp(-np.sum((points - (-50.0, -3.0, 0.0)) ** 2, axis=-1) / 100)

    image = write_volume(tmp_path / "v.nii", affine, SHAPE, marker)
    box = box_mask((-60, -20, -30), (60, 20, 30))
    mask = write_volume(tmp_path / "m.nii", affine, SHAPE, box, "uint8")
    patient = make_patient({"fs": image}, mask)
    crops = crop(patient, intensity="percentile")
    assert crops.sides == ("left", "right")
    assert crops.images[0].max() > 0.9
    assert crops.images[1].max() < 0.5
    only_left = crop(patient, sides="left", intensity="percentile")
    np.testing.assert_array_equal(only_left.images[0], crops.images[0])


def test_a_mask_on_another_grid_gives_nearly_the_same_windows(tmp_path):
    affine = make_affine(SHAPE, SPACING)
    same = crop(linear_case(tmp_path, affine))
    fine, shape = make_affine((96, 60, 60), (2.0, 3.0, 3.0), "RAS"), (96, 60, 60)
    mask = write_volume(tmp_path / "f.nii", fine, shape, box_mask(*BOX), "uint8")
    other = crop(make_patient({"t1w": tmp_path / "v.nii"}, mask))
    assert other.slices == same.slices
    # Faces of the finer grid lie up to 2 mm from the coarse one's.
    assert np.abs(other.images - same.images)[:, :, 8:24, 8:24].max() < 0.01


def test_sequences_on_other_grids_stay_registered(tmp_path):
    coarse = make_affine(SHAPE, SPACING)
    turned = make_affine((80, 80, 20), (2.5, 2.5, 4.0), "RAS"[::1], rotation=None)
    tilted = make_affine((80, 80, 24), (2.5, 2.5, 4.0), rotation=rotate((4, 3, 5)))

    def columns(points):
        return np.sin(points[..., 0] / 12) + np.cos(points[..., 2] / 15)

    def rows_and_columns(points):
        return np.sin(points[..., 0] / 12) + np.cos(points[..., 1] / 15)

    images = {
        "a": write_volume(tmp_path / "a.nii", coarse, SHAPE, columns),
        "b": write_volume(tmp_path / "b.nii", tilted, (80, 80, 24), columns),
        "c": write_volume(tmp_path / "c.nii", turned, (80, 80, 20), rows_and_columns),
    }
    mask = write_volume(tmp_path / "m.nii", coarse, SHAPE, box_mask(*BOX), "uint8")
    crops = crop(make_patient(images, mask), intensity="minmax_slice", image_size=64)
    a, b, c = crops.images[0, :, 8:56, 8:56, 1]
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.99
    # The axial sequence shows x in the same columns.
    assert np.corrcoef(a.mean(axis=0), c.mean(axis=0))[0, 1] > 0.95


def test_an_axial_stack_loads_with_anterior_on_top(tmp_path):
    affine = make_affine(SHAPE, SPACING, "LPS")
    image = write_volume(tmp_path / "v.nii", affine, SHAPE, lambda p: p[..., 1])
    box = box_mask((-60, -30, -20), (60, 30, 20))
    mask = write_volume(tmp_path / "m.nii", affine, SHAPE, box, "uint8")
    image = crop(make_patient({"t1w": image}, mask)).images[0, 0, :, :, 1]
    assert (np.diff(image.mean(axis=1)) < 0).all()


def test_a_sagittal_stack_is_refused_where_sides_matter_and_reads_as_whole(tmp_path):
    affine = make_affine(SHAPE, SPACING, "PSL")

    def value(points):
        return points[..., 1] + 1000 * (points[..., 2] > 0)

    image = write_volume(tmp_path / "v.nii", affine, SHAPE, value)
    box = box_mask((-20, -40, -40), (20, 40, 40))
    mask = write_volume(tmp_path / "m.nii", affine, SHAPE, box, "uint8")
    patient = make_patient({"t1w": image}, mask)
    with pytest.raises(CaseError, match=r"patient 7, file .*v\.nii: .*sagittal"):
        crop(patient)
    whole = crop(patient, sides="whole", intensity="minmax_slice", window_mm=80.0)
    upper, lower = np.split(whole.images[0, 0, :, :, 1], 2)
    assert upper.mean() > lower.mean()
    # Columns run from anterior (larger y) to posterior.
    assert (np.diff(lower.mean(axis=0)) < 0).all()


def test_a_mask_turned_too_far_for_sides_is_named(tmp_path):
    patient = linear_case(tmp_path, make_affine(SHAPE, SPACING))
    turned = make_affine(SHAPE, SPACING, rotation=rotate((0, 45, 40)))
    box = box_mask((-30, -15, -20), (30, 15, 20))
    mask = write_volume(tmp_path / "turned.nii", turned, SHAPE, box, "uint8")
    with pytest.raises(CaseError, match=r"grid \(turned\.nii\) has 0\.\d+ as best"):
        crop(make_patient(patient.images, mask))


@pytest.mark.parametrize("axes", ["RAS", "LSP", "PSL"])
def test_cubic_voxels_are_cut_across_the_regions_shortest_side(tmp_path, axes):
    shape = (40, 40, 40)
    affine = make_affine(shape, (3.0, 3.0, 3.0), axes)
    image = write_volume(tmp_path / "v.nii", affine, shape, linear)
    box = box_mask((-50, -12, -30), (50, 12, 30))
    mask = write_volume(tmp_path / "m.nii", affine, shape, box, "uint8")
    crops = crop(make_patient({"t1w": image}, mask))
    # Coronal slices: the middle of y = -10.5, ..., 10.5, anterior first.
    z_scores = crops.images[0, 0, 16, 16]
    assert z_scores[0] > z_scores[1] > z_scores[2]
    assert len(set(crops.slices["t1w"])) == 3


def mark_slices(folder, first, last, *, depth=12, axes="LSP"):
    shape = (20, 20, depth)
    affine = make_affine(shape, (8.0, 8.0, 10.0), axes)
    image = write_volume(folder / "v.nii", affine, shape, linear)
    labels = np.zeros(shape, "uint8")
    labels[4:16, 6:14, first : last + 1] = 1
    nib.save(nib.Nifti1Image(labels, affine), folder / "m.nii")
    return make_patient({"t1w": image}, folder / "m.nii")


@pytest.mark.parametrize(
    ("first", "last", "slices"),
    [(3, 7, (4, 5, 6)), (3, 6, (3, 4, 5)), (4, 4, (3, 4, 5)), (4, 5, (3, 4, 5))],
)
def test_the_middle_slice_has_its_neighbours(tmp_path, first, last, slices):
    crops = crop(mark_slices(tmp_path, first, last))
    assert crops.slices == {"t1w": slices}
    assert crops.warnings == ()


def test_the_lower_middle_is_the_anterior_one_whichever_way_slices_are_stored(tmp_path):
    # Stored from posterior to anterior: of slices 3..6 the anterior middle is 5.
    crops = crop(mark_slices(tmp_path, 3, 6, axes="LSA"))
    assert crops.slices == {"t1w": (6, 5, 4)}


@pytest.mark.parametrize(
    ("first", "last", "depth", "slices"),
    [(0, 0, 12, (0, 0, 1)), (11, 11, 12, (10, 11, 11)), (0, 0, 1, (0, 0, 0))],
)
def test_at_the_volumes_end_a_slice_is_repeated_with_a_warning(
    tmp_path, first, last, depth, slices
):
    crops = crop(mark_slices(tmp_path, first, last, depth=depth))
    assert crops.slices == {"t1w": slices}
    assert crops.warnings[0].startswith("patient 7, t1w: the middle slice")


def test_a_region_between_two_slices_takes_the_nearest(tmp_path):
    patient = mark_slices(tmp_path, 5, 5)
    shape = (160, 160, 120)
    affine = make_affine(shape, (1.0, 1.0, 1.0))
    # Slices of the image lie at y = +-5, +-15, ...; this sheet lies at y = 2.5.
    box = box_mask((-40, 2, -40), (40, 3, 40))
    mask = write_volume(tmp_path / "thin.nii", affine, shape, box, "uint8")
    crops = crop(make_patient(patient.images, mask))
    assert crops.slices == {"t1w": (4, 5, 6)}


def test_a_region_outside_its_image_is_refused(tmp_path):
    patient = mark_slices(tmp_path, 5, 5)
    far = make_affine((20, 20, 12), (8.0, 8.0, 10.0), centre=(500, 0, 0))
    mask = write_volume(
        tmp_path / "f.nii", far, (20, 20, 12), box_mask((460, -9, -9), (540, 9, 9))
    )
    with pytest.raises(CaseError, match=r"RVOI \(f\.nii\) lies outside"):
        crop(make_patient(patient.images, mask))


def test_a_small_image_inside_a_larger_region_is_no_error(tmp_path):
    patient = mark_slices(tmp_path, 5, 5, depth=6)
    affine = make_affine((40, 40, 40), (9.0, 9.0, 11.0))
    mask = write_volume(
        tmp_path / "f.nii", affine, (40, 40, 40), lambda p: p[..., 0] < 1e9
    )
    crops = crop(make_patient(patient.images, mask), sides="whole")
    assert crops.slices == {"t1w": (1, 2, 3)}


def test_a_sheared_stack_is_cut_at_the_same_world_points(tmp_path):
    upright = make_affine(SHAPE, SPACING)
    sheared = upright.copy()
    # Each slice lies 1.5 mm higher than the one before, as a tilted gantry leaves it.
    sheared[2, 2] = 1.5
    sheared[2, 3] -= 1.5 * 5.5
    patient = linear_case(tmp_path, sheared, upright)
    crops = crop(patient, z_clip=10.0)
    assert crops.slices == {"t1w": (5, 6, 7)}
    for channel, y in enumerate((3.0, -3.0, -9.0)):
        x, z = np.meshgrid(LEFT_X - pixel_steps(32, 100), MID_Z - pixel_steps(32, 100))
        want = expected_linear(patient.images["t1w"], x, np.full_like(x, y), z)
        inside = np.abs(x) < 94
        got = crops.images[0, 0, :, :, channel]
        np.testing.assert_allclose(got[inside], want[inside], atol=2e-6)


def test_centre_half_takes_the_half_boxs_middle(tmp_path):
    patient = linear_case(tmp_path, make_affine(SHAPE, SPACING))
    crops = crop(patient, centre="half", z_clip=10.0)
    x, z = np.meshgrid(-30 - pixel_steps(32, 100), MID_Z - pixel_steps(32, 100))
    want = expected_linear(patient.images["t1w"], x, np.full_like(x, -3), z)
    inside = np.abs(x) < 94
    got = crops.images[0, 0, :, :, 1]
    np.testing.assert_allclose(
        got[inside & (z < 86)], want[inside & (z < 86)], atol=2e-6
    )


def test_window_half_is_the_half_box_resized(tmp_path):
    patient = linear_case(tmp_path, make_affine(SHAPE, SPACING))
    crops = crop(patient, window="half", z_clip=10.0)
    for side, x0 in enumerate((-30, 30)):
        x, z = np.meshgrid(x0 - pixel_steps(32, 60), MID_Z - pixel_steps(32, 72))
        want = expected_linear(patient.images["t1w"], x, np.full_like(x, -3), z)
        np.testing.assert_allclose(crops.images[side, 0, :, :, 1], want, atol=2e-6)


def test_whole_is_one_window_on_the_boxs_middle(tmp_path):
    patient = linear_case(tmp_path, make_affine(SHAPE, SPACING))
    for window, width, height in (("square", 60, 60), ("half", 120, 72)):
        crops = crop(patient, sides="whole", window=window, window_mm=60.0, z_clip=10.0)
        x, z = np.meshgrid(-pixel_steps(32, width), MID_Z - pixel_steps(32, height))
        want = expected_linear(patient.images["t1w"], x, np.full_like(x, -3), z)
        assert crops.images.shape == (1, 1, 32, 32, 3)
        np.testing.assert_allclose(crops.images[0, 0, :, :, 1], want, atol=2e-6)


def test_a_window_far_outside_its_image_is_zero_there_and_named(tmp_path):
    patient = linear_case(tmp_path, make_affine(SHAPE, SPACING))
    crops = crop(patient, window_mm=300.0)
    assert crops.images[0, 0, 0].max() == 0
    assert "of the left window lies outside the image" in crops.warnings[0]


def test_images_are_contiguous_float32_in_the_unit_interval(tmp_path):
    patient = linear_case(tmp_path, make_affine(SHAPE, SPACING))
    for intensity in ("zscore", "minmax_slice", "percentile"):
        images = crop(patient, intensity=intensity, mirror_left=True).images
        assert images.dtype == np.float32
        assert images.flags.c_contiguous
        assert images.min() >= 0
        assert images.max() <= 1


def test_mirroring_turns_the_left_side_alone(tmp_path):
    patient = linear_case(tmp_path, make_affine(SHAPE, SPACING))
    plain, mirrored = crop(patient), crop(patient, mirror_left=True)
    np.testing.assert_array_equal(mirrored.images[0], plain.images[0, :, :, ::-1])
    np.testing.assert_array_equal(mirrored.images[1], plain.images[1])


def test_six_clicks_give_what_their_mask_gives(tmp_path):
    patient = mark_slices(tmp_path, 3, 7)
    corners = ((4.0, 6.0), (15.0, 6.0), (15.0, 13.0), (4.0, 13.0))
    clicks = Clicks(patient.images["t1w"], corners, 3, 7)
    by_clicks = type(patient)("7", "train", 1, patient.images, clicks=clicks)
    np.testing.assert_array_equal(crop(by_clicks).images, crop(patient).images)


def test_a_mask_for_each_sequence_is_used_for_it(tmp_path):
    one = linear_case(tmp_path, make_affine(SHAPE, SPACING), name="one")
    masks = {"a": one.rvoi["t1w"], "b": tmp_path / "b.nii"}
    low = box_mask((-60, -21, -80), (60, 3, -10))
    write_volume(masks["b"], make_affine(SHAPE, SPACING), SHAPE, low, "uint8")
    images = dict.fromkeys(masks, one.images["t1w"])
    crops = crop(type(one)("7", "train", 1, images, masks))
    assert crops.slices["a"] != crops.slices["b"]
    assert not np.array_equal(crops.images[0, 0], crops.images[0, 1])


@pytest.mark.parametrize(
    "options",
    [
        {"sides": "neither"},
        {"window": "round"},
        {"centre": "left"},
        {"intensity": "log"},
        {"window_mm": 0.0},
        {"z_clip": float("nan")},
        {"sides": "whole", "mirror_left": True},
    ],
)
def test_an_unknown_option_is_refused(tmp_path, options):
    with pytest.raises(ValueError, match=f"^{list(options)[-1]} must be"):
        crop(mark_slices(tmp_path, 3, 7), **options)


def test_intensities_are_fixed_before_resampling(tmp_path):
    shape, affine = (20, 20, 3), make_affine((20, 20, 3), (8.0, 8.0, 10.0))
    data = np.zeros(shape, "float32")
    data[10, 10, 1] = 1000
    nib.save(nib.Nifti1Image(data, affine), tmp_path / "v.nii")
    ones = np.ones(shape, "uint8")
    nib.save(nib.Nifti1Image(ones, affine), tmp_path / "m.nii")
    patient = make_patient({"a": tmp_path / "v.nii"}, tmp_path / "m.nii")
    middle = crop(patient, sides="whole", window="half", image_size=20).images[0, 0]
    # z = 34.6 is clipped to 3 -> 1; the rest is just under the mean.
    assert middle[..., 1].max() == 1
    np.testing.assert_allclose(np.median(middle), 0.5 - 1200**-0.5 / 6, atol=1e-4)
    slices = crop(patient, sides="whole", intensity="minmax_slice").images[0, 0]
    assert slices[..., 0].max() == 0
    with pytest.raises(CaseError, match="99th percentile are both 0"):
        crop(patient, intensity="percentile")


def test_a_shifted_last_digit_of_an_affine_changes_almost_nothing(tmp_path):
    affine = make_affine(SHAPE, SPACING, rotation=rotate((20, 2, 1)))
    patient = linear_case(tmp_path, affine)
    before = crop(patient)
    image = nib.load(patient.rvoi["t1w"])
    shifted = image.affine + np.random.default_rng(0).normal(0, 1e-4, (4, 4)) * (
        np.arange(4)[:, None] < 3
    )
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), shifted), tmp_path / "s.nii")
    after = crop(make_patient(patient.images, tmp_path / "s.nii"))
    assert after.slices == before.slices
    assert np.abs(after.images - before.images).max() < 1e-3


def test_world_grid_is_the_affine():
    affine = make_affine((3, 4, 5), (1.0, 2.0, 3.0), rotation=rotate((5, 6, 7)))
    points = world_grid((3, 4, 5), affine)
    np.testing.assert_allclose(points.mean(axis=(0, 1, 2)), 0, atol=1e-12)


def test_a_named_plane_holds_for_near_cubic_voxels_whatever_the_region():
    directions, spacing = np.eye(3), np.full(3, 2.0)
    for extents in ((10.0, 20.0, 30.0), (30.0, 10.0, 20.0)):
        sizes = np.array(extents)
        free = find_through_axis(directions, spacing, sizes, plane="auto")
        assert free == int(np.argmin(sizes))
        for axis, plane in enumerate(("sagittal", "coronal", "axial")):
            assert find_through_axis(directions, spacing, sizes, plane=plane) == axis
