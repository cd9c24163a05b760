"""What is fuzzed: kinds of files, and how the product reads each.

Add a target by one more line of `TARGETS`: valid files, damage that knows their
fields, a function that reads one and asserts what its reader promises.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from negspa_jax.checkpoint import DamagedCheckpointError
from negspa_jax.data.errors import CaseError, CohortError
from tests.fuzz import bundles, cells, fields, promises, seeds
from tests.fuzz.mutations import Damage

NIFTI: tuple[Damage, ...] = (fields.damage_nifti,)
DICOM: tuple[Damage, ...] = (fields.damage_element, fields.damage_encoding)
EXPORT: tuple[Damage, ...] = (fields.damage_export,)
TABLE: tuple[Damage, ...] = (
    *(cells.damage_cell, cells.damage_form, cells.damage_columns, cells.damage_rows),
)


@dataclass(frozen=True)
class Target:
    """A kind of file and its reader.

    `make_seeds`: valid files. `damage`: knows their fields. `read`: (file, folder of
    sound neighbours) -> None; raises what the reader raises, AssertionError where a
    promise is broken. `suffix`: of the file's name. `refusals`: what the reader may
    raise. `weight`: how often it is drawn.
    """

    make_seeds: Callable[[], list[bytes]]
    damage: Sequence[Damage]
    read: Callable[[Path, Path], None]
    suffix: str
    refusals: tuple[type[Exception], ...] = (CaseError,)
    weight: int = 10


_TABLE_REFUSALS = (CohortError,)

TARGETS: dict[str, Target] = {
    "volume": Target(seeds.make_images, NIFTI, promises.read_image, ".nii.gz"),
    "mask": Target(seeds.make_masks, NIFTI, promises.read_region, ".nii.gz"),
    "rvoi": Target(seeds.make_images, NIFTI, promises.draw_region, ".nii.gz", weight=5),
    "patient, image": Target(
        seeds.make_images, NIFTI, promises.crop_image, ".nii.gz", weight=5
    ),
    "patient, mask": Target(
        seeds.make_masks, NIFTI, promises.crop_region, ".nii.gz", weight=5
    ),
    "patient, clicks": Target(
        seeds.make_images, NIFTI, promises.crop_clicked, ".nii.gz", weight=5
    ),
    "DICOM": Target(seeds.make_dicoms, DICOM, promises.read_pelvis, ".dcm", weight=20),
    "DICOM by GDCM": Target(
        seeds.make_lossless, DICOM, promises.read_pelvis, ".dcm", weight=2
    ),
    "PNG and TIFF": Target(seeds.make_exports, EXPORT, promises.read_pelvis, ".png"),
    "patient, view": Target(
        lambda: [*seeds.make_dicoms(), *seeds.make_exports()],
        (*DICOM, *EXPORT),
        promises.show_pelvis,
        ".dcm",
        weight=5,
    ),
    "cohort of MRI": Target(
        *(seeds.make_mri_tables, TABLE, promises.read_mri_table, ".csv"),
        refusals=_TABLE_REFUSALS,
    ),
    "cohort of radiographs": Target(
        *(seeds.make_radiograph_tables, TABLE, promises.read_radiograph_table, ".csv"),
        refusals=_TABLE_REFUSALS,
    ),
    "predictions": Target(
        *(seeds.make_predictions, TABLE, promises.read_scores, ".csv"),
        refusals=(ValueError,),
    ),
    **{
        f"bundle, {name}": Target(
            make_seeds=lambda name=name: [bundles.make_parts()[name]],
            damage=damage,
            read=partial(bundles.read_part, name=name),
            suffix=".part",
            refusals=(ValueError, DamagedCheckpointError),
            weight=3,
        )
        for name, damage in (
            ("model.json", bundles.JSON),
            ("fingerprint.json", bundles.JSON),
            ("fold_0.safetensors", bundles.WEIGHTS),
        )
    },
}
