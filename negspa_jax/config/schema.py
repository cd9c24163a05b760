"""The schema of a run. The defaults are the NegSpA-AI paper's tri-ResNet50.

A config file's `get_config()` returns a `Config`; every field can be overridden on
the command line (`--config.stages[0].epochs=60`, `--config.data.sequences=t1w,fs`).
Library rooms never see a `Config`: the doors unpack it into keyword arguments, and
one field is one keyword argument of one function. Values marked *choice* are ours,
where the paper is silent.

Reference: QIMS 2024, doi 10.21037/qims-24-729, supplement, Appendix 2.
"""

from dataclasses import dataclass, field

from negspa_jax.config.ignored import find_ignored
from negspa_jax.config.rules import (
    ConfigError,
    filled,
    one_of,
    positive,
    preset_or,
    problems_of,
    within,
)


@dataclass(kw_only=True, slots=True)
class Data:
    """Where the patients are, what is known of them, and how volumes are cut."""

    kind: str = one_of("mri", "radiograph")  # of the images
    cohort: str = ""  # the table's path; empty: the synthetic cohort
    phantom: str = one_of("paper", "small")  # preset of the synthetic cohort
    # What the label is taken from (`data.reference`).
    reference: str = one_of("auto", "label", "grades", "readers", "agreement")
    # 1: one model, validated on the split `validation`, or where there is none on
    # validation_share of `train`.
    num_folds: int = within(5, 1, 1000)
    validation_share: float = within(0.15, 0.01, 0.9)
    # Columns of the table: sequences of an MRI, views of a radiograph. What follows is
    # of MRI.
    sequences: tuple[str, ...] = ("t1w", "t2w", "fs")
    # both, one, or one window on the whole RVOI
    sides: str = one_of("both", "left", "right", "whole")
    # a square of window_mm, or the half of the RVOI's box itself, resized
    window: str = one_of("square", "half")
    # of the square: min(W/4, 25 mm) from the lateral border, or of the half box
    centre: str = one_of("lateral", "half")
    window_mm: float = positive(100.0, 1000)  # *choice*
    # of the slices; auto: across the largest spacing, then the region's shortest side
    plane: str = one_of("auto", "axial", "coronal", "sagittal")
    intensity: str = one_of("zscore", "minmax_slice", "percentile")
    z_clip: float = positive(3.0, 100)  # *choice*
    mirror_left: bool = False


@dataclass(kw_only=True, slots=True)
class Radiograph:
    """How a radiograph is shown, where `data.kind` is that."""

    # of a DICOM file's windows and tables: first | percentiles | a number from 0 |
    # the explanation's text
    window: str = filled("first")
    modalities: tuple[str, ...] = ("CR", "DX", "RG", "OT")  # of DICOM


@dataclass(kw_only=True, slots=True)
class Encoder:
    """The feature extractors, one for each sequence."""

    name: str = one_of("resnet50", "resnet18", "resnet34", "resnet101", "vgg16_bn")
    weights: str = "imagenet"  # imagenet (downloaded) | none (random) | a file
    shared: bool = False  # one encoder for all sequences
    normalize: str = one_of("none", "imagenet")  # the model's first operation


@dataclass(kw_only=True, slots=True)
class Head:
    """The classification head on the concatenated feature maps."""

    # plain: average, hidden layer; fastai: average and maximum, batch normalization
    form: str = one_of("plain", "fastai")
    hidden: int = within(512, 1, 2**16)  # *choice*
    # before the logits; fastai's form drops half as many before the hidden layer
    dropout: float = within(0.0, 0, 0.99)  # *choice*


@dataclass(kw_only=True, slots=True)
class Augmentation:
    """Common augmentation; the ranges are *choices*."""

    rotation_degrees: float = within(20.0, 0, 180)
    flip_probability: float = within(0.5, 0, 1)
    shift: float = within(0.1, 0, 1)  # share of height and width
    zoom: float = within(1.0, 1, 10)  # largest magnification
    warp: float = within(0.0, 0, 0.5)  # of the corners, share of half the side
    brightness: float = within(0.0, 0, 0.99)
    contrast: float = within(0.0, 0, 0.99)
    probability: float = within(1.0, 0, 1)  # of each of these but the flip
    border: str = one_of("zero", "reflect")  # what is seen beyond the image
    quarter_turns: bool = False  # 0, 90, 180 or 270 degrees more
    independent: bool = False  # a draw of its own for each sequence


@dataclass(kw_only=True, slots=True)
class Mixing:
    """Mixing of samples within a batch: a preset, and what is changed in it.

    What is None is as the preset says; `mixcut.Options` tells what each option does.
    """

    preset: str = one_of(
        *("supplement", "asmixcut", "puzzlemix", "mixup", "cutmix", "cutout", "none")
    )
    partner: str | None = preset_or("any", "derangement", "other_class")
    draw: str | None = preset_or("sample", "batch")
    alpha: float | None = preset_or(low=1e-3, high=1e3)
    dominant: bool | None = preset_or()
    puzzle: bool | None = preset_or()
    num_blocks: tuple[int, ...] | None = preset_or(low=2, high=4096)
    num_labels: int | None = preset_or(low=2, high=64)
    beta: float | None = preset_or(low=0, high=1e3)
    gamma: float | None = preset_or(low=0, high=1)
    eta: float | None = preset_or(low=0, high=1e3)
    neigh_size: int | None = preset_or(low=1, high=1024)  # pixels
    transport: bool | None = preset_or()
    t_eps: float | None = preset_or(low=0, high=1e3)
    local: str | None = preset_or("box", "paste", "global", "soft", "off")
    box: str | None = preset_or("own", "tied")
    local_partner: str | None = preset_or("same", "fresh")
    cutout: bool | None = preset_or()
    hole_size: int | None = preset_or(low=1, high=65536)  # pixels
    hole_degrees: float | None = preset_or(low=0, high=360)
    label: str | None = preset_or("keep", "visible", "scaled", "background", "asmixcut")
    probability: float = within(1.0, 0, 1)  # of a sample to be mixed at all
    # of the training loss at the augmented images, or a map without a gradient
    saliency: str = one_of("gradient", "spectral_residual")
    saliency_size: int = within(0, 0, 4096)  # pixels, of the gradient; 0: all
    plain_epochs: int = within(0, 0, 10**6)  # at the end of each stage, no mixing


@dataclass(kw_only=True, slots=True)
class Optimizer:
    """Adam, and the course of the rate: SGDR, or one cycle for each stage."""

    beta1: float = within(0.9, 0, 0.9999999)
    beta2: float = within(0.999, 0, 0.9999999)
    eps: float = positive(1e-8, 1)
    weight_decay: float = within(0.0, 0, 1)
    # added to the direction (AdamW) or to the gradient (torch's Adam)
    decay: str = one_of("decoupled", "l2")
    decay_all: bool = True  # biases and batch normalization, too
    # sgdr: cosine annealing with warm restarts; one_cycle: up, then down
    schedule: str = one_of("sgdr", "one_cycle")
    restart_epochs: int = within(30, 1, 10**6)  # T_0
    restart_factor: int = within(2, 1, 100)  # T_mult
    minimum_rate: float = within(0.0, 0, 1)  # eta_min, *choice*
    # of one cycle: its rising share, and what the peak is divided by at both ends
    rising_share: float = within(0.25, 0, 0.99)
    start_division: float = within(25.0, 1, 1e9)
    end_division: float = within(1e5, 1, 1e12)
    anneal_each: str = one_of("epoch", "step")


@dataclass(kw_only=True, slots=True)
class Stage:
    """One stage of transfer learning; it starts from the best of the one before."""

    epochs: int = within(100, 1, 10**6)
    learning_rate: float = positive(1e-4, 10)
    # encoders: parameters and batch statistics; convolutions: the encoders' batch
    # normalization is trained (fastai's train_bn)
    frozen: str = one_of("none", "encoders", "convolutions")
    # the stem's rate as a share of learning_rate, the head's; geometric in between
    stem_rate: float = within(1.0, 1e-6, 1)
    image_size: int = within(224, 32, 4096)
    batch_size: int = within(64, 1, 2**16)  # sub-image tuples, over all devices
    # what a device computes at a time, gradients being summed; 0: its whole share
    device_batch: int = within(0, 0, 2**16)


@dataclass(kw_only=True, slots=True)
class Runtime:
    """How the run is carried out; none of these fields changes its result."""

    cache_dir: str = ""  # decoded sub-images; empty: the run directory's cache/
    weights_dir: str = ""  # downloaded weights; empty: ~/.cache/negspa_jax
    workers: int = within(2, 0, 256)  # threads that read batches
    checkpoint_epochs: int = within(5, 1, 10**6)  # epochs between two checkpoints
    tensorboard: bool = False


def _paper_stages() -> tuple[Stage, ...]:
    return (
        Stage(learning_rate=1e-4, frozen="encoders"),  # paper: 60 to 100 epochs
        Stage(learning_rate=5e-5),  # number of epochs: *choice*
    )


@dataclass(kw_only=True, slots=True)
class Config:
    """A run: data, model, training."""

    seed: int = within(0, 0, 2**31 - 1)
    # of the convolutions; sums, statistics and parameters stay float32
    precision: str = one_of("float32", "bfloat16")
    label_smoothing: float = within(0.0, 0, 0.99)  # share spread over the classes
    data: Data = field(default_factory=Data)
    radiograph: Radiograph = field(default_factory=Radiograph)
    encoder: Encoder = field(default_factory=Encoder)
    head: Head = field(default_factory=Head)
    augmentation: Augmentation = field(default_factory=Augmentation)
    mixing: Mixing = field(default_factory=Mixing)
    optimizer: Optimizer = field(default_factory=Optimizer)
    stages: tuple[Stage, ...] = field(default_factory=_paper_stages)
    runtime: Runtime = field(default_factory=Runtime)

    def validate(self) -> None:
        """Put the config into its normal form and check every range.

        Raises:
            ConfigError: listing every field that is out of range.
        """
        problems = list(problems_of(self, "config")) or [
            *find_ignored(self.data, self.radiograph)
        ]
        if problems:
            raise ConfigError("; ".join(problems))
        self.data.sequences = tuple(name.strip() for name in self.data.sequences)
        accepted = tuple(name.strip().upper() for name in self.radiograph.modalities)
        self.radiograph.modalities = accepted
        if self.mixing.num_blocks is not None:
            self.mixing.num_blocks = tuple(self.mixing.num_blocks)
