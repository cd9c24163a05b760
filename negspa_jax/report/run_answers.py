"""What a run's config says of model and training, in sentences.

Each function returns "" where the study has no run: a table from elsewhere does not
tell how its scores were made.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from negspa_jax.evaluate.study import Study
from negspa_jax.report.digits import format_counted
from negspa_jax.report.roles import TRAIN, has_one_model
from negspa_jax.report.run_config import Config, list_sizes, list_stages, of_run

_WEIGHTS = {
    "imagenet": "weights of torchvision, pretrained on ImageNet",
    "none": "random weights",
}
_FROZEN = {
    "none": "all parameters trained",
    "encoders": "encoders frozen",
    "convolutions": "encoders frozen but for their batch normalization",
}
# Of each kind of images: what its inputs are called, and a patient's image.
_NOUNS = {"mri": ("sequence", "image"), "radiograph": ("view", "radiograph")}
_HEADS = {
    "plain": "averaged over pixels, and {pass_} a hidden layer of {hidden} units "
    "(ReLU, dropout {dropout:g}) to two logits",
    "fastai": "pooled over pixels by maximum and by average; batch normalization, "
    "dropout {half:g}, a hidden layer of {hidden} units (ReLU), batch normalization "
    "and dropout {dropout:g} lead to two logits",
}
_FIRST_VALUES = {
    "plain": "Gaussian, standard deviation 0.01",
    "fastai": "Gaussian, variance 2 / (number of inputs)",
}
_BORDERS = {"zero": "black", "reflect": "its reflection"}


@of_run
def name_technology(config: Config) -> str:
    """Which kind of artificial intelligence it is."""
    number, name = len(config["data.sequences"]), config["encoder.name"]
    noun, image = _NOUNS[config["data.kind"]]
    shared = "one for all" if config["encoder.shared"] else "one for each"
    encoders = (
        f"a convolutional encoder ({name}) of one {noun}"
        if number == 1
        else f"convolutional encoders ({name}, {shared} of {number} {noun}s)"
    )
    return (
        f"Deep learning: {encoders} and one head that classifies a patient's {image}."
    )


@of_run
def describe_model(config: Config) -> str:
    """The architecture."""
    alone, name = len(config["data.sequences"]) == 1, config["encoder.name"]
    maps = (
        f"The last feature map of the {name} encoder is"
        if alone
        else f"Last feature maps of all {name} encoders are concatenated,"
    )
    dropout = config["head.dropout"]
    head = _HEADS[config["head.form"]].format(
        pass_="passes" if alone else "pass",
        hidden=config["head.hidden"],
        dropout=dropout,
        half=dropout / 2,
    )
    return (
        f"{maps} {head}; output: the softmax probability of the positive class. "
        f"Convolutions in {config['precision']}."
    )


@of_run
def describe_initialization(config: Config) -> str:
    """Where training started."""
    encoders = "Encoder" if len(config["data.sequences"]) == 1 else "Encoders"
    weights = _WEIGHTS.get(config["encoder.weights"], "weights from a file")
    return f"{encoders}: {weights}. Head: {_FIRST_VALUES[config['head.form']]}."


@of_run
def describe_training(config: Config) -> str:
    """Stages, optimiser and rates."""
    stages, folds = list_stages(config), config["data.num_folds"]
    models = "One model" if folds == 1 else f"{folds} models, one a fold, each"
    numbered = "; ".join(
        f"stage {number}: {_describe_stage(stage)}"
        for number, stage in enumerate(stages, start=1)
    )
    sizes = list_sizes(config)
    resized = f" Images grew: {', '.join(map(str, sizes))} pixels." * (len(sizes) > 1)
    beta = f"{config['optimizer.beta1']:g} and {config['optimizer.beta2']:g}"
    decay = f"{config['optimizer.weight_decay']:g}, {config['optimizer.decay']}"
    smoothing = config["label_smoothing"]
    smoothed = f" with label smoothing {smoothing:g}" if smoothing else ""
    return (
        f"{models} in {format_counted(len(stages), 'stage')} ({numbered}); each begins "
        f"with the best epoch of the one before.{resized} Adam (beta {beta}; weight "
        f"decay {decay}) on the cross-entropy{smoothed}; {_describe_schedule(config)}; "
        f"seed {config['seed']}."
    )


def _describe_stage(stage: Mapping[str, Any]) -> str:
    rate = f"rate {stage['learning_rate']:g}"
    # Frozen encoders keep no parameter that moves: the head alone has the whole rate.
    if stage["stem_rate"] < 1 and stage["frozen"] != "encoders":
        stem = stage["stem_rate"] * stage["learning_rate"]
        rate += f" at the head, falling by depth to {stem:g} at the stem"
    parts = f" ({stage['device_batch']} at a time)" if stage["device_batch"] else ""
    size = f"{stage['image_size']} pixels"
    return (
        f"{format_counted(stage['epochs'], 'epoch')}, {rate}, batches of "
        f"{stage['batch_size']}{parts}, {size}, {_FROZEN[stage['frozen']]}"
    )


def _describe_schedule(config: Config) -> str:
    if config["optimizer.schedule"] == "one_cycle":
        return (
            "the rate in one cycle a stage, rising over "
            f"{config['optimizer.rising_share']:.0%} of it (from the rate / "
            f"{config['optimizer.start_division']:g}, down to the rate / "
            f"{config['optimizer.end_division']:g})"
        )
    first = format_counted(config["optimizer.restart_epochs"], "epoch")
    return (
        f"cosine annealing with warm restarts (first after {first}, then times "
        f"{config['optimizer.restart_factor']})"
    )


@of_run
def describe_augmentation(config: Config) -> str:
    """How training images were varied and mixed."""
    flips, share = (
        config[f"augmentation.{name}"] for name in ("flip_probability", "probability")
    )
    symmetries = [f"flips with probability {flips:g}"] if flips else []
    symmetries += ["quarter turns"] if config["augmentation.quarter_turns"] else []
    changes = ", ".join(_list_changes(config))
    chance = f", each with probability {share:g}" if changes and share < 1 else ""
    parts = [", ".join(symmetries), f"{changes}{chance}", _describe_border(config)]
    found = "; ".join(filter(None, parts)) or "none"
    if found != "none" and config["augmentation.independent"]:
        found += "; drawn anew for each input"
    return f"Augmentation: {found}. Samples were {_describe_mixing(config)}."


def _describe_border(config: Config) -> str:
    """What is seen beyond the image, where a change lets it be seen."""
    moves = ("rotation_degrees", "shift", "warp")
    if not any(config[f"augmentation.{name}"] for name in moves):
        return ""
    return f"beyond the image {_BORDERS[config['augmentation.border']]}"


def _describe_mixing(config: Config) -> str:
    preset, alpha = config["mixing.preset"], config["mixing.alpha"]
    if preset == "none":
        return "not mixed"
    weights = "" if alpha is None else f", alpha {alpha:g}"
    own = ", the own image with the larger share" if config["mixing.dominant"] else ""
    chance = f"probability {config['mixing.probability']:g}"
    return f"mixed (preset {preset}{weights}, {chance}{own})"


def _list_changes(config: Config) -> Iterator[str]:
    """What was varied beside flips; what was not is left out."""

    def read(name: str) -> Any:
        return config[f"augmentation.{name}"]

    if read("rotation_degrees"):
        yield f"rotation by up to {read('rotation_degrees'):g} degrees"
    if read("shift"):
        yield f"shifts by up to {read('shift'):.0%} of the image"
    if read("zoom") > 1:
        yield f"magnification by up to {read('zoom'):g}"
    if read("warp"):
        yield f"perspective, corners by up to {read('warp') / 2:.0%} of the side"
    if read("brightness"):
        yield f"brightness by up to {read('brightness'):.0%}"
    if read("contrast"):
        yield f"contrast by up to {read('contrast'):.0%}"


def describe_selection(study: Study) -> str:
    """How the final model was chosen, and what that does to the scores."""
    if not study.provenance.config:
        return ""
    if has_one_model(study):
        split = study.selection or f"patients held out from {TRAIN}"
        return (
            f"Of each stage, the epoch with the highest AUC of {split}, from whom the "
            "model does not learn; its numbers there are therefore optimistic. "
            "Patients of other splits played no part."
        )
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
    if not (text and study.out_of_fold) or has_one_model(study):
        return text
    return f"{text} In train it is that of the model that held the patient out."


@of_run
def _describe_mean(config: Config) -> str:
    sides, folds = config["data.sides"], config["data.num_folds"]
    two = config["data.kind"] == "mri" and sides == "both"
    both = " A patient's score is the mean of both sides." if two else ""
    if folds == 1:
        return f"The score is that of one model; no models are combined.{both}"
    return f"Outside train, the score is the mean of the {folds} folds' models.{both}"


@of_run
def describe_imbalance(config: Config) -> str:
    """What was done about classes of different size."""
    partner = config.get("mixing.partner") == "other_class"
    mixed = " Each sample was mixed with one of another class." if partner else ""
    drawn = (
        ", and folds are stratified by class unless they were given"
        if config["data.num_folds"] > 1
        else ""
    )
    return (
        f"Classes were neither weighted nor resampled in training{drawn}.{mixed} No "
        "recalibration."
    )
