"""From a finished run to a model for new patients."""

from pathlib import Path

from negspa_jax.csv_table import read_table
from negspa_jax.data.fingerprint_json import FINGERPRINT, read_fingerprint
from negspa_jax.data.volume import file_sha256
from negspa_jax.evaluate import Options, carry_points, read_inputs, without_gaps
from negspa_jax.predict.finished_run import read_run
from negspa_jax.predict.model import Model
from negspa_jax.predict.network import build_model, load_variables
from negspa_jax.predict.result import DECIDED

_LEARNED_FROM = ("folds.csv", "inputs.csv")


def open_run_model(folder: Path, options: Options | None = None) -> Model:
    """Open a run directory as a model.

    Args:
        folder: the `--workdir` of a finished training.
        options: names of the classes, what an empty feature means, and which split
            chooses the operating points.

    Raises:
        ValueError: if the run is not finished, or a file of it is missing, damaged or
            another run's.
    """
    options = options or Options()
    manifest, config = read_run(folder)
    inputs = without_gaps(read_inputs(run=folder), options)
    network = build_model(config)
    numbers = range(config.data.num_folds)
    environment = manifest.get("environment", {})
    return Model(
        name=options.title or folder.resolve().name,
        config=config,
        folds=tuple(load_variables(folder, network, fold=k) for k in numbers),
        points=tuple(
            point for point in carry_points(inputs, options) if point.score in DECIDED
        ),
        fingerprint=read_fingerprint(folder / FINGERPRINT),
        positive=options.positive,
        negative=options.negative,
        missing=options.missing,
        learned=_list_learned(folder),
        origin={
            "manifest_sha256": file_sha256(folder / "manifest.json"),
            "predictions_sha256": file_sha256(folder / "predictions.csv"),
            "cohort_sha256": str(manifest["inputs"].get("cohort_sha256") or ""),
            "weights_sha256": str(manifest.get("weights", {}).get("sha256") or ""),
            "trained_with": str(environment.get("negspa_jax") or ""),
        },
    )


def _list_learned(folder: Path) -> frozenset[str]:
    """SHA-256 of the files of those whom the folds learned from."""
    names, hashes = (
        read_table(folder / file, key="patient_id") for file in _LEARNED_FROM
    )
    learned = {row.cells["patient_id"] for row in names.rows}
    return frozenset(
        row.cells["sha256"]
        for row in hashes.rows
        if row.cells["patient_id"] in learned and "rvoi" not in row.cells["role"]
    )
