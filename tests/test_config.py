"""The schema: defaults are the paper's, and every field refuses what it cannot be."""

import dataclasses
import json
import math
import typing

import pytest

from negspa_jax.config import (
    Config,
    ConfigError,
    Data,
    Encoder,
    Stage,
    differences,
    flatten,
)
from negspa_jax.config.rules import without_none
from negspa_jax.train.presets import resolve_mixing


def leaves(part, place="config"):
    """Every field that holds one value: its owner, its place, itself."""
    for item in dataclasses.fields(part):
        value = getattr(part, item.name)
        if dataclasses.is_dataclass(value):
            yield from leaves(value, f"{place}.{item.name}")
        elif item.name == "stages":
            yield from leaves(value[1], f"{place}.{item.name}[1]")
        else:
            yield place, item


LEAVES = [(f"{place}.{item.name}", item) for place, item in leaves(Config())]


def with_value(name: str, value) -> Config:
    """The default config with one field set, as a config file may set it."""
    config = Config()
    *steps, last = name.removeprefix("config.").replace("[1]", ".1").split(".")
    part = config
    for step in steps:
        part = part[int(step)] if step.isdecimal() else getattr(part, step)
    setattr(part, last, value)
    return config


def complaint(name: str, value) -> str:
    """The one sentence about a field that is set to a value."""
    with pytest.raises(ConfigError) as caught:
        with_value(name, value).validate()
    return str(caught.value)


def wrong_values(item):
    """Values that are no instance of a field's type, or out of its range."""
    rule, kind = item.metadata, without_none(item.type)
    none = [None] if kind is item.type else []
    if "options" in rule:
        return ["no such option", "", 3, *none]
    if kind is bool:
        return ["true", 1, 2.0, *none]
    if kind is str:
        return [3, ("a",), *none]
    if kind == tuple[str, ...]:
        return ["t1w", (), ("",), ("a", "a"), ("a", " a"), (1, 2), 5, *none]
    if kind == tuple[int, ...]:
        few, many = (rule["low"] - 1,), (2, rule["high"] + 1)
        return [2, "2,4", (), few, many, ("2",), (2.0,), (True,), (2, None), *none]
    low = [rule["above"]] if "above" in rule else [rule["low"] - 1]
    if kind is int:
        low.append(1.0)
    high = rule["high"] * 2 + 1
    return [*low, high, math.nan, math.inf, -math.inf, "1", True, 10**400, *none]


WRONG = [(name, value) for name, item in LEAVES for value in wrong_values(item)]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_out_of_range_is_refused_in_one_sentence_naming_the_field(name, value):
    text = complaint(name, value)
    assert text.startswith(f"{name} must be ")
    assert "got " in text
    assert "\n" not in text


RANGED = [(name, item.metadata) for name, item in LEAVES if "high" in item.metadata]


@pytest.mark.parametrize(("name", "rule"), RANGED, ids=[name for name, _ in RANGED])
def test_the_ends_of_a_range_are_in_it(name, rule):
    several = without_none(dict(LEAVES)[name].type) == tuple[int, ...]
    for end in {"low", "high"} & set(rule):
        with_value(name, (rule[end],) if several else rule[end]).validate()


OPTIONAL = [name for name, item in LEAVES if without_none(item.type) is not item.type]


def test_the_options_of_the_mixing_alone_may_be_none_as_the_preset_says():
    assert len(OPTIONAL) == 20
    for name in OPTIONAL:
        assert name.startswith("config.mixing.")
        with_value(name, None).validate()


@pytest.mark.parametrize("name", [name for name, _ in LEAVES])
def test_every_number_has_a_range_and_every_word_of_a_list_its_options(name):
    item = dict(LEAVES)[name]
    kind = without_none(item.type)
    assert kind in (int, float, str, bool, tuple[str, ...], tuple[int, ...])
    if kind in (int, float, tuple[int, ...]):
        assert "high" in item.metadata


def test_all_problems_are_told_at_once():
    config = with_value("config.seed", -1)
    config.data.z_clip = math.nan
    config.stages[0].epochs = 0
    with pytest.raises(ConfigError) as caught:
        config.validate()
    for name in ("config.seed", "config.data.z_clip", "config.stages[0].epochs"):
        assert name in str(caught.value)


@pytest.mark.parametrize("value", [None, "resnet18", {"name": "resnet18"}, Stage()])
def test_a_part_of_another_type_is_refused(value):
    assert complaint("config.encoder", value).startswith(
        "config.encoder must be a Encoder"
    )


@pytest.mark.parametrize("value", [None, (), [], 3, Stage(), "two"])
def test_stages_are_one_or_more(value):
    assert complaint("config.stages", value).startswith("config.stages must be a tuple")


def test_a_stage_that_is_none_is_refused_by_its_number():
    config = Config()
    config.stages = (Stage(), "second")  # type: ignore[assignment]
    with pytest.raises(ConfigError, match=r"^config\.stages\[1\] must be a Stage"):
        config.validate()


def test_a_misspelt_keyword_is_refused():
    with pytest.raises(TypeError, match="sead"):
        Config(sead=3)  # type: ignore[call-arg]


@pytest.mark.parametrize("part", [Config(), Config().encoder, Config().stages[0]])
def test_a_misspelt_attribute_is_refused(part):
    with pytest.raises(AttributeError, match="lerning_rate"):
        part.lerning_rate = 0.1


def test_blanks_around_a_sequences_name_are_no_part_of_it():
    config = Config(data=Data(sequences=("t1w ", " fs")))
    config.validate()
    assert config.data.sequences == ("t1w", "fs")


def test_grids_given_as_a_list_become_a_tuple():
    config = with_value("config.mixing.num_blocks", [2, 4])
    config.validate()
    assert config.mixing.num_blocks == (2, 4)


# Supplement of doi 10.21037/qims-24-729, Appendix 2, unless "choice".
PAPER = {
    "data.num_folds": 5,
    "data.sequences": ["t1w", "t2w", "fs"],
    "data.sides": "both",  # bilateral: left and right sub-images
    "data.window": "square",  # choice
    "data.centre": "lateral",  # choice
    "data.window_mm": 100.0,  # choice
    "data.intensity": "zscore",  # "by a z-score method"
    "data.z_clip": 3.0,  # choice
    "data.mirror_left": False,
    "encoder.name": "resnet50",
    "encoder.weights": "imagenet",
    "encoder.shared": False,
    "encoder.normalize": "none",  # choice: [0, 1] only is stated
    "head.hidden": 512,  # choice
    "head.dropout": 0.0,  # choice
    "augmentation.rotation_degrees": 20.0,  # choice
    "augmentation.flip_probability": 0.5,
    "augmentation.shift": 0.1,  # choice
    "augmentation.quarter_turns": False,
    "augmentation.independent": False,  # choice
    "mixing.preset": "supplement",
    "mixing.partner": "any",  # choice
    "mixing.draw": "sample",  # choice
    "mixing.alpha": 1.0,
    "mixing.puzzle": True,
    "mixing.num_blocks": [2, 4, 8, 16],
    "mixing.num_labels": 3,
    "mixing.beta": 1.2,
    "mixing.gamma": 0.5,
    "mixing.eta": 0.2,
    "mixing.neigh_size": 4,
    "mixing.transport": True,
    "mixing.t_eps": 0.8,
    "mixing.local": "box",
    "mixing.box": "own",  # choice
    "mixing.local_partner": "same",  # choice
    "mixing.cutout": True,
    "mixing.hole_size": 32,
    "mixing.hole_degrees": 180.0,
    "mixing.label": "keep",  # choice
    "mixing.probability": 1.0,
    "mixing.saliency": "gradient",
    "mixing.saliency_size": 0,
    "mixing.plain_epochs": 0,
    "optimizer.beta1": 0.9,
    "optimizer.beta2": 0.999,
    "optimizer.eps": 1e-8,
    "optimizer.weight_decay": 0.0,
    "optimizer.decay": "decoupled",  # of no consequence at 0
    "optimizer.restart_epochs": 30,
    "optimizer.restart_factor": 2,
    "optimizer.minimum_rate": 0.0,  # choice
    "optimizer.anneal_each": "epoch",
    "stages[0].epochs": 100,  # 60 to 100
    "stages[0].learning_rate": 1e-4,
    "stages[0].frozen": "encoders",
    "stages[1].epochs": 100,  # choice
    "stages[1].learning_rate": 5e-5,
    "stages[1].frozen": "none",
    **{f"stages[{i}].image_size": 224 for i in (0, 1)},
    **{f"stages[{i}].batch_size": 64 for i in (0, 1)},
    # What radiographs are made and trained with is off.
    "data.kind": "mri",
    "head.form": "plain",
    "label_smoothing": 0.0,
    "augmentation.zoom": 1.0,
    "augmentation.warp": 0.0,
    "augmentation.brightness": 0.0,
    "augmentation.contrast": 0.0,
    "augmentation.probability": 1.0,
    "augmentation.border": "zero",
    "mixing.dominant": False,
    "optimizer.schedule": "sgdr",
    "optimizer.decay_all": True,  # of no consequence at 0
    **{f"stages[{i}].stem_rate": 1.0 for i in (0, 1)},
}
# Nothing the paper could state: of a user's files and machine, or of no effect in it.
NOT_OF_THE_PAPER = {
    *("seed", "precision", "data.cohort", "data.phantom", "data.plane"),
    *("data.reference", "data.validation_share"),
    *("radiograph.window", "radiograph.modalities"),
    *("optimizer.rising_share", "optimizer.start_division", "optimizer.end_division"),
    *("stages[0].device_batch", "stages[1].device_batch"),
}


def test_the_defaults_are_the_papers_tri_resnet50():
    fields = flatten(resolve_mixing(Config()))
    assert {name: fields[name] for name in PAPER} == PAPER


def test_the_list_of_the_papers_values_is_complete():
    scientific = {name for name in flatten(Config()) if not name.startswith("runtime.")}
    assert scientific == set(PAPER) | NOT_OF_THE_PAPER


def test_flattened_names_are_those_of_the_command_line():
    assert set(flatten(Config())) >= {
        name.removeprefix("config.") for name, _ in LEAVES
    }


def test_a_flattened_config_survives_json():
    fields = flatten(Config())
    assert differences(json.loads(json.dumps(fields)), fields) == []


def test_a_difference_shows_both_values():
    new = flatten(Config(encoder=Encoder(name="resnet18")))
    assert differences(flatten(Config()), new) == [
        "encoder.name: 'resnet50' in the run, 'resnet18' now"
    ]


def test_another_number_of_stages_is_a_difference():
    lines = differences(flatten(Config()), flatten(Config(stages=(Stage(),))))
    assert any(
        line.startswith("stages[1].epochs: 100 in the run, None") for line in lines
    )


def test_the_runtime_makes_no_difference():
    changed = Config()
    changed.runtime.workers = 9
    assert differences(flatten(Config()), flatten(changed)) == []


def test_two_configs_share_no_part():
    first, second = Config(), Config()
    first.stages[0].epochs = 1
    first.data.num_folds = 2
    assert (second.stages[0].epochs, second.data.num_folds) == (100, 5)


def test_every_fields_type_is_one_that_can_be_checked():
    for part in (Config, *typing.get_type_hints(Config).values()):
        if dataclasses.is_dataclass(part):
            assert all(not isinstance(f.type, str) for f in dataclasses.fields(part))


def make_radiograph_config(**fields) -> Config:
    return Config(data=Data(kind="radiograph", sequences=("image",), **fields))


def test_what_the_kind_of_images_does_not_use_must_not_be_set():
    make_radiograph_config().validate()
    with pytest.raises(ConfigError) as caught:
        make_radiograph_config(sides="left", window_mm=80.0).validate()
    told = str(caught.value)
    assert "config.data.sides must be left at 'both' where config.data.kind is" in told
    assert "config.data.window_mm must be left at 100.0" in told
    config = Config()
    config.radiograph.window = "percentiles"
    with pytest.raises(ConfigError, match="must be left at 'first' where"):
        config.validate()


@pytest.mark.parametrize("window", ["", " "])
def test_a_window_is_text_that_is_not_empty(window):
    config = make_radiograph_config()
    config.radiograph.window = window
    with pytest.raises(ConfigError, match="window must be text that is not empty"):
        config.validate()


def test_modalities_may_be_spelt_small():
    config = make_radiograph_config()
    config.radiograph.modalities = (" dx", "CR")
    config.validate()
    assert config.radiograph.modalities == ("DX", "CR")
