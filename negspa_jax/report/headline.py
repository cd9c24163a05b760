"""The first screen: what was measured, on whom, and how sure one can be."""

from typing import NamedTuple

from negspa_jax.evaluate.performance import Calls, Performance
from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import (
    UNDEFINED,
    format_count,
    format_interval,
    format_number,
    format_percent,
)


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
    total = format_count(sum(row.num_patients for row in rows))
    # The tests stand before the training that they test.
    rows.sort(key=lambda row: row.split == study.reference)
    splits = "1 split" if len(rows) == 1 else f"{len(rows)} splits"
    patients = "1 labelled patient" if total == "1" else f"{total} labelled patients"
    return Headline(
        f"How well the score “{names.primary}” tells {names.positive} from "
        f"{names.negative}, in {patients} of {splits}.",
        tuple(_write_card(study, row) for row in rows),
        _explain(study, rows),
    )


def _write_card(study: Study, row: Performance) -> Card:
    names = study.names
    negative = row.num_patients - row.num_positive
    undefined = format_number(row.auc.value) == UNDEFINED
    return Card(
        row.split,
        f"{format_count(row.num_patients)} patients: "
        f"{format_count(row.num_positive)} {names.positive}, "
        f"{format_count(negative)} {names.negative}",
        format_number(row.auc.value),
        "a class is empty" if undefined else format_interval(row.auc.low, row.auc.high),
        _rates(row.calls[0]) if row.calls else (),
        "cut-off chosen here: optimistic" if row.split == study.reference else "",
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
        origin = (
            f"chosen on the {point.num_patients} labelled patients of {point.source} "
            "and carried unchanged"
            if point.source
            else "as given"
        )
        sentences.append(
            f"Sensitivity and specificity at the cut-off {format_number(point.cutoff)} "
            f"({point.name}; {origin}), with {100 * rate.level:g} % intervals "
            f"({rate.method})."
        )
    return " ".join(sentences)
