"""Every patient of a table scored; who cannot be is named, and stops nobody else."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

from negspa_jax.data.crops import Crops
from negspa_jax.data.errors import CaseError
from negspa_jax.data.patient import Patient
from negspa_jax.predict.model import Model
from negspa_jax.predict.result import Result


class Failure(NamedTuple):
    """A patient who has no score, the file that is to blame ("" if none), and why."""

    patient_id: str
    file: str
    reason: str


def score_patients(
    model: Model,
    patients: Sequence[Patient],
    *,
    augment: bool = False,
    workers: int = 2,
) -> Iterator[Result | Failure]:
    """Score patients in their order; the next ones are read meanwhile.

    Args:
        model: from `negspa_jax.load`.
        patients: in no split that the model learned from.
        augment: score mirrored and shifted copies, too.
        workers: patients read ahead at the same time.

    Yields:
        A result or a failure for each patient.
    """
    with ThreadPoolExecutor(workers) as pool:
        try:
            for patient, crops in _read_ahead(pool, model, patients, count=2 * workers):
                if isinstance(crops, Failure):
                    yield crops
                else:
                    yield model.predict_crops(patient, crops, augment=augment)
        finally:
            # Whoever stops listening does not wait for the rest.
            pool.shutdown(wait=False, cancel_futures=True)


def _read_ahead(
    pool: ThreadPoolExecutor, model: Model, patients: Iterable[Patient], *, count: int
) -> Iterator[tuple[Patient, Crops | Failure]]:
    left = iter(patients)
    waiting: deque[tuple[Patient, Future[Crops | Failure]]] = deque()
    while True:
        for patient in islice(left, count - len(waiting)):
            waiting.append((patient, pool.submit(_decode, model, patient)))
        if not waiting:
            return
        patient, future = waiting.popleft()
        yield patient, future.result()


def _decode(model: Model, patient: Patient) -> Crops | Failure:
    try:
        return model.decode(patient)
    except CaseError as error:
        return Failure(patient.patient_id, str(error.path), error.reason)
    # A mistake of ours in one patient must not cost the other ninety-nine.
    except Exception as error:
        files = ", ".join(map(str, patient.images.values()))
        reason = f"cannot be used ({type(error).__name__}: {error}): please report this"
        return Failure(patient.patient_id, files, " ".join(reason.split()))


def name_files(patients: Sequence[tuple[str, str]]) -> list[Failure]:
    """Failures of patients whose row of the table is at fault, by id and reason."""
    return [Failure(patient_id, "", reason) for patient_id, reason in patients]
