"""A patient's radiographs as square images in [0, 1], one channel each.

Whole pelvis, nothing cut: the image is padded with black to a square and resized.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from PIL import Image

from negspa_jax.data.crops import Crops
from negspa_jax.data.patient import Patient
from negspa_jax.data.radiograph import RADIOGRAPHS, Radiograph, read_radiograph
from negspa_jax.data.traits import Traits, measure_radiograph
from negspa_jax.shapes import Float

# Raised whenever the same files would give other images, or other notes of them:
# caches are then rebuilt.
VIEWS_VERSION = 2

# Below this share of the wanted side, an image is enlarged so much that it is doubted.
_ENLARGED = 0.5


def show_views(
    patient: Patient,
    *,
    sequences: Sequence[str],
    image_size: int = 224,
    window: str = "first",
    modalities: Sequence[str] = RADIOGRAPHS,
) -> Crops:
    """Read a patient's radiographs, each as one square image.

    Args:
      patient: a row of the cohort table; its crop boxes are cut out first.
      sequences: the views, in the order of the axis m.
      image_size: h and w in pixels.
      window: of DICOM files: "first", "percentiles", a number from 0, or the text of
        the explanation; see `read_radiograph`.
      modalities: DICOM modalities to accept.

    Returns:
      Images of one side ("whole") and one channel.

    Raises:
      CaseError: a file cannot be used; the message names patient, file and reason.
    """
    read = partial(read_view, patient, window=window, modalities=modalities)
    found = {name: read(name) for name in sequences}
    return square_views(found, patient_id=patient.patient_id, image_size=image_size)


def read_view(
    patient: Patient,
    name: str,
    *,
    window: str = "first",
    modalities: Sequence[str] = RADIOGRAPHS,
) -> Radiograph:
    """Read one of a patient's radiographs; the keywords are those of `show_views`.

    Raises:
      CaseError: the file cannot be used.
    """
    return read_radiograph(
        patient.images[name],
        patient_id=patient.patient_id,
        window=_parse_window(window),
        crop=patient.boxes.get(name),
        modalities=modalities,
    )


def square_views(
    found: Mapping[str, Radiograph], *, patient_id: str, image_size: int
) -> Crops:
    """Make images of what was read.

    Args:
      found: by view, in the order of the axis m.
      patient_id: for the warnings.
      image_size: h and w in pixels.
    """
    images, warnings = [], []
    traits: dict[str, Traits] = {}
    for name, radiograph in found.items():
        images.append(fit_square(radiograph.image, image_size))
        traits[name] = measure_radiograph(radiograph, images[-1])
        doubts = [*radiograph.warnings]
        if (longer := max(radiograph.image.shape)) < _ENLARGED * image_size:
            doubts.append(f"{longer} pixels are enlarged to {image_size}")
        warnings += [f"patient {patient_id}, {name}: {doubt}" for doubt in doubts]
    return Crops(
        images=np.stack(images)[None, ..., None],
        sides=("whole",),
        sequences=tuple(found),
        warnings=tuple(warnings),
        traits=traits,
    )


def fit_square(image: Float[np.ndarray, "h w"], size: int) -> Float[np.ndarray, "s s"]:
    """Pad an image with black to a square, and resize it.

    Padding is even on both sides, an odd line at the bottom or right (choice).
    Bilinear, where the image is shrunk over all pixels that meet (antialiased).

    Args:
      image: in [0, 1].
      size: side of the result in pixels.
    """
    height, width = image.shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.zeros((side, side), np.float32)
    square[top : top + height, left : left + width] = image
    resized = Image.fromarray(square).resize((size, size), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized), 0.0, 1.0)


def _parse_window(window: str) -> int | str | None:
    if window == "percentiles":
        return None
    if window == "first":
        return 0
    return int(window) if window.isdecimal() else window
