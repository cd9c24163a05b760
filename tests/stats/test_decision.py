"""Net benefit from scikit-learn's confusion matrix, and its known ends."""

import numpy as np
import pytest
import sklearn.metrics

from negspa_jax.stats import decision_curve


def slow_net_benefit(labels, probabilities, threshold):
    """From the counts at one threshold, as Vickers and Elkin define it."""
    matrix = sklearn.metrics.confusion_matrix(
        labels, probabilities >= threshold, labels=[0, 1]
    )
    (_, false_positives), (_, true_positives) = matrix
    odds = threshold / (1 - threshold)
    return (true_positives - false_positives * odds) / len(labels)


def test_net_benefit_is_that_of_the_confusion_matrix(predictions):
    labels, probabilities = predictions
    curve = decision_curve(labels, probabilities)
    expected = [slow_net_benefit(*predictions, level) for level in curve.thresholds]
    np.testing.assert_allclose(curve.model, expected, atol=1e-12)


def test_treating_all_is_a_model_that_is_certain_of_all(predictions):
    labels, _ = predictions
    curve = decision_curve(labels, np.ones(len(labels)))
    np.testing.assert_allclose(curve.model, curve.treat_all, atol=1e-12)


def test_treating_all_is_worth_nothing_where_the_threshold_is_the_prevalence():
    labels = np.repeat([1, 0], [3, 7])
    curve = decision_curve(labels, np.full(10, 0.5), thresholds=np.array([0.3]))
    assert curve.treat_all == pytest.approx(0, abs=1e-15)


def test_the_default_thresholds_are_whole_percents(predictions):
    levels = decision_curve(*predictions).thresholds
    assert len(levels) == 99
    assert (levels[0], levels[24], levels[-1]) == (0.01, 0.25, 0.99)


def test_who_reaches_the_threshold_exactly_is_treated():
    curve = decision_curve(
        np.array([1, 1]), np.array([0.2, 0.4]), thresholds=np.array([0.2, 0.4])
    )
    assert curve.model.tolist() == [1.0, 0.5]


def test_at_threshold_zero_everybody_is_treated_and_harms_nobody():
    labels, probabilities = np.array([1, 0, 0, 0]), np.array([0.0, 0.1, 0.9, 0.2])
    curve = decision_curve(labels, probabilities, thresholds=np.array([0.0]))
    assert curve.model.tolist() == curve.treat_all.tolist() == [0.25]


def test_a_perfect_model_gains_the_prevalence_everywhere():
    labels = np.array([1, 0, 0, 1])
    curve = decision_curve(labels, labels.astype(float))
    assert curve.model.tolist() == [0.5] * 99


@pytest.mark.parametrize(("label", "gain"), [(1, 1.0), (0, -1.0)])
def test_one_class_or_one_patient_is_defined(label, gain):
    for size in (1, 3):
        curve = decision_curve(
            np.full(size, label), np.full(size, 0.8), thresholds=np.array([0.5])
        )
        assert curve.model.tolist() == curve.treat_all.tolist() == [gain]


def test_nobody_has_no_net_benefit():
    curve = decision_curve(np.array([]), np.array([]))
    assert np.isnan(curve.model).all()
    assert np.isnan(curve.treat_all).all()


@pytest.mark.parametrize("threshold", [1.0, -0.1, np.nan])
def test_thresholds_outside_zero_to_one_are_refused(predictions, threshold):
    with pytest.raises(ValueError, match=r"thresholds must lie in \[0, 1\), got"):
        decision_curve(*predictions, thresholds=np.array([0.5, threshold]))


def test_logits_are_no_probabilities():
    with pytest.raises(ValueError, match="turn logits into probabilities first"):
        decision_curve(np.array([0, 1]), np.array([-2.0, 3.0]))
