"""The five real patients: masks, check, both joints in view, left is left."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from negspa_jax.data.__main__ import main
from negspa_jax.data.cohort import read_cohort
from negspa_jax.data.crops import crop_patient
from negspa_jax.data.patient import Patient
from negspa_jax.data.volume import read_mask
from negspa_jax.data.windows import measure_region, place_windows
from tests.data.real_patients import CLICKS, SEQUENCES, write_real_cohort


@pytest.fixture
def cohort(shared: Path, tmp_path: Path):
    return read_cohort(write_real_cohort(shared, tmp_path), sequences=SEQUENCES)


def test_check_passes_on_the_five(shared: Path, tmp_path: Path, capsys):
    table = write_real_cohort(shared, tmp_path)
    names = ",".join(SEQUENCES)
    flags = [f"--cohort={table}", f"--sequences={names}"]
    sheet = tmp_path / "sheet.png"
    assert main(["check", *flags, f"--contact_sheet={sheet}"]) == 0
    out = capsys.readouterr().out
    assert "LSP (4), LAS (1)" in out
    assert "warning" not in out
    assert sheet.is_file()


def test_labels_split_the_five_at_their_median(cohort):
    labels = {patient.patient_id: patient.label for patient in cohort.patients}
    assert labels == {"1003": 0, "1007": 1, "1012": 0, "1013": 1, "1016": 1}


def test_the_middle_slices_are_those_between_the_clicks(cohort):
    for patient in cohort.patients:
        _, first, last = CLICKS[patient.patient_id]
        middle = (first + last) // 2
        crops = crop_patient(patient, sequences=SEQUENCES, image_size=32)
        assert crops.slices == dict.fromkeys(
            SEQUENCES, (middle - 1, middle, middle + 1)
        )
        assert crops.warnings == ()


def replace_images(patient: Patient, path: Path) -> Patient:
    images = dict.fromkeys(patient.images, path)
    return Patient(patient.patient_id, "train", 1, images, patient.rvoi)


def test_each_sides_bone_is_in_its_own_window(shared: Path, cohort, tmp_path: Path):
    """Voxels of the bone region, split at the sacrum's middle by world x."""
    for patient in cohort.patients:
        name = patient.patient_id
        folder = shared / "data" / "sij_mri" / "masks"
        stored = nib.load(folder / f"{name}_disease_region.nii.gz")
        region = measure_region(read_mask(patient.rvoi["fs"], patient_id=name))
        indices = np.stack(np.indices(stored.shape), axis=-1)
        x = indices @ stored.affine[0, :3] + stored.affine[0, 3]
        bone = np.asarray(stored.dataobj) > 0
        on_left = bone & (x < region.centre[0] - 30)
        path = tmp_path / f"{name}_left_bone.nii"
        nib.save(nib.Nifti1Image(on_left.astype("uint8"), stored.affine), path)
        crops = crop_patient(
            replace_images(patient, path),
            sequences=("fs",),
            intensity="minmax_slice",
            image_size=64,
        )
        left, right = crops.images[:, 0, :, :, 1]
        assert left.mean() > 0.2
        assert right.mean() < 0.02
        # The lateral half of the left image is the one on the picture's right.
        assert left[:, 32:].sum() > left[:, :32].sum()


def test_1013s_oedema_is_on_the_left_although_its_stack_reads_las(cohort):
    patient = next(p for p in cohort.patients if p.patient_id == "1013")
    left, right = crop_patient(patient, sequences=("fs",)).images[:, 0, :, :, 1]
    assert (left > 0.99).mean() > 0.05
    assert (right > 0.99).mean() < 0.01


def test_the_clicked_joints_keep_a_margin_inside_their_windows(cohort):
    """Every corner of the region lies in its side's window, 11 mm from its border."""
    for patient in cohort.patients:
        mask = read_mask(patient.rvoi["fs"], patient_id=patient.patient_id)
        region = measure_region(mask)
        windows = place_windows(
            region,
            region.axes[2],
            sides=("left", "right"),
            window="square",
            centre="lateral",
            window_mm=100.0,
        )
        points = region.surface @ mask.affine[:3, :3].T + mask.affine[:3, 3]
        for side, window in windows.items():
            along = (points - region.centre) @ window.columns
            lateral = points[along > 25] if side == "left" else points[along < -25]
            across = np.abs((lateral - window.centre) @ window.columns)
            height = np.abs((lateral - window.centre) @ window.rows)
            assert across.max() < 50 - 11
            assert height.max() < 50 - 11
