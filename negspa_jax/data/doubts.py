"""What `check` warns of: it can be meant, and it is more often a slip."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from negspa_jax.columns import COVARIATES, FEATURES, GRADES
from negspa_jax.data.cohort import KNOWN_COLUMNS, PREFIXES, Cohort
from negspa_jax.data.errors import RefusedError
from negspa_jax.data.patient import Patient
from negspa_jax.data.reference import RULE_WORDS, adjudicate, judge_grades

_CLINICAL = (*FEATURES, *COVARIATES)
# What people call the split that chooses the best epoch, in any case.
_VALIDATION_SPELLINGS = {"validation", "valid", "val", "dev"}


def find_mixed_planes(planes: Mapping[str, Counter[str]]) -> list[str]:
    """Sequences that are not cut in one plane, as near-cubic voxels allow.

    Oblique slices are left out: the same protocol tilts them nearer to one plane in
    one patient and to another in the next.

    Args:
      planes: of each sequence, how many patients are cut in which plane.
    """
    return [
        f"{name} is cut in different planes, "
        f"{', '.join(f'{plane} ({count})' for plane, count in kinds.most_common())}: "
        "slices run across the largest spacing, and where voxels are near cubic across "
        "the region's shortest side; name one with --config.data.plane=axial "
        "(check: --plane=axial)"
        for name, kinds in planes.items()
        if len(kinds.keys() - {"oblique"}) > 1
    ]


def find_shared_masks(cohort: Cohort) -> list[str]:
    """Masks that several patients name: a slip, unless all lie in one atlas."""
    users: dict[str, dict[str, None]] = {}
    for patient in cohort.patients:
        for mask in patient.rvoi.values():
            users.setdefault(os.path.realpath(mask), {})[patient.patient_id] = None
    return [
        f"the mask {mask} serves {len(names)} patients ({', '.join(names)}): right "
        "only where their images are registered to each other"
        for mask, names in users.items()
        if len(names) > 1
    ]


def describe_labels(cohort: Cohort) -> list[str]:
    """Where labels come from, and how many patients a rule leaves without one."""
    if cohort.reference == "label":
        return []
    lines = [f"Labels are taken from {RULE_WORDS[cohort.reference]}."]
    for split in dict.fromkeys(patient.split for patient in cohort.patients):
        mine = [p for p in cohort.patients if p.split == split]
        without = [p.patient_id for p in mine if p.label is None]
        if without:
            what = "not learned from" if split == "train" else "scored, but not counted"
            lines.append(
                f"{split}: {len(without)} of {len(mine)} patients have no label by "
                f"this rule and are {what} ({_first_few(without)})"
            )
    return lines


def find_contradictions(cohort: Cohort) -> list[str]:
    """Labels against which the grades speak, or of radiographs two or more readers."""
    others = {"the grades make": _by_grades}
    if cohort.kind == "radiograph":
        others["the readers make"] = _by_readers
    lines = []
    for words, judge in others.items():
        names = [
            patient.patient_id
            for patient in cohort.patients
            if patient.label is not None and judge(patient) not in (None, patient.label)
        ]
        if names:
            whom = "1 patient" if len(names) == 1 else f"{len(names)} patients"
            rule = RULE_WORDS[cohort.reference]
            lines.append(
                f"the label is not what {words} it in {whom} ({_first_few(names)}); "
                f"it is taken from {rule} (--config.data.reference)"
            )
    return lines


def find_odd_splits(cohort: Cohort, *, one_model: bool) -> list[str]:
    """Why nothing could be learned from the cohort, which may be meant.

    Args:
      cohort: all patients.
      one_model: whether one model is trained, which the split `validation` chooses.
    """
    splits = dict.fromkeys(patient.split for patient in cohort.patients)
    lines = []
    if splits and "train" not in splits:
        lines.append(
            f"no patient is of the split 'train', which alone is learned from; the "
            f"splits are {', '.join(splits)}"
        )
    lines += [
        f"the split {split!r} has no patients of both classes"
        for split in ("train", *(["validation"] if one_model else []))
        if split in splits and len({*cohort.labels_of(split).values()}) < 2
    ]
    return lines + (find_misspelt_validation(cohort) if one_model else [])


def find_misspelt_validation(cohort: Cohort) -> list[str]:
    """That the split by which one model is chosen is spelt otherwise, if it is."""
    splits = sorted({patient.split for patient in cohort.patients})
    others = [name for name in splits if name.casefold() in _VALIDATION_SPELLINGS]
    if not others or "validation" in splits:
        return []
    return [
        f"the split that chooses the best epoch must be named 'validation', got "
        f"{others[0]!r}: rename it, or call it what it tests"
    ]


def find_unread_columns(cohort: Cohort) -> list[str]:
    """Columns that nobody reads, and that are spelt like one that is read."""
    extra = dict.fromkeys(name for p in cohort.patients for name in p.extra)
    views = ", ".join(cohort.sequences)
    lines = []
    for name in extra:
        plain, colon, rest = name.casefold().replace(" ", "").partition(":")
        if plain + colon in PREFIXES:
            known = plain + colon + rest
            ours = f"of the views {views}" if plain in ("crop", "rvoi") else repr(known)
            lines.append(f"the column {name!r} is not read: must be {ours}")
        elif not colon and plain in KNOWN_COLUMNS:
            lines.append(f"the column {name!r} is not read: must be {plain!r}")
        elif not colon and (close := get_close_matches(plain, _CLINICAL, 1, 0.85)):
            lines.append(f"the column {name!r} is not read: did you mean {close[0]!r}?")
    return lines


def _first_few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _by_grades(patient: Patient) -> int | None:
    try:
        return judge_grades(*(patient.grades.get(name) for name in GRADES))
    except RefusedError:
        return None


def _by_readers(patient: Patient) -> int | None:
    calls = list(patient.readers.values())
    return adjudicate(calls) if len(calls) <= 3 else None
