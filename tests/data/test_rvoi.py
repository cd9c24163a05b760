"""Six clicks make the prism that ITK-SNAP makes of them."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from negspa_jax.data.errors import CaseError, RefusedError
from negspa_jax.data.rvoi import (
    Clicks,
    draw_rvoi,
    fill_polygon,
    parse_corners,
    write_mask,
)
from negspa_jax.data.volume import read_mask
from tests.data.synthetic import make_affine, rotate

SHAPE = (30, 24, 9)
AFFINE = make_affine(SHAPE, (1.5, 1.5, 4.0), rotation=rotate((35, 4, -6)))
CORNERS = ((5.0, 20.0), (25.0, 19.0), (22.0, 4.0), (7.0, 5.0))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).integers(0, 99, SHAPE).astype("int16")
    nib.save(nib.Nifti1Image(values, AFFINE), tmp_path / "t1w.nii.gz")
    return tmp_path / "t1w.nii.gz"


def test_the_mask_is_one_polygon_on_every_slice_from_first_to_last(image):
    mask = draw_rvoi(Clicks(image, CORNERS, 2, 6)).data
    polygon = fill_polygon(np.array(CORNERS), SHAPE[:2])
    for k in range(SHAPE[2]):
        np.testing.assert_array_equal(mask[:, :, k], polygon & (2 <= k <= 6))


POINT = st.tuples(st.integers(0, 190), st.integers(0, 140))


@given(st.lists(POINT, min_size=4, max_size=4))
def test_a_pixel_is_inside_when_its_centre_is(points):
    # Odd hundredths keep every pixel's centre off the edges.
    corners = np.array(points) / 10 + [0.013, 0.029]
    centre = corners.mean(axis=0)
    corners = corners[np.argsort(np.arctan2(*(corners - centre).T))]
    edges = np.roll(corners, -1, axis=0) - corners
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    assume((turns > 0.1).all() or (turns < -0.1).all())
    i, j = np.meshgrid(np.arange(20), np.arange(15), indexing="ij")
    # A convex polygon is where every edge has the pixel on the same side.
    sides = np.array(
        [
            u * (j - b) - v * (i - a)
            for (a, b), (u, v) in zip(corners, edges, strict=True)
        ]
    )
    assume(np.abs(sides).min() > 1e-6)
    expected = (sides > 0).all(axis=0) | (sides < 0).all(axis=0)
    assume(expected.any())
    np.testing.assert_array_equal(fill_polygon(corners, (20, 15)), expected)


def test_corners_on_voxel_centres_mark_these_voxels():
    corners = np.array([(3.0, 2.0), (8.0, 2.0), (8.0, 5.0), (3.0, 5.0)])
    filled = fill_polygon(corners, (20, 15))
    expected = np.zeros((20, 15), dtype=bool)
    expected[3:9, 2:6] = True
    np.testing.assert_array_equal(filled, expected)
    np.testing.assert_array_equal(fill_polygon(corners[::-1], (20, 15)), expected)


def test_an_arrowhead_is_filled_without_its_notch():
    corners = np.array([(2.0, 2.0), (12.0, 2.0), (7.0, 5.0), (7.0, 12.0)])
    filled = fill_polygon(corners, (15, 15))
    assert filled[7, 4]
    assert filled[6, 6]
    assert not filled[9, 6]


@pytest.mark.parametrize(
    ("corners", "words"),
    [
        ([(3, 2), (8, 5), (8, 2), (3, 5)], "two edges cross"),
        ([(3, 2), (8, 2), (8, 2), (3, 2)], "two edges cross or touch"),
        ([(3, 2), (30, 2), (30, 5), (3, 5)], "inside the slice"),
        ([(3.2, 2.2), (3.4, 2.2), (3.4, 2.4), (3.2, 2.4)], "at least one voxel"),
    ],
)
def test_corners_that_make_no_region_are_refused(corners, words):
    with pytest.raises(RefusedError, match=words):
        fill_polygon(np.array(corners, dtype=float), (20, 15))


def test_itk_snaps_numbering_starts_at_one(image):
    shifted = tuple((x + 1, y + 1) for x, y in CORNERS)
    one = draw_rvoi(Clicks(image, shifted, 3, 7, index_base=1))
    np.testing.assert_array_equal(
        one.data, draw_rvoi(Clicks(image, CORNERS, 2, 6)).data
    )


def test_corners_may_be_given_in_world_millimetres(image):
    world = tuple(
        tuple(float(x) for x in AFFINE[:3, :3] @ (*point, 4) + AFFINE[:3, 3])
        for point in ((5.2, 20.2), (25.2, 19.2), (22.2, 4.2), (7.2, 5.2))
    )
    voxels = tuple((x + 0.2, y + 0.2) for x, y in CORNERS)
    one = draw_rvoi(Clicks(image, world, 2, 6, units="mm"))
    two = draw_rvoi(Clicks(image, voxels, 2, 6))
    np.testing.assert_array_equal(one.data, two.data)


def test_slices_lie_across_the_largest_spacing_or_the_axis_given(tmp_path):
    shape = (9, 30, 24)
    affine = make_affine(shape, (4.0, 1.5, 1.5), "PLS")
    nib.save(nib.Nifti1Image(np.ones(shape, "int16"), affine), tmp_path / "v.nii")
    mask = draw_rvoi(Clicks(tmp_path / "v.nii", CORNERS, 2, 6)).data
    assert list(np.flatnonzero(mask.any(axis=(1, 2)))) == [2, 3, 4, 5, 6]
    cube = np.ones((30, 30, 30), "int16")
    nib.save(nib.Nifti1Image(cube, np.eye(4)), tmp_path / "c.nii")
    with pytest.raises(CaseError, match="nearly cubic"):
        draw_rvoi(Clicks(tmp_path / "c.nii", CORNERS, 2, 6))
    mask = draw_rvoi(Clicks(tmp_path / "c.nii", CORNERS, 2, 6, through="j")).data
    assert list(np.flatnonzero(mask.any(axis=(0, 2)))) == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(("first", "last"), [(6, 2), (-1, 4), (2, 9)])
def test_slices_out_of_order_or_outside_are_refused(image, first, last):
    with pytest.raises(CaseError, match="0 <= first <= last <= 8"):
        draw_rvoi(Clicks(image, CORNERS, first, last))


def test_a_mask_is_written_as_bytes_with_the_images_place(image, tmp_path):
    mask = draw_rvoi(Clicks(image, CORNERS, 2, 6))
    write_mask(mask, tmp_path / "m.nii.gz")
    stored = nib.load(tmp_path / "m.nii.gz")
    assert stored.get_data_dtype() == np.uint8
    for form, code in (stored.get_sform(coded=True), stored.get_qform(coded=True)):
        assert code == 1
        np.testing.assert_allclose(form, AFFINE, atol=1e-5)
    again = read_mask(tmp_path / "m.nii.gz", patient_id="1")
    np.testing.assert_array_equal(again.data, mask.data)
    assert again.warnings == ()
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_file_is_not_overwritten_unless_told_so(image, tmp_path):
    mask, out = draw_rvoi(Clicks(image, CORNERS, 2, 6)), tmp_path / "m.nii.gz"
    out.write_bytes(b"drawn by hand")
    with pytest.raises(RefusedError, match="exists already"):
        write_mask(mask, out)
    assert out.read_bytes() == b"drawn by hand"
    write_mask(mask, out, overwrite=True)
    assert read_mask(out, patient_id="1").data.any()


def test_a_mask_needs_a_niftis_name_and_a_folder(image, tmp_path):
    mask = draw_rvoi(Clicks(image, CORNERS, 2, 6))
    with pytest.raises(RefusedError, match=r"\*\.nii"):
        write_mask(mask, tmp_path / "m.png")
    with pytest.raises(RefusedError, match="cannot be written"):
        write_mask(mask, tmp_path / "no" / "m.nii.gz")


@pytest.mark.parametrize("text", ["", "1,2", "a,b;c,d", "1,2;3,4;5,6;nan,7", "1 2;3 4"])
def test_corners_that_cannot_be_read_are_refused(text):
    with pytest.raises(RefusedError, match="corners"):
        Clicks(Path("v.nii"), parse_corners(text), 0, 1)


@pytest.mark.parametrize(
    "options",
    [{"units": "inch"}, {"index_base": 2}, {"through": "z"}, {"units": "mm"}],
)
def test_clicks_of_another_form_are_refused(options):
    with pytest.raises(RefusedError, match="must be"):
        Clicks(Path("v.nii"), CORNERS, 0, 1, **options)
