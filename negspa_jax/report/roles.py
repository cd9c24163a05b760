"""What a split and a cut-off are to a study: what taught, what chose, what tests."""

from negspa_jax.evaluate.operating import OperatingPoint
from negspa_jax.evaluate.patients import TRAIN
from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import format_count, format_number


def is_test(study: Study, split: str) -> bool:
    """Whether a split neither taught nor chose an epoch or a cut-off."""
    return split not in (TRAIN, study.reference, study.selection)


def remark_split(study: Study, split: str) -> str:
    """Why the numbers of a split are no test's; "" if they are."""
    remarks = []
    if split == TRAIN:
        origin = "scores" if study.out_of_fold else "not known to be"
        remarks.append(f"training split, {origin} out of fold")
    remarks.append(remark_choice(study, split, cutoff=split == study.reference))
    return "; ".join(filter(None, remarks))


def remark_choice(study: Study, split: str, *, cutoff: bool) -> str:
    """What was chosen on a split, and what follows; "" if nothing was.

    Args:
        study: says on whom the epoch was chosen.
        split: of the numbers.
        cutoff: whether the cut-off was chosen there.
    """
    chosen = ["epoch"] * (split == study.selection) + ["cut-off"] * cutoff
    return f"{' and '.join(chosen)} chosen here: optimistic" if chosen else ""


def name_split(study: Study, split: str) -> str:
    """The split with its remark, if there is any."""
    remark = remark_split(study, split)
    return f"{split} ({remark})" if remark else split


def warn_of_choice(study: Study) -> str:
    """A caption's sentence on the split that chose the model's epoch; "" if none did.

    Of cut-offs alone the captions of what rests on them speak.
    """
    if not study.selection:
        return ""
    both = study.reference == study.selection
    what = "Epoch and cut-offs were" if both else "The epoch was"
    return (
        f"{what} chosen on {study.selection}: the model's numbers there are optimistic."
    )


def has_one_model(study: Study) -> bool:
    """Whether the run trained one model, so that there are no folds."""
    return study.provenance.has_one_model


def describe_unscored(study: Study) -> str:
    """What became of the patients of train without a score; "" if none are known.

    Example: "without a score: 40 learned from, 5 without a label by the rule and not
    learned from".
    """
    train = study.unscored_train
    if train is None:
        return ""
    found = []
    if study.num_learned:
        found.append(f"{format_count(study.num_learned)} learned from")
    if train.num_unlabelled:
        count = format_count(train.num_unlabelled)
        found.append(f"{count} without a label by the rule and not learned from")
    return f"without a score: {', '.join(found)}"


def name_encoders(study: Study) -> str:
    """Of how many encoders and models a class activation map is."""
    alone = len(study.provenance.config.get("data.sequences", ())) == 1
    encoder = "the encoder" if alone else "each encoder"
    return encoder if has_one_model(study) else f"{encoder}, mean over folds"


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
