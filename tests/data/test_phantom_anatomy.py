"""The synthetic body shows what a real one shows, where the truth says it does."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from negspa_jax.data.cohort import read_cohort
from negspa_jax.data.crops import crop_patient
from negspa_jax.data.phantom import Preset, draw_patient, write_phantom
from negspa_jax.data.phantom_anatomy import SEQUENCES, SIGNALS, Canvas, paint_body
from negspa_jax.data.phantom_images import acquire, draw_rvoi, draw_truth
from negspa_jax.data.phantom_lesions import Lesion, draw_lesions, joint_at
from negspa_jax.data.phantom_scan import draw_scans

OEDEMA = Lesion("oedema", "ilium", 1, (5.0, 0.0, 0.0), (8.0, 14.0, 12.0))


def draw_case(number, label=1):
    """A patient with three scans at a low resolution."""
    patient = draw_patient((number, "train", label), seed=5)
    return patient, draw_scans(patient.key, "train", (64, 96), (8, 10))


def body_points(scan, mask):
    """(u, w, d) in mm of the voxels in a mask."""
    voxels = np.argwhere(mask)
    to_body = np.linalg.inv(scan.body_to_world) @ scan.affine
    return voxels @ to_body[:3, :3].T + to_body[:3, 3]


@pytest.mark.parametrize("number", range(1, 9))
def test_rvoi_covers_both_joints_on_every_grid(number):
    patient, scans = draw_case(number)
    for scan in scans:
        mask = draw_rvoi(patient.key, patient.body, scan)
        to_voxel = np.linalg.inv(scan.affine) @ scan.body_to_world
        for side in (-1, 1):
            for w in np.linspace(-30, 26, 9):
                u = side * joint_at(patient.body, side, float(w), 0.0)
                point = patient.body.size * np.array([u, w, 0.0])
                i, j, k = np.rint(to_voxel[:3, :3] @ point + to_voxel[:3, 3]).astype(
                    int
                )
                assert mask[i, j, k]


def test_rvoi_is_the_same_quadrilateral_on_a_run_of_at_least_three_slices():
    for number in range(1, 9):
        patient, scans = draw_case(number)
        mask = draw_rvoi(patient.key, patient.body, scans[0])
        used = np.flatnonzero(mask.any(axis=(0, 1)))
        assert len(used) >= 3
        assert np.array_equal(used, np.arange(used[0], used[-1] + 1))
        assert np.all(mask[:, :, used] == mask[:, :, used[:1]])


@pytest.mark.parametrize("side", [-1, 1])
def test_a_lesion_lies_on_the_side_that_the_truth_names(side):
    """In RAS x grows to the patient's right, and +1 means right."""
    patient, scans = draw_case(1)
    lesion = Lesion("oedema", "ilium", side, *(OEDEMA.centre, OEDEMA.radii))
    mask = draw_truth(patient.body, (lesion,), scans[2])
    world = np.argwhere(mask) @ scans[2].affine[:3, :3].T + scans[2].affine[:3, 3]
    assert len(world) > 0
    assert np.sign(world.mean(axis=0)[0] - scans[2].body_to_world[0, 3]) == side


@pytest.mark.parametrize("number", range(1, 6))
def test_true_lesions_lie_within_reach_of_a_joint(number):
    patient, scans = draw_case(number)
    scan = scans[2]
    mask = draw_truth(patient.body, patient.lesions, scan)
    assert mask.any()
    u, w, d = (body_points(scan, mask) / patient.body.size).T
    line = [
        joint_at(patient.body, int(np.sign(x)), *map(float, rest))
        for x, *rest in zip(u, w, d, strict=True)
    ]
    distance = np.abs(np.abs(u) - line)
    assert np.median(distance) < 10
    assert distance.max() < 30


def test_decoys_are_no_lesions():
    patient, scans = draw_case(1)
    decoys = tuple(x for x in patient.lesions if not x.at_joint)
    assert not draw_truth(patient.body, decoys, scans[2]).any()


@pytest.mark.parametrize(("sequence", "sign"), [("t1w", -1), ("t2w", 1), ("fs", 1)])
def test_oedema_is_dark_on_t1w_and_bright_on_t2w_and_fs(sequence, sign):
    patient, scans = draw_case(2)
    scan = scans[SEQUENCES.index(sequence)]
    inside = draw_truth(patient.body, (OEDEMA,), scan) > 0
    healthy = acquire(np.random.default_rng(0), patient.body, (), scan)
    ill = acquire(np.random.default_rng(0), patient.body, (OEDEMA,), scan)
    assert sign * np.mean(ill[inside] - healthy[inside]) > 0.1


def test_signals_are_ordered_as_on_real_sequences():
    order = {
        "t1w": ("air", "spinal_fluid", "muscle", "marrow", "fat"),
        "t2w": ("cortex", "muscle", "marrow", "fat", "spinal_fluid"),
        "fs": ("cortex", "fat", "oedema", "spinal_fluid"),
    }
    for channel, sequence in enumerate(SEQUENCES):
        signals = [SIGNALS[tissue][channel] for tissue in order[sequence]]
        assert signals == sorted(signals)


def test_the_same_body_is_seen_on_any_grid():
    """One body sampled at a coarse grid's points equals a fine grid's every third."""
    patient, _ = draw_case(3)
    fine = [
        np.arange(-60, 60, 2, dtype=np.float32)[:, None, None],
        np.arange(-40, 40, 2, dtype=np.float32)[:, None],
        np.arange(-15, 15, 3, dtype=np.float32),
    ]
    fields = np.broadcast_arrays(*fine)

    def paint(axes):
        return paint_body(Canvas(patient.body, axes, 2.0, "t1w"), patient.lesions)

    coarse = paint(tuple(axis[::3, ::3] for axis in fields))
    assert np.array_equal(coarse, paint(tuple(fields))[::3, ::3])


def test_fields_stay_float32():
    """One float64 constant would double the time and the memory."""
    patient, scans = draw_case(1)
    axes = scans[0].body_coordinates(0, 2)
    canvas = Canvas(patient.body, axes, scans[0].edge_mm, "t1w", scans[0].contrast)
    fields = [x for x in vars(canvas).values() if isinstance(x, np.ndarray)]
    fields += [lesion.share(canvas) for lesion in patient.lesions]
    assert {field.dtype for field in fields} == {np.dtype(np.float32)}


def test_bright_area_is_alike_in_both_classes():
    """Decoys make up for lesions, so that brightness does not give the label away."""
    areas = [[], []]
    for label, activity in ((0, -0.7), (1, 0.7)):
        for number in range(300):
            key = np.random.default_rng([label, number])
            lesions = draw_lesions(key, activity, structural_damage=0)
            bright = [x.area for x in lesions if x.tissue == "oedema"]
            areas[label].append(sum(bright))
    assert abs(np.mean(areas[1]) / np.mean(areas[0]) - 1) < 0.15


def test_mean_intensities_do_not_tell_the_classes_apart(tmp_path):
    groups = {"train": (28, 28), "internal": (24, 24)}
    write_phantom(tmp_path, preset=Preset(groups, (40, 48), (8, 8)), num_processes=2)
    patients = read_cohort(tmp_path / "cohort.csv", sequences=SEQUENCES).patients
    means = np.array(
        [
            crop_patient(patient, sequences=SEQUENCES, image_size=24)
            .images.mean(axis=(2, 3))
            .ravel()
            for patient in patients
        ]
    )
    labels = np.array([patient.label for patient in patients])
    train = np.array([patient.split == "train" for patient in patients])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    scores = model.fit(means[train], labels[train]).predict_proba(means[~train])[:, 1]
    assert 0.35 < roc_auc_score(labels[~train], scores) < 0.65
