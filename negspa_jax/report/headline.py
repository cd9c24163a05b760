"""The first screen: what was measured, on whom, and how sure one can be."""

from typing import NamedTuple

from negspa_jax.evaluate.performance import Calls, Performance
from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import (
    UNDEFINED,
    format_count,
    format_counted,
    format_interval,
    format_number,
    format_percent,
)
from negspa_jax.report.roles import describe_point, is_test, remark_split
from negspa_jax.report.tables.definitions import define_score


class Card(NamedTuple):
    """One split at a glance."""

    split: str
    patients: str
    auc: str
    interval: str
    rates: tuple[tuple[str, str, str, str], ...]  # name, value, interval, counts
    remark: str


class Headline(NamedTuple):
    """A sentence for what was measured, a card for each split, how to read them."""

    measured: str
    cards: tuple[Card, ...]
    reading: str


def write_headline(study: Study) -> Headline:
    """The first screen of a study, about its primary score."""
    names = study.names
    rows = [row for row in study.performances if row.score == names.primary]
    # The tests stand before the training that they test.
    rows.sort(key=lambda row: not is_test(study, row.split))
    return Headline(
        f"How well the score “{names.primary}” tells {names.positive} from "
        f"{names.negative}, in {_count_patients(study, rows)}. It is "
        f"{define_score(study, names.primary)}.{_count_learned(study)}",
        tuple(_write_card(study, row) for row in rows),
        _explain(study, rows),
    )


def _count_patients(study: Study, rows: list[Performance]) -> str:
    """Of the tests together, and of each other split apart."""
    tests = [row for row in rows if is_test(study, row.split)]
    others = [row for row in rows if row not in tests]
    # Of a table without train or cut-offs nobody said that it is a test.
    noun = "test split" if others else "split"
    found = [(row.num_patients, row.split) for row in others]
    if tests:
        total = sum(row.num_patients for row in tests)
        found.insert(0, (total, format_counted(len(tests), noun)))
    first, *rest = found or [(0, "no split")]
    counted = [f"{format_counted(first[0], 'labelled patient')} of {first[1]}"]
    counted += [f"{format_count(count)} of {split}" for count, split in rest]
    return ", and ".join(counted)


def _count_learned(study: Study) -> str:
    """Whom the one model learned from, and whom of train nobody did."""
    train, words = study.unscored_train, []
    if study.num_learned:
        learned = format_counted(study.num_learned, "other patient")
        words.append(f" The model learned from {learned}.")
    if train and train.num_unlabelled:
        left = format_counted(train.num_unlabelled, "patient")
        be = "is" if train.num_unlabelled == 1 else "are"
        words.append(
            f" Of {train.split}, {left} {be} without a label by the rule, not learned "
            "from."
        )
    return "".join(words)


def _write_card(study: Study, row: Performance) -> Card:
    names = study.names
    negative = row.num_patients - row.num_positive
    undefined = format_number(row.auc.value) == UNDEFINED
    return Card(
        row.split,
        f"{format_counted(row.num_patients, 'patient')}: "
        f"{format_count(row.num_positive)} {names.positive}, "
        f"{format_count(negative)} {names.negative}",
        format_number(row.auc.value),
        "a class is empty" if undefined else format_interval(row.auc.low, row.auc.high),
        _rates(row.calls[0]) if row.calls else (),
        remark_split(study, row.split),
    )


def _rates(calls: Calls) -> tuple[tuple[str, str, str, str], ...]:
    counts = calls.counts
    positive = counts.true_positives + counts.false_negatives
    negative = counts.true_negatives + counts.false_positives
    found = (
        ("Sensitivity", calls.sensitivity, counts.true_positives, positive),
        ("Specificity", calls.specificity, counts.true_negatives, negative),
    )
    return tuple(
        (
            name,
            f"{format_percent(rate.value)} %" if total else UNDEFINED,
            format_interval(100 * rate.low, 100 * rate.high, digits=1) if total else "",
            f"{count}/{total}",
        )
        for name, rate, count, total in found
    )


def _explain(study: Study, rows: list[Performance]) -> str:
    if not rows:
        return ""
    auc = rows[0].auc
    sentences = [f"AUC with {100 * auc.level:g} % interval ({auc.method})."]
    called = [row.calls[0] for row in rows if row.calls]
    if called:
        point, rate = called[0].point, called[0].sensitivity
        patients = format_counted(point.num_patients, "labelled patient")
        cutoff = (
            f"the cut-off {format_number(point.cutoff)} ({point.name}; chosen on the "
            f"{patients} of {point.source} and carried unchanged)"
            if point.source
            else describe_point(point)
        )
        sentences.append(
            f"Sensitivity and specificity at {cutoff}, with {100 * rate.level:g} % "
            f"intervals ({rate.method})."
        )
    return " ".join(sentences)
