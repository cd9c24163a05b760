"""One config field is one keyword of one function: nothing is read without a field."""

import dataclasses
import inspect

from negspa_jax import config, mixcut, models
from negspa_jax.augment import augment
from negspa_jax.data.crops import crop_patient
from negspa_jax.train.optim import annealed_rate, make_adam


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


def test_augmentation_and_mixing_have_the_options_of_their_operations():
    assert fields_of(config.Augmentation) == keywords_of(augment)
    assert fields_of(config.Mixing) == fields_of(mixcut.Options)


def test_the_optimizer_has_the_keywords_of_adam_and_of_the_rate():
    of_the_rate = keywords_of(annealed_rate) - {"learning_rate"}  # of the stage
    assert fields_of(config.Optimizer) == (
        keywords_of(make_adam) | of_the_rate | {"anneal_each"}
    )


def test_encoder_and_head_have_the_attributes_of_the_network():
    ours = fields_of(config.Encoder) | fields_of(config.Head)
    assert ours - {"name", "weights"} <= fields_of(models.MultiEncoder)


def test_defaults_are_the_same_in_the_schema_and_in_the_functions():
    for part, function in (
        (config.Augmentation, augment),
        (config.Data, crop_patient),
        (config.Optimizer, annealed_rate),
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
