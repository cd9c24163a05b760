"""What a study's results say to a checklist, in sentences.

Each function repeats numbers that the study holds and computes none; it returns ""
where the study does not hold them.
"""

from collections.abc import Iterable, Sequence

from negspa_jax.evaluate.performance import Calls, Performance
from negspa_jax.evaluate.study import Flow, Study
from negspa_jax.report.digits import format_counted
from negspa_jax.report.roles import CHOSEN_HERE, is_test, name_split, remark_split


def state_headline(study: Study) -> str:
    """AUC of the primary score in every split."""
    return list_facts(
        f"AUC of the {study.names.primary} score{_name_level(study)}",
        (f"{_patients(study, p)} {p.auc}" for p in _primary(study)),
    )


def state_accuracy(study: Study) -> str:
    """AUC and calls of the primary score in every split."""
    return _state_performance(study, _primary(study))


def state_training_performance(study: Study) -> str:
    """AUC and calls of the primary score in train, and where cut-offs were chosen."""
    chosen = [p for p in _primary(study) if not is_test(study, p.split)]
    return _state_performance(study, chosen)


def state_test_performance(study: Study) -> str:
    """AUC and calls of the primary score in every split that tests it."""
    tests = [p for p in _primary(study) if is_test(study, p.split)]
    return _state_performance(study, tests)


def state_cross_tables(study: Study) -> str:
    """How many patients of each class were called what."""
    return list_facts(
        f"Calls by the {study.names.primary} score",
        (
            f"{_name_call(p, calls)}: {calls.counts.true_positives} true positive, "
            f"{calls.counts.false_positives} false positive, "
            f"{calls.counts.false_negatives} false negative, "
            f"{calls.counts.true_negatives} true negative"
            for p in _primary(study)
            for calls in p.calls
        ),
    )


def state_subgroups(study: Study) -> str:
    """AUC in every subgroup."""
    return list_facts(
        "AUC in subgroups",
        (
            f"{name_split(study, group.split)}, {group.score} score, {group.group}: "
            f"{group.auc}, {format_counted(group.num_patients, 'patient')}"
            + (f" ({group.warning})" if group.warning else "")
            for group in study.subgroups
        ),
    )


def state_sizes(study: Study) -> str:
    """Patients of every split, by class."""
    return list_facts("Patients", (_count(study, flow) for flow in study.flow))


def state_flow(study: Study) -> str:
    """Who entered, and who of the cohort table has no score."""
    return " ".join(filter(None, [state_sizes(study), _count_unscored(study)]))


def state_missing_data(study: Study) -> str:
    """What is unknown, and that it is left out of what needs it."""
    if not study.flow:
        return ""
    unlabelled = (f"{f.split} {f.num_unlabelled}" for f in study.flow)
    calls = (
        f"{reading.reader} in {reading.split} {reading.num_missing}"
        for reading in study.readings
        if reading.num_missing
    )
    sentences = [
        list_facts("Without label, left out of every measure", unlabelled),
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
    if len(study.flow) < 2:
        return ""
    means = (
        f"{row.name} in {row.split} {row.positive.mean:.3g} and {row.negative.mean:.3g}"
        for row in study.numeric
        if row.positive.num_known and row.negative.num_known
    )
    found = list_facts("Means of positive and of negative patients", means)
    return " ".join(filter(None, [state_sizes(study), found]))


def state_errors(study: Study) -> str:
    """How many patients were called wrongly; the report lists every one."""
    splits = dict.fromkeys(case.split for case in study.cases)
    found = (
        f"{name_split(study, split)} "
        f"{_num_cases(study, split, 'false positive')} false positive and "
        f"{_num_cases(study, split, 'false negative')} false negative"
        for split in splits
    )
    start = f"Wrong calls by the {study.names.primary} score, each listed with scores"
    return list_facts(start, found)


def state_warnings(study: Study) -> str:
    """What the evaluation itself warned of."""
    return " ".join(study.warnings)


def list_facts(start: str, facts: Iterable[str]) -> str:
    """A sentence "start: fact; fact.", or "" if there is no fact."""
    text = "; ".join(facts)
    return f"{start}: {text}." if text else ""


def _primary(study: Study) -> list[Performance]:
    return [p for p in study.performances if p.score == study.names.primary]


def _name_level(study: Study) -> str:
    levels = {f" with {p.auc.level:.0%} intervals" for p in study.performances}
    return levels.pop() if len(levels) == 1 else ""


def _patients(study: Study, performance: Performance) -> str:
    """The split, why it is no test if it is none, and its size."""
    size = f"{performance.num_positive} {study.names.positive} of "
    remark = remark_split(study, performance.split)
    words = [remark, f"{size}{performance.num_patients}"]
    return f"{performance.split} ({'; '.join(filter(None, words))})"


def _state_performance(study: Study, performances: Sequence[Performance]) -> str:
    return list_facts(
        f"The {study.names.primary} score{_name_level(study)}",
        (
            ", ".join(
                [f"{_patients(study, p)} AUC {p.auc}", *map(_state_calls, p.calls)]
            )
            for p in performances
        ),
    )


def _name_call(performance: Performance, calls: Calls) -> str:
    chosen = calls.point.source == performance.split
    remark = f" ({CHOSEN_HERE})" if chosen else ""
    return f"{performance.split}{remark}, {calls.point.name}"


def _state_calls(calls: Calls) -> str:
    return (
        f"at {calls.point.name} sensitivity {calls.sensitivity}, specificity "
        f"{calls.specificity}, PPV {calls.ppv}, NPV {calls.npv}"
    )


def _count(study: Study, flow: Flow) -> str:
    names = study.names
    return (
        f"{flow.split} {flow.num_patients} ({flow.num_positive} {names.positive}, "
        f"{flow.num_negative} {names.negative}, {flow.num_unlabelled} without label)"
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
    sizes = {flow.split: (flow.num_positive, flow.num_negative) for flow in study.flow}
    partly = dict.fromkeys(
        (row.name, row.split, row.positive_known, row.negative_known)
        for row in study.categories
        if (row.positive_known, row.negative_known) != sizes.get(row.split)
    )
    for name, split, positive, negative in partly:
        patients = format_counted(negative, "negative patient")
        yield f"{name} in {split}, known of {positive} positive and {patients} only"


def _num_cases(study: Study, split: str, outcome: str) -> int:
    return sum(case.split == split and case.outcome == outcome for case in study.cases)
