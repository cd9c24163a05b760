"""From a cohort table and NIfTI files to sub-images in [0, 1]; numpy only.

Its door is `python -m negspa_jax.data` (check, rvoi, phantom). Names are looked up
on first use, so that importing this room opens no imaging library.
"""

import importlib
from typing import Any

_HOMES = {
    "CaseError": "errors",
    "CohortError": "errors",
    "Volume": "volume",
    "Mask": "volume",
    "read_volume": "volume",
    "read_mask": "volume",
    "file_sha256": "volume",
    "Patient": "patient",
    "canonical_id": "patient",
    "Cohort": "cohort",
    "read_cohort": "cohort",
    "Clicks": "rvoi",
    "draw_rvoi": "rvoi",
    "write_mask": "rvoi",
    "record_inputs": "manifest",
    "Crops": "crops",
    "crop_patient": "crops",
    "CROPS_VERSION": "crops",
    "Radiograph": "radiograph",
    "read_radiograph": "radiograph",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        home = importlib.import_module(f"{__name__}.{_HOMES[name]}")
        return getattr(home, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
