"""A patient's radiographs as square images in [0, 1], one channel each.

Whole pelvis, nothing cut: the image is padded with black to a square and resized.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from negspa_jax.data.crops import Crops
from negspa_jax.data.errors import CaseError
from negspa_jax.data.patient import Patient
from negspa_jax.data.radiograph import RADIOGRAPHS, Radiograph, read_radiograph
from negspa_jax.shapes import Float

# Raised whenever the same files would give other images: caches are then rebuilt.
VIEWS_VERSION = 1

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
    images, warnings = [], []
    for name in sequences:
        found = read_view(patient, name, window=window, modalities=modalities)
        images.append(fit_square(found.image, image_size))
        doubts = [*found.warnings]
        if (longer := max(found.image.shape)) < _ENLARGED * image_size:
            doubts.append(f"{longer} pixels are enlarged to {image_size}")
        who = f"patient {patient.patient_id}, {name}"
        warnings += [f"{who}: {doubt}" for doubt in doubts]
    return Crops(
        images=np.stack(images)[None, ..., None],
        sides=("whole",),
        sequences=tuple(sequences),
        warnings=tuple(warnings),
    )


def read_view(
    patient: Patient, name: str, *, window: str, modalities: Sequence[str]
) -> Radiograph:
    """Read one of a patient's radiographs; the keywords are those of `show_views`.

    Raises:
      CaseError: the file cannot be used.
    """
    try:
        return read_radiograph(
            patient.images[name],
            patient_id=patient.patient_id,
            window=_parse_window(window),
            crop=patient.boxes.get(name),
            modalities=modalities,
        )
    except CaseError as error:
        if "by percentiles" not in error.reason:
            raise
        remedy = f"{error.reason} (--config.radiograph.window=percentiles)"
        raise CaseError(error.patient_id, error.path, remedy) from None


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
