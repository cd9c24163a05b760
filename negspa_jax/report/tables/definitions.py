"""What each score is, in a sentence."""

from negspa_jax.evaluate.fusion import FUSED
from negspa_jax.evaluate.study import Study
from negspa_jax.report.tables.table import LONG_TEXT, TEXT, Table, make_columns

_PAPER = "QIMS 2024, doi 10.21037/qims-24-729, Equation 9"


def define_score(study: Study, name: str) -> str:
    """What a score of the study is.

    Args:
        study: says whether there are clinical features.
        name: of the score.
    """
    known = {
        "model": "the column score of the predictions table",
        "image": "the column score of the (first) predictions table",
        "clinical": "0 without a positive feature, else (x + 7) / 16 with x of the "
        f"nine features positive ({_PAPER})",
        "fused": f"the mean of the scores image and clinical ({_PAPER})",
        "learned": "a logistic regression on the logit of the score image and the "
        "features, fitted on training patients out of fold (not in the paper)",
    }
    if name in known:
        return known[name]
    if study.fusion is not None and name.endswith(FUSED):
        image = name.removesuffix(FUSED)
        return f"the mean of the scores {image} and clinical ({_PAPER})"
    return f"the column score of the predictions table of {name}"


def list_scores(study: Study) -> Table:
    """What every score is."""
    names = dict.fromkeys(row.score for row in study.performances)
    return Table(
        "scores",
        "Scores",
        "Probabilities of the positive class, from 0 to 1, one a patient. Headline, "
        f"subgroups, readers and cases are about “{study.names.primary}”.",
        make_columns(("Score", TEXT), ("What it is", LONG_TEXT)),
        tuple((name, define_score(study, name)) for name in names),
    )
