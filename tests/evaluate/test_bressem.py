"""The printed numbers of Bressem et al., recomputed by this package from its counts.

Bressem KK, Vahldiek JL, Adams L, et al. Arthritis Res Ther 2021;23:106, doi
10.1186/s13075-021-02484-0: Tables 1 and 2, and Results.

The printed sensitivities do not belong to the printed confusion matrices: each counts
one true positive more. Both come out of the same scores if the cut-off is a patient's
score, as it is where cut-offs are observed scores: `score >= cut-off` calls that
patient positive and gives the sensitivity of the text, (TP + 1) / P; `score > cut-off`
does not, and gives the matrix. Here it is always `>=`. A cut-off at the score of a
positive patient loses no specificity by it, so that the specificities of text and
tables agree, but for two misprints in the test set: .478 where the matrix has
24/46 = .522, and .966 where it has 44/46 = .957.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from negspa_jax import stats
from negspa_jax.evaluate.agreement import pair_readers
from negspa_jax.evaluate.operating import choose_points
from negspa_jax.evaluate.performance import assess_performance
from negspa_jax.evaluate.readers import assess_readers
from tests.evaluate.cohorts import make_patients


class Printed(NamedTuple):
    """A cut-off with its confusion matrix, kappa, agreement, and the text's rates."""

    cutoff: float
    counts: stats.Confusion
    kappa: tuple[float, float, float]
    agreement: float
    sensitivity: float
    specificity: float


def counts(*, negative, positive):
    """A printed matrix: of each class those called negative, and called positive."""
    (tn, fp), (fn, tp) = negative, positive
    return stats.Confusion(tp, fp, fn, tn)


VALIDATION = {
    "high sensitivity": Printed(
        0.606,
        counts(negative=(58, 29), positive=(2, 158)),
        kappa=(0.704, 0.611, 0.794),
        agreement=0.874,
        sensitivity=0.994,
        specificity=0.667,
    ),
    "high specificity": Printed(
        0.814,
        counts(negative=(87, 0), positive=(56, 104)),
        kappa=(0.567, 0.475, 0.657),
        agreement=0.773,
        sensitivity=0.656,
        specificity=1.0,
    ),
    "Youden": Printed(
        0.706,
        counts(negative=(81, 6), positive=(17, 143)),
        kappa=(0.802, 0.731, 0.875),
        agreement=0.907,
        sensitivity=0.900,
        specificity=0.931,
    ),
}
TEST = {
    "high sensitivity": Printed(
        0.58,
        counts(negative=(24, 22), positive=(1, 53)),
        kappa=(0.521, 0.372, 0.672),
        agreement=0.77,
        sensitivity=1.0,
        specificity=24 / 46,  # printed .478
    ),
    "high specificity": Printed(
        0.834,
        counts(negative=(46, 0), positive=(24, 30)),
        kappa=(0.535, 0.389, 0.680),
        agreement=0.76,
        sensitivity=0.574,
        specificity=1.0,
    ),
    "Youden": Printed(
        0.791,
        counts(negative=(44, 2), positive=(8, 46)),
        kappa=(0.801, 0.688, 0.919),
        agreement=0.90,
        sensitivity=0.870,
        specificity=44 / 46,  # printed .966
    ),
}
SETS = {"validation": VALIDATION, "external": TEST}
EVERY = [(name, point) for name, points in SETS.items() for point in points]


def count_between(printed):
    """Of each class how many scores lie below, between and above the three cut-offs.

    Of the positives one has each cut-off itself for a score; he or she lies below it,
    where the matrices of the paper have him or her.
    """
    points = sorted(printed.values(), key=lambda point: point.cutoff)
    negative = [0, *(p.counts.true_negatives for p in points)]
    positive = [0, *(p.counts.false_negatives for p in points)]
    totals = sum(points[0].counts[1::2]), points[0].counts[0] + points[0].counts[2]
    return (
        [point.cutoff for point in points],
        np.diff([*negative, totals[0]]).tolist(),
        np.diff([*positive, totals[1]]).tolist(),
    )


def build(split, printed):
    """Patients to the paper's counts, whom its three cut-offs divide best.

    Within each gap negatives score higher than positives, so that no cut-off inside is
    better than its ends.
    """
    cutoffs, negatives, positives = count_between(printed)
    edges = [0.1, *cutoffs, 0.99]
    labels, scores = [], []
    for place, (low, high) in enumerate(pairwise(edges)):
        # The cut-off itself is the score of the gap's last positive.
        on_edge = int(high in cutoffs)
        middle = (low + high) / 2
        for label, number, start, stop in (
            (1, positives[place] - on_edge, low, middle),
            (0, negatives[place], middle, high),
        ):
            between = np.linspace(start, stop, number + 2)[1:-1]
            labels += [label] * number
            scores += between.tolist()
        labels += [1] * on_edge
        scores += [high] * on_edge
    return make_patients(labels, split=split, scores=scores)


@pytest.fixture(scope="module", params=SETS)
def found(request):
    """Patients of one of the two sets, and what was printed of them."""
    return build(request.param, SETS[request.param]), SETS[request.param]


def test_the_patients_are_as_many_as_the_papers(found):
    patients, _ = found
    sizes = {"validation": (247, 160), "external": (100, 54)}[patients.split]
    assert (len(patients), patients.labels.sum()) == sizes


def test_calls_above_the_cut_off_give_the_printed_matrices(found):
    patients, printed = found
    for point in printed.values():
        calls = patients.scores["image"] > point.cutoff
        assert stats.confusion(patients.labels, calls) == point.counts


def test_calls_from_the_cut_off_on_give_the_printed_sensitivities(found):
    patients, printed = found
    for point in printed.values():
        calls = patients.scores["image"] >= point.cutoff
        assert stats.confusion(patients.labels, calls) == (
            point.counts.true_positives + 1,
            point.counts.false_positives,
            point.counts.false_negatives - 1,
            point.counts.true_negatives,
        )
        sensitivity = stats.sensitivity(patients.labels, calls).value
        assert f"{sensitivity:.3f}" == f"{point.sensitivity:.3f}"
        specificity = stats.specificity(patients.labels, calls).value
        assert specificity == pytest.approx(point.specificity, abs=0.0005)


def test_the_matrices_alone_do_not_give_the_printed_sensitivities(found):
    _, printed = found
    for point in printed.values():
        right, missed = point.counts.true_positives, point.counts.false_negatives
        assert f"{right / (right + missed):.3f}" != f"{point.sensitivity:.3f}"


def test_two_specificities_of_the_test_set_are_misprints():
    for name, printed in (("high sensitivity", 0.478), ("Youden", 0.966)):
        negatives = TEST[name].counts
        share = negatives.true_negatives / 46
        assert abs(share - printed) > 0.008


def test_the_three_rules_choose_the_papers_cut_offs(found):
    patients, printed = found
    chosen = {point.name: point.cutoff for point in choose_points(patients)}
    assert chosen == {name: point.cutoff for name, point in printed.items()}


def test_cut_offs_of_validation_are_carried_and_then_derived_anew():
    validation, external = build("validation", VALIDATION), build("external", TEST)
    points = choose_points(validation)
    carried = assess_performance(
        external, score="image", points=points, num_resamples=5
    )
    assert [calls.point for calls in carried.calls] == list(points)
    assert [calls.point.cutoff for calls in carried.calls] == [0.706, 0.606, 0.814]
    assert [calls.point.cutoff for calls in carried.rederived] == [0.791, 0.58, 0.834]
    anew = [f"{calls.sensitivity.value:.3f}" for calls in carried.rederived]
    assert anew == ["0.870", "1.000", "0.574"]
    assert {calls.point.source for calls in carried.rederived} == {"external"}
    own = assess_performance(validation, score="image", points=points, num_resamples=5)
    assert own.rederived == ()
    assert f"{own.calls[0].sensitivity.value:.3f}" == "0.900"


@pytest.mark.parametrize(("split", "name"), EVERY)
def test_kappa_and_agreement_of_every_matrix(split, name):
    point = SETS[split][name]
    tp, fp, fn, tn = point.counts
    label = np.repeat([1, 0, 1, 0], [tp, fp, fn, tn])
    model = np.repeat([1, 1, 0, 0], [tp, fp, fn, tn])
    kappa = stats.bootstrap_interval(label, model, statistic=stats.cohen_kappa)
    assert f"{kappa.value:.3f}" == f"{point.kappa[0]:.3f}"
    # Another thousand resamples than theirs.
    assert (kappa.low, kappa.high) == pytest.approx(point.kappa[1:], abs=0.02)
    agreement = stats.absolute_agreement(label, model)
    assert f"{agreement.value:.3f}" == f"{point.agreement:.3f}"


# --- the two readers of the validation set -------------------------------------------

# True positives of 160, true negatives of 87; sensitivity, specificity, kappa with its
# interval, and absolute agreement with the final classification, as printed.
READERS = {
    "local": (135, 73, "0.844", "0.839", (0.66, 0.57, 0.76), 0.84),
    "central": (156, 63, "0.975", "0.724", (0.74, 0.65, 0.83), 0.89),
}


@pytest.fixture(scope="module")
def read():
    """The validation set with the two readers, who never err together."""
    labels = [1] * 160 + [0] * 87
    calls = {name: list(labels) for name in READERS}
    start = {"local": (0, 160), "central": (25, 174)}
    for name, (tp, tn, *_) in READERS.items():
        for label, first, wrong in zip(
            (1, 0), start[name], (160 - tp, 87 - tn), strict=True
        ):
            calls[name][first : first + wrong] = [1 - label] * wrong
    columns = {f"reader:{name}": cells for name, cells in calls.items()}
    return {"validation": make_patients(labels, split="validation", **columns)}


@pytest.mark.parametrize("name", READERS)
def test_a_readers_point_is_the_printed_one(read, name):
    readings = assess_readers(read, score="image", point=None)
    reading = next(one for one in readings if one.reader == name)
    assert f"{reading.sensitivity.value:.3f}" == READERS[name][2]
    assert f"{reading.specificity.value:.3f}" == READERS[name][3]


@pytest.fixture(scope="module")
def pairs(read):
    return {(pair.first, pair.second): pair for pair in pair_readers(read)}


@pytest.mark.parametrize("name", READERS)
def test_a_readers_agreement_with_the_final_label_is_the_printed_one(pairs, name):
    pair, (value, low, high) = pairs[name, ""], READERS[name][4]
    assert f"{pair.kappa.value:.2f}" == f"{value:.2f}"
    assert (pair.kappa.low, pair.kappa.high) == pytest.approx((low, high), abs=0.02)
    assert f"{pair.agreement.value:.2f}" == f"{READERS[name][5]:.2f}"


def test_readers_disagree_and_patients_are_reclassified_as_often_as_printed(pairs):
    """67 of 247 (27.1 %) and 39 of 247 (15.8 %): the local reader's errors are 39."""
    assert pairs["local", "central"].num_disagreements == 67
    assert f"{1 - pairs['local', 'central'].agreement.value:.3f}" == "0.271"
    assert pairs["local", ""].num_disagreements == 39
    assert f"{1 - pairs['local', ''].agreement.value:.3f}" == "0.158"
