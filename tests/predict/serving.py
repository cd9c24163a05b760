"""A model that answers at once, its patients, and a visit to its page."""

import re
import time
import urllib.parse
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np

from negspa_jax.config import Config, Data
from negspa_jax.data.fingerprint import Fingerprint
from negspa_jax.data.flags import Flag
from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.predict.model import Model
from negspa_jax.predict.result import Result, decide, score_clinic

SHAPE = (24, 7, 20)
SPACING = (2.0, 4.0, 1.5)


class QuickModel(Model):
    """Reads patients as a model does, decodes them, and invents the scores."""

    def predict(self, patient, *, augment=False):
        crops = self.decode(patient)
        scores = np.array([[0.62, 0.81], [0.58, 0.73]])[:, : len(self.sides)]
        clinical, lacking = score_clinic(patient, missing=self.missing)
        image = float(scores.mean())
        return Result(
            patient=patient,
            config=self.config,
            sides=self.sides,
            folds=(0, 1),
            scores=scores,
            clinical=clinical,
            lacking=lacking,
            calls=decide(self.points, image, clinical),
            flags=(Flag("grid", "t1w", "<b>slices</b> 4 mm apart, never seen"),),
            warnings=(f"patient {patient.patient_id}, t1w: is faint", *crops.warnings),
            images=crops.images,
            maps=np.ones((*crops.images.shape[:2], 2, 2), np.float32),
        )


def quick_model(**data) -> Model:
    """A model of two sequences, or of what the keywords of `Data` say."""
    config = Config(data=Data(**({"sequences": ("t1w", "fs")} | data)))
    config.stages = (replace(config.stages[-1], image_size=32),)
    points = [
        OperatingPoint(score, name, "", cutoff, "train", 8)
        for score in ("image", "clinical", "fused")
        for name, cutoff in (("high sensitivity", 0.31), ("Youden", 0.52))
    ]
    return QuickModel(
        name="quick",
        config=config,
        folds=(),
        points=(*points, OperatingPoint("image", "third", "", 0.54, "train", 8)),
        fingerprint=Fingerprint(8, config.data.sequences),
        positive="axSpA",
        negative="nr-axSpA",
        missing="error",
        origin={},
    )


def write_volume(path: Path, *, seed=0, shape=SHAPE, affine=None, mask=False) -> Path:
    """A coronal stack, axes to the patient's right, front and head."""
    affine = np.diag((*SPACING, 1.0)) if affine is None else affine
    data = np.random.default_rng(seed).uniform(0, 800, shape).astype(np.int16)
    if mask:
        data = np.zeros(shape, np.uint8)
        data[4:20, 2:5, 5:15] = 1
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


@dataclass
class Visit:
    """What a page's script does, without a browser."""

    client: object
    base: str
    token: str

    @classmethod
    def begin(cls, app):
        client = app.test_client()
        base = client.get("/").headers["Location"].rstrip("/")
        page = client.get(f"{base}/").text
        token = re.search(r'data-token="([^"]+)"', page)[1]
        return cls(client, base, token)

    def post(self, path, wish=None, **headers):
        kept = {"X-Token": self.token} | headers
        return self.client.post(f"{self.base}/{path}", json=wish or {}, headers=kept)

    def send(self, role, content, *, name="a.nii.gz", **headers):
        content = content.read_bytes() if isinstance(content, Path) else content
        shown = urllib.parse.quote(name, safe="")
        kept = {"X-Token": self.token, "X-File-Name": shown} | headers
        return self.client.post(f"{self.base}/file/{role}", data=content, headers=kept)

    def get(self, path):
        return self.client.get(f"{self.base}/{path}")

    def wait(self):
        """The job's last state."""
        for _ in range(1200):
            job = self.get("state").json["job"]
            if job["state"] not in ("waiting", "running"):
                return job
            time.sleep(0.05)
        raise AssertionError("never ended")


REGION = {
    "sequence": "t1w",
    "corners": [[4, 5], [19, 5], [19, 14], [4, 14]],
    "first": 2,
    "last": 4,
}
