"""What a study's patients and readers say to a checklist, in sentences.

Each function repeats numbers that the study holds and computes none; it returns ""
where the study does not hold them.
"""

from collections.abc import Iterable

from negspa_jax.evaluate.study import Flow, Study
from negspa_jax.report.digits import format_counted, format_interval, format_number
from negspa_jax.report.roles import TRAIN, describe_unscored
from negspa_jax.report.sentences import list_facts


def state_sizes(study: Study) -> str:
    """Patients of every split, by class."""
    return list_facts("Patients", (_count(study, flow) for flow in study.everybody))


def state_flow(study: Study) -> str:
    """Who entered, and who of the cohort table has no score."""
    return " ".join(filter(None, [state_sizes(study), _count_unscored(study)]))


def state_missing_data(study: Study) -> str:
    """What is unknown, and that it is left out of what needs it."""
    if not study.flow:
        return ""
    unlabelled = (f"{f.split} {f.num_unlabelled}" for f in study.everybody)
    calls = (
        f"{reading.reader} in {reading.split} {reading.num_missing}"
        for reading in study.readings
        if reading.num_missing
    )
    sentences = [
        list_facts("Without label, left out of every measure of scores", unlabelled),
        _count_unscored(study),
        _count_absent(study),
        list_facts("Unknown covariates, left out of their rows", _unknown(study)),
        list_facts("Readers' missing calls, left out of their rows", calls),
    ]
    return " ".join(filter(None, sentences))


def state_characteristics(study: Study) -> str:
    """Which characteristics Table 1 gives, and of whom."""
    rows = [(row.name, row.split) for row in study.numeric]
    rows += [(row.name, row.split) for row in study.categories]
    names = ", ".join(dict.fromkeys(name for name, _ in rows))
    splits = ", ".join(dict.fromkeys(split for _, split in rows))
    if not rows:
        return ""
    return f"Table 1 gives, by class, with tests: {names}; of the splits {splits}."


def compare_sets(study: Study) -> str:
    """How the splits differ in classes and numeric covariates."""
    if len(study.everybody) < 2:
        return ""
    means = (
        f"{row.name} in {row.split} {row.positive.mean:.3g} and {row.negative.mean:.3g}"
        for row in study.numeric
        if row.positive.num_known and row.negative.num_known
    )
    found = list_facts("Means of positive and of negative patients", means)
    return " ".join(filter(None, [state_sizes(study), found]))


def state_variability(study: Study) -> str:
    """How far readers agree with each other, and with the final label."""
    return list_facts(
        "Agreement of readers without help, kappa",
        (
            f"{pair.split}, {pair.first} and {pair.second or 'the final label'} "
            f"{format_number(pair.kappa.value)} "
            f"{format_interval(pair.kappa.low, pair.kappa.high)}, "
            f"{format_counted(pair.num_disagreements, 'disagreement')} in "
            f"{format_counted(pair.num_patients, 'patient')}"
            for pair in study.reader_pairs
        ),
    )


def _count(study: Study, flow: Flow) -> str:
    names = study.names
    apart = describe_unscored(study) if flow.split == TRAIN else ""
    return (
        f"{flow.split} {flow.num_patients} ({flow.num_positive} {names.positive}, "
        f"{flow.num_negative} {names.negative}, {flow.num_unlabelled} without label"
        f"{'; ' if apart else ''}{apart})"
    )


def _count_unscored(study: Study) -> str:
    count = len(study.unscored)
    if not count:
        return ""
    words = ("has", "is") if count == 1 else ("have", "are")
    return (
        f"Of the cohort table {format_counted(count, 'patient')} {words[0]} no score "
        f"and {words[1]} left out."
    )


def _count_absent(study: Study) -> str:
    """What was done about empty clinical features."""
    if study.fusion is None:
        return ""
    counts = study.fusion.missing.items()
    found = (
        f"{feature} in {format_counted(count, 'patient')}"
        for feature, count in counts
        if count
    )
    taken = list_facts("Empty clinical features, taken as absent", found)
    return taken or "No clinical feature is empty."


def _unknown(study: Study) -> Iterable[str]:
    """Where covariates are empty, by class."""
    for row in study.numeric:
        if row.positive.num_unknown or row.negative.num_unknown:
            yield (
                f"{row.name} in {row.split} of {row.positive.num_unknown} positive and "
                + format_counted(row.negative.num_unknown, "negative patient")
            )
    sizes = {
        flow.split: (flow.num_positive, flow.num_negative) for flow in study.everybody
    }
    partly = dict.fromkeys(
        (row.name, row.split, row.positive_known, row.negative_known)
        for row in study.categories
        if (row.positive_known, row.negative_known) != sizes.get(row.split)
    )
    for name, split, positive, negative in partly:
        patients = format_counted(negative, "negative patient")
        yield f"{name} in {split}, known of {positive} positive and {patients} only"
