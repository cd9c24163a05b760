"""A volume is read as its header says, to its last byte, or refused in a sentence."""

import gzip
import os
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from negspa_jax.data import volume as volume_module
from negspa_jax.data.errors import CaseError
from negspa_jax.data.volume import file_sha256, read_mask, read_volume

AFFINE = np.array([[-2.0, 0, 0, 30], [0, 0.1, -3, 5], [0, 1.9, 0.2, 7], [0, 0, 0, 1]])
DTYPES = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


def save(path, *, dtype="int16", kind=nib.Nifti1Image, shape=(5, 6, 7), big=False):
    values = np.random.default_rng(0).integers(0, 100, shape)
    header = kind.header_class(endianness=">" if big else "<")
    header.set_data_dtype(dtype)
    image = kind(values.astype(dtype), AFFINE, header)
    nib.save(image, path)
    return path


def reason(path, read=read_volume) -> str:
    with pytest.raises(CaseError) as caught:
        read(path, patient_id="17")
    message = str(caught.value)
    assert message.startswith(f"patient 17, file {path}: ")
    assert "\n" not in message
    return caught.value.reason


@pytest.mark.parametrize("dtype", [*DTYPES, "float32", "float64"])
@pytest.mark.parametrize("big", [False, True])
def test_every_number_type_and_byte_order_reads_as_nibabel_reads_it(
    tmp_path, dtype, big
):
    path = save(tmp_path / "v.nii", dtype=dtype, big=big)
    volume = read_volume(path, patient_id="1")
    assert volume.data.dtype == np.float32
    np.testing.assert_array_equal(volume.data, nib.load(path).get_fdata())
    np.testing.assert_allclose(volume.affine, nib.load(path).affine)


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("name", ["v.nii", "v.nii.gz"])
def test_both_versions_read_plain_and_zipped(tmp_path, kind, name):
    path = save(tmp_path / name, kind=kind)
    expected = nib.load(path).get_fdata()
    np.testing.assert_array_equal(read_volume(path, patient_id="1").data, expected)


def test_the_content_decides_whether_a_file_is_zipped_not_its_name(tmp_path):
    zipped = save(tmp_path / "v.nii.gz")
    expected = read_volume(zipped, patient_id="1").data
    renamed = zipped.rename(tmp_path / "w.nii")
    np.testing.assert_array_equal(read_volume(renamed, patient_id="1").data, expected)


def test_slope_and_intercept_are_applied(tmp_path):
    path = save(tmp_path / "v.nii")
    image = nib.load(path)
    raw = np.asarray(image.dataobj)
    content = bytearray(path.read_bytes())
    content[112:120] = np.array([0.25, -3.0], "<f4").tobytes()
    path.write_bytes(content)
    scaled = read_volume(path, patient_id="1").data
    np.testing.assert_allclose(scaled, raw * 0.25 - 3.0)


def test_trailing_dimensions_of_one_are_dropped(tmp_path):
    path = save(tmp_path / "v.nii", shape=(5, 6, 7, 1, 1))
    assert read_volume(path, patient_id="1").data.shape == (5, 6, 7)


def test_zero_padding_after_the_last_voxel_is_accepted(tmp_path):
    path = save(tmp_path / "v.nii")
    path.write_bytes(path.read_bytes() + bytes(512))
    assert read_volume(path, patient_id="1").data.shape == (5, 6, 7)


def test_a_flipped_bit_in_a_zipped_file_never_changes_a_voxel_unnoticed(tmp_path):
    path = save(tmp_path / "v.nii.gz")
    good, whole = read_volume(path, patient_id="1"), path.read_bytes()
    generator, caught = np.random.default_rng(1), 0
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[generator.integers(len(whole))] ^= 1 << generator.integers(8)
        path.write_bytes(damaged)
        try:
            volume = read_volume(path, patient_id="1")
        except CaseError:
            caught += 1
        else:
            # The gzip header's name and date are no part of the volume.
            np.testing.assert_array_equal(volume.data, good.data)
    assert caught > 45


def patch(path, offset, value):
    content = bytearray(path.read_bytes())
    content[offset : offset + len(value)] = value
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [
        (40, np.array([4, 5, 6, 7, 2], "<i2"), "one 3D volume"),
        (40, np.array([2, 5, 6], "<i2"), "three dimensions"),
        (40, np.array([3, 5, 6, 0], "<i2"), "1 or more"),
        (40, np.array([3, 5, -6, 7], "<i2"), "1 or more"),
        (40, np.array([99, 5, 6, 7], "<i2"), "three dimensions"),
        (40, np.array([3, 30000, 30000, 100], "<i2"), "at most"),
        (40, np.array([3, 5, 6, 8], "<i2"), "truncated"),
        (40, np.array([3, 30000, 1, 4000], "<i2"), "slices of at most"),
        (40, np.array([3, 5, 6, 6], "<i2"), "further bytes"),
        (70, np.array([128], "<i2"), "RGB"),
        (70, np.array([32], "<i2"), "complex"),
        (70, np.array([777], "<i2"), "unknown"),
        (108, np.array([0], "<f4"), "voxels at byte"),
        (108, np.array([np.nan], "<f4"), "voxels at byte"),
        (112, np.array([2, np.nan], "<f4"), "scl_inter"),
        (252, np.array([0, 0], "<i2"), "left and right are unknown"),
        (280, np.array([np.nan], "<f4"), "finite affine"),
        (280, np.zeros(12, "<f4"), "0.01 to 100 mm"),
        (280, np.array([-0.002], "<f4"), "millimetres"),
        (280, np.full(12, 3e38, "<f4"), "0.01 to 100 mm"),
        (292, np.array([3e38], "<f4"), "within 1e+06 mm of its origin"),
        (280, np.array([2, 2, 0, 9, 0, 0.1, 0, 9, 0, 0, 3, 9], "<f4"), "parallel"),
        (344, b"ni1\0", "half of a pair"),
        (344, b"\0\0\0\0", "Analyze"),
        (0, np.array([17], "<i4"), "another format"),
    ],
)
def test_a_bad_header_is_refused_by_name(tmp_path, offset, value, words):
    path = save(tmp_path / "v.nii")
    patch(path, offset, value if isinstance(value, bytes) else value.tobytes())
    assert words in reason(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git-LFS"),
        (b"patient 7 has moved\n", "text that starts 'patient 7"),
        (b"PK\x03\x04" + bytes(500), "zip archive"),
        (bytes(128) + b"DICM" + bytes(400), "DICOM"),
        (gzip.compress(b"", mtime=0), "empty file"),
        (gzip.compress(b"hello", mtime=0), "text"),
        (b"\x1f\x8b", "truncated"),
        (b"\x1f\x8b" + b"x" * 100, "gzip"),
        (b"\x5c\x01\0\0" + bytes(100), "another format or a damaged one"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, content, words):
    path = tmp_path / "v.nii.gz"
    path.write_bytes(content)
    assert words in reason(path)


def test_missing_files_folders_and_devices_are_refused(tmp_path):
    assert "no such file" in reason(tmp_path / "v.nii")
    assert "directory" in reason(tmp_path)
    os.mkfifo(tmp_path / "pipe.nii")
    assert "device" in reason(tmp_path / "pipe.nii")
    assert "cannot be read" in reason(tmp_path / ("x" * 300))


def test_every_cut_of_a_zipped_file_is_refused(tmp_path):
    path = save(tmp_path / "v.nii.gz")
    whole = path.read_bytes()
    for size in range(2, len(whole), 7):
        path.write_bytes(whole[:size])
        assert "truncated" in reason(path)


def test_bytes_after_a_zipped_stream_are_refused(tmp_path):
    path = save(tmp_path / "v.nii.gz")
    path.write_bytes(path.read_bytes() + b"garbage")
    assert "gzip" in reason(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
def test_a_single_voxel_that_is_not_finite_is_refused(tmp_path, bad):
    data = np.random.default_rng(0).normal(size=(5, 6, 7))
    data[2, 3, 4] = bad
    nib.save(nib.Nifti1Image(data, AFFINE), tmp_path / "v.nii.gz")
    assert "NaN or infinity in voxel [2, 3, 4]" in reason(tmp_path / "v.nii.gz")


def test_a_constant_volume_is_refused(tmp_path):
    nib.save(
        nib.Nifti1Image(np.full((3, 4, 5), 7, "int16"), AFFINE), tmp_path / "v.nii"
    )
    assert "every voxel is 7" in reason(tmp_path / "v.nii")


def test_a_huge_promise_or_a_gzip_bomb_costs_no_memory(tmp_path):
    path = save(tmp_path / "v.nii")
    patch(path, 40, np.array([3, 2000, 2000, 30], "<i2").tobytes())
    bomb = tmp_path / "bomb.nii.gz"
    bomb.write_bytes(
        gzip.compress(save(tmp_path / "w.nii").read_bytes() + bytes(2**25))
    )
    tracemalloc.start()
    assert "truncated" in reason(path)
    assert "further bytes" in reason(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # What is promised is reserved, never touched: the reserve alone is counted.
    assert peak < 2000 * 2000 * 30 * 4 + 2**25


def test_a_qform_alone_is_enough(tmp_path):
    image = nib.Nifti1Image(np.arange(60, dtype="int16").reshape(3, 4, 5), None)
    image.set_qform(np.diag([2.0, 3, 4, 1]), code=1)
    nib.save(image, tmp_path / "v.nii")
    volume = read_volume(tmp_path / "v.nii", patient_id="1")
    np.testing.assert_allclose(volume.affine, np.diag([2.0, 3, 4, 1]))
    assert volume.warnings == ()


def test_an_sform_far_from_its_qform_is_used_and_remarked(tmp_path):
    image = nib.Nifti1Image(np.arange(60, dtype="int16").reshape(3, 4, 5), np.eye(4))
    image.set_qform(np.diag([-1.0, 1, 1, 1]), code=1)
    nib.save(image, tmp_path / "v.nii")
    volume = read_volume(tmp_path / "v.nii", patient_id="1")
    np.testing.assert_array_equal(volume.affine, np.eye(4))
    assert "differ by up to 4 mm" in volume.warnings[0]


def test_a_qform_of_numbers_that_overflow_is_remarked_without_a_warning(tmp_path):
    path = save(tmp_path / "v.nii")
    patch(path, 252, np.array([1, 1], "<i2").tobytes())
    patch(path, 268, np.array([3e38, -3e38, 3e38], "<f4").tobytes())
    assert "sform and qform differ" in read_volume(path, patient_id="1").warnings[0]


def test_labels_are_counted_over_all_parts_of_a_mask(tmp_path, monkeypatch):
    monkeypatch.setattr(volume_module, "_PART", 8)
    labels = np.zeros((4, 5, 6), "uint16")
    labels[:, 0, 0] = range(4)
    nib.save(nib.Nifti1Image(labels, AFFINE), tmp_path / "m.nii")
    assert read_mask(tmp_path / "m.nii", patient_id="1").data.sum() == 3
    monkeypatch.setattr(volume_module, "_MAX_LABELS", 2)
    assert "at most 2 labels, got more" in reason(tmp_path / "m.nii", read_mask)


def test_any_nonzero_label_is_inside_a_mask(tmp_path):
    labels = np.zeros((3, 4, 5), "uint16")
    labels[1, 2, 3], labels[0, 0, 0] = 4, 1
    nib.save(nib.Nifti1Image(labels, AFFINE), tmp_path / "m.nii.gz")
    mask = read_mask(tmp_path / "m.nii.gz", patient_id="1")
    assert mask.data.dtype == bool
    assert [tuple(index) for index in np.argwhere(mask.data)] == [(0, 0, 0), (1, 2, 3)]


def test_a_mask_that_is_empty_fractional_or_an_image_is_refused(tmp_path):
    path = tmp_path / "m.nii"
    for values, words in (
        (np.zeros((5, 6, 7)), "no voxel is set"),
        (np.full((5, 6, 7), 0.5), "fractions"),
        (np.arange(210.0).reshape(5, 6, 7), "is it an image"),
    ):
        nib.save(nib.Nifti1Image(values.astype("float32"), AFFINE), path)
        assert words in reason(path, read_mask)


def test_a_hash_is_that_of_the_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert file_sha256(tmp_path / "x").startswith("ba7816bf8f01cfea")


REAL = {
    "nibabel/anatomical.nii": None,
    "nibabel/reoriented_anat_moved.nii": None,
    "nibabel/someones_anatomy.nii.gz": None,
    "nibabel/someones_epi.nii.gz": None,
    "nibabel/standard.nii.gz": None,
    "nibabel/resampled_anat_moved.nii": "NaN",
    "nibabel/example4d.nii.gz": "one 3D volume",
    "nibabel/example_nifti2.nii.gz": "one 3D volume",
    "nibabel/functional.nii": "one 3D volume",
    "nibabel/row_major.dconn.nii": "one 3D volume",
    "nibabel/analyze.hdr": "Analyze",
    "nibabel/nifti1.hdr": "half of a pair",
    "nibabel/nifti2.hdr": "half of a pair",
    "nibabel/test.mgz": "MGH",
    "bad/lfs_pointer.nii.gz": "git-LFS",
}


def test_every_real_file_is_read_right_or_refused_with_a_sentence(shared: Path):
    folder = shared / "data" / "nifti"
    found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert found == set(REAL)
    for name, words in REAL.items():
        if words is not None:
            assert words in reason(folder / name)
            continue
        volume, image = (
            read_volume(folder / name, patient_id="1"),
            nib.load(folder / name),
        )
        np.testing.assert_array_equal(volume.data, image.get_fdata(dtype=np.float32))
        np.testing.assert_allclose(volume.affine, image.affine)
