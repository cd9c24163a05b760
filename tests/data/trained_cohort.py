"""What synthetic patients look like: those of a training cohort, and others."""

from collections.abc import Mapping
from pathlib import Path

from negspa_jax.data.cohort import read_cohort
from negspa_jax.data.crops import crop_patient
from negspa_jax.data.patient import Patient
from negspa_jax.data.phantom import Preset, write_phantom
from negspa_jax.data.traits import Traits

SEQUENCES = ("t1w", "t2w", "fs")
NUM_TRAINED, NUM_OTHERS = 40, 8

Images = Mapping[str, Traits]


def write_patients(folder: Path, *, seed: int, count: int) -> tuple[Patient, ...]:
    """Synthetic patients of one hospital, on small grids."""
    preset = Preset({"train": (count // 2, count // 2)}, (88, 104), (8, 9))
    table = write_phantom(folder, preset=preset, seed=seed, num_processes=1)
    return read_cohort(table, sequences=SEQUENCES).patients


def look(patient: Patient) -> Images:
    """A patient's traits."""
    names = tuple(patient.images)
    return crop_patient(patient, sequences=names, image_size=64).traits
