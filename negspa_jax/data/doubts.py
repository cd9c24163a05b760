"""What `check` warns of: it can be meant, and it is more often a slip."""

import os
from collections import Counter
from collections.abc import Mapping

from negspa_jax.data.cohort import Cohort


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
