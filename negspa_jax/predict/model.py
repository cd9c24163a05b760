"""A trained model, ready for new patients: what `negspa_jax.load` gives.

    model = negspa_jax.load("runs/tri_r50")            # or a bundle
    patient = model.read_patient("017", t1w="t1w.nii.gz", ..., rvoi="rvoi.nii.gz")
    result = model.predict(patient)

Research software, not a medical device.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from negspa_jax.config import Config, image_keywords
from negspa_jax.data.crops import Crops
from negspa_jax.data.errors import CaseError
from negspa_jax.data.fingerprint import Fingerprint
from negspa_jax.data.flags import judge
from negspa_jax.data.kinds import KINDS, list_sides
from negspa_jax.data.new_patients import read_patient
from negspa_jax.data.patient import Patient
from negspa_jax.data.volume import file_sha256
from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.models import MultiEncoder
from negspa_jax.predict.copies import list_copies, vary_images
from negspa_jax.predict.network import Steps, Variables, build_model, compile_steps
from negspa_jax.predict.result import (
    Result,
    Variation,
    decide,
    measure_spread,
    score_clinic,
    tabulate,
)
from negspa_jax.predict.sides import explain_folds
from negspa_jax.shapes import Float


@dataclass(frozen=True, eq=False)
class Model:
    """Everything that scoring a patient takes, without the run that made it.

    `name`: of the run. `folds`: the variables that each fold has learnt. `points`: the
    operating points, chosen on training patients (out of fold) or on `validation`.
    `fingerprint`: what the training images were like. `positive`, `negative`: names of
    the classes. `missing`: what a clinical feature without a value means, "error" or
    "absent". `origin`: hashes and versions of what the model was made from.
    `learned`: SHA-256 of the images it learned from; a bundle does not have them.
    """

    name: str
    config: Config
    folds: tuple[Variables, ...]
    points: tuple[OperatingPoint, ...]
    fingerprint: Fingerprint
    positive: str
    negative: str
    missing: str
    origin: Mapping[str, str]
    learned: frozenset[str] = frozenset()

    @cached_property
    def network(self) -> MultiEncoder:
        """The network, without its variables."""
        return build_model(self.config)

    @cached_property
    def steps(self) -> Steps:
        """The network's compiled steps."""
        return compile_steps(self.network)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the model cannot say of any patient; sentences."""
        decided = {point.score for point in self.points}
        doubts = [*self.fingerprint.doubts]
        if not decided:
            doubts.append(
                "the model has no operating point: no labelled patients of both "
                "classes, outside of every test set, chose one"
            )
        elif "fused" not in decided and self.config.data.kind == "mri":
            doubts.append(
                "the model has no operating point of clinical and fused scores: the "
                "training patients' nine features were not all known"
            )
        return tuple(doubts)

    @property
    def sides(self) -> tuple[str, ...]:
        """The names of the axis s of its sub-images."""
        return list_sides(self.config.data.kind, self.config.data.sides)

    @property
    def image_size(self) -> int:
        """Height and width of what the network sees, in pixels."""
        return self.config.stages[-1].image_size

    def read_patient(
        self, patient_id: str = "patient", /, **columns: object
    ) -> Patient:
        """Return a patient to be scored, given as a row of the cohort table.

        Args:
            patient_id: any text.
            **columns: of the cohort table (`negspa_jax/data/cohort.py`): a path for
                each sequence, `rvoi` (or `rvoi_corners`, `rvoi_first`, `rvoi_last`,
                `rvoi_sequence`; of a radiograph perhaps `crop`), clinical features
                and covariates. Paths are relative to the working directory; None and
                NaN are empty cells.

        Raises:
            CohortError: listing all that is unknown, missing or wrong.
        """
        cells = {name: _as_cell(value) for name, value in columns.items()}
        return self.read_cells({"patient_id": patient_id, **cells})

    def read_cells(self, cells: Mapping[str, str]) -> Patient:
        """Return a patient from the cells of a row; see `read_patient`."""
        data = self.config.data
        return read_patient(cells, sequences=data.sequences, kind=data.kind)

    def decode(self, patient: Patient) -> Crops:
        """Return a patient's sub-images as training saw them.

        Raises:
            CaseError: if a file cannot be used, or a sub-image is empty.
        """
        keywords = image_keywords(self.config, image_size=self.image_size)
        crops = KINDS[self.config.data.kind].decode(patient, **keywords)
        for side, images in zip(crops.sides, crops.images, strict=True):
            for name, image in zip(crops.sequences, images, strict=True):
                if image.min() == image.max():
                    raise CaseError(
                        patient.patient_id,
                        patient.images[name],
                        f"must show something in the {side} window, but it is empty "
                        f"(all {image.min():g}): is the region where the joints are?",
                    )
        return crops

    def predict(self, patient: Patient, *, augment: bool = False) -> Result:
        """Score a patient by every fold's model.

        Args:
            patient: from `read_patient`, or of a cohort table.
            augment: score mirrored and shifted copies, too (`Result.variation`).

        Raises:
            CaseError: if a file cannot be used; one sentence.
            ValueError: if the patient is of a split that the model learned from, or
                `augment` asks for what training never did.
        """
        return self.predict_crops(patient, self.decode(patient), augment=augment)

    def predict_crops(
        self, patient: Patient, crops: Crops, *, augment: bool = False
    ) -> Result:
        """Score sub-images that `decode` returned; see `predict`."""
        if patient.split == "train":
            raise ValueError(
                f"patient {patient.patient_id} must not be of the split train: the "
                "run's predictions.csv has the scores of those it learned from"
            )
        copies = list_copies(self.config) if augment else ()
        scores, maps = explain_folds(self.steps, self.folds, crops.images)
        image = _average(patient, self.sides, scores)
        clinical, lacking = score_clinic(patient, missing=self.missing)
        return Result(
            patient=patient,
            config=self.config,
            sides=self.sides,
            folds=tuple(range(len(self.folds))),
            scores=scores,
            clinical=clinical,
            lacking=lacking,
            calls=decide(self.points, image, clinical),
            flags=judge(self.fingerprint, crops.traits),
            warnings=(*self._find_learned(patient), *crops.warnings),
            images=crops.images,
            maps=maps.mean(0),
            variation=self._vary(patient, crops, image, copies) if augment else None,
        )

    def _find_learned(self, patient: Patient) -> list[str]:
        if not self.learned:
            return []
        files = patient.images.items()
        names = [name for name, path in files if file_sha256(path) in self.learned]
        if not names:
            return []
        return [
            f"patient {patient.patient_id}: the model learned from this very "
            f"{', '.join(names)}, so that the score is no test of it"
        ]

    def _vary(
        self, patient: Patient, crops: Crops, image: float, copies: Sequence[Any]
    ) -> Variation:
        found = [image]
        for copy in copies:
            border = self.config.augmentation.border
            varied = vary_images(crops.images, *copy, border=border)
            scores, _ = explain_folds(self.steps, self.folds, varied, with_maps=False)
            found.append(_average(patient, self.sides, scores))
        spread = measure_spread(np.array(found))
        return Variation(float(np.mean(found)), spread, len(found))


def _as_cell(value: object) -> str:
    """What a table would hold: 1 for True, nothing for None and NaN."""
    if value is None or value != value:
        return ""
    return str(int(value) if isinstance(value, bool) else value)


def _average(
    patient: Patient, sides: Sequence[str], scores: Float[np.ndarray, "f s"]
) -> float:
    """The image score, added up in the order of training's tables."""
    table = tabulate(patient, sides, scores)
    return next(row.score for row in table if (row.side, row.fold) == ("both", "mean"))
