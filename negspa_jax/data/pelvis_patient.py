"""One synthetic patient's radiograph: what is drawn beforehand, and the exposure."""

from dataclasses import dataclass

import numpy as np

from negspa_jax.data.pelvis_anatomy import Canvas, add_pelvis
from negspa_jax.data.pelvis_beam import Exposure, draw_exposure, expose
from negspa_jax.data.pelvis_build import Build, draw_build
from negspa_jax.data.pelvis_decoys import Decoy, add_decoys, draw_decoys
from negspa_jax.data.pelvis_dicom import Storage, draw_storage
from negspa_jax.data.pelvis_disease import draw_joint
from negspa_jax.data.pelvis_joint import Joint, add_joint
from negspa_jax.data.pelvis_outlines import Across, Along, Field
from negspa_jax.data.pelvis_tables import Chart, draw_chart
from negspa_jax.data.radiograph_grey import Crop

Span = tuple[float, float]
# The sacrum with both joints, along and across, with about 15 mm around them.
SACRUM_MM: tuple[Span, Span] = (-58.0, 54.0), (-78.0, 78.0)


@dataclass(frozen=True)
class Frame:
    """An image's pixels: their number, their sides and its upper left corner in mm."""

    shape: tuple[int, int]
    spacing_mm: tuple[float, float]
    corner_mm: tuple[float, float]

    def locate(self) -> tuple[Across, Along]:
        """mm of the columns to the viewer's right and of the rows downwards."""
        across = self.corner_mm[1] + self.spacing_mm[1] * np.arange(self.shape[1])
        along = self.corner_mm[0] + self.spacing_mm[0] * np.arange(self.shape[0])
        return (
            across.astype(np.float32)[None],
            along.astype(np.float32)[:, None],
        )

    def enclose(self, along_mm: Span, across_mm: Span) -> Crop:
        """The crop box of a rectangle in mm: top, left, bottom, right in pixels."""
        spans, ends = (along_mm, across_mm), []
        for axis, span in enumerate(spans):
            places = [
                round((mm - self.corner_mm[axis]) / self.spacing_mm[axis])
                for mm in span
            ]
            ends.append(np.clip(places, 0, self.shape[axis]).tolist())
        (top, bottom), (left, right) = ends
        return top, left, bottom, right


@dataclass(frozen=True)
class PelvisPatient:
    """Everything about a patient that is known before the exposure.

    `joints` are the viewer's left and right: the patient's right and left.
    """

    patient_id: str
    split: str
    label: int
    chart: Chart
    build: Build
    joints: tuple[Joint, Joint]
    decoys: tuple[Decoy, ...]
    exposure: Exposure
    storage: Storage
    frame: Frame
    key: np.random.Generator


def draw_frame(key: np.random.Generator, columns: tuple[int, int]) -> Frame:
    """A landscape of the whole pelvis, off its middle by some mm; few oblong pixels."""
    num_columns = int(key.integers(columns[0], columns[1] + 1))
    width_mm, height_mm = key.uniform(322, 356), key.uniform(276, 304)
    across = width_mm / num_columns
    down = across * (key.uniform(0.88, 1.0) if key.random() < 0.1 else 1.0)
    return Frame(
        shape=(round(height_mm / down), num_columns),
        spacing_mm=(round(down, 5), round(across, 5)),
        corner_mm=(key.normal(-116, 4), key.normal(-width_mm / 2, 4)),
    )


def draw_patient(
    row: tuple[int, str, int], *, columns: tuple[int, int], seed: int
) -> PelvisPatient:
    """A patient from seed and number alone; only chart and joints heed the label.

    Args:
      row: the patient's number, split and label.
      columns: lowest and highest number of pixels across.
      seed: of the cohort.
    """
    number, split, label = row
    ill, key = (np.random.default_rng([seed, stream, number]) for stream in (3, 4))
    chart = draw_chart(ill, split, label)
    build = draw_build(key, age=chart.age, sex=chart.sex)
    return PelvisPatient(
        patient_id=f"P{number:04d}",
        split=split,
        label=label,
        chart=chart,
        build=build,
        joints=(
            draw_joint(ill, build, -1, chart.grade_right),
            draw_joint(ill, build, 1, chart.grade_left),
        ),
        decoys=draw_decoys(key, age=chart.age),
        exposure=draw_exposure(key),
        storage=draw_storage(key),
        frame=draw_frame(key, columns),
        key=key,
    )


def expose_patient(patient: PelvisPatient) -> Field:
    """The detector's signal: bones, joints, decoys, then the beam through them."""
    across, along = patient.frame.locate()
    canvas = Canvas(patient.build, across, along)
    add_pelvis(canvas)
    for side, joint in zip((-1, 1), patient.joints, strict=True):
        add_joint(canvas, side, joint)
    add_decoys(canvas, patient.decoys)
    return expose(
        patient.key,
        canvas.bone,
        patient.build,
        patient.exposure,
        across=across,
        along=along,
    )
