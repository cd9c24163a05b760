"""Good patients pass; what goes wrong in practice is flagged, with the reason."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from negspa_jax.data.cohort import read_cohort
from negspa_jax.data.fingerprint import Fingerprint, fit_fingerprint
from negspa_jax.data.flags import FLAG_KINDS, Flag, judge
from negspa_jax.data.patient import Patient
from negspa_jax.data.radiograph import read_radiograph
from negspa_jax.data.traits import Traits
from negspa_jax.data.views import square_views
from tests.data import wrong_inputs
from tests.data.real_patients import SEQUENCES as REAL_SEQUENCES
from tests.data.real_patients import write_real_cohort
from tests.data.synthetic import reorient
from tests.data.trained_cohort import (
    NUM_OTHERS,
    NUM_TRAINED,
    SEQUENCES,
    Images,
    look,
    write_patients,
)


@pytest.fixture(scope="module")
def learned(tmp_path_factory) -> list[Images]:
    folder = tmp_path_factory.mktemp("trained")
    patients = write_patients(folder, seed=0, count=NUM_TRAINED)
    return [look(patient) for patient in patients]


@pytest.fixture(scope="module")
def fingerprint(learned) -> Fingerprint:
    return fit_fingerprint(learned)


@pytest.fixture(scope="module")
def others(tmp_path_factory) -> tuple[Patient, ...]:
    folder = tmp_path_factory.mktemp("others")
    return write_patients(folder, seed=7, count=NUM_OTHERS)


@pytest.fixture(scope="module")
def good(others) -> list[Images]:
    """What patients of another seed look like."""
    return [look(patient) for patient in others]


def kinds(flags: tuple[Flag, ...]) -> set[str]:
    return {flag.kind for flag in flags}


def judge_changed(fingerprint, patient, folder, change) -> tuple[Flag, ...]:
    return judge(fingerprint, look(wrong_inputs.rewrite(patient, folder, change)))


def change_numbers(images: Images, name: str, **numbers: float) -> Images:
    traits = images[name]
    return {**images, name: replace(traits, numbers={**traits.numbers, **numbers})}


# --- good inputs ----------------------------------------------------------------------


def test_patients_of_another_seed_are_not_flagged(fingerprint, good):
    assert [judge(fingerprint, images) for images in good] == [()] * NUM_OTHERS


def test_how_files_store_their_axes_flags_nobody(fingerprint, others, tmp_path):
    patient = wrong_inputs.rewrite(others[0], tmp_path, lambda grid, is_mask: grid)
    for path in patient.files.values():
        reorient(path, (2, 0, 1), (True, False, True))
    assert judge(fingerprint, look(patient)) == ()


def test_a_sequence_may_be_absent(fingerprint, good):
    assert judge(fingerprint, {"fs": good[0]["fs"]}) == ()
    assert judge(fingerprint, {}) == ()


def test_a_sequence_that_nobody_had_is_refused(fingerprint, good):
    with pytest.raises(ValueError, match="among t1w, t2w, fs, got pd"):
        judge(fingerprint, {"pd": good[0]["t1w"]})


# --- which sequence -------------------------------------------------------------------


@pytest.mark.parametrize(("one", "two"), list(itertools.combinations(SEQUENCES, 2)))
def test_exchanged_sequences_are_named(fingerprint, good, one, two):
    for images in good:
        flags = judge(fingerprint, {**images, one: images[two], two: images[one]})
        named = {flag.sequence for flag in flags if flag.kind == "sequence"}
        assert named == {one, two}
        assert f"looks like the training patients' {two}" in flags[0].reason


def test_all_three_in_another_order_are_all_named(fingerprint, good):
    given = dict(
        zip(SEQUENCES, (good[0][n] for n in ("fs", "t1w", "t2w")), strict=True)
    )
    flags = judge(fingerprint, given)
    assert [flag.sequence for flag in flags] == list(SEQUENCES)
    assert kinds(flags) == {"sequence"}


def test_one_file_given_twice_is_flagged(fingerprint, good):
    flags = judge(fingerprint, good[0] | {"t2w": good[0]["t1w"]})
    assert [(flag.kind, flag.sequence) for flag in flags] == [
        ("sequence", "t1w"),
        ("sequence", "t2w"),
    ]
    assert "the same image as t1w" in flags[1].reason


def test_a_single_image_of_another_sequence_is_flagged(fingerprint, good):
    found = [judge(fingerprint, {"t1w": images["fs"]}) for images in good]
    assert all(flag.sequence == "t1w" for (flag,) in found)
    # An unusual one may be said to show something else, which it does, too.
    assert sum(kinds(flags) == {"sequence"} for flags in found) >= NUM_OTHERS - 1


# --- plane, window, anatomy -----------------------------------------------------------


def test_an_axial_stack_is_flagged_by_its_plane(fingerprint, others, tmp_path):
    for patient in others[:3]:
        change = wrong_inputs.reslice_axial
        flags = judge_changed(fingerprint, patient, tmp_path, change)
        planes = [flag for flag in flags if flag.kind == "plane"]
        assert {flag.sequence for flag in planes} == set(SEQUENCES)
        assert "has axial slices" in planes[0].reason


def test_an_axial_stack_is_not_also_of_another_sequence(fingerprint, others, tmp_path):
    change = wrong_inputs.reslice_axial
    flags = judge_changed(fingerprint, others[0], tmp_path, change)
    assert kinds(flags) <= {"plane", "grid"}


def test_an_empty_window_is_flagged(fingerprint, others, tmp_path):
    for patient in others[:3]:
        change = wrong_inputs.empty_middle
        flags = judge_changed(fingerprint, patient, tmp_path, change)
        windows = {flag.sequence for flag in flags if flag.kind == "window"}
        assert windows == set(SEQUENCES)


def test_nothing_at_all_in_a_window_is_flagged_without_any_patients(learned, good):
    few = fit_fingerprint(learned[:1])
    (flag,) = judge(few, change_numbers(good[0], "fs", contrast=0.0))
    assert (flag.kind, flag.sequence) == ("window", "fs")
    assert "shows nothing" in flag.reason


def test_a_window_beside_the_image_is_flagged(fingerprint, others, tmp_path):
    for patient in others[:3]:
        change = wrong_inputs.move_region(left=80)
        flags = judge_changed(fingerprint, patient, tmp_path, change)
        assert kinds(flags) == {"window"}
        assert "of a window outside the image" in flags[0].reason


@pytest.mark.parametrize("moved", [{"up": 40}, {"front": -20}, {"left": 40}])
def test_other_anatomy_in_the_window_is_flagged(fingerprint, others, tmp_path, moved):
    for patient in others[:4]:
        change = wrong_inputs.move_region(**moved)
        flags = judge_changed(fingerprint, patient, tmp_path, change)
        assert kinds(flags) & {"anatomy", "window"}


def test_images_upside_down_are_flagged_as_that(fingerprint, others, tmp_path):
    for patient in others[:4]:
        change = wrong_inputs.turn_upside_down
        flags = judge_changed(fingerprint, patient, tmp_path, change)
        assert kinds(flags) == {"anatomy"}
        assert "upside down" in flags[0].reason


def test_head_and_feet_exchanged_in_the_header_are_flagged(
    fingerprint, others, tmp_path
):
    """An oblique stack then leans the other way."""
    for patient in others[:3]:
        change = wrong_inputs.mirror_height
        flags = judge_changed(fingerprint, patient, tmp_path, change)
        assert kinds(flags) == {"plane"}


def test_left_images_given_as_right_ones_are_flagged(fingerprint, good):
    for images in good:
        turned = {
            name: replace(
                traits,
                layout={
                    "left": traits.layout["right"],
                    "right": traits.layout["left"],
                },
            )
            for name, traits in images.items()
        }
        assert "anatomy" in kinds(judge(fingerprint, turned))


def test_a_mirrored_header_is_not_found(fingerprint, others, tmp_path):
    """A limit: a mirrored pelvis is a pelvis."""
    change = wrong_inputs.mirror_sides
    assert judge_changed(fingerprint, others[0], tmp_path, change) == ()


# --- grid and greys -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"spacing_mm": 0.4}, "a pixel spacing of 0.4 mm"),
        ({"slice_mm": 15.0}, "slices 15 mm apart"),
        ({"num_slices": 120.0}, "120 slices"),
    ],
)
def test_another_grid_is_flagged_with_what_was_usual(fingerprint, good, numbers, said):
    (flag,) = judge(fingerprint, change_numbers(good[0], "t1w", **numbers))
    assert (flag.kind, flag.sequence) == ("grid", "t1w")
    assert said in flag.reason
    assert "(theirs: " in flag.reason


def test_other_grey_values_are_flagged(fingerprint, good):
    squeezed = {
        name: 0.5 + 0.1 * value
        for name, value in good[0]["fs"].numbers.items()
        if name.startswith("volume_p")
    }
    (flag,) = judge(fingerprint, change_numbers(good[0], "fs", **squeezed))
    assert (flag.kind, flag.sequence) == ("intensity", "fs")


def test_every_reason_is_one_sentence_of_a_known_kind(fingerprint, others, tmp_path):
    for change in (
        wrong_inputs.reslice_axial,
        wrong_inputs.empty_middle,
        wrong_inputs.move_region(up=40),
    ):
        for flag in judge_changed(fingerprint, others[0], tmp_path, change):
            assert flag.kind in FLAG_KINDS
            assert "\n" not in flag.reason
            assert ". " not in flag.reason
            assert others[0].patient_id not in flag.reason


# --- radiographs ----------------------------------------------------------------------


def show(image: np.ndarray, folder: Path, **changes) -> Images:
    path = folder / "a.png"
    Image.fromarray((image * 65535).astype(np.uint16)).save(path)
    found = replace(read_radiograph(path), **changes)
    return square_views({"image": found}, patient_id="P", image_size=64).traits


def draw(seed: int) -> np.ndarray:
    """A bright ring below the middle of a dark image, never twice the same."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:80j, -1:1:96j]
    radius = np.hypot(x - rng.normal(0, 0.03), y - 0.3 + rng.normal(0, 0.03))
    ring = np.exp(-((radius - 0.5 - rng.normal(0, 0.02)) ** 2) / 0.03)
    return np.clip(0.7 * ring + 0.1 + rng.normal(0, 0.02, ring.shape), 0, 1)


@pytest.fixture
def radiographs(tmp_path) -> Fingerprint:
    parts = {"body_part": "PELVIS", "display": "window", "spacing_mm": 0.2}
    seen = [show(draw(seed), tmp_path, **parts) for seed in range(24)]
    return fit_fingerprint(seen)


PELVIS = {"body_part": "PELVIS", "display": "window", "spacing_mm": 0.2}


def test_a_radiograph_like_the_others_is_not_flagged(radiographs, tmp_path):
    for seed in range(100, 106):
        assert judge(radiographs, show(draw(seed), tmp_path, **PELVIS)) == ()


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"body_part": "CHEST"}, "anatomy", "says that it shows CHEST"),
        ({"display": "percentiles"}, "intensity", "is shown by percentiles"),
        ({"spacing_mm": 0.05}, "grid", "a pixel spacing of 0.05 mm"),
    ],
)
def test_a_radiograph_of_another_kind_is_flagged(
    radiographs, tmp_path, changes, kind, said
):
    flags = judge(radiographs, show(draw(100), tmp_path, **PELVIS | changes))
    assert [flag.kind for flag in flags] == [kind]
    assert said in flags[0].reason


def test_what_a_file_does_not_say_is_not_held_against_it(radiographs, tmp_path):
    unknown = {"body_part": "", "display": "window", "spacing_mm": None}
    assert judge(radiographs, show(draw(100), tmp_path, **unknown)) == ()


def test_a_radiograph_upside_down_is_flagged(radiographs, tmp_path):
    turned = show(np.flipud(draw(100)), tmp_path, **PELVIS)
    assert kinds(judge(radiographs, turned)) == {"anatomy"}


# --- the five real patients, each judged by the four others ---------------------------


@pytest.fixture
def real(shared: Path, tmp_path: Path) -> list[dict[str, Traits]]:
    table = write_real_cohort(shared, tmp_path)
    cohort = read_cohort(table, sequences=REAL_SEQUENCES)
    return [dict(look(patient)) for patient in cohort.patients]


def without(real: list, number: int) -> Fingerprint:
    return fit_fingerprint([one for other, one in enumerate(real) if other != number])


def test_real_patients_are_not_flagged(real):
    for number, images in enumerate(real):
        assert judge(without(real, number), images) == ()


def test_exchanged_real_sequences_are_named(real):
    for number, images in enumerate(real):
        given = {"t1w": images["fs"], "fs": images["t1w"]}
        flags = judge(without(real, number), given)
        assert [flag.kind for flag in flags] == ["sequence", "sequence"]
