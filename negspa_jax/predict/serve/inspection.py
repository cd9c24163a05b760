"""What a file that was sent shows, by the project's own readers, and its pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pydicom
from PIL import Image

from negspa_jax.config import Config
from negspa_jax.data.errors import RefusedError, blame
from negspa_jax.data.nifti import read_grid
from negspa_jax.data.patient import Patient
from negspa_jax.data.views import read_view
from negspa_jax.data.volume import measure_spacing, read_mask, read_volume
from negspa_jax.predict.serve.pictures import (
    orient_view,
    paint_radiograph,
    paint_slices,
)
from negspa_jax.shapes import Shaped

# 512 x 512 x 256: what gzip makes of nothing must not fill the memory.
MAX_VOXELS = 2**26


class Seen(NamedTuple):
    """`facts`: for the page. `slices`: bytes, if there is something to look at."""

    facts: Mapping[str, Any]
    slices: Shaped[np.ndarray, "k h w"] | None


@dataclass(frozen=True)
class Inspector:
    """Looks at files as a model of this config would read them."""

    config: Config

    def look(self, path: Path, *, role: str) -> Seen:
        """Look at a file.

        Args:
            path: of the file.
            role: a sequence's or view's name, or "rvoi" for a mask.

        Raises:
            CaseError: it cannot be used.
        """
        if self.config.data.kind == "radiograph":
            return self._look_at_radiograph(path, role)
        with blame("", path):
            shape, _ = read_grid(path)
            if (count := shape[0] * shape[1] * shape[2]) > MAX_VOXELS:
                sizes = " x ".join(map(str, shape))
                raise RefusedError(
                    f"must have at most {MAX_VOXELS:,} voxels to be tried here, got "
                    f"{count:,} ({sizes}): the header is damaged, or crop the volume "
                    "first"
                )
        return self._look_at_mask(path) if role == "rvoi" else self._look_at_mri(path)

    def _look_at_mri(self, path: Path) -> Seen:
        volume = read_volume(path, patient_id="")
        view = orient_view(
            volume.data.shape, volume.affine, plane=self.config.data.plane
        )
        said = _describe_grid(volume.data.shape, volume.affine)
        facts = {"said": said, "warnings": list(volume.warnings)}
        return Seen(facts | {"view": view.as_facts()}, paint_slices(volume, view))

    def _look_at_mask(self, path: Path) -> Seen:
        mask = read_mask(path, patient_id="")
        count = int(np.count_nonzero(mask.data))
        grid = _describe_grid(mask.data.shape, mask.affine)
        said = f"{grid}, {count:,} of them in the region"
        return Seen({"said": said, "warnings": list(mask.warnings)}, None)

    def _look_at_radiograph(self, path: Path, role: str) -> Seen:
        patient = Patient("", "", None, {role: path})
        options = self.config.radiograph
        seen = read_view(
            patient, role, window=options.window, modalities=options.modalities
        )
        height, width = count_pixels(path)
        slices = paint_radiograph(seen.image)
        view = {
            "width": slices.shape[2],
            "height": slices.shape[1],
            "count": 1,
            "spacing_mm": (1.0, 1.0),
            "pixels": (height, width),
            "marks": {},
        }
        said = f"{width} x {height} pixels"
        if seen.spacing_mm is not None:
            said += f" of {seen.spacing_mm:.3g} mm"
        facts = {"said": said, "warnings": list(seen.warnings), "view": view}
        return Seen(facts, slices)


def count_pixels(path: Path) -> tuple[int, int]:
    """Rows and columns that a readable radiograph has in its file.

    Those of the picture are others where its pixels are not square; crop boxes are
    counted in the file's.
    """
    with path.open("rb") as file:
        start = file.read(132)
    if start[128:] != b"DICM" and start.startswith((b"\x89PNG", b"II", b"MM")):
        with Image.open(path, formats=("PNG", "TIFF")) as image:
            return image.height, image.width
    header = pydicom.dcmread(
        path, stop_before_pixels=True, force=True, specific_tags=["Rows", "Columns"]
    )
    return int(header.Rows), int(header.Columns)


def _describe_grid(shape: tuple[int, ...], affine: Any) -> str:
    sizes = " x ".join(map(str, shape))
    spacing = " x ".join(f"{side:.3g}" for side in measure_spacing(affine))
    return f"{sizes} voxels of {spacing} mm"
