"""The cache knows content, not names; the order of batches seed, epoch and step."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from negspa_jax.data.cohort import Cohort
from negspa_jax.data.crops import crop_patient
from negspa_jax.data.kinds import KINDS
from negspa_jax.data.pipeline import (
    Cache,
    Samples,
    all_sides,
    build_cache,
    evaluation_batches,
    patients_of,
    training_batches,
)
from negspa_jax.data.volume import file_sha256
from tests.data.synthetic import box_mask, make_affine, make_patient, write_volume

SHAPE, SPACING = (40, 40, 5), (3.0, 3.0, 6.0)
OPTIONS = {"sequences": ("t1w", "fs"), "image_size": 16}


def write_patient(folder: Path, patient_id: str, *, brightness: float):
    """Two sequences and a mask, coronal, as NIfTI files."""
    folder.mkdir(parents=True)
    affine = make_affine(SHAPE, SPACING, "LSP")
    images = {
        name: write_volume(
            folder / f"{name}.nii.gz",
            affine,
            SHAPE,
            lambda points, k=k: brightness * points[..., k] + points[..., 1],
        )
        for k, name in ((0, "t1w"), (2, "fs"))
    }
    box = box_mask((-40, -10, -30), (40, 10, 30))
    rvoi = write_volume(folder / "rvoi.nii.gz", affine, SHAPE, box, "uint8")
    return make_patient(images, rvoi, patient_id)


@pytest.fixture
def cohort(tmp_path) -> Cohort:
    """Three patients."""
    patients = [
        write_patient(tmp_path / f"P{i}", f"P{i}", brightness=1 + i) for i in range(3)
    ]
    return Cohort(tmp_path / "cohort.csv", ("t1w", "fs"), tuple(patients))


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Build the cache, and count the patients who had to be decoded."""
    decoded: list[str] = []

    def counted(patient, **options):
        decoded.append(patient.patient_id)
        return crop_patient(patient, **options)

    kind = replace(KINDS["mri"], decode=counted)
    monkeypatch.setitem(KINDS, "mri", kind)

    def run(cohort: Cohort, *, workers: int = 2, **options) -> tuple[Cache, list[str]]:
        decoded.clear()
        files = {path for p in cohort.patients for path in p.files.values()}
        cache = build_cache(
            cohort,
            {path: file_sha256(path) for path in files},
            cache_dir=tmp_path / "cache",
            crop_options=OPTIONS | options,
            workers=workers,
        )
        return cache, sorted(decoded)

    return run


def content(cache: Cache) -> list[bytes]:
    return [path.read_bytes() for path in cache.files]


EVERYBODY = ["P0", "P1", "P2"]


# --- the cache ------------------------------------------------------------------------


def test_the_cache_holds_what_crop_patient_returns(cohort, build):
    cache, _ = build(cohort)
    for index, patient in enumerate(cohort.patients):
        images = crop_patient(patient, **OPTIONS).images
        for side in (0, 1):
            np.testing.assert_array_equal(cache.read(index, side), images[side])


def test_a_second_run_decodes_nobody(cohort, build):
    assert build(cohort)[1] == EVERYBODY
    assert build(cohort)[1] == []


def test_files_under_other_names_are_known_by_their_content(cohort, build, tmp_path):
    build(cohort)
    moved = tmp_path / "elsewhere"
    (tmp_path / "P1").rename(moved)
    images = {
        name: moved / path.name for name, path in cohort.patients[1].images.items()
    }
    patient = make_patient(images, moved / "rvoi.nii.gz", "P1")
    first, _, last = cohort.patients
    assert build(replace(cohort, patients=(first, patient, last)))[1] == []


@pytest.mark.parametrize("name", ["t1w", "fs", "rvoi"])
def test_a_changed_file_is_decoded_again_and_no_other(cohort, build, tmp_path, name):
    build(cohort)
    write_patient(tmp_path / "other", "other", brightness=9)
    wider = box_mask((-50, -10, -30), (50, 10, 30))
    affine = make_affine(SHAPE, SPACING, "LSP")
    write_volume(tmp_path / "other" / "rvoi.nii.gz", affine, SHAPE, wider, "uint8")
    os.replace(
        tmp_path / "other" / f"{name}.nii.gz", tmp_path / "P1" / f"{name}.nii.gz"
    )
    assert build(cohort)[1] == ["P1"]


@pytest.mark.parametrize(
    "option",
    [
        {"image_size": 20},
        {"window_mm": 90.0},
        {"intensity": "percentile"},
        {"z_clip": 2.5},
        {"mirror_left": True},
        {"sequences": ("fs", "t1w")},
    ],
)
def test_a_changed_option_is_decoded_again(cohort, build, option):
    build(cohort)
    assert build(cohort, **option)[1] == EVERYBODY
    assert build(cohort)[1] == []


def test_changed_preprocessing_is_decoded_again(cohort, build, monkeypatch):
    build(cohort)
    kind = KINDS["mri"]
    monkeypatch.setitem(KINDS, "mri", replace(kind, version=kind.version + 1))
    assert build(cohort)[1] == EVERYBODY


def test_another_id_is_decoded_again_because_the_warnings_name_it(cohort, build):
    build(cohort)
    first, *rest = cohort.patients
    renamed = replace(cohort, patients=(replace(first, patient_id="Q"), *rest))
    assert build(renamed)[1] == ["Q"]


def flip_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "a flipped bit": flip_byte,
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-7]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("suffix", [".npy", ".json"])
def test_a_damaged_file_of_the_cache_is_made_again(cohort, build, damage, suffix):
    cache, _ = build(cohort)
    before = content(cache)
    damage(cache.files[1].with_suffix(suffix))
    again, decoded = build(cohort)
    assert content(again) == before
    # A flipped bit in the notes may lie in a blank.
    assert decoded in (["P1"], []) if suffix == ".json" else decoded == ["P1"]
    assert build(cohort)[1] == []


@pytest.mark.parametrize("text", ["3", "[]", "{}", '{"sha256": 3}', "null"])
def test_notes_that_are_none_are_made_again(cohort, build, text):
    cache, _ = build(cohort)
    cache.files[0].with_suffix(".json").write_text(text)
    assert build(cohort)[1] == ["P0"]


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_any_number_of_threads_writes_the_same_bytes(cohort, build, tmp_path, workers):
    one, _ = build(cohort, workers=1)
    before = content(one)
    for path in (tmp_path / "cache").iterdir():
        path.unlink()
    cache, decoded = build(cohort, workers=workers)
    assert decoded == EVERYBODY
    assert content(cache) == before


def test_nothing_but_the_cache_is_left_in_its_folder(cohort, build, tmp_path):
    build(cohort)
    names = sorted(path.suffix for path in (tmp_path / "cache").iterdir())
    assert names == [".json"] * 3 + [".npy"] * 3


def test_warnings_are_told_again_when_nothing_is_decoded(cohort, build):
    first, _ = build(cohort, window_mm=300.0)
    again, decoded = build(cohort, window_mm=300.0)
    assert decoded == []
    assert first.warnings
    assert again.warnings == first.warnings
    notes = json.loads(first.files[2].with_suffix(".json").read_text())
    assert all(line.startswith("patient P2, ") for line in notes["warnings"])


def test_every_patient_who_cannot_be_used_is_told(cohort, build):
    (cohort.patients[0].images["fs"]).write_bytes(b"no image")
    truncated = cohort.patients[2].images["t1w"]
    truncated.write_bytes(truncated.read_bytes()[:-20])
    with pytest.raises(ValueError, match="2 of 3 patients cannot be used") as caught:
        build(cohort)
    told = str(caught.value).splitlines()
    assert len(told) == 3
    assert told[1].startswith("  patient P0, file ")
    assert told[2].startswith("  patient P2, file ")


def test_the_progress_is_watched(cohort, tmp_path):
    seen = []

    def watch(items, *, total, label):
        for item in items:
            seen.append((total, label))
            yield item

    hashes = {
        path: file_sha256(path) for p in cohort.patients for path in p.files.values()
    }
    build_cache(
        cohort, hashes, cache_dir=tmp_path / "c", crop_options=OPTIONS, watch=watch
    )
    assert seen == [(3, "decoding images")] * 3


# --- batches --------------------------------------------------------------------------

NUM_PATIENTS = 11


@pytest.fixture(scope="module")
def numbered(tmp_path_factory) -> Cache:
    """A cache in which each image is its patient's and side's number."""
    folder = tmp_path_factory.mktemp("numbered")
    files = []
    for patient in range(NUM_PATIENTS):
        sides = 10.0 * patient + np.arange(2)
        files.append(folder / f"{patient}.npy")
        np.save(files[-1], np.ones((2, 2, 4, 4, 3)) * sides[:, None, None, None, None])
    return Cache(tuple(files), ())


SAMPLES = all_sides(np.arange(1, NUM_PATIENTS), num_sides=2)  # twenty


def numbers(batches) -> list[list[float]]:
    """Which samples the batches hold."""
    return [batch.images[:, 0, 0, 0, 0].tolist() for batch in batches]


def epoch_of(cache, *, epoch=0, seed=(0, 1, 2), batch_size=6, **options):
    options = {"workers": 0} | options
    return training_batches(
        cache, SAMPLES, seed=seed, epoch=epoch, batch_size=batch_size, **options
    )


def test_an_epoch_has_the_whole_batches_only(numbered):
    batches = numbers(epoch_of(numbered))
    assert [len(batch) for batch in batches] == [6, 6, 6]


def test_a_sample_is_drawn_at_most_once_in_an_epoch(numbered):
    drawn = np.concatenate(numbers(epoch_of(numbered))).tolist()
    assert len(set(drawn)) == len(drawn) == 18


def test_a_batch_of_all_samples_holds_each_once(numbered):
    (batch,) = numbers(epoch_of(numbered, batch_size=20))
    expected = [10 * p + s for p, s in zip(SAMPLES.patient, SAMPLES.side, strict=True)]
    assert sorted(batch) == expected
    assert batch != expected


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_order_is_the_same_for_any_number_of_workers(numbered, workers):
    alone = numbers(epoch_of(numbered))
    assert numbers(epoch_of(numbered, workers=workers)) == alone


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_goes_on_from_any_step(numbered, step, workers):
    whole = numbers(epoch_of(numbered))
    rest = numbers(epoch_of(numbered, first_step=step, workers=workers))
    assert rest == whole[step:]


def test_every_epoch_and_every_seed_has_an_order_of_its_own(numbered):
    seeds = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)]
    orders = [
        str(numbers(epoch_of(numbered, epoch=epoch, seed=seed)))
        for seed in seeds
        for epoch in range(3)
    ]
    assert len(set(orders)) == 12


def test_the_same_seed_and_epoch_give_the_same_order(numbered):
    first, second = (numbers(epoch_of(numbered, epoch=5)) for _ in range(2))
    assert first == second


def test_in_many_epochs_every_sample_is_drawn_equally_often(numbered):
    drawn = [
        n for e in range(100) for b in numbers(epoch_of(numbered, epoch=e)) for n in b
    ]
    counts = [drawn.count(n) for n in set(drawn)]
    assert len(counts) == 20
    # left out of an epoch with probability 0.1
    assert np.abs(np.array(counts) - 90).max() < 5 * np.sqrt(100 * 0.1 * 0.9)


def test_a_batch_names_the_patients_of_its_images(numbered):
    for batch in epoch_of(numbered):
        shown = batch.images[:, 0, 0, 0, 0] // 10
        np.testing.assert_array_equal(batch.patient, shown)
        assert batch.real.all()


@pytest.mark.parametrize("read", ["training", "evaluation"])
def test_the_parts_of_two_processes_are_the_whole_batch(numbered, read):
    def batches(rows):
        if read == "training":
            return list(epoch_of(numbered, rows=rows))
        return list(evaluation_batches(numbered, SAMPLES, batch_size=6, rows=rows))

    whole, first, second = map(batches, (slice(None), slice(0, 3), slice(3, 6)))
    for all_rows, *parts in zip(whole, first, second, strict=True):
        real = np.concatenate([part.real for part in parts])
        np.testing.assert_array_equal(all_rows.real, real)
        images = np.concatenate([part.images for part in parts])
        np.testing.assert_array_equal(all_rows.images[real], images[real])


@pytest.mark.parametrize("batch_size", [1, 6, 7, 20, 64])
@pytest.mark.parametrize("workers", [0, 2])
def test_evaluation_shows_every_sample_once_and_in_order(numbered, batch_size, workers):
    batches = list(
        evaluation_batches(numbered, SAMPLES, batch_size=batch_size, workers=workers)
    )
    assert all(len(batch.images) == batch_size for batch in batches)
    shown = [n for b in batches for n in b.images[b.real, 0, 0, 0, 0]]
    assert shown == [
        10 * p + s for p, s in zip(SAMPLES.patient, SAMPLES.side, strict=True)
    ]
    assert len(batches) == -(-20 // batch_size)


def test_evaluation_is_padded_with_an_image_of_the_same_batch(numbered):
    *_, last = evaluation_batches(numbered, SAMPLES, batch_size=7)
    assert last.real.tolist() == [True] * 6 + [False]
    np.testing.assert_array_equal(last.images[-1], last.images[0])


def test_a_process_without_a_real_row_gets_padding(numbered):
    *_, last = evaluation_batches(numbered, SAMPLES, batch_size=18, rows=slice(9, 18))
    assert not last.real.any()
    assert last.images.shape[0] == 9


def test_batches_may_be_left_before_they_end(numbered):
    batches = epoch_of(numbered, workers=2)
    next(batches)
    del batches


def test_sides_of_a_patient_stand_next_to_each_other():
    samples = all_sides(np.array([4, 2]), num_sides=2)
    assert samples.patient.tolist() == [4, 4, 2, 2]
    assert samples.side.tolist() == [0, 1, 0, 1]
    assert len(samples) == 4


def test_one_window_a_patient_is_one_sample():
    samples = all_sides(np.array([4, 2]), num_sides=1)
    assert samples == Samples(samples.patient, samples.side)
    assert (samples.patient.tolist(), samples.side.tolist()) == ([4, 2], [0, 0])


def test_patients_are_found_by_their_ids(cohort):
    assert patients_of(cohort, ["P2", "P0"]).tolist() == [2, 0]
    assert patients_of(cohort, []).tolist() == []
