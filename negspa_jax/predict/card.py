"""A bundle's model card and licence, from the study of the run that made it.

Reference: Mitchell M, et al. Model cards for model reporting. FAT* 2019:220-229.
"""

from collections.abc import Iterable, Sequence

from negspa_jax.config import image_keywords
from negspa_jax.evaluate import Study
from negspa_jax.evaluate.performance import Performance
from negspa_jax.predict.model import Model
from negspa_jax.predict.model_file import USE

# Whoever trained the weights owns them; silence grants nothing.
NO_LICENCE = """\
The weights in this folder were made by the people who trained them, and only they can
grant a licence. None has been granted here: until they do, all rights are reserved.

The program that reads them, negspa_jax, is under the Apache License 2.0. Weights that
started from torchvision's ImageNet weights also fall under what that data set's terms
say.

Research software, not a medical device. No diagnosis may rest on its output.
"""

_INTENDED = (
    "Research on images that are like those it was trained on. Out of scope: every use "
    "in the care of patients, such as diagnosis, triage or choice of treatment. Input "
    "that is unlike the training images is flagged (`fingerprint.json`), which does "
    "not find everything."
)


def format_card(model: Model, study: Study) -> str:
    """The text of `MODEL_CARD.md`.

    Args:
        model: of a run.
        study: of the same run.
    """
    parts = {
        "Intended use": [_INTENDED],
        "What it computes": [_describe_network(model)],
        **_list_numbers(model, study),
        "Preprocessing": _tabulate(("option", "value"), _list_preprocessing(model)),
        "Where it comes from": _tabulate(
            ("what", "value"), [(k, v) for k, v in model.origin.items() if v]
        ),
    }
    lines = [f"# Model card: {model.name}", "", f"**{USE}**", ""]
    for heading, content in parts.items():
        lines += [f"## {heading}", "", *content, ""]
    return "\n".join(lines)


def _list_numbers(model: Model, study: Study) -> dict[str, list[str]]:
    """Patients, performance and cut-offs, a table under each heading."""
    return {
        "Patients": _tabulate(
            ("split", "patients", model.positive, model.negative, "without label"),
            [
                (
                    *(f.split, f.num_patients),
                    *(f.num_positive, f.num_negative, f.num_unlabelled),
                )
                for f in study.flow
            ],
        ),
        "Performance": _tabulate(
            (
                *("split", "score", "patients", "AUC"),
                *("cut-off", "sensitivity", "specificity"),
            ),
            [_describe(performance) for performance in study.performances],
        ),
        "Operating points": _tabulate(
            ("score", "name", "score >=", "chosen on"),
            [
                (p.score, p.name, repr(p.cutoff), f"{p.num_patients} of {p.source}")
                for p in model.points
            ],
        ),
    }


def _describe_network(model: Model) -> str:
    config = model.config
    many = len(model.folds)
    inputs = ", ".join(config.data.sequences)
    folds = f" and over {many} models of a cross-validation" if many > 1 else ""
    return (
        f'The probability of the class "{model.positive}" from {inputs}: one '
        f"{config.encoder.name} for each, a common head, {model.image_size} pixels; "
        f"the mean over {', '.join(model.sides)}{folds}."
    )


def _describe(performance: Performance) -> tuple[object, ...]:
    about = performance.split, performance.score, performance.num_patients
    if not performance.calls:
        return *about, performance.auc, "", "", ""
    calls = performance.calls[0]
    point = calls.point.name
    return *about, performance.auc, point, calls.sensitivity, calls.specificity


def _list_preprocessing(model: Model) -> list[tuple[str, object]]:
    keywords = image_keywords(model.config, image_size=model.image_size)
    found: list[tuple[str, object]] = [("kind", model.config.data.kind)]
    for name, value in keywords.items():
        found.append((name, ", ".join(value) if isinstance(value, tuple) else value))
    return found


def _tabulate(columns: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(_escape(cell) for cell in line)} |" for line in lines]


def _escape(cell: object) -> str:
    return " ".join(str(cell).split()).replace("|", "\\|").replace("<", "\\<")
