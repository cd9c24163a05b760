"""What a run's config says of model and training, in sentences.

Each function returns "" where the study has no run: a table from elsewhere does not
tell how its scores were made.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import format_counted

_INTENSITIES = {
    "zscore": "z-scores over the volume, clipped at {z_clip:g}, mapped to [0, 1]",
    "minmax_slice": "each slice mapped to [0, 1] by its own minimum and maximum",
    "percentile": "1st to 99th percentile of the volume mapped to [0, 1], clipped",
}
_CENTRES = {
    "lateral": "centred near the lateral border of its half of the region",
    "half": "centred on its half of the region",
}
_WEIGHTS = {
    "imagenet": "weights of torchvision, pretrained on ImageNet",
    "none": "random weights",
}
_FROZEN = {"none": "all parameters trained", "encoders": "encoders frozen"}

Config = Mapping[str, Any]


def _of_run(write: Callable[[Config], str]) -> Callable[[Study], str]:
    """Turn a function of a run's config into one of a study.

    Without a run, or where a field or value is another version's, the answer is "".
    """

    @wraps(write)
    def answer(study: Study) -> str:
        config = study.provenance.config
        try:
            return write(config) if config else ""
        except KeyError:
            return ""

    return answer


@_of_run
def name_data_source(config: Config) -> str:
    """That patients are synthetic, if they are; of real ones only a person knows."""
    if config["data.cohort"]:
        return ""
    return "Synthetic patients, drawn by this software; nobody was examined."


@_of_run
def name_technology(config: Config) -> str:
    """Which kind of artificial intelligence it is."""
    sequences = config["data.sequences"]
    shared = "one for all" if config["encoder.shared"] else "one for each"
    return (
        f"Deep learning: convolutional encoders ({config['encoder.name']}, {shared} of "
        f"{len(sequences)} sequences) and one head that classifies a patient's image."
    )


@_of_run
def list_images(config: Config) -> str:
    """Which images enter."""
    return f"Image inputs: {', '.join(config['data.sequences'])}."


@_of_run
def describe_preprocessing(config: Config) -> str:
    """From the voxels of a file to the numbers that the network sees."""
    way = _INTENSITIES[config["data.intensity"]].format(z_clip=config["data.z_clip"])
    sizes = sorted({stage["image_size"] for stage in _stages(config)})
    mirrored = " Left sides were mirrored." if config["data.mirror_left"] else ""
    normalised = (
        " The network's first operation normalises by ImageNet's mean and deviation."
        if config["encoder.normalize"] == "imagenet"
        else ""
    )
    pixels = " and ".join(f"{size} x {size}" for size in sizes)
    return f"Intensities: {way}. Sub-images of {pixels} pixels.{mirrored}{normalised}"


@_of_run
def describe_subsets(config: Config) -> str:
    """Which part of each volume was used."""
    sides = config["data.sides"]
    if sides == "whole":
        where = f"one window of {config['data.window_mm']:g} mm on the whole region"
    elif config["data.window"] == "half":
        where = f"each half of the region's box (sides: {sides})"
    else:
        centre = _CENTRES[config["data.centre"]]
        size = f"{config['data.window_mm']:g} mm"
        where = f"a square window of {size} for each side (sides: {sides}), {centre}"
    return (
        "Of each sequence, the three middle slices of the region of interest "
        f"(plane: {config['data.plane']}); {where}."
    )


@_of_run
def describe_model(config: Config) -> str:
    """The architecture."""
    return (
        f"Last feature maps of all {config['encoder.name']} encoders are concatenated, "
        f"averaged over pixels, and pass a hidden layer of {config['head.hidden']} "
        f"units (ReLU, dropout {config['head.dropout']:g}) to two logits; output: the "
        f"softmax probability of the positive class. Convolutions in "
        f"{config['precision']}."
    )


@_of_run
def describe_initialization(config: Config) -> str:
    """Where training started."""
    weights = _WEIGHTS.get(config["encoder.weights"], "weights from a file")
    return f"Encoders: {weights}. Head: Gaussian, standard deviation 0.01."


@_of_run
def describe_training(config: Config) -> str:
    """Stages, optimiser and rates."""
    stages = "; ".join(
        f"stage {number}: {format_counted(stage['epochs'], 'epoch')}, rate "
        f"{stage['learning_rate']:g}, batches of {stage['batch_size']}, "
        f"{_FROZEN[stage['frozen']]}"
        for number, stage in enumerate(_stages(config), start=1)
    )
    beta = f"{config['optimizer.beta1']:g} and {config['optimizer.beta2']:g}"
    decay = f"{config['optimizer.weight_decay']:g}, {config['optimizer.decay']}"
    number = format_counted(len(_stages(config)), "stage")
    first = format_counted(config["optimizer.restart_epochs"], "epoch")
    return (
        f"{config['data.num_folds']} models, one a fold, each in {number} ({stages}). "
        f"Adam (beta {beta}; weight decay {decay}) on the cross-entropy; cosine "
        f"annealing with warm restarts (first after {first}, then times "
        f"{config['optimizer.restart_factor']}); seed {config['seed']}."
    )


@_of_run
def describe_augmentation(config: Config) -> str:
    """How training images were varied and mixed."""
    mixing, share = config["mixing.preset"], config["mixing.probability"]
    mixed = f"mixed (preset {mixing}, probability {share:g})"
    return (
        f"Augmentation: rotation by up to {config['augmentation.rotation_degrees']:g} "
        f"degrees, flips with probability {config['augmentation.flip_probability']:g}, "
        f"shifts by up to {config['augmentation.shift']:.0%} of the image. "
        f"Samples were {'not mixed' if mixing == 'none' else mixed}."
    )


def describe_selection(study: Study) -> str:
    """How the final model was chosen, and what that does to the out-of-fold scores."""
    if not study.provenance.config:
        return ""
    scored = (
        " The same patients give the out-of-fold scores of train, which are therefore "
        "somewhat optimistic."
        if study.out_of_fold
        else ""
    )
    return (
        "Of each fold and stage, the epoch with the highest AUC of the patients whom "
        f"the fold holds out.{scored} Patients of other splits played no part."
    )


def describe_ensembling(study: Study) -> str:
    """Whose outputs were averaged."""
    text = _describe_mean(study)
    if not (text and study.out_of_fold):
        return text
    return f"{text} In train it is that of the model that held the patient out."


@_of_run
def _describe_mean(config: Config) -> str:
    sides = config["data.sides"]
    both = " A patient's score is the mean of both sides." if sides == "both" else ""
    return (
        f"Outside train, the score is the mean of the {config['data.num_folds']} "
        f"folds' models.{both}"
    )


@_of_run
def describe_imbalance(config: Config) -> str:
    """What was done about classes of different size."""
    partner = config.get("mixing.partner") == "other_class"
    mixed = " Each sample was mixed with one of another class." if partner else ""
    return (
        "Classes were neither weighted nor resampled in training, and folds are "
        f"stratified by class unless they were given.{mixed} No recalibration."
    )


def _stages(config: Config) -> list[dict[str, Any]]:
    """The stages of a flat config, whose fields are `stages[0].epochs` and so on."""
    stages: list[dict[str, Any]] = []
    while f"stages[{len(stages)}].epochs" in config:
        start = f"stages[{len(stages)}]."
        stages.append(
            {
                name.removeprefix(start): value
                for name, value in config.items()
                if name.startswith(start)
            }
        )
    return stages
