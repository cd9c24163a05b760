"""What a study's scores, splits and software say to a checklist's methods.

Each function repeats what the study holds; it returns "" where the study does not.
"""

from negspa_jax.columns import FEATURES
from negspa_jax.evaluate.questions import VALIDATION
from negspa_jax.evaluate.study import Study
from negspa_jax.report import image_answers as images
from negspa_jax.report import run_answers as run
from negspa_jax.report.digits import format_counted
from negspa_jax.report.patient_answers import state_sizes
from negspa_jax.report.roles import TRAIN, has_one_model, name_encoders
from negspa_jax.report.sentences import list_facts


def describe_partitions(study: Study) -> str:
    """How patients came into splits and folds."""
    if not study.flow:
        return ""
    splits = "The table names no splits."
    if study.has_splits:
        drawn = _describe_validation(study)
        splits = f"Splits are those of the table's column split{drawn}."
    return f"{splits}{_describe_folds(study)} {state_sizes(study)}"


def _describe_validation(study: Study) -> str:
    """How a run of one model came to the split that validates it, if not as others."""
    config, origin = study.provenance.config, study.provenance.validation
    if not has_one_model(study) or origin == "table":
        return ""
    if not {"data.validation_share", "seed"} <= config.keys():
        return ""
    share = f"{config['data.validation_share']:.0%}"
    held_out = (
        f"held out from {TRAIN}: {share} of its labelled patients, rounded up, "
        f"{_describe_draw(study)}, unless folds.csv was given"
    )
    if origin == "drawn":
        return f", but {VALIDATION} was {held_out}"
    return f"; where the table has no {VALIDATION}, it was {held_out}"


def _describe_draw(study: Study) -> str:
    seed = study.provenance.config["seed"]
    return f"stratified by class and drawn with seed {seed}"


def _describe_folds(study: Study) -> str:
    config = study.provenance.config
    if has_one_model(study):
        return (
            f" One model learned from {TRAIN} and was validated on the split "
            f"{VALIDATION}."
        )
    if not {"data.num_folds", "seed"} <= config.keys():
        return ""
    return (
        f" Cross-validation of the labelled patients of {TRAIN} with "
        f"{config['data.num_folds']} folds (folds.csv); unless that file was given, "
        f"they are {_describe_draw(study)}."
    )


def describe_disjointness(study: Study) -> str:
    """At which level nobody is in two places."""
    if not study.has_splits or not study.flow:
        return ""
    return (
        "By patient: each patient id is in one split only, which is checked."
        f"{_describe_held_out(study)}"
    )


def _describe_held_out(study: Study) -> str:
    config = study.provenance.config
    if not config:
        return ""
    mri = config.get("data.kind", "mri") == "mri"
    both = ", with both sides," if mri and config.get("data.sides") == "both" else ""
    held_out = (
        "Nobody whom the model learned from is scored"
        if has_one_model(study)
        else f"A labelled patient of {TRAIN}{both} is held out by exactly one fold"
    )
    looked = "the run looked for one patient under two ids and for files of equal bytes"
    return f" {held_out}; {looked}."


def list_inputs(study: Study) -> str:
    """Images and clinical features that entered."""
    found = [images.list_images(study)]
    if study.fusion is not None:
        found.append(list_facts("Clinical features, 0 or 1", [", ".join(FEATURES)]))
    return " ".join(filter(None, found))


def describe_prediction(study: Study) -> str:
    """Which scores there are, and what they are made of."""
    scores = dict.fromkeys(p.score for p in study.performances)
    found = [list_facts("Scores, from 0 to 1, one a patient", [", ".join(scores)])]
    found.append(run.describe_ensembling(study))
    if study.fusion is not None:
        found.append(
            "Clinical score of x positive features: 0 if x = 0, else (x + 7) / 16; "
            "fused score: mean of image and clinical score."
        )
        if study.fusion.learned is not None:
            found.append(
                "Learned fusion: logistic regressions, with scikit-learn's L2 penalty "
                "(C = 1), on the image score's logit and the features, one a fold; a "
                "training patient is scored by the one fitted without that fold."
            )
    return " ".join(filter(None, found)) if scores else ""


def describe_metrics(study: Study) -> str:
    """What was measured."""
    if not study.performances:
        return ""
    called = (
        " At each cut-off: accuracy, sensitivity, specificity, PPV, NPV, F1, Cohen's "
        "kappa with the label, confusion matrix."
        if any(p.calls for p in study.performances)
        else ""
    )
    return (
        "AUC, average precision, Brier score, expected calibration error, calibration "
        f"slope and intercept; ROC, precision-recall, calibration and decision curve."
        f"{called}"
    )


def describe_uncertainty(study: Study) -> str:
    """Methods of the intervals and tests, as the numbers themselves name them."""
    methods: dict[str, str] = {}
    for p in study.performances:
        methods |= {
            "AUC": p.auc.method,
            "average precision": p.average_precision.method,
            "calibration slope and intercepts": p.recalibration.slope.method,
        }
        for calls in p.calls:
            methods["proportions"] = calls.sensitivity.method
            methods |= {"F1": calls.f1.method, "kappa": calls.kappa.method}
    if study.comparisons:
        methods["difference of AUCs"] = study.comparisons[0].auc.method
    if study.readings or study.assistance or study.comparisons:
        methods["difference of proportions"] = "exact McNemar, Holm-adjusted"
    tests = dict.fromkeys(row.test.method for row in study.numeric + study.categories)
    if tests:
        methods["differences of Table 1"] = ", ".join(tests)
    found = (f"{name} by {method}" for name, method in methods.items())
    return list_facts("Intervals and tests", found)


def describe_operating_points(study: Study) -> str:
    """Cut-offs, the rules that chose them, and on whom."""
    return list_facts(
        "Positive is a score of at least the cut-off, carried unchanged to every split",
        (
            f"{point.score} score, {point.name}: {point.cutoff:.6g}"
            + (
                f" (rule {point.rule}, on "
                f"{format_counted(point.num_patients, 'labelled patient')} of "
                f"{point.source})"
                if point.source
                else " (given)"
            )
            for point in study.operating_points
        ),
    )


def describe_subgroup_methods(study: Study) -> str:
    """Into which groups patients were divided, and where."""
    return list_facts(
        "Performance was measured apart in subgroups",
        (
            f"{grouping.covariate} ({', '.join(grouping.groups)}"
            + (f"; {grouping.source})" if grouping.source else ")")
            for grouping in study.groupings
        ),
    )


def describe_software(study: Study) -> str:
    """Versions of evaluation and training, and the devices."""
    provenance = study.provenance
    environment = provenance.environment
    trained = {
        **{name: environment.get(name) for name in ("negspa_jax", "python")},
        **environment.get("packages", {}),
    }
    pairs = [f"{name} {version}" for name, version in provenance.versions.items()]
    training = [f"{name} {version}" for name, version in trained.items() if version]
    devices = dict.fromkeys(environment.get("devices", ()))
    sentences = [
        list_facts("Evaluation", [", ".join(pairs)]) if pairs else "",
        list_facts("Training", [", ".join(training)]) if training else "",
        list_facts("Devices of training", [", ".join(devices)]) if devices else "",
    ]
    return " ".join(filter(None, sentences))


def describe_code(study: Study) -> str:
    """Which code made the study."""
    version = study.provenance.versions.get("negspa_jax", "")
    commit = study.provenance.environment.get("git_commit")
    trained = f"; trained at commit {commit}" if commit else ""
    if not version:
        return ""
    return f"Evaluated with negspa_jax {version} (Apache-2.0), open source{trained}."


def describe_explainability(study: Study) -> str:
    """Whose class activation maps there are."""
    count = len(study.provenance.maps)
    if not count:
        return ""
    return (
        f"Grad-CAM at the last convolutional map of {name_encoders(study)}, shown for "
        f"{format_counted(count, 'patient')}."
    )


def describe_audit(study: Study) -> str:
    """What is kept of the outputs, and how it can be verified."""
    files = (
        f"{source.role} {source.name} (SHA-256 {source.sha256[:12]})"
        for source in study.provenance.sources
    )
    kept = list_facts("Outputs are kept as files, with hashes in study.json", files)
    return f"{kept} Every labelled patient's scores are listed." if kept else ""
