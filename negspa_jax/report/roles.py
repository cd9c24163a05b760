"""What a split and a cut-off are to a study: what taught, what chose, what tests."""

from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.patients import TRAIN
from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import format_number

CHOSEN_HERE = "cut-off chosen here: optimistic"


def is_test(study: Study, split: str) -> bool:
    """Whether a split is neither the training split nor where cut-offs were chosen."""
    return split not in (TRAIN, study.reference)


def remark_split(study: Study, split: str) -> str:
    """Why the numbers of a split are no test's; "" if they are."""
    remarks = []
    if split == TRAIN:
        origin = "scores" if study.out_of_fold else "not known to be"
        remarks.append(f"training split, {origin} out of fold")
    if split == study.reference:
        remarks.append(CHOSEN_HERE)
    return "; ".join(remarks)


def name_split(study: Study, split: str) -> str:
    """The split with its remark, if there is any."""
    remark = remark_split(study, split)
    return f"{split} ({remark})" if remark else split


def describe_point(point: OperatingPoint) -> str:
    """A cut-off as captions name it: its value, and where it comes from.

    Example:
        >>> describe_point(OperatingPoint("image", "given", "", 0.5, "", 0))
        'the given cut-off 0.500'
    """
    value = format_number(point.cutoff)
    if not point.source:
        return f"the given cut-off {value}"
    return f"the cut-off {value} (“{point.name}”, chosen on {point.source})"
