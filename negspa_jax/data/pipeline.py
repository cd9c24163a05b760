"""From patients to batches: decode once into a cache, then read in a known order.

The cache holds one file for each patient, named by the SHA-256 of everything that
determines its content: the input files' bytes, the options of preprocessing, the
version of the code. A changed input or option is another name; a damaged file is
found by its own hash and made again. The order of training samples depends on
(seed, epoch, step) alone, not on the number of workers or on where a run resumed.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import grain
import numpy as np

from negspa_jax.data.cohort import Cohort, Patient
from negspa_jax.data.errors import CaseError
from negspa_jax.data.kinds import KINDS, Kind
from negspa_jax.data.traits import Traits, pack_traits, unpack_traits
from negspa_jax.shapes import Bool, Float, Int


@dataclass(frozen=True)
class Samples:
    """Which sub-images a batch can be drawn from: sample = patient and side."""

    patient: Int[np.ndarray, " n"]
    side: Int[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.patient)


class Batch(NamedTuple):
    """Images in [0, 1], who they are of, and which of them are only padding."""

    images: Float[np.ndarray, "b m h w c"]
    patient: Int[np.ndarray, " b"]
    real: Bool[np.ndarray, " b"]


@dataclass(frozen=True)
class Cache:
    """The decoded sub-images of a cohort, one file for each patient, read on demand.

    Beside each stand its notes: a hash, warnings, and the traits of its images.
    """

    files: tuple[Path, ...]
    warnings: tuple[str, ...]

    @property
    def traits(self) -> tuple[Mapping[str, Traits], ...]:
        """Each patient's traits by sequence; read anew, so that none stay in memory."""
        notes = (path.with_suffix(".json").read_bytes() for path in self.files)
        return tuple(unpack_traits(json.loads(text)["traits"]) for text in notes)

    @cached_property
    def _layout(self) -> np.memmap:
        return np.load(self.files[0], mmap_mode="r")

    def read(self, patient: int, side: int) -> Float[np.ndarray, "m h w c"]:
        """Return one sample; only its part of the file is read.

        All files have the layout of the first, whose header alone is parsed: numpy
        parses headers as Python source, which Python 3.11 cannot do in two threads
        at a time (SystemError: AST constructor recursion depth mismatch).
        """
        like = self._layout
        path, kind, offset = self.files[patient], like.dtype, like.offset
        return np.memmap(path, kind, "r", offset, like.shape)[side]


def build_cache(
    cohort: Cohort,
    hashes: Mapping[Path, str],
    *,
    cache_dir: Path,
    crop_options: Mapping[str, Any],
    kind: str = "mri",
    workers: int = 2,
    watch: Callable[..., Iterable[Any]] = lambda items, **_: items,
) -> Cache:
    """Decode every patient who is not in the cache yet.

    Args:
        cohort: the patients, in the order in which samples will name them.
        hashes: SHA-256 of every input file.
        cache_dir: is made if absent; several runs may share it.
        crop_options: keywords of the kind's `decode`.
        kind: of the images, a key of `KINDS`.
        workers: patients decoded at the same time.
        watch: passes on the patients' results, with `total` and `label` for a bar.

    Raises:
        ValueError: listing every patient who cannot be used, and why.
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    maker = KINDS[kind]

    def prepare(patient: Patient) -> tuple[Path, tuple[str, ...]] | CaseError:
        name = _content_name(patient, hashes, crop_options, maker)
        try:
            return _decode_once(patient, cache_dir / f"{name}.npy", crop_options, maker)
        except CaseError as error:
            return error

    pool = ThreadPoolExecutor(max(workers, 1))
    try:
        prepared = pool.map(prepare, cohort.patients)
        total = len(cohort.patients)
        results = list(watch(prepared, total=total, label="decoding images"))
    finally:
        # Whoever stops watching does not wait for the rest.
        pool.shutdown(cancel_futures=True)
    errors = [result for result in results if isinstance(result, CaseError)]
    if errors:
        raise ValueError(
            f"{len(errors)} of {len(results)} patients cannot be used:\n  "
            + "\n  ".join(map(str, errors))
        )
    done = [result for result in results if not isinstance(result, CaseError)]
    warnings = tuple(line for _, lines in done for line in lines)
    return Cache(tuple(path for path, _ in done), warnings)


def training_batches(
    cache: Cache,
    samples: Samples,
    *,
    seed: Sequence[int],
    epoch: int,
    batch_size: int,
    first_step: int = 0,
    rows: slice = slice(None),
    workers: int = 2,
) -> Iterator[Batch]:
    """Return an epoch's full batches of a fresh shuffle, from one step on.

    The samples that do not fill a batch are left out of this epoch.

    Args:
        cache: from `build_cache`.
        samples: at least `batch_size`.
        seed: numbers of the run, fold and stage.
        epoch: from 0; together with the seed it determines the order.
        batch_size: over all processes.
        first_step: steps of this epoch that are done already.
        rows: the part of every batch that this process reads.
        workers: reading threads; 0 reads in the calling thread.
    """
    shuffle = np.random.SeedSequence([*seed, epoch]).generate_state(1)[0]
    order = grain.MapDataset.range(len(samples)).shuffle(seed=int(shuffle))
    batches = order.batch(batch_size, drop_remainder=True)
    return _read(cache, samples, batches[first_step:], rows, workers)


def evaluation_batches(
    cache: Cache,
    samples: Samples,
    *,
    batch_size: int,
    rows: slice = slice(None),
    workers: int = 2,
) -> Iterator[Batch]:
    """Return all samples in order; the last batch is padded by its first sample."""
    padded = -(-len(samples) // batch_size) * batch_size
    order = grain.MapDataset.range(padded)
    return _read(cache, samples, order.batch(batch_size), rows, workers)


def _read(
    cache: Cache, samples: Samples, batches: Any, rows: slice, workers: int
) -> Iterator[Batch]:
    cache.read(0, 0)  # parses the header in this thread, before others read

    def read(indices: Int[np.ndarray, " b"]) -> Batch:
        mine = np.asarray(indices)[rows]
        real = mine < len(samples)
        chosen = np.where(real, mine, mine[0] if real[0] else 0)
        patient, side = samples.patient[chosen], samples.side[chosen]
        places = zip(patient.tolist(), side.tolist(), strict=True)
        images = [cache.read(*place) for place in places]
        return Batch(np.stack(images), patient, real)

    options = grain.ReadOptions(num_threads=workers, prefetch_buffer_size=2 * workers)
    return iter(batches.map(read).to_iter_dataset(options))


def _content_name(
    patient: Patient,
    hashes: Mapping[Path, str],
    options: Mapping[str, Any],
    kind: Kind,
) -> str:
    clicks = patient.clicks and dataclasses.replace(patient.clicks, image=Path())
    content = {
        "version": [kind.decode.__name__, kind.version],
        "patient": patient.patient_id,  # stands in the warnings
        "options": dict(options),
        "files": {role: hashes[path] for role, path in patient.files.items()},
        "clicks": repr(clicks),
        "boxes": patient.boxes,
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _decode_once(
    patient: Patient, path: Path, options: Mapping[str, Any], kind: Kind
) -> tuple[Path, tuple[str, ...]]:
    notes = path.with_suffix(".json")
    try:
        found = json.loads(notes.read_bytes())
        unpack_traits(found["traits"])
        if found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest():
            return path, tuple(found["warnings"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        pass  # not there, or its notes are damaged: it is made again
    crops = kind.decode(patient, **options)
    part = path.with_name(f"{path.stem}.{os.getpid()}.part")
    with part.open("wb") as file:
        np.save(file, crops.images)
    digest = hashlib.sha256(part.read_bytes()).hexdigest()
    found = {"sha256": digest, "warnings": list(crops.warnings)}
    found["traits"] = pack_traits(crops.traits)
    os.replace(part, path)
    part.write_text(json.dumps(found), encoding="utf-8")
    os.replace(part, notes)
    return path, crops.warnings


def patients_of(cohort: Cohort, names: Sequence[str]) -> Int[np.ndarray, " n"]:
    """Return the cohort's indices of patient ids."""
    index = {patient.patient_id: i for i, patient in enumerate(cohort.patients)}
    return np.array([index[name] for name in names], dtype=np.int64)


def all_sides(patients: Int[np.ndarray, " n"], *, num_sides: int) -> Samples:
    """Return every side of the given patients, a patient's sides next to each other."""
    sides = np.arange(num_sides)
    return Samples(np.repeat(patients, num_sides), np.tile(sides, len(patients)))
