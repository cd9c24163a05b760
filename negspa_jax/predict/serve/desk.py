"""What a visitor can do: send a file, take it away, have the patient scored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from negspa_jax.predict.model import Model
from negspa_jax.predict.serve.drawing import describe_drawing
from negspa_jax.predict.serve.inspection import Inspector
from negspa_jax.predict.serve.outcome import (
    NOBODY,
    Outcome,
    describe_result,
    keep_outcome,
)
from negspa_jax.predict.serve.refusal import Refusal, explain_error
from negspa_jax.predict.serve.scoring import Job, Scorer
from negspa_jax.predict.serve.sessions import Session, Sessions
from negspa_jax.predict.serve.uploads import (
    Upload,
    choose_path,
    name_pictures,
    store_bytes,
)

_BUSY = "the patient is being scored: wait until that has ended"


@dataclass(frozen=True, eq=False)
class Desk:
    """A model, its visitors, and the limits that they are under.

    `max_bytes`: of all files of a patient together. `keep`: the folder in which
    patients may be kept; None: they may not.
    """

    model: Model
    sessions: Sessions
    scorer: Scorer
    max_bytes: int
    keep: Path | None

    @property
    def roles(self) -> tuple[str, ...]:
        """What a file may be: a sequence or view, and of MRI a mask."""
        data = self.model.config.data
        return (*data.sequences, *(("rvoi",) if data.kind == "mri" else ()))

    def receive(
        self, session: Session, *, role: str, shown: str, read: Callable[[int], bytes]
    ) -> Upload:
        """Keep a file that was sent, if it can be read, in place of an earlier one.

        Args:
            session: whose file it is.
            role: one of `roles`.
            shown: its name on the visitor's computer, checked.
            read: returns at most so many of its next bytes.

        Raises:
            Refusal: it is too large or cannot be read; one sentence.
        """
        self._check_role(role)
        with session.receive():
            self.check_idle(session)
            path = choose_path(session.folder, shown)
            try:
                upload = self._keep(session, role, shown, read, path)
                self._place(session, role, upload)
            except BaseException:
                path.unlink(missing_ok=True)
                name_pictures(path).unlink(missing_ok=True)
                session.check_open()
                raise
        return upload

    def remove(self, session: Session, role: str) -> None:
        """Delete a role's file."""
        self._check_role(role)
        with session.lock:
            self.check_idle(session)
            session.remove_upload(role)

    def check_idle(self, session: Session) -> None:
        """Raise `Refusal` while the patient is scored, or if the visit has ended."""
        session.check_open()
        if session.busy:
            raise Refusal(409, _BUSY)

    def score(
        self, session: Session, features: Mapping[str, str], *, keep: bool
    ) -> None:
        """Begin to score the patient.

        Args:
            session: with the patient's files and region.
            features: those that are known, by column.
            keep: whether to keep files and result in the server's folder.

        Raises:
            Refusal: something is missing, or nothing may be kept.
        """
        if keep and self.keep is None:
            raise Refusal(400, "nothing can be kept: the server was started without it")
        with session.lock:
            self.check_idle(session)
            if session.num_arriving:
                raise Refusal(409, "a file is still arriving: wait until it is there")
            columns = {**self._collect(session), **features}
            uploads = dict(session.uploads)
            folder = self.keep if keep else None
            session.job = self.scorer.start(
                partial(self._compute, columns, uploads),
                explain=partial(explain_error, folder=session.folder),
                settle=partial(_settle, session, uploads, folder),
            )

    def _place(self, session: Session, role: str, upload: Upload) -> None:
        """Put a file in the place of an earlier one, unless the visit has ended."""
        with session.lock:
            self.check_idle(session)
            session.remove_upload(role)
            session.uploads[role] = upload
            if role == "rvoi":
                session.region = {}

    def _keep(
        self,
        session: Session,
        role: str,
        shown: str,
        read: Callable[[int], bytes],
        path: Path,
    ) -> Upload:
        with session.lock:
            kept = [up for name, up in session.uploads.items() if name != role]
        others = sum(upload.num_bytes for upload in kept)
        size, sha256 = store_bytes(read, path, limit=self.max_bytes - others)
        try:
            seen = Inspector(self.model.config).look(path, role=role)
        except ValueError as error:
            sentences = explain_error(error, folder=session.folder)
            raise Refusal(422, "; ".join(sentences)) from None
        pictures = None
        if seen.slices is not None:
            pictures = name_pictures(path)
            np.save(pictures, seen.slices)
        name = path.name.split(".")[0]
        return Upload(name, shown, path, size, sha256, seen.facts, pictures)

    def _check_role(self, role: str) -> None:
        if role not in self.roles:
            raise Refusal(404, f"a file must be one of {', '.join(self.roles)}")

    def _collect(self, session: Session) -> dict[str, str]:
        """The patient as a row of the cohort table."""
        data = self.model.config.data
        missing = [name for name in data.sequences if name not in session.uploads]
        if missing:
            raise Refusal(400, f"the files of {', '.join(missing)} are still missing")
        columns = {role: str(up.path) for role, up in session.uploads.items()}
        if data.kind == "mri" and not (session.region or "rvoi" in session.uploads):
            raise Refusal(400, "the region of interest is missing: draw it, or a mask")
        return columns | session.region | session.crops

    def _compute(
        self,
        columns: Mapping[str, str],
        uploads: Mapping[str, Upload],
    ) -> Outcome:
        patient = self.model.read_patient(NOBODY, **columns)
        result = self.model.predict(patient)
        drawing = describe_drawing(columns, self.model.config.data)
        report = describe_result(self.model, result, uploads=uploads, drawing=drawing)
        return Outcome(report, result.encode_png())


def _settle(
    session: Session,
    uploads: Mapping[str, Upload],
    keep: Path | None,
    job: Job,
    outcome: Outcome,
) -> None:
    """Let a job finish; only what the visitor still wants and gets is kept.

    Under the lock, so that neither the files go nor the result is seen meanwhile.
    """
    with session.lock:
        if not session.closed and job.finish(outcome) and keep is not None:
            job.amend(keep_outcome(outcome, uploads, keep))
