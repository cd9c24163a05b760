"""Whose maps are drawn: those a person names, or those that a report shows."""

from collections.abc import Sequence

from negspa_jax.evaluate import Options, find_examples, load_study
from negspa_jax.predict.finished_run import FinishedRun
from negspa_jax.predictions import TRAIN, VALIDATION


def find_patients(
    run: FinishedRun,
    *,
    splits: Sequence[str] | None = None,
    patient_ids: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """The patients that a person named, or the typical and the wrong cases.

    Args:
        run: from `open_run`.
        splits: whose typical and wrong cases are chosen; None for all splits.
        patient_ids: these patients instead.

    Raises:
        ValueError: if a split or a patient is not in the run's predictions, or there
            is no operating point that tells right from wrong.
    """
    known = {row.patient_id: row.split for row in run.predictions}
    if patient_ids:
        _check_names("patients", patient_ids, list(known))
        return tuple(dict.fromkeys(patient_ids))
    there = list(dict.fromkeys(known.values()))
    _check_names("split", splits or there, there)
    # Examples depend on no interval: one resample is enough.
    options = Options(missing="absent", num_resamples=1)
    study = load_study(run=run.folder, options=options)
    if not study.cases:
        alone = run.config.data.num_folds == 1
        where = VALIDATION if alone else f"{TRAIN} or {VALIDATION}"
        raise ValueError(
            "typical and wrong cases need an operating point, chosen on labelled "
            f"patients of both classes in the split {where}: name patients by "
            "--patients"
        )
    wanted = splits or there
    return tuple(
        case.patient_id for case in find_examples(study) if case.split in wanted
    )


def _check_names(flag: str, names: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        examples = ", ".join(known[:4])
        raise ValueError(
            f"--{flag} must be in the run's predictions.csv ({examples}, ...), got "
            f"{', '.join(map(repr, unknown))}"
        )
