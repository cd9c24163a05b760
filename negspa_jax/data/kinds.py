"""The kinds of images that a run is made of, and what each of them does its own way."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from negspa_jax.data.crops import CROPS_VERSION, SIDES, Crops, crop_patient
from negspa_jax.data.pelvis import write_pelvis
from negspa_jax.data.phantom import write_phantom
from negspa_jax.data.views import VIEWS_VERSION, show_views


@dataclass(frozen=True)
class Kind:
    """A kind of images.

    `decode`: makes a patient's images, with the keywords of that function. `version`:
    of what it makes. `write_synthetic`: writes a synthetic cohort of that kind.
    """

    decode: Callable[..., Crops]
    version: int
    write_synthetic: Callable[..., Path]


KINDS = {
    "mri": Kind(crop_patient, CROPS_VERSION, write_phantom),
    "radiograph": Kind(show_views, VIEWS_VERSION, write_pelvis),
}


def list_sides(kind: str, sides: str) -> tuple[str, ...]:
    """The names of the axis s of a kind's images.

    Args:
      kind: a key of `KINDS`.
      sides: of an MRI, a key of `crops.SIDES`; a radiograph shows both at once.
    """
    return SIDES[sides] if kind == "mri" else SIDES["whole"]
