"""The machine's answers to reporting checklists, by name.

Each is a function of the study that returns sentences, or "" where the study does not
hold what is needed; never what only a person can know.
"""

from collections.abc import Callable
from typing import NamedTuple

from negspa_jax.evaluate.study import Study
from negspa_jax.report import image_answers as images
from negspa_jax.report import method_answers as methods
from negspa_jax.report import patient_answers as patients
from negspa_jax.report import result_answers as results
from negspa_jax.report import run_answers as run


class Answer(NamedTuple):
    """How an answer is written, and where its facts stand."""

    write: Callable[[Study], str]
    source: str


_STUDY, _CONFIG = "study.json: ", "manifest.json: config"

ANSWERS: dict[str, Answer] = {
    "data_source": Answer(images.name_data_source, _CONFIG),
    "technology": Answer(run.name_technology, _CONFIG),
    "inputs": Answer(methods.list_inputs, _CONFIG),
    "preprocessing": Answer(images.describe_preprocessing, _CONFIG),
    "subsets": Answer(images.describe_subsets, _CONFIG),
    "reference_standard": Answer(images.describe_reference, _CONFIG),
    "model": Answer(run.describe_model, _CONFIG),
    "initialization": Answer(run.describe_initialization, _CONFIG),
    "training": Answer(run.describe_training, _CONFIG),
    "augmentation": Answer(run.describe_augmentation, _CONFIG),
    "selection": Answer(run.describe_selection, _CONFIG),
    "ensembling": Answer(run.describe_ensembling, _CONFIG),
    "imbalance": Answer(run.describe_imbalance, _CONFIG),
    "partitions": Answer(methods.describe_partitions, f"{_STUDY}flow"),
    "disjointness": Answer(methods.describe_disjointness, f"{_STUDY}flow"),
    "prediction": Answer(methods.describe_prediction, f"{_STUDY}performances"),
    "metrics": Answer(methods.describe_metrics, f"{_STUDY}performances"),
    "uncertainty": Answer(methods.describe_uncertainty, f"{_STUDY}performances"),
    "operating_points": Answer(
        methods.describe_operating_points, f"{_STUDY}operating_points"
    ),
    "subgroup_methods": Answer(methods.describe_subgroup_methods, f"{_STUDY}groupings"),
    "software": Answer(methods.describe_software, f"{_STUDY}provenance"),
    "code": Answer(methods.describe_code, f"{_STUDY}provenance"),
    "explainability": Answer(methods.describe_explainability, f"{_STUDY}provenance"),
    "audit": Answer(methods.describe_audit, f"{_STUDY}provenance"),
    "headline": Answer(results.state_headline, f"{_STUDY}performances"),
    "accuracy": Answer(results.state_accuracy, f"{_STUDY}performances"),
    "training_performance": Answer(
        results.state_training_performance, f"{_STUDY}performances"
    ),
    "test_performance": Answer(results.state_test_performance, f"{_STUDY}performances"),
    "cross_tables": Answer(results.state_cross_tables, f"{_STUDY}performances"),
    "subgroups": Answer(results.state_subgroups, f"{_STUDY}subgroups"),
    "sizes": Answer(patients.state_sizes, f"{_STUDY}flow"),
    "flow": Answer(patients.state_flow, f"{_STUDY}flow"),
    "missing_data": Answer(patients.state_missing_data, f"{_STUDY}flow, Table 1"),
    "characteristics": Answer(patients.state_characteristics, f"{_STUDY}Table 1"),
    "set_comparison": Answer(patients.compare_sets, f"{_STUDY}flow, numeric"),
    "variability": Answer(patients.state_variability, f"{_STUDY}reader_pairs"),
    "errors": Answer(results.state_errors, f"{_STUDY}cases"),
    "warnings": Answer(results.state_warnings, f"{_STUDY}warnings"),
}
