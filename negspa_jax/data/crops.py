"""One patient's sub-images: middle slices of the region, both sides, in [0, 1].

The window is placed once, in world millimetres, and projected on every sequence
along its slices' normal, so that sub-images of one side show the same tissue
whatever their grids. Nothing depends on how a file stores its axes: flipping or
permuting an array with its affine leaves every sub-image as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from negspa_jax.data.cohort import Patient
from negspa_jax.data.errors import blame
from negspa_jax.data.intensity import INTENSITIES, fit_intensity
from negspa_jax.data.rvoi import draw_rvoi
from negspa_jax.data.stacks import Stack, cut_window, pick_slices, stack_slices
from negspa_jax.data.traits import Traits, measure_mri
from negspa_jax.data.volume import read_mask, read_volume
from negspa_jax.data.windows import (
    PLANES,
    Region,
    Window,
    measure_region,
    place_windows,
)
from negspa_jax.shapes import Float

# Raised whenever the same files would give other sub-images, or other notes of them:
# caches are then rebuilt.
CROPS_VERSION = 2

SIDES = {
    "both": ("left", "right"),
    "left": ("left",),
    "right": ("right",),
    "whole": ("whole",),
}
# A window that lies so far outside its image deserves a look at the contact sheet.
_MAX_OUTSIDE = 0.25


@dataclass(frozen=True, eq=False)
class Crops:
    """A patient's sub-images and what to know about them.

    `images`: float32 in [0, 1], C-contiguous; rows from superior (axial: anterior),
    columns from the patient's right to left, channels along columns x rows (coronal:
    from anterior to posterior). `sides`, `sequences`: the names of the axes s and m.
    `slices`: each sequence's three slices, as stored indices. `planes`: theirs:
    "axial", "coronal", "sagittal", or "oblique" between two. `warnings`: sentences.
    `traits`: what each sequence's image looks like, to be compared with others.
    """

    images: Float[np.ndarray, "s m h w c"]
    sides: tuple[str, ...]
    sequences: tuple[str, ...]
    slices: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    planes: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    traits: Mapping[str, Traits] = field(default_factory=dict)


def crop_patient(
    patient: Patient,
    *,
    sequences: Sequence[str],
    sides: str = "both",
    window: str = "square",
    centre: str = "lateral",
    window_mm: float = 100.0,
    plane: str = "auto",
    image_size: int = 224,
    intensity: str = "zscore",
    z_clip: float = 3.0,
    mirror_left: bool = False,
) -> Crops:
    """Cut a patient's sub-images from the middle slices of the region of interest.

    Args:
      patient: a row of the cohort table, with a mask or six clicks.
      sequences: names, in the order of the axis m.
      sides: "both" (s = 2: the patient's left, then right), "left", "right", or
        "whole": one window on the region, for any organ and any plane.
      window: "square", or "half": the half box itself (whole: the box), resized.
      centre: "lateral", min(W/4, 25 mm) medial of the half box's lateral border, or
        "half", the half box's middle; W is the box's width.
      window_mm: side of the square in mm.
      plane: of the slices, for near-cubic voxels: "axial", "coronal" or "sagittal";
        "auto" decides by spacing, then by the region's shortest side.
      image_size: h and w in pixels. Bilinear at pixel centres, without antialiasing:
        100 mm on 224 pixels is finer than the voxels of clinical series.
      intensity: "zscore", "minmax_slice" or "percentile", see `fit_intensity`.
      z_clip: the z-score that becomes 1, for "zscore".
      mirror_left: mirror the left side's columns, so that it looks like a right one.

    Raises:
      CaseError: a file cannot be used; the message names patient, file and reason.
      ValueError: an option is none of the above.
    """
    _check_options(
        sides=sides, window=window, centre=centre, plane=plane, intensity=intensity
    )
    _check_sizes(window_mm=window_mm, image_size=image_size, z_clip=z_clip)
    if mirror_left and sides == "whole":
        raise ValueError("mirror_left must be False where sides is 'whole', got True")
    names, who, warnings = SIDES[sides], patient.patient_id, []
    slices: dict[str, tuple[int, int, int]] = {}
    planes: dict[str, str] = {}
    traits: dict[str, Traits] = {}
    shape = (len(names), len(sequences), image_size, image_size, 3)
    images = np.empty(shape, dtype=np.float32)
    for m, (name, region) in enumerate(_read_regions(patient, sequences).items()):
        volume = read_volume(patient.images[name], patient_id=who)
        with blame(who, volume.path):
            stack = stack_slices(volume, region, sided=sides != "whole", plane=plane)
            windows = place_windows(
                region,
                stack.normal,
                sides=names,
                window=window,
                centre=centre,
                window_mm=window_mm,
            )
            to_unit = fit_intensity(volume.data, intensity=intensity, z_clip=z_clip)
        planes[name] = stack.plane
        slices[name], warning = pick_slices(stack, windows[names[0]])
        found = [*region.warnings, *volume.warnings, *([warning] if warning else [])]
        outside = _fill(images[:, m], stack, windows, slices[name], to_unit)
        traits[name] = measure_mri(stack, images[:, m], outside=outside)
        found += _doubt_windows(outside)
        warnings += [f"patient {who}, {name}: {sentence}" for sentence in found]
    if mirror_left and "left" in names:
        images[0] = images[0, :, :, ::-1].copy()
    told = tuple(warnings)
    return Crops(images, names, tuple(sequences), slices, planes, told, traits)


def _read_regions(patient: Patient, sequences: Sequence[str]) -> dict[str, Region]:
    """Each sequence's region, every mask read once."""
    if patient.clicks is not None:
        mask = draw_rvoi(patient.clicks, patient_id=patient.patient_id)
        return dict.fromkeys(sequences, measure_region(mask))
    regions = {
        path: measure_region(read_mask(path, patient_id=patient.patient_id))
        for path in dict.fromkeys(patient.rvoi[name] for name in sequences)
    }
    return {name: regions[patient.rvoi[name]] for name in sequences}


def _fill(
    images: Float[np.ndarray, "s h w c"],
    stack: Stack,
    windows: dict[str, Window],
    slices: tuple[int, int, int],
    to_unit: Callable[[Float[np.ndarray, "i j"]], Float[np.ndarray, "i j"]],
) -> dict[str, float]:
    """Cut every side's window from three slices into `images`.

    Returns:
      For each side the share of its window that lies outside the image.
    """
    outside = dict.fromkeys(windows, 0.0)
    for channel, index in enumerate(slices):
        values = to_unit(np.moveaxis(stack.volume.data, stack.through, 0)[index])
        for s, (side, window) in enumerate(windows.items()):
            images[s, :, :, channel], outside[side] = cut_window(
                stack, values, index=index, window=window, image_size=images.shape[1]
            )
    return outside


def _doubt_windows(outside: Mapping[str, float]) -> list[str]:
    return [
        f"{share:.0%} of the {side} window lies outside the image and is 0"
        for side, share in outside.items()
        if share > _MAX_OUTSIDE
    ]


def _check_options(**options: str) -> None:
    choices = {
        "sides": tuple(SIDES),
        "window": ("square", "half"),
        "centre": ("lateral", "half"),
        "plane": ("auto", *PLANES),
        "intensity": INTENSITIES,
    }
    for name, value in options.items():
        if value not in choices[name]:
            raise ValueError(f"{name} must be one of {choices[name]}, got {value!r}")


def _check_sizes(**sizes: int | float) -> None:
    for name, value in sizes.items():
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} must be positive and finite, got {value}")
