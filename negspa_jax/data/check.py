"""Look at a whole cohort before training: open everything, list everything wrong."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from negspa_jax.data.cohort import Cohort, scan_cohort
from negspa_jax.data.contact_sheet import SheetWriter
from negspa_jax.data.doubts import (
    describe_labels,
    find_contradictions,
    find_mixed_planes,
    find_odd_splits,
    find_shared_masks,
    find_unread_columns,
)
from negspa_jax.data.errors import CohortError
from negspa_jax.data.findings import HEADINGS, Description, Finding, open_patient
from negspa_jax.data.folds import LeakageError, check_leakage
from negspa_jax.data.kinds import list_sides
from negspa_jax.data.manifest import hash_inputs, record_inputs
from negspa_jax.data.patient import Patient

# Rows of the summary that a person reads; the rest is counted.
_MAX_KINDS = 4


def check_cohort(
    path: Path,
    *,
    sequences: Sequence[str],
    crop_options: Mapping[str, Any],
    kind: str = "mri",
    reference: str = "auto",
    labelled: Collection[str] = ("train",),
    contact_sheet: Path | None = None,
    manifest: Path | None = None,
    workers: int = 2,
    tell: Callable[[str], None] = print,
    watch: Callable[..., Iterable[Finding]] = lambda items, **_: items,
) -> bool:
    """Open every image and mask of a cohort, and tell what is there and what is wrong.

    Args:
      path: the cohort table.
      sequences: columns that hold images.
      crop_options: further keywords of the kind's `decode`, as in training.
      kind: of the images, "mri" or "radiograph".
      reference: what labels are taken from, see `read_cohort`.
      labelled: splits whose rows must have a label.
      contact_sheet: a PNG (and more, numbered, for many patients) of all sub-images.
      manifest: compare the files with it, or write it if there is none.
      workers: patients opened at the same time.
      tell: takes each line of the report.
      watch: passes the findings on, with their `total`, for a progress bar.

    Returns:
      Whether every patient can be used.
    """
    scan = scan_cohort(
        path, sequences=sequences, labelled=labelled, kind=kind, reference=reference
    )
    problems = [*scan.problems]
    grids: dict[str, list[Description]] = {name: [] for name in sequences}
    planes: dict[str, Counter[str]] = {name: Counter() for name in sequences}
    sides = list_sides(kind, crop_options.get("sides", "both"))
    options = {"sequences": sequences, **crop_options}
    sheet = SheetWriter(contact_sheet, tuple(sequences), sides)
    warnings: list[str] = []

    def open_row(row: tuple[Patient, tuple[str, ...]]) -> Finding:
        return open_patient(*row, kind=kind, options=options)

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        findings = pool.map(open_row, scan.rows)
        for finding in watch(findings, total=len(scan.rows)):
            problems += finding.problems
            warnings += finding.warnings
            sheet.add(finding.contact)
            for name, grid in finding.stored.items():
                grids[name].append(grid)
            for name, plane in finding.planes.items():
                planes[name][plane] += 1
    pages = sheet.close()
    problems += _compare_files(scan.cohort, manifest)
    warnings += find_mixed_planes(planes)
    warnings += _doubt_table(scan.cohort, labelled)
    for line in [
        *_tell_counts([patient for patient, _ in scan.rows]),
        *_tell_rule(scan.cohort),
        *_tell_grids(grids, planes, HEADINGS[kind]),
        *_tell_list("Warning", warnings),
        *_tell_list("Problem", problems),
        *(f"Contact sheet: {page}" for page in pages),
    ]:
        tell(line)
    usable = "all can be used" if not problems else "not all can be used"
    tell(f"{path}: {len(scan.rows)} patients read, {usable}.")
    return not problems


def _doubt_table(cohort: Cohort, labelled: Collection[str]) -> list[str]:
    doubts = [*find_shared_masks(cohort), *find_contradictions(cohort)]
    doubts += find_unread_columns(cohort)
    # Where nobody needs a label, nothing is to be learned.
    one_model = "validation" in labelled
    return doubts + find_odd_splits(cohort, one_model=one_model) if labelled else doubts


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


def _tell_rule(cohort: Cohort) -> list[str]:
    lines = describe_labels(cohort)
    return [*lines, ""] if lines else []


def _tell_grids(
    grids: dict[str, list[Description]],
    planes: Mapping[str, Counter[str]],
    headings: tuple[str, ...],
) -> list[str]:
    rows = [headings]
    for name, found in grids.items():
        columns = [_summarise(column) for column in zip(*found, strict=True)]
        cut = _summarise([*planes[name].elements()]) or "-"
        cells = (name, str(len(found)), *(columns or ["-", "-", "-"]), cut)
        rows.append(cells[: len(headings)])
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
