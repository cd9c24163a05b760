"""The files of a study: predictions of one or more models, cohort table, run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from negspa_jax.evaluate.fusion import FUSED, SCORES
from negspa_jax.evaluate.patients import Patients
from negspa_jax.evaluate.provenance import (
    Provenance,
    read_manifest,
    read_training,
    record_sources,
)
from negspa_jax.evaluate.unscored import (
    ROLE,
    check_unscored,
    join_unscored,
    read_unscored,
)
from negspa_jax.predictions import UNSCORED, Table, join_columns, read_predictions

_PATHS = ("data.cohort", "encoder.weights", "runtime.cache_dir", "runtime.weights_dir")


@dataclass(frozen=True, eq=False)
class Inputs:
    """What was read.

    `name`: of the first table's model. `others`: the other models' tables by name.
    `unscored`: patients of the cohort table without a score, but for those of
    `unscored_train`, the run's own; None where it names none.
    """

    name: str
    table: Table
    others: Mapping[str, Table]
    unscored: tuple[str, ...]
    unscored_train: Patients | None
    provenance: Provenance


def read_inputs(
    *,
    run: Path | None = None,
    predictions: Sequence[Path] = (),
    cohort: Path | None = None,
    names: Sequence[str] = (),
) -> Inputs:
    """Read a study's files.

    Args:
        run: directory of a finished training run; its predictions come first.
        predictions: further predictions tables of the same patients.
        cohort: a table whose columns are joined to every predictions table; its labels
            only where the run's, if there is one, are those of the column `label`.
        names: of the models, in the order of their tables; default: the run
            directory's and the files' names.

    Raises:
        ValueError: if there is nothing to read, a file is not what it must be, or two
            models have one name.
    """
    paths = [*([_find_predictions(run)] if run else []), *predictions]
    if not paths:
        raise ValueError("--run or --predictions must be given, got neither")
    models = _name_models(run, predictions, names)
    tables = [read_predictions(path) for path in paths]
    provenance = _record(run, paths, models, cohort)
    train = read_unscored(run) if run else None
    check_unscored(train, tables[0], one_model=provenance.has_one_model)
    unscored: tuple[str, ...] = ()
    if cohort is not None:
        labels = provenance.config.get("data.reference", "label") == "label"
        joined = [join_columns(table, cohort, labels=labels) for table in tables]
        tables, unscored = [table for table, _ in joined], joined[0][1]
    if cohort is not None and train is not None:
        train = join_unscored(train, cohort)
        unscored = tuple(name for name in unscored if name not in train.ids)
    return Inputs(
        models[0],
        tables[0],
        dict(zip(models[1:], tables[1:], strict=True)),
        unscored,
        train,
        provenance,
    )


def _find_predictions(run: Path) -> Path:
    read_manifest(run)
    path = run / "predictions.csv"
    if not path.is_file():
        done = len(list(run.glob("fold_*/predictions.csv")))
        raise ValueError(
            f"{run} must be a finished run, but {path} is not there ({done} folds are "
            "done); the training command goes on where it stopped"
        )
    return path


def _name_models(
    run: Path | None, predictions: Sequence[Path], names: Sequence[str]
) -> list[str]:
    found = [*([run.resolve().name] if run else []), *(p.stem for p in predictions)]
    if names and len(names) != len(found):
        raise ValueError(
            f"--names must be one for each of the {len(found)} tables, got {len(names)}"
        )
    models = list(names) or found
    if len(set(models)) < len(models):
        raise ValueError(f"models must differ in name, got {models}; give --names")
    taken = [name for name in models[1:] if name in SCORES or name.endswith(FUSED)]
    if taken:
        raise ValueError(
            f"a further model must not be named like a score of the first "
            f"({', '.join(SCORES)}, or ending in {FUSED!r}), got {taken[0]!r}; give "
            "--names"
        )
    return models


def _record(
    run: Path | None, paths: Sequence[Path], models: Sequence[str], cohort: Path | None
) -> Provenance:
    files = [
        (f"predictions of {model}", path)
        for model, path in zip(models, paths, strict=True)
    ]
    files += [("cohort table", cohort)] if cohort else []
    if run is None:
        return record_sources(files)
    files += [(ROLE, run / UNSCORED)] if (run / UNSCORED).is_file() else []
    manifest = read_manifest(run)
    return replace(
        record_sources([*files, ("manifest of the run", run / "manifest.json")]),
        config=shorten_paths(manifest["config"]),
        environment=manifest.get("environment", {}),
        weights_sha256=manifest.get("weights", {}).get("sha256") or "",
        training=read_training(run),
        validation=manifest["inputs"].get("validation") or "",
    )


def shorten_paths(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config with file names instead of paths, which tell where a person works."""
    short = {name: Path(config[name]).name for name in _PATHS if config.get(name)}
    return {**config, **short}
