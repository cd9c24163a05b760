"""What a study's results say to a checklist, in sentences.

Each function repeats numbers that the study holds and computes none; it returns ""
where the study does not hold them.
"""

from collections.abc import Sequence

from negspa_jax.evaluate.performance import Calls, Performance
from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import format_counted
from negspa_jax.report.roles import (
    is_test,
    name_split,
    remark_choice,
    remark_split,
)
from negspa_jax.report.sentences import list_facts


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
            f"{_name_call(study, p, calls)}: "
            f"{calls.counts.true_positives} true positive, "
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


def _name_call(study: Study, performance: Performance, calls: Calls) -> str:
    split, chosen = performance.split, calls.point.source == performance.split
    remark = remark_choice(study, split, cutoff=chosen)
    return f"{split}{f' ({remark})' if remark else ''}, {calls.point.name}"


def _state_calls(calls: Calls) -> str:
    return (
        f"at {calls.point.name} sensitivity {calls.sensitivity}, specificity "
        f"{calls.specificity}, PPV {calls.ppv}, NPV {calls.npv}"
    )


def _num_cases(study: Study, split: str, outcome: str) -> int:
    return sum(case.split == split and case.outcome == outcome for case in study.cases)
