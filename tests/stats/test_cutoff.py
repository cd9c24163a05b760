"""Cut-offs against the definition by trying every candidate, and against pROC."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from negspa_jax.stats import choose_cutoff, sensitivity, specificity
from tests.stats.strategies import samples


def rates(labels, scores):
    """Sensitivity and specificity of every candidate, by counting."""
    found = {}
    for cutoff in [*np.unique(scores), np.inf]:
        called = scores >= cutoff
        found[cutoff] = (
            np.mean(called[labels == 1]),
            np.mean(~called[labels == 0]),
        )
    return found


def test_youdens_operating_point_is_the_published_one(asah):
    labels, scores = asah["outcome_poor"], asah["s100b"]
    cutoff = choose_cutoff(labels, scores)
    # pROC: threshold 0.205 (the middle of the gap below ours), 0.634, 0.806.
    assert cutoff == 0.22
    assert max(scores[scores < cutoff]) == 0.19
    assert sensitivity(labels, scores >= cutoff).value == pytest.approx(0.634, abs=5e-4)
    assert specificity(labels, scores >= cutoff).value == pytest.approx(0.806, abs=5e-4)


@given(sample=samples())
def test_youden_is_the_lowest_of_the_best(sample):
    found = rates(*sample)
    sums = {cutoff: sens + spec for cutoff, (sens, spec) in found.items()}
    best = [cutoff for cutoff in sums if sums[cutoff] > max(sums.values()) - 1e-9]
    assert choose_cutoff(*sample) == min(best)


@given(sample=samples(), share=st.sampled_from(["0", ".5", "0.9", "0.99", "1", "1.0"]))
def test_a_wanted_sensitivity_gives_the_highest_cutoff_that_reaches_it(sample, share):
    enough = [cut for cut, (sens, _) in rates(*sample).items() if sens >= float(share)]
    assert choose_cutoff(*sample, rule=f"sensitivity>={share}") == max(enough)


@given(sample=samples(), share=st.sampled_from(["0", ".5", "0.9", "0.99", "1", "1.0"]))
def test_a_wanted_specificity_gives_the_lowest_cutoff_that_reaches_it(sample, share):
    enough = [cut for cut, (_, spec) in rates(*sample).items() if spec >= float(share)]
    assert choose_cutoff(*sample, rule=f"specificity>={share}") == min(enough)


def test_a_share_reached_exactly_is_enough():
    labels, scores = np.repeat([1, 0], 10), np.arange(20.0)
    assert choose_cutoff(labels, scores, rule="sensitivity>=0.9") == 1.0


@given(sample=samples())
def test_the_cutoff_is_an_observed_score_unrounded(sample):
    labels, scores = sample
    assert choose_cutoff(labels, scores / 3) in [*(scores / 3), np.inf]


def test_where_no_score_is_useful_the_lowest_candidate_is_taken():
    assert choose_cutoff(np.array([0, 1]), np.array([0.5, 0.5])) == 0.5


def test_perfect_specificity_may_call_nobody_positive():
    labels, scores = np.array([1, 0]), np.array([0.1, 0.9])
    assert choose_cutoff(labels, scores, rule="specificity>=1") == np.inf


@pytest.mark.parametrize("labels", [[], [1], [0, 0]])
def test_one_class_has_no_cutoff(labels):
    with pytest.raises(ValueError, match="both classes for a cut-off, got"):
        choose_cutoff(np.array(labels), np.arange(float(len(labels))))


@pytest.mark.parametrize(
    "rule",
    ["Youden", "", "sensitivity", "sensitivity>=", "sensitivity>=1.1", "ppv>=0.5",
     "sensitivity>0.5", "specificity>=-0", "specificity>=nan", "specificity>=.9 "],
)  # fmt: skip
def test_another_rule_is_refused(rule):
    with pytest.raises(ValueError, match="rule must be youden, sensitivity>=x or"):
        choose_cutoff(np.array([0, 1]), np.array([0.1, 0.9]), rule=rule)
