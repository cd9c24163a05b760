"""What the end of a run says about its predictions, split by split.

The cut-off is chosen once (Youden), on the out-of-fold scores of the training patients,
or where one model learned from all of them on the split `validation`; and carried
unchanged to every other split.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from negspa_jax.predictions import (
    TRAIN,
    VALIDATION,
    PatientScores,
    Prediction,
    patient_scores,
)
from negspa_jax.stats import (
    Estimate,
    accuracy,
    choose_cutoff,
    delong_interval,
    proportion_estimate,
    sensitivity,
    specificity,
)

DISCLAIMER = "Research software, not a medical device: no basis for any diagnosis."


@dataclass(frozen=True)
class SplitSummary:
    """The labelled patients of one split; without a cut-off the shares are NaN."""

    split: str
    num_labelled: int
    num_unlabelled: int
    num_positive: int
    auc: Estimate
    cutoff: float | None
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate


def summarise(table: Sequence[Prediction]) -> list[SplitSummary]:
    """Summarise each split by its final scores: out of fold in training, else the mean.

    Args:
        table: merged predictions with rows of the side `both`.

    Returns:
        The split that chooses the cut-off first, the others by name. Without patients
        of both classes in it the cut-off is None, and what depends on it is NaN.
    """
    first = _chooses({row.split for row in table})
    names = sorted({row.split for row in table}, key=lambda name: (name != first, name))
    scores = {name: patient_scores(table, split=name) for name in names}
    cutoff = _youden(scores[first].labelled()) if first in scores else None
    return [_summarise_split(name, scores[name], cutoff) for name in names]


def format_summary(summaries: Sequence[SplitSummary]) -> str:
    """The summaries as aligned plain text, with 95 % intervals and the disclaimer."""
    rows = [["split", "n", "positive", "AUC", "accuracy", "sensitivity", "specificity"]]
    first = _chooses([summary.split for summary in summaries])
    rows += [_cells(summary, first) for summary in summaries]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in [*lines, *_remarks(summaries, first)])


def _chooses(splits: Collection[str]) -> str:
    return TRAIN if TRAIN in splits else VALIDATION


_CHOSEN_ON = {
    TRAIN: (
        "out of fold",
        "the out-of-fold scores, for which the shares are therefore",
    ),
    VALIDATION: (
        "chose the epoch",
        "the split validation, which chose the best epoch, too: its figures are",
    ),
}


def _youden(patients: PatientScores) -> float | None:
    if len(set(patients.labels.tolist())) < 2:
        return None
    return choose_cutoff(patients.labels, patients.scores, rule="youden")


def _summarise_split(
    split: str, patients: PatientScores, cutoff: float | None
) -> SplitSummary:
    known = patients.labelled()
    shares = [proportion_estimate(successes=0, trials=0)] * 3
    if cutoff is not None:
        calls = known.scores >= cutoff
        wanted = (accuracy, sensitivity, specificity)
        shares = [share(known.labels, calls) for share in wanted]
    return SplitSummary(
        split=split,
        num_labelled=len(known.labels),
        num_unlabelled=len(patients.labels) - len(known.labels),
        num_positive=int(known.labels.sum()),
        auc=delong_interval(known.labels, known.scores),
        cutoff=cutoff,
        accuracy=shares[0],
        sensitivity=shares[1],
        specificity=shares[2],
    )


def _name(split: str, first: str) -> str:
    return f"{split} ({_CHOSEN_ON[split][0]})" if split == first else split


def _cells(summary: SplitSummary, first: str) -> list[str]:
    return [
        _name(summary.split, first),
        str(summary.num_labelled),
        str(summary.num_positive),
        str(summary.auc),
        str(summary.accuracy),
        str(summary.sensitivity),
        str(summary.specificity),
    ]


def _remarks(summaries: Sequence[SplitSummary], first: str) -> list[str]:
    cutoffs = {summary.cutoff for summary in summaries} - {None}
    remarks = [
        f"No cut-off: it needs scores of patients of both classes that are out of fold "
        f"({TRAIN}) or held out ({VALIDATION})."
    ]
    if cutoffs:
        remarks = [
            f"Positive from {cutoff:.6g} on (Youden, chosen on {_CHOSEN_ON[first][1]} "
            "optimistic)."
            for cutoff in cutoffs
        ]
    for summary in summaries:
        if summary.num_unlabelled:
            remarks.append(
                f"{summary.split}: {summary.num_unlabelled} more without a label, "
                "scored but not counted."
            )
        if summary.num_labelled == 0:
            remarks.append(f"{summary.split}: no labels, so nothing is counted.")
        elif summary.num_positive in (0, summary.num_labelled):
            remarks.append(f"{summary.split}: one class only, so no AUC.")
    return [
        "95 % intervals: DeLong (AUC), Clopper-Pearson (shares).",
        *remarks,
        DISCLAIMER,
    ]
