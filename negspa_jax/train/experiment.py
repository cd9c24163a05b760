"""A whole run: prepare, train the folds asked for, predict, merge, summarise.

Folds may be trained by several processes in one run directory, each with its own
`--folds`; whoever finishes last writes the merged predictions.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from negspa_jax.checkpoint import Checkpoints
from negspa_jax.config import Config, ConfigError, flatten
from negspa_jax.data.volume import file_sha256
from negspa_jax.models import Weights, load_encoder_weights, resolve_weights
from negspa_jax.train import parallel
from negspa_jax.train.console import Reporter
from negspa_jax.train.finish import finish_fold, finish_run
from negspa_jax.train.fit import Fitting, Fold
from negspa_jax.train.history import History, find_tensorboard
from negspa_jax.train.interrupt import StopRequest
from negspa_jax.train.network import Network, build_network, first_variables
from negspa_jax.train.optim import Variables
from negspa_jax.train.presets import resolve_mixing
from negspa_jax.train.progress import check_batch_sizes
from negspa_jax.train.rundir import (
    check_claim,
    claim,
    locked,
)
from negspa_jax.train.study import (
    Study,
    find_cohort,
    prepare,
    resolve_reference,
)


def run(
    config: Config,
    workdir: Path,
    *,
    folds: Sequence[int] | None,
    stop: StopRequest,
    reporter: Reporter,
) -> None:
    """Train, predict and summarise; a second call goes on where the first stopped.

    Args:
        config: of the run.
        workdir: its directory, made if absent.
        folds: the folds to train now; None for all.
        stop: asks the run to save and leave.
        reporter: is told what happens.

    Raises:
        ValueError: a user's mistake, in one sentence, before anything is computed.
        Interrupted: after the state has been saved.
    """
    config.validate()
    config = resolve_mixing(config)
    chosen = _choose_folds(config, folds)
    check_batch_sizes(config.stages, form=config.head.form)
    weights, pretrained = _find_weights(config)
    if config.runtime.tensorboard:
        find_tensorboard()
    with _held(workdir, wait=True):
        table = find_cohort(config, workdir, reporter)
        config = resolve_reference(config, table)
        manifest = _manifest(config, table, weights)
        known = check_claim(workdir, manifest)
        study = prepare(config, table, workdir, reporter, stop=stop, resumed=known)
        if parallel.is_first() and not known:
            if study.validation:
                manifest["inputs"]["validation"] = study.validation
            claim(workdir, manifest)
    model, network = build_network(config, num_inputs=len(config.data.sequences))
    for fold in chosen:
        folder = workdir / f"fold_{fold}"
        with _held(folder, wait=False):
            if (folder / "predictions.csv").exists():
                reporter.tell(f"fold {fold}: done before, in {folder}")
                continue
            start = first_variables(model, config, pretrained, fold=fold)
            best = _fit(fold, folder, start, study, config, network, stop, reporter)
            finish_fold(fold, folder, best, study, config, network)
    with _held(workdir, wait=True):
        if parallel.is_first():
            finish_run(workdir, config, study, reporter)
    parallel.wait_for_all("finished")


def _find_weights(config: Config) -> tuple[Weights | None, Variables | None]:
    # Read here, so that a damaged file, or another encoder's, is told before the
    # directory is claimed, and once for all folds.
    weights = resolve_weights(
        os.path.expanduser(config.encoder.weights),
        encoder=config.encoder.name,
        cache_dir=os.path.expanduser(config.runtime.weights_dir) or None,
    )
    if weights is None:
        return None, None
    return weights, load_encoder_weights(weights.path, encoder=config.encoder.name)


def _held(folder: Path, *, wait: bool) -> ExitStack:
    # Of the processes of one run the first owns the directory for all; the others
    # follow when it has it.
    stack = ExitStack()
    if parallel.is_first():
        stack.enter_context(locked(folder, wait=wait))
    parallel.wait_for_all(f"held {folder.name}")
    return stack


def _choose_folds(config: Config, folds: Sequence[int] | None) -> list[int]:
    count = config.data.num_folds
    wrong = [fold for fold in folds or () if not 0 <= fold < count]
    if wrong:
        raise ConfigError(f"--folds must be 0 to {count - 1}, got {wrong[0]}")
    return list(range(count)) if folds is None else sorted(set(folds))


def _manifest(config: Config, table: Path, weights: Weights | None) -> dict[str, Any]:
    return {
        "config": flatten(config),
        "inputs": {"cohort_sha256": file_sha256(table)},
        "weights": {"sha256": weights.sha256 if weights else None},
    }


def _fit(
    number: int,
    folder: Path,
    start: Variables,
    study: Study,
    config: Config,
    network: Network,
    stop: StopRequest,
    reporter: Reporter,
) -> Variables:
    training, validation = study.samples(number)
    fold = Fold(
        number=number,
        folder=folder,
        caches=study.caches,
        training=training,
        validation=validation,
        labels=study.labels,
        names=tuple(p.patient_id for p in study.cohort.patients),
    )
    checkpoints = Checkpoints(folder / "checkpoints")
    writes = parallel.is_first()
    history = History(
        folder, writes=writes, tensorboard=writes and config.runtime.tensorboard
    )
    try:
        return Fitting(fold, config, network, checkpoints, history, stop, reporter).run(
            start
        )
    finally:
        history.close()
        checkpoints.close()
