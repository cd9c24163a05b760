"""The training loss: cross entropy of soft labels, smoothed or not."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from negspa_jax.train.step import cross_entropy

DRAW = np.random.default_rng(0)
LOGITS = jnp.asarray(DRAW.normal(0, 2, (7, 2)), "f4")
HARD = jnp.eye(2)[DRAW.integers(0, 2, 7)]
SHARE = jnp.repeat(DRAW.random((7, 1), dtype="f4"), 2, axis=1)
MIXED = SHARE * HARD + (1 - SHARE) * HARD[::-1]


def test_without_smoothing_it_is_the_cross_entropy():
    wanted = optax.softmax_cross_entropy(LOGITS, MIXED).mean()
    assert cross_entropy(LOGITS, MIXED) == wanted
    assert cross_entropy(LOGITS, MIXED, label_smoothing=0.0) == wanted


def test_smoothing_a_label_costs_the_mean_of_all_classes():
    # fastai's LabelSmoothingCrossEntropy: (1 - a) nll + a / k sum of -log p.
    values = np.asarray(LOGITS)
    negative_logs = np.logaddexp(*values.T)[:, None] - values
    nll = (negative_logs * np.asarray(HARD)).sum(1).mean()
    wanted = 0.9 * nll + 0.1 / 2 * negative_logs.sum(1).mean()
    found = cross_entropy(LOGITS, HARD, label_smoothing=0.1)
    assert float(found) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.reference
@pytest.mark.parametrize("labels", [HARD, MIXED], ids=["hard", "mixed"])
def test_smoothing_is_torchs(labels):
    torch = pytest.importorskip("torch")
    loss = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    wanted = float(loss(*(torch.tensor(np.asarray(a)) for a in (LOGITS, labels))))
    found = cross_entropy(LOGITS, labels, label_smoothing=0.1)
    assert float(found) == pytest.approx(wanted, rel=1e-6)


def test_smoothing_before_mixing_and_after_is_the_same():
    first, second = (optax.smooth_labels(y, 0.1) for y in (HARD, HARD[::-1]))
    mixed = SHARE * first + (1 - SHARE) * second
    found = cross_entropy(LOGITS, MIXED, label_smoothing=0.1)
    np.testing.assert_allclose(found, cross_entropy(LOGITS, mixed), rtol=1e-6)
