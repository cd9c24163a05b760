"""Are wrong inputs flagged, and right ones not?

python -m benchmarks.fingerprint --out=benchmarks/results/fingerprint.jsonl

synthetic   Fitted on the training patients of one synthetic cohort, as a run does.
            Good: patients of the same hospital (its test patients, and those of another
            seed), of another hospital's scanners, and of a finer grid, which the model
            has not seen. Wrong: what `tests/data/wrong_inputs.py` makes of patients of
            the other seed; each pair of sequences exchanged; one file given twice.
radiograph  The same with synthetic radiographs; what is wrong is done to the image.
real        The five patients of --shared, each judged by what the four others looked
            like: four are the fewest of which anything is said.

A wrong input counts as caught if it is refused, or flagged at all; an exchange only if
both images are said to be of another sequence ("any flag": flagged at all). `by` counts
patients by kind of flag. The reference of all is the share of good inputs flagged.
"""

import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from absl import app, flags, logging

from benchmarks.record import describe_machine, keep
from negspa_jax.data.cohort import read_cohort
from negspa_jax.data.crops import crop_patient
from negspa_jax.data.errors import CaseError
from negspa_jax.data.fingerprint import Fingerprint, fit_fingerprint
from negspa_jax.data.flags import judge
from negspa_jax.data.patient import Patient
from negspa_jax.data.pelvis import write_pelvis
from negspa_jax.data.phantom import PRESETS, Preset, write_phantom
from negspa_jax.data.radiograph import Radiograph
from negspa_jax.data.traits import Traits
from negspa_jax.data.views import read_view, square_views
from tests.data import wrong_inputs
from tests.data.real_patients import SEQUENCES as REAL_SEQUENCES
from tests.data.real_patients import write_real_cohort

_PART = flags.DEFINE_multi_enum(
    "part",
    ["synthetic", "radiograph", "real"],
    ["synthetic", "radiograph", "real"],
    "which",
)
_SHARED = flags.DEFINE_string("shared", "../shared", "holds data/sij_mri")
_OUT = flags.DEFINE_string("out", None, "file to which the JSON lines are added")

SEQUENCES = ("t1w", "t2w", "fs")
SEED, OTHER_SEED = 0, 7
NUM_WRONG = 24
IMAGE_SIZE = 224
PACKAGES = ("numpy", "scipy", "scikit-learn")
OTHER_HOSPITAL = {"external": (24, 24)}
WRONG: dict[str, wrong_inputs.Change] = {
    "axial stack": wrong_inputs.reslice_axial,
    "empty window": wrong_inputs.empty_middle,
    "upside down": wrong_inputs.turn_upside_down,
    "head and feet exchanged in the header": wrong_inputs.mirror_height,
    "left and right exchanged in the header": wrong_inputs.mirror_sides,
    **{
        f"region {mm} mm {way}": wrong_inputs.move_region(**{axis: sign * mm})
        for mm in (40, 80)
        for way, axis, sign in (
            ("up", "up", 1),
            ("down", "up", -1),
            ("to the left", "left", 1),
        )
    },
    "region 20 mm to the front": wrong_inputs.move_region(front=20),
    "region 20 mm to the back": wrong_inputs.move_region(front=-20),
}
Images = Mapping[str, Traits]
Found = dict[str, Any]


def main(_: list[str]) -> None:
    """Judge good and wrong inputs; one JSON line for each cohort."""
    logging.set_verbosity(logging.ERROR)
    machine = describe_machine(PACKAGES)
    parts = {
        "synthetic": judge_synthetic,
        "radiograph": judge_radiographs,
        "real": judge_real,
    }
    for name in _PART.value:
        with tempfile.TemporaryDirectory() as folder:
            found = parts[name](Path(folder))
        if found is not None:
            row = {"benchmark": "fingerprint", "cohort": name, **found, **machine}
            keep(row, _OUT.value)


def judge_synthetic(folder: Path) -> Found:
    """Synthetic MRI: good patients of four kinds, and wrong ones."""
    read = partial(read_patients, sequences=SEQUENCES)
    home = read(write_phantom(folder / "home", preset="small", seed=SEED))
    other = read(write_phantom(folder / "other", preset="small", seed=OTHER_SEED))
    size = PRESETS["small"].matrix, PRESETS["small"].slices
    away = Preset(OTHER_HOSPITAL, *size)
    fine = replace(PRESETS["paper"], groups={"internal": (6, 6)})
    learned, measured = measure([p for p in home if p.split == "train"])
    fingerprint, fitted = clock(lambda: fit_fingerprint(learned))
    tests = [p for p in home if p.split != "train"]
    good = {
        "test patients": tests,
        "another seed": other,
        "another hospital": read(write_phantom(folder / "away", preset=away)),
        "a finer grid": read(write_phantom(folder / "fine", preset=fine)),
    }
    images = {name: measure(patients)[0] for name, patients in good.items()}
    chosen = images["another seed"][:NUM_WRONG]
    judged, seconds = clock(lambda: [judge(fingerprint, one) for one in chosen])
    return {
        "learned_from": len(learned),
        "decode_ms": round(1e3 * measured / len(learned), 1),
        "fit_ms": round(1e3 * fitted, 1),
        "judge_ms": round(1e3 * seconds / len(judged), 2),
        "good": {name: count(fingerprint, some) for name, some in images.items()},
        "exchanged": {
            f"{one}, {two}": count_exchanged(fingerprint, some, one, two)
            for some in [[*images["test patients"], *images["another seed"]]]
            for one, two in itertools.combinations(SEQUENCES, 2)
        },
        "wrong": {
            "one file given twice": count(
                fingerprint, [{**one, "t2w": one["t1w"]} for one in chosen]
            ),
            **count_wrong(fingerprint, other[:NUM_WRONG], folder / "wrong"),
        },
    }


def judge_real(folder: Path) -> Found | None:
    """The five real patients, each left out once."""
    shared = Path(_SHARED.value).resolve()
    if not (shared / "data" / "sij_mri").is_dir():
        logging.error("no real patients: %s/data/sij_mri is absent", shared)
        return None
    patients = read_patients(
        write_real_cohort(shared, folder), sequences=REAL_SEQUENCES
    )
    images, _ = measure(patients)
    rows = []
    for number, patient in enumerate(patients):
        rest = [one for other, one in enumerate(images) if other != number]
        left_out, mine = fit_fingerprint(rest), [images[number]]
        wrong = count_wrong(left_out, [patient], folder / f"wrong_{number}")
        exchanged = count_exchanged(left_out, mine, *REAL_SEQUENCES)
        good = count(left_out, mine)
        rows.append({"good": good, "t1w, fs exchanged": exchanged, **wrong})
    return {
        "learned_from": len(patients) - 1,
        **{name: add_up(row[name] for row in rows) for name in rows[0]},
    }


def judge_radiographs(folder: Path) -> Found:
    """Synthetic radiographs: good ones, and what can be done to an image."""
    table = write_pelvis(folder / "home", preset="small", seed=SEED)
    patients = read_cohort(table, sequences=("image",), kind="radiograph").patients
    table = write_pelvis(folder / "other", preset="small", seed=OTHER_SEED)
    others = read_cohort(table, sequences=("image",), kind="radiograph").patients
    learned = [p for p in patients if p.split == "train"]
    fingerprint = fit_fingerprint([show(read_view(p, "image")) for p in learned])
    tests = [p for p in patients if p.split != "train"]
    good = {"test patients": tests, "another seed": others}
    chosen = [read_view(p, "image") for p in others[:NUM_WRONG]]
    return {
        "learned_from": len(learned),
        "good": {
            name: count(fingerprint, [show(read_view(p, "image")) for p in some])
            for name, some in good.items()
        },
        "wrong": {
            name: count(fingerprint, [show(change(one)) for one in chosen])
            for name, change in wrong_inputs.SPOILT.items()
        },
    }


def show(radiograph: Radiograph) -> Images:
    """What a radiograph looks like."""
    found = {"image": radiograph}
    return square_views(found, patient_id="", image_size=IMAGE_SIZE).traits


def read_patients(table: Path, *, sequences: Sequence[str]) -> tuple[Patient, ...]:
    """The patients of a table."""
    return read_cohort(table, sequences=sequences).patients


def measure(patients: Sequence[Patient]) -> tuple[list[Images], float]:
    """Each patient's traits, and the seconds that decoding took."""
    return clock(lambda: [look(patient) for patient in patients])


def look(patient: Patient) -> Images:
    """A patient's traits, by the options of a run."""
    names = tuple(patient.images)
    return crop_patient(patient, sequences=names, image_size=IMAGE_SIZE).traits


def clock(run: Callable[[], Any]) -> tuple[Any, float]:
    """A result, and the seconds that it took."""
    start = time.perf_counter()
    return run(), time.perf_counter() - start


def count(fingerprint: Fingerprint, cohort: Iterable[Images]) -> Found:
    """How many patients are flagged, and as what."""
    kinds = [{flag.kind for flag in judge(fingerprint, one)} for one in cohort]
    return {
        "tried": len(kinds),
        "caught": sum(map(bool, kinds)),
        "by": dict(Counter(itertools.chain.from_iterable(kinds))),
    }


def count_exchanged(
    fingerprint: Fingerprint, cohort: Sequence[Images], one: str, two: str
) -> Found:
    """How many exchanges of two sequences are said to be one."""
    caught = flagged = 0
    for images in cohort:
        found = judge(fingerprint, {**images, one: images[two], two: images[one]})
        named = {flag.sequence for flag in found if flag.kind == "sequence"}
        caught += {one, two} <= named
        flagged += bool(found)
    return {"tried": len(cohort), "caught": caught, "by": {"any flag": flagged}}


def count_wrong(
    fingerprint: Fingerprint, patients: Sequence[Patient], folder: Path
) -> Found:
    """How many of each wrong input are refused or flagged."""
    found = {}
    for name, change in WRONG.items():
        seen, refused = [], 0
        for patient in patients:
            try:
                seen.append(look(wrong_inputs.rewrite(patient, folder, change)))
            except CaseError:
                refused += 1
        told = count(fingerprint, seen)
        by = told["by"] | ({"refused": refused} if refused else {})
        caught = told["caught"] + refused
        found[name] = {"tried": len(patients), "caught": caught, "by": by}
    return found


def add_up(rows: Iterable[Found]) -> Found:
    """The counts of several rounds together."""
    rows = list(rows)
    total: Found = {n: sum(row[n] for row in rows) for n in ("tried", "caught")}
    kinds: Counter[str] = Counter()
    for row in rows:
        kinds.update(row.get("by", {}))
    return total | ({"by": dict(kinds)} if kinds else {})


if __name__ == "__main__":
    app.run(main)
