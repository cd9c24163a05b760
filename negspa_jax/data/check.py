"""Look at a whole cohort before training: open everything, list everything wrong."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib

from negspa_jax.data.cohort import Cohort, scan_cohort
from negspa_jax.data.contact_sheet import Contact, SheetWriter, shrink_images
from negspa_jax.data.crops import SIDES, crop_patient
from negspa_jax.data.doubts import find_mixed_planes, find_shared_masks
from negspa_jax.data.errors import CaseError, CohortError
from negspa_jax.data.folds import LeakageError, check_leakage
from negspa_jax.data.manifest import hash_inputs, record_inputs
from negspa_jax.data.nifti import read_grid
from negspa_jax.data.patient import Patient
from negspa_jax.data.volume import measure_spacing, read_mask, read_volume

# Rows of the summary that a person reads; the rest is counted.
_MAX_KINDS = 4


@dataclass(frozen=True)
class _Finding:
    """What opening a patient's files has shown; `grids`, `planes` by sequence."""

    contact: Contact
    grids: dict[str, tuple[str, str, str]]
    planes: Mapping[str, str]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def check_cohort(
    path: Path,
    *,
    sequences: Sequence[str],
    crop_options: Mapping[str, Any],
    require_labels: bool = True,
    contact_sheet: Path | None = None,
    manifest: Path | None = None,
    workers: int = 2,
    tell: Callable[[str], None] = print,
    watch: Callable[..., Iterable[_Finding]] = lambda items, **_: items,
) -> bool:
    """Open every volume and mask of a cohort, and tell what is there and what is wrong.

    Args:
      path: the cohort table.
      sequences: columns that hold images.
      crop_options: further keywords of `crop_patient`, as in training.
      require_labels: whether rows of the split `train` must have a label.
      contact_sheet: a PNG (and more, numbered, for many patients) of all sub-images.
      manifest: compare the files with it, or write it if there is none.
      workers: patients opened at the same time.
      tell: takes each line of the report.
      watch: passes the findings on, with their `total`, for a progress bar.

    Returns:
      Whether every patient can be used.
    """
    scan = scan_cohort(path, sequences=sequences, require_labels=require_labels)
    problems = [*scan.problems]
    grids: dict[str, list[tuple[str, str, str]]] = {name: [] for name in sequences}
    planes: dict[str, Counter[str]] = {name: Counter() for name in sequences}
    sides = SIDES[crop_options.get("sides", "both")]
    sheet = SheetWriter(contact_sheet, tuple(sequences), sides)
    warnings: list[str] = []

    def open_row(row: tuple[Patient, tuple[str, ...]]) -> _Finding:
        return _open_patient(*row, sequences, crop_options)

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        findings = pool.map(open_row, scan.rows)
        for finding in watch(findings, total=len(scan.rows)):
            problems += finding.problems
            warnings += finding.warnings
            sheet.add(finding.contact)
            for name, grid in finding.grids.items():
                grids[name].append(grid)
            for name, plane in finding.planes.items():
                planes[name][plane] += 1
    pages = sheet.close()
    problems += _compare_files(scan.cohort, manifest)
    warnings += [*find_mixed_planes(planes), *find_shared_masks(scan.cohort)]
    for line in [
        *_tell_counts([patient for patient, _ in scan.rows]),
        *_tell_grids(grids, planes),
        *_tell_list("Warning", warnings),
        *_tell_list("Problem", problems),
        *(f"Contact sheet: {page}" for page in pages),
    ]:
        tell(line)
    usable = "all can be used" if not problems else "not all can be used"
    tell(f"{path}: {len(scan.rows)} patients read, {usable}.")
    return not problems


def _open_patient(
    patient: Patient,
    faults: tuple[str, ...],
    sequences: Sequence[str],
    crop_options: Mapping[str, Any],
) -> _Finding:
    """Cut a patient's sub-images; where that fails, look at each file for its part.

    Args:
      patient: a row of the table.
      faults: what is wrong with the row itself; then only its files are looked at.
      sequences: columns that hold images.
      crop_options: as in training.
    """
    problems: list[str] = []
    warnings: tuple[str, ...] = ()
    images, planes = None, dict[str, str]()
    if faults or len(patient.images) < len(sequences):
        problems = _find_faults(patient)
    else:
        try:
            crops = crop_patient(patient, sequences=sequences, **crop_options)
            images, warnings = shrink_images(crops.images), crops.warnings
            planes = crops.planes
        except CaseError as error:
            problems = _find_faults(patient) or [str(error)]
    reason = "; ".join((*faults, *problems))
    contact = Contact(patient.patient_id, patient.split, patient.label, images, reason)
    grids = _describe_grids(patient)
    return _Finding(contact, grids, planes, tuple(problems), warnings)


def _describe_grids(patient: Patient) -> dict[str, tuple[str, str, str]]:
    """Shape, spacing and orientation in words, of each sequence that can be read."""
    grids = {}
    for name, file in patient.images.items():
        try:
            shape, affine = read_grid(file)
        except ValueError:
            continue
        spacing = " x ".join(f"{size:.3g}" for size in measure_spacing(affine))
        axes = "".join(nib.aff2axcodes(affine))
        grids[name] = (" x ".join(map(str, shape)), f"{spacing} mm", axes)
    return grids


def _find_faults(patient: Patient) -> list[str]:
    """What is wrong with each file of a patient, taken alone."""
    faults = []
    files: list[tuple[Path, Callable[..., Any]]] = []
    files += [(path, read_volume) for path in patient.images.values()]
    files += [(path, read_mask) for path in dict.fromkeys(patient.rvoi.values())]
    for path, read in files:
        # A missing file is a problem of the table, which has named it already.
        if not path.is_file():
            continue
        try:
            read(path, patient_id=patient.patient_id)
        except CaseError as error:
            faults.append(str(error))
    return faults


def _compare_files(cohort: Cohort, manifest: Path | None) -> list[str]:
    """Problems of bytes: changed since the first run, or in two patients."""
    problems: list[str] = []
    try:
        hashes = record_inputs(cohort, manifest=manifest) if manifest else None
    except CohortError as error:
        problems, hashes = [*error.problems], None
    try:
        check_leakage(cohort, hashes or hash_inputs(cohort))
    except LeakageError as error:
        problems.append(str(error))
    return problems


def _tell_counts(patients: Sequence[Patient]) -> list[str]:
    rows: list[tuple[str, ...]] = [
        ("split", "patients", "label 1", "label 0", "no label")
    ]
    splits = dict.fromkeys(patient.split for patient in patients)
    for split in splits:
        labels = [p.label for p in patients if p.split == split]
        counts = [len(labels), *(labels.count(label) for label in (1, 0, None))]
        rows.append((split, *map(str, counts)))
    return [*_align(rows), ""]


def _tell_grids(
    grids: dict[str, list[tuple[str, str, str]]], planes: Mapping[str, Counter[str]]
) -> list[str]:
    rows: list[tuple[str, ...]] = [
        ("sequence", "volumes", "shape", "spacing", "orientation", "cut")
    ]
    for name, found in grids.items():
        columns = [_summarise(column) for column in zip(*found, strict=True)]
        cut = _summarise([*planes[name].elements()]) or "-"
        rows.append((name, str(len(found)), *(columns or ["-", "-", "-"]), cut))
    return [*_align(rows), ""]


def _summarise(values: Sequence[str]) -> str:
    """The most frequent values with their counts."""
    counts = Counter(values).most_common()
    kinds = [f"{value} ({count})" for value, count in counts[:_MAX_KINDS]]
    rest = sum(count for _, count in counts[_MAX_KINDS:])
    return ", ".join([*kinds, *([f"{rest} others"] if rest else [])])


def _tell_list(kind: str, sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    count = f"1 {kind.lower()}" if len(sentences) == 1 else f"{len(sentences)} "
    title = count if len(sentences) == 1 else f"{count}{kind.lower()}s"
    return [f"{title}:", *(f"  {sentence}" for sentence in sentences), ""]


def _align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = (zip(row, widths, strict=True) for row in rows)
    return ["  ".join(f"{c:{w}}" for c, w in pairs).rstrip() for pairs in cells]
