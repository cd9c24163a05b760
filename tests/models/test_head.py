"""fastai's head: its layers by hand in torch, its first weights, its count."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from negspa_jax.models import MultiEncoder
from negspa_jax.models.head import make_head
from tests.models.variables import count, shapes

WIDTH, INPUTS, HIDDEN = 48, 2, 32
OPTIONS = {"hidden": HIDDEN, "num_classes": 2, "axis_name": None}
FEATURES = np.random.default_rng(0).gamma(1.0, 2.0, (6, INPUTS, 3, 4, WIDTH))


def start(form: str = "fastai", dropout: float = 0.0):
    head = make_head(form, dropout=dropout, **OPTIONS)
    features = jnp.asarray(FEATURES, jnp.float32)
    return head, head.init(jax.random.key(0), features, train=False), features


def step(head, variables, features, **options):
    return head.apply(
        variables, features, train=True, mutable=["batch_stats"], **options
    )


# --- torch ----------------------------------------------------------------------------


def torch_head(torch: Any, variables: Any) -> Any:
    """fastai's layers, as its documentation lists them, with our weights."""
    nn = torch.nn
    layers = nn.Sequential(
        nn.BatchNorm1d(2 * INPUTS * WIDTH),
        nn.Dropout(0.0),
        nn.Linear(2 * INPUTS * WIDTH, HIDDEN, bias=False),
        nn.ReLU(),
        nn.BatchNorm1d(HIDDEN),
        nn.Dropout(0.0),
        nn.Linear(HIDDEN, 2, bias=False),
    )
    places = {"norm1": 0, "hidden": 2, "norm2": 4, "logits": 6}
    for name, tree in variables["params"].items():
        for leaf, values in tree.items():
            theirs = layers[places[name]]
            theirs = theirs.bias if leaf == "bias" else theirs.weight
            theirs.data = torch.tensor(np.asarray(values).T)
    return layers


def torch_pooled(torch: Any) -> Any:
    """For each input the maximum of every channel, then the average."""
    maps = torch.tensor(FEATURES, dtype=torch.float32).permute(0, 1, 4, 2, 3)
    inputs = [maps[:, m] for m in range(INPUTS)]
    pools = torch.nn.AdaptiveMaxPool2d(1), torch.nn.AdaptiveAvgPool2d(1)
    return torch.cat([pool(x) for x in inputs for pool in pools], dim=1).flatten(1)


def shaken(variables):
    """Scales, biases and statistics that are not 1 and 0."""
    draw = np.random.default_rng(1)
    return jax.tree.map(
        lambda leaf: leaf + draw.uniform(0, 0.3, leaf.shape).astype("f4"), variables
    )


@pytest.mark.reference
def test_logits_and_running_statistics_are_those_of_the_same_layers_in_torch():
    torch = pytest.importorskip("torch")
    head, variables, features = start()
    variables = shaken(variables)
    theirs = torch_head(torch, variables)
    for name, place in (("norm1", 0), ("norm2", 4)):
        given = variables["batch_stats"][name]
        theirs[place].running_mean.copy_(torch.tensor(np.asarray(given["mean"])))
        theirs[place].running_var.copy_(torch.tensor(np.asarray(given["var"])))
    pooled = torch_pooled(torch)
    close = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5)
    evaluated = theirs.eval()(pooled).detach().numpy()
    close(head.apply(variables, features, train=False), evaluated)
    logits, updated = step(head, variables, features)
    close(logits, theirs.train()(pooled).detach().numpy())
    for name, place in (("norm1", 0), ("norm2", 4)):
        found = updated["batch_stats"][name]
        close(found["mean"], theirs[place].running_mean.numpy())
        close(found["var"], theirs[place].running_var.numpy())


@pytest.mark.reference
def test_the_first_weights_spread_as_those_of_torchs_kaiming_normal():
    torch = pytest.importorskip("torch")
    kernel = start()[1]["params"]["hidden"]["kernel"]
    drawn = torch.nn.init.kaiming_normal_(torch.empty(kernel.shape[::-1]))
    wanted = np.sqrt(2 / (2 * INPUTS * WIDTH))
    assert float(kernel.std()) == pytest.approx(wanted, rel=0.03)
    assert float(drawn.std()) == pytest.approx(wanted, rel=0.03)
    # Gaussian, not uniform: as many lie beyond two deviations.
    for values in (np.asarray(kernel), drawn.numpy()):
        assert np.mean(np.abs(values) > 2 * wanted) == pytest.approx(0.0455, abs=0.01)


# --- without torch --------------------------------------------------------------------


def test_the_radiograph_network_counts_its_parameters_as_fastai_does():
    # The encoder 23,508,032; normalizations 2 x 4,096 and 2 x 512; layers of
    # 4,096 x 512 and 512 x 2 without biases.
    model = MultiEncoder("resnet50", num_inputs=1, form="fastai")
    variables = shapes(model, 1, 1, 64, 64, 3)
    assert count(variables["params"]) == 25_615_424
    assert count(variables["batch_stats"]["head"]) == 2 * 4096 + 2 * 512


def test_half_as_many_are_dropped_before_the_hidden_layer():
    head, variables, features = start(dropout=0.5)
    kept = step(head, variables, features, rngs={"dropout": jax.random.key(1)})
    again = step(head, variables, features, rngs={"dropout": jax.random.key(2)})
    assert not np.allclose(kept[0], again[0])
    text = str(
        jax.make_jaxpr(
            lambda key: step(head, variables, features, rngs={"dropout": key})[0]
        )(jax.random.key(0))
    )
    # What is kept is divided by its probability.
    assert "0.75" in text
    assert "0.5" in text


def test_evaluation_drops_nothing_and_does_not_see_the_other_samples():
    head, variables, features = start(dropout=0.5)
    evaluate = jax.jit(partial(head.apply, train=False))
    whole = evaluate(shaken(variables), features)
    alone = evaluate(shaken(variables), features[:1])
    np.testing.assert_allclose(whole[:1], alone, rtol=1e-5, atol=1e-6)


def test_statistics_of_two_devices_are_those_of_the_whole_batch():
    head, variables, features = start()
    wanted, updated = step(head, variables, features)
    shared = make_head("fastai", dropout=0.0, **OPTIONS | {"axis_name": "devices"})
    halves = features.reshape(2, 3, *features.shape[1:])
    found, both = jax.pmap(
        lambda part: step(shared, variables, part), axis_name="devices"
    )(halves)
    np.testing.assert_allclose(found.reshape(6, 2), wanted, rtol=1e-4, atol=1e-5)
    for one, two in zip(*map(jax.tree.leaves, (updated, both)), strict=True):
        np.testing.assert_allclose(two[0], one, rtol=1e-5, atol=1e-6)


def test_one_sample_cannot_train_the_head():
    head, variables, features = start()
    with pytest.raises(ValueError, match="more than one value per channel, got 1"):
        step(head, variables, features[:1])


def test_a_head_of_another_form_is_refused():
    model = MultiEncoder("resnet18", num_inputs=1, form="timm")
    with pytest.raises(ValueError, match="form must be one of plain, fastai, got 'ti"):
        shapes(model, 1, 1, 32, 32, 3)
