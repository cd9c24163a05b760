"""One config field is one keyword of one function: nothing is read without a field."""

import dataclasses
import inspect
import json

import pytest

from negspa_jax import config, mixcut, models
from negspa_jax.augment import augment
from negspa_jax.config.rules import without_none
from negspa_jax.data.cohort import read_cohort
from negspa_jax.data.crops import crop_patient
from negspa_jax.data.pipeline import training_batches
from negspa_jax.data.views import show_views
from negspa_jax.models.head import FORMS
from negspa_jax.train.optim import (
    annealed_rate,
    make_adam,
    one_cycle_rate,
    split_frozen,
)
from negspa_jax.train.presets import resolve_mixing
from negspa_jax.train.step import cross_entropy, make_train_step


def fields_of(part: type) -> set[str]:
    return {item.name for item in dataclasses.fields(part)}


def keywords_of(function) -> set[str]:
    parameters = inspect.signature(function).parameters.values()
    return {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}


OF_THE_STAGE = {"image_size"}


def test_data_has_the_keywords_of_crop_patient_and_says_where_patients_are():
    of_the_table = {"kind", "reference"}
    assert of_the_table <= keywords_of(read_cohort)
    of_the_folds = {"num_folds", "validation_share"}
    elsewhere = {"cohort", "phantom"} | of_the_table | of_the_folds
    ours = fields_of(config.Data) - elsewhere
    assert ours == keywords_of(crop_patient) - OF_THE_STAGE


def test_radiograph_has_the_keywords_of_show_views():
    of_the_data = {"sequences"}
    ours = keywords_of(show_views) - of_the_data - OF_THE_STAGE
    assert fields_of(config.Radiograph) == ours


def test_augmentation_has_the_options_of_its_operation():
    assert fields_of(config.Augmentation) == keywords_of(augment)


OPTIONS = {item.name: item for item in dataclasses.fields(mixcut.Options)}
MIXING = {item.name: item for item in dataclasses.fields(config.Mixing)}


def test_mixing_has_the_options_of_its_operation_and_what_the_step_asks():
    of_the_step = {"probability", "saliency", "saliency_size", "plain_epochs"}
    assert MIXING.keys() == OPTIONS.keys() | {"preset"} | of_the_step
    assert {"options", "probability"} <= keywords_of(mixcut.mixcut)
    assert "size" in keywords_of(mixcut.input_saliency)


def refusal(name: str, value) -> str:
    """What the options say about a value that they cannot have."""
    with pytest.raises(ValueError, match=r"must be") as caught:
        mixcut.find_options("supplement", **{name: value})
    return str(caught.value)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_of_the_mixing_has_the_type_words_and_range_of_the_schema(name):
    field, rule = MIXING[name], MIXING[name].metadata
    assert without_none(field.type) == OPTIONS[name].type
    assert field.default is None
    if "options" in rule:
        words = " | ".join(rule["options"])
        assert refusal(name, "x") == f"{name} must be {words}, got 'x'"
    elif name == "num_blocks":
        assert mixcut.find_options("supplement", num_blocks=(rule["low"],))
        assert refusal(name, (rule["low"] - 1,))
    elif "high" in rule:
        for end, beyond in ((rule["low"], -1), (rule["high"], 1)):
            mixcut.find_options("supplement", **{name: end})
            assert refusal(name, end + beyond)


def test_the_optimizer_has_the_keywords_of_adam_and_of_the_rate():
    of_the_stage = {"learning_rate", "epochs"}
    of_the_rate = keywords_of(annealed_rate) | keywords_of(one_cycle_rate)
    assert fields_of(config.Optimizer) == (
        keywords_of(make_adam)
        | (of_the_rate - of_the_stage)
        | {"schedule", "anneal_each"}
    )


def test_a_stage_has_the_keywords_of_its_step_rate_and_batches():
    of_the_step = {"frozen", "stem_rate", "device_batch"}
    of_the_rate = {"epochs", "learning_rate"}
    of_the_batches = {"batch_size", "image_size"}
    assert fields_of(config.Stage) == of_the_step | of_the_rate | of_the_batches
    others = {"loss", "augmentation", "mix"}
    assert keywords_of(make_train_step) == of_the_step | others
    assert of_the_rate <= keywords_of(one_cycle_rate)
    keywords = keywords_of(training_batches) | keywords_of(crop_patient)
    assert of_the_batches <= keywords


def test_what_a_stage_freezes_is_known_to_the_split():
    options = {f.name: f for f in dataclasses.fields(config.Stage)}["frozen"].metadata
    variables = {"params": {"encoders_0": {"conv": {"kernel": 1}}, "head": {"w": 2}}}
    held = {
        word: split_frozen(variables, frozen=word)[1]["params"]
        for word in options["options"]
    }
    assert [word for word in held if not held[word]] == ["none"]


def test_smoothing_is_a_keyword_of_the_loss():
    assert keywords_of(cross_entropy) == {"label_smoothing"}


def test_encoder_and_head_have_the_attributes_of_the_network():
    ours = fields_of(config.Encoder) | fields_of(config.Head)
    assert ours - {"name", "weights"} <= fields_of(models.MultiEncoder)


def test_defaults_are_the_same_in_the_schema_and_in_the_functions():
    for part, function in (
        (config.Augmentation, augment),
        (config.Data, crop_patient),
        (config.Radiograph, show_views),
        (config.Data, read_cohort),
        (config.Radiograph, show_views),
        (config.Optimizer, make_adam),
        (config.Optimizer, annealed_rate),
        (config.Optimizer, one_cycle_rate),
        (config.Head, models.MultiEncoder),
    ):
        given = dataclasses.asdict(part())
        for name, parameter in inspect.signature(function).parameters.items():
            if name in given and parameter.default is not parameter.empty:
                assert parameter.default == given[name], (function, name)


def test_the_schema_offers_the_encoders_and_presets_that_exist():
    def options(part: type, name: str) -> set[str]:
        items = {item.name: item for item in dataclasses.fields(part)}
        return set(items[name].metadata["options"])

    assert options(config.Encoder, "name") == set(models.ENCODERS)
    assert options(config.Head, "form") == set(FORMS)
    assert options(config.Mixing, "preset") == set(mixcut.PRESETS)


@pytest.mark.parametrize("preset", mixcut.PRESETS)
def test_a_run_reads_its_config_back_from_its_manifest(preset):
    mixing = config.Mixing(preset=preset, plain_epochs=2)
    stages = tuple(config.Stage(epochs=n) for n in range(1, 13))
    data = config.Data(sequences=("t2w", "adc"), window_mm=80.0)
    for given in (
        config.Config(data=data, mixing=mixing, stages=stages),
        resolve_mixing(config.Config(mixing=mixing)),
    ):
        read = json.loads(json.dumps(config.flatten(given)))
        assert config.unflatten(read) == given


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seed": None}, "1 missing and 0 unknown, seed first"),
        ({"stages[1].epochs": None}, r"1 missing and 0 unknown, stages\[1\].epochs"),
        ({"head.depth": 3}, "0 missing and 1 unknown, head.depth first"),
        ({"stages[3].epochs": 3}, r"0 missing and 1 unknown, stages\[3\].epochs"),
        ({"seed": -1}, "config.seed must be at least 0 and at most .*, got -1"),
    ],
)
def test_fields_that_are_no_config_are_refused(change, sentence):
    fields = config.flatten(config.Config()) | change
    present = {k: v for k, v in fields.items() if k not in change or v is not None}
    with pytest.raises(config.ConfigError, match=sentence):
        config.unflatten(present)
