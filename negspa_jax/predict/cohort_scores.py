"""Every patient of a table scored; who cannot be is named, and stops nobody else."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from negspa_jax.data.crops import Crops
from negspa_jax.data.errors import CaseError
from negspa_jax.data.patient import Patient
from negspa_jax.predict.copies import list_copies
from negspa_jax.predict.model import Model
from negspa_jax.predict.result import Result

T = TypeVar("T")


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
    finish: Callable[[Result], T],
) -> Iterator[T | Failure]:
    """Score patients in their order; the next ones are read meanwhile.

    Args:
        model: from `negspa_jax.load`.
        patients: in no split that the model learned from.
        augment: score mirrored and shifted copies, too.
        workers: patients read ahead at the same time.
        finish: is given every result; what it returns is kept instead.

    Returns:
        What `finish` returned, or a failure, for each patient.

    Raises:
        ValueError: if `augment` asks for what training never did.
    """
    if augment:
        list_copies(model.config)
    return _score(model, patients, augment, workers, finish)


def _score(
    model: Model,
    patients: Sequence[Patient],
    augment: bool,
    workers: int,
    finish: Callable[[Result], T],
) -> Iterator[T | Failure]:
    def complete(patient: Patient, crops: Crops) -> T:
        return finish(model.predict_crops(patient, crops, augment=augment))

    with ThreadPoolExecutor(workers) as pool:
        for patient, crops in _read_ahead(pool, model, patients, count=2 * workers):
            failed = isinstance(crops, Failure)
            yield crops if failed else _attempt(complete, patient, crops)


def _read_ahead(
    pool: ThreadPoolExecutor, model: Model, patients: Iterable[Patient], *, count: int
) -> Iterator[tuple[Patient, Any]]:
    left = iter(patients)
    waiting: deque[tuple[Patient, Future[Any]]] = deque()
    while True:
        for patient in islice(left, count - len(waiting)):
            waiting.append((patient, pool.submit(_attempt, model.decode, patient)))
        if not waiting:
            return
        patient, future = waiting.popleft()
        yield patient, future.result()


def _attempt(step: Callable[..., T], patient: Patient, *rest: Any) -> T | Failure:
    try:
        return step(patient, *rest)
    except CaseError as error:
        return Failure(patient.patient_id, str(error.path), error.reason)
    # Whatever happens to one patient must not cost the other ninety-nine.
    except Exception as error:
        files = ", ".join(map(str, patient.images.values()))
        reason = f"cannot be used ({type(error).__name__}: {error}): please report this"
        return Failure(patient.patient_id, files, " ".join(reason.split()))
