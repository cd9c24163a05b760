"""One config field is one keyword of one function: nothing is read without a field."""

import dataclasses
import inspect
import json

import pytest

from negspa_jax import config, mixcut, models
from negspa_jax.augment import augment
from negspa_jax.config.rules import without_none
from negspa_jax.data.crops import crop_patient
from negspa_jax.train.optim import annealed_rate, make_adam, one_cycle_rate
from negspa_jax.train.presets import resolve_mixing


def fields_of(part: type) -> set[str]:
    return {item.name for item in dataclasses.fields(part)}


def keywords_of(function) -> set[str]:
    parameters = inspect.signature(function).parameters.values()
    return {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}


def test_data_has_the_keywords_of_crop_patient_and_says_where_patients_are():
    elsewhere = {"cohort", "phantom", "num_folds"}
    assert fields_of(config.Data) - elsewhere == keywords_of(crop_patient) - {
        "image_size"  # of the stage
    }


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


def test_encoder_and_head_have_the_attributes_of_the_network():
    ours = fields_of(config.Encoder) | fields_of(config.Head)
    assert ours - {"name", "weights"} <= fields_of(models.MultiEncoder)


def test_defaults_are_the_same_in_the_schema_and_in_the_functions():
    for part, function in (
        (config.Augmentation, augment),
        (config.Data, crop_patient),
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
