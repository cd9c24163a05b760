"""The synthetic radiographs: from a seed, files and a table; joints show the label."""

import csv
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from negspa_jax.data.pelvis import (
    COLUMNS,
    PRESETS,
    PelvisPreset,
    plan_rows,
    write_pelvis,
)
from negspa_jax.data.pelvis_anatomy import Canvas
from negspa_jax.data.pelvis_build import joint_distance, unbend
from negspa_jax.data.pelvis_joint import BOTTOM, TOP
from negspa_jax.data.pelvis_patient import SACRUM_MM, draw_patient
from negspa_jax.data.radiograph import read_radiograph
from negspa_jax.data.reference import is_definite

TINY = PelvisPreset({"train": (6, 6), "external": (2, 2)}, (64, 80))
# The small preset's patients, seen coarsely: their draws do not depend on the matrix.
COARSE = PelvisPreset(PRESETS["small"].groups, (120, 150))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("pelvis")
    write_pelvis(out, preset=TINY, seed=3, num_processes=1)
    return out


@pytest.fixture(scope="module")
def coarse(tmp_path_factory):
    out = tmp_path_factory.mktemp("coarse")
    return write_pelvis(out, preset=COARSE, num_processes=2)


def contents(out):
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def read_rows(table):
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def test_same_seed_gives_the_same_bytes_with_any_number_of_processes(folder, tmp_path):
    write_pelvis(tmp_path, preset=TINY, seed=3, num_processes=2)
    assert contents(tmp_path) == contents(folder)


def test_another_seed_gives_another_image_and_other_identifiers(folder, tmp_path):
    write_pelvis(tmp_path, preset=TINY, seed=4, num_patients=1, num_processes=1)
    first, second = (
        pydicom.dcmread(out / "images/P0001.dcm") for out in (folder, tmp_path)
    )
    assert first.PixelData != second.PixelData
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert first[keyword].value != second[keyword].value


def test_the_first_patients_do_not_depend_on_how_many_follow(folder, tmp_path):
    write_pelvis(tmp_path, preset=TINY, seed=3, num_patients=2, num_processes=1)
    whole, part = contents(folder), contents(tmp_path)
    assert whole["cohort.csv"].startswith(part.pop("cohort.csv"))
    assert len(part) == 2
    assert all(whole[path] == content for path, content in part.items())


@pytest.mark.parametrize(
    ("preset", "counts"),
    [
        # the counts that the paper prints
        ("paper", {"train": (493, 911), "validation": (87, 160), "external": (46, 54)}),
        ("small", {"train": (200, 200), "validation": (40, 40), "external": (60, 60)}),
    ],
)
def test_presets_have_the_stated_patients(preset, counts):
    rows = plan_rows(PRESETS[preset], seed=0)
    found = {
        split: tuple(sum(row[1:] == (split, label) for row in rows) for label in (0, 1))
        for split in counts
    }
    assert found == counts
    assert [number for number, _, _ in rows] == list(range(1, len(rows) + 1))


def test_the_papers_learning_set_is_split_in_85_and_15_per_cent():
    sizes = {split: sum(pair) for split, pair in PRESETS["paper"].groups.items()}
    assert sizes == {"train": 1404, "validation": 247, "external": 100}
    assert round(1404 / 1651, 2) == 0.85


def test_the_table_names_every_file_and_its_label_follows_from_the_grades(folder):
    rows = read_rows(folder / "cohort.csv")
    assert tuple(rows[0]) == COLUMNS
    assert len({row["patient_id"] for row in rows}) == 16
    for row in rows:
        assert (folder / row["image"]).is_file()
        grades = int(row["grade_right"]), int(row["grade_left"])
        assert int(row["label"]) == is_definite(*grades)


@pytest.mark.parametrize("row", plan_rows(PRESETS["small"], seed=0)[::40])
def test_the_crop_box_holds_both_joints_whole(row):
    patient = draw_patient(row, columns=PRESETS["small"].columns, seed=0)
    top, left, bottom, right = patient.frame.enclose(*SACRUM_MM)
    across, along = patient.frame.locate()
    x, y = unbend(patient.build, across, along)
    near = np.abs(joint_distance(patient.build, x, y)) < 8
    rows, columns = np.nonzero(near & (y > TOP) & (y < BOTTOM))
    assert top < rows.min()
    assert rows.max() < bottom
    assert left < columns.min()
    assert columns.max() < right


def test_only_a_cropped_preset_fills_the_crop_box(folder):
    assert {row["crop"] for row in read_rows(folder / "cohort.csv")} == {""}


def test_the_reader_of_radiographs_reads_every_file_without_a_doubt(folder):
    for path in sorted(folder.glob("images/*.dcm")):
        radiograph = read_radiograph(path)
        assert radiograph.warnings == ()
        assert radiograph.spacing_mm is not None
        assert 2 < radiograph.spacing_mm < 6
        assert radiograph.image.min() >= 0
        assert radiograph.image.max() <= 1


def test_bone_is_brighter_than_the_gap_beside_it_in_every_kind_of_file(coarse):
    """The femur's head against the pelvic inlet, whatever the polarity and depth."""
    for row in plan_rows(COARSE, seed=0)[:60]:
        image, canvas = show_patient(coarse, row)
        head = np.hypot(canvas.a - 92, canvas.y - 86) < 15
        inlet = np.hypot(canvas.a - 38, canvas.y - 68) < 8
        assert np.median(image[head]) > np.median(image[inlet])


def show_patient(table, row):
    """The image as the reader of radiographs shows it, and where its pixels lie."""
    patient = draw_patient(row, columns=COARSE.columns, seed=0)
    radiograph = read_radiograph(table.parent / f"images/P{row[0]:04d}.dcm")
    side = radiograph.spacing_mm
    frame = replace(
        patient.frame, shape=radiograph.image.shape, spacing_mm=(side, side)
    )
    return radiograph.image, Canvas(patient.build, *frame.locate())


def test_mean_intensities_do_not_tell_the_classes_apart(coarse):
    """Of the default cohort: means of nine parts of the image, logistic regression."""
    rows = read_rows(coarse)
    means = np.array([nine_means(coarse.parent / row["image"]) for row in rows])
    labels = np.array([int(row["label"]) for row in rows])
    test = np.array([row["split"] == "external" for row in rows])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    scores = model.fit(means[~test], labels[~test]).predict_proba(means[test])[:, 1]
    assert 0.35 < roc_auc_score(labels[test], scores) < 0.65


def nine_means(path):
    image = read_radiograph(path).image
    return [
        part.mean()
        for strip in np.array_split(image, 3)
        for part in np.array_split(strip, 3, axis=1)
    ]


def test_a_simple_filter_at_the_joints_tells_the_classes_apart(coarse):
    """Sclerosis and unevenness beside the joint, no training at all."""
    rows = plan_rows(COARSE, seed=0)[:160]
    scores = [filter_joints(*show_patient(coarse, row)) for row in rows]
    assert roc_auc_score([label for _, _, label in rows], scores) > 0.8


def filter_joints(image, canvas):
    """How much brighter and more uneven the ilium is at the joint than beside it."""
    lateral, score = canvas.lateral, 0.0
    contrast = image[(canvas.a < 110) & (np.abs(canvas.y) < 70)].std()
    for side in (-1, 1):
        inside = (np.sign(canvas.x) == side) & (np.abs(canvas.y) < 35)
        near = image[inside & (lateral > 1.5) & (lateral < 8)]
        far = image[inside & (lateral > 16) & (lateral < 24)]
        score += (near.mean() - far.mean() + near.std()) / contrast
    return score


def test_an_unknown_preset_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"preset must be one of .*, got 'big'"):
        write_pelvis(tmp_path, preset="big")
