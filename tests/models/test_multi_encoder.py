"""The joined network: counts, names, shapes, types, freezing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from negspa_jax.models import ENCODERS, MultiEncoder, make_encoder
from tests.models.variables import count, shapes

# torchvision's totals (with their classifier, as printed in its documentation), and
# the tri-encoder's: three encoders without classifier and the head.
PARAMETERS = {
    "resnet18": (11_689_512, 34_317_506),
    "resnet34": (21_797_672, 64_641_986),
    "resnet50": (25_557_032, 73_671_362),
    "resnet101": (44_549_160, 130_647_746),
    "vgg16_bn": (138_365_992, 44_957_378),
}


def test_the_table_of_parameter_counts_is_complete():
    assert PARAMETERS.keys() == ENCODERS.keys()


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_count_as_in_torchvision(name):
    classifier, tri = PARAMETERS[name]
    network = make_encoder(name, num_classes=1000)
    assert count(shapes(network, 1, 64, 64, 3)["params"]) == classifier
    network = MultiEncoder(encoder=name)
    assert count(shapes(network, 1, 3, 64, 64, 3)["params"]) == tri


# What is compiled here runs once or twice.
QUICK = {"xla_backend_optimization_level": 0}


def apply(model, variables, batch, *, train=False, **options):
    """`model.apply`, compiled quickly."""

    def run(variables, batch):
        return model.apply(variables, batch, train=train, **options)

    return jax.jit(run, compiler_options=QUICK)(variables, batch)


@pytest.fixture(scope="module")
def dual():
    """A dual-encoder, random variables (variances near 1) and images."""
    model = MultiEncoder(encoder="resnet18", num_inputs=2, dropout=0.5)
    generator = np.random.default_rng(0)

    def draw(leaf):
        values = generator.normal(0, 0.05, leaf.shape) + (leaf.ndim == 1)
        return jnp.asarray(values, jnp.float32)

    variables = jax.tree.map(draw, shapes(model, 2, 2, 64, 64, 3))
    images = jax.random.uniform(jax.random.key(1), (2, 2, 64, 64, 3))
    return model, variables, images


def test_variables_are_named_as_the_checkpoints_expect(dual):
    _, variables, _ = dual
    assert set(variables["params"]) == {"encoders_0", "encoders_1", "head"}
    assert set(variables["batch_stats"]) == {"encoders_0", "encoders_1"}


def test_a_shared_encoder_exists_once():
    variables = shapes(MultiEncoder("resnet18", shared=True), 1, 3, 32, 32, 3)
    assert set(variables["params"]) == {"encoders_0", "head"}


def test_the_head_starts_gaussian_with_deviation_01_and_bias_0():
    features = jnp.ones((1, 2, 1, 1, 512))
    model = MultiEncoder(num_inputs=2)
    variables = model.init(jax.random.key(0), features, train=False, method="classify")
    head = variables["params"]["head"]
    assert abs(float(head["hidden"]["kernel"].std()) - 0.01) < 1e-4
    assert not head["hidden"]["bias"].any()
    assert not head["logits"]["bias"].any()


def test_a_call_is_encode_then_classify(dual):
    model, variables, images = dual
    features = apply(model, variables, images, method="encode")
    logits = apply(model, variables, features, method="classify")
    assert features.shape == (2, 2, 2, 2, 512)
    np.testing.assert_array_equal(apply(model, variables, images), logits)


def test_encoders_see_their_own_input_only(dual):
    model, variables, images = dual
    changed = images.at[:, 1].set(0)
    before, after = (
        apply(model, variables, batch, method=MultiEncoder.encode)
        for batch in (images, changed)
    )
    np.testing.assert_array_equal(before[:, 0], after[:, 0])
    assert np.abs(before[:, 1] - after[:, 1]).max() > 0


def test_the_head_trains_on_frozen_encoders(dual):
    model, variables, images = dual
    features = apply(model, variables, images, method=MultiEncoder.encode)
    logits, updates = apply(
        model,
        variables,
        features,
        train=True,
        method=MultiEncoder.classify,
        mutable=["batch_stats"],
        rngs={"dropout": jax.random.key(0)},
    )
    assert logits.shape == (2, 2)
    for old, new in zip(
        jax.tree.leaves(variables["batch_stats"]), jax.tree.leaves(updates), strict=True
    ):
        np.testing.assert_array_equal(old, new)


def test_training_updates_every_running_statistic(dual):
    model, variables, images = dual
    _, updates = apply(
        model, variables, images, train=True, method="encode", mutable=["batch_stats"]
    )
    old, new = (jax.tree.leaves(v["batch_stats"]) for v in (variables, updates))
    assert all((a != b).any() for a, b in zip(old, new, strict=True))


def test_under_bfloat16_logits_and_statistics_stay_float32(dual):
    _, variables, images = dual
    model = MultiEncoder("resnet18", num_inputs=2, dtype=jnp.bfloat16)
    features = apply(model, variables, images, method="encode")
    logits = apply(model, variables, features, method="classify")
    assert (features.dtype, logits.dtype) == (jnp.bfloat16, jnp.float32)
    exact = apply(model.clone(dtype=None), variables, images)
    np.testing.assert_allclose(logits, exact, atol=2e-2 * np.abs(exact).max())


def test_normalization_is_the_first_operation(dual):
    model, variables, images = dual
    mean, deviation = (
        jnp.array(values).reshape(1, 1, 1, 1, 3)
        for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    wanted = apply(model, variables, (images - mean) / deviation)
    got = apply(model.clone(normalize="imagenet"), variables, images)
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("normalize", ["none", "imagenet"])
def test_a_grey_image_stands_for_three_equal_channels(dual, normalize):
    model, variables, images = dual
    model, grey = model.clone(normalize=normalize), images[..., :1]
    wanted = apply(model, variables, jnp.repeat(grey, 3, axis=-1))
    np.testing.assert_array_equal(apply(model, variables, grey), wanted)


def test_a_fastai_head_has_statistics_of_its_own():
    variables = shapes(
        MultiEncoder("resnet18", num_inputs=2, form="fastai"), 1, 2, 32, 32, 1
    )
    assert set(variables["batch_stats"]) == {"encoders_0", "encoders_1", "head"}
    kernel = variables["params"]["head"]["hidden"]["kernel"]
    assert kernel.shape == (2 * 2 * 512, 512)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"encoder": "resnet19"}, "encoder must be one of .*, got 'resnet19'"),
        ({"normalize": "no"}, "normalize must be one of none, imagenet, got 'no'"),
        ({"num_inputs": 3}, r"images must be \(b, 3, h, w, 3\) or .* got \(2, 2, 32"),
    ],
)
def test_what_does_not_fit_is_refused(options, sentence):
    model = MultiEncoder(**({"encoder": "resnet18", "num_inputs": 2} | options))
    with pytest.raises(ValueError, match=sentence):
        shapes(model, 2, 2, 32, 32, 3)


def test_two_channels_are_refused():
    model = MultiEncoder("resnet18", num_inputs=1)
    with pytest.raises(ValueError, match=r"or of one channel, got \(2, 1, 32, 32, 2"):
        shapes(model, 2, 1, 32, 32, 2)
