"""Which splits and scores are drawn, in which order, and what panels call them."""

from negspa_jax.evaluate.performance import Performance
from negspa_jax.evaluate.study import Study


def group_by_split(
    study: Study, *, one_class: bool = False
) -> dict[str, list[Performance]]:
    """The performances of each split that can be drawn, the primary score first.

    Args:
        study: whose splits.
        one_class: whether splits count that lack a class, but not all patients.
    """
    groups: dict[str, list[Performance]] = {}
    for row in study.performances:
        both = 0 < row.num_positive < row.num_patients
        if both or (one_class and row.num_patients):
            groups.setdefault(row.split, []).append(row)
    return {
        split: sorted(rows, key=lambda row: row.score != study.names.primary)
        for split, rows in groups.items()
    }


def number_split(study: Study, split: str) -> str:
    """The split with its place in the study, the same in the name of every file."""
    splits = list(dict.fromkeys(row.split for row in study.performances))
    return f"{splits.index(split) + 1}-{split}"


def order_scores(study: Study) -> list[str]:
    """Every score's name, the primary first: the order of colours."""
    names = dict.fromkeys(row.score for row in study.performances)
    return sorted(names, key=lambda name: name != study.names.primary)


def count_patients(row: Performance) -> str:
    """How many patients, of which class."""
    negative = row.num_patients - row.num_positive
    return f"n = {row.num_patients} ({row.num_positive} positive, {negative} negative)"
