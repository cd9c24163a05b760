"""The schema of a run. The defaults are the NegSpA-AI paper's tri-ResNet50.

A config file's `get_config()` returns a `Config`; every field can be overridden on
the command line (`--config.stages[0].epochs=60`, `--config.data.sequences=t1w,fs`).
Library rooms never see a `Config`: the doors unpack it into keyword arguments, and
one field is one keyword argument of one function. Values marked *choice* are ours,
where the paper is silent.

Reference: QIMS 2024, doi 10.21037/qims-24-729, supplement, Appendix 2.
"""

from dataclasses import dataclass, field

from negspa_jax.config.rules import (
    ConfigError,
    one_of,
    positive,
    preset_or,
    problems_of,
    within,
)


@dataclass(kw_only=True, slots=True)
class Data:
    """Where the patients are, and how a volume becomes sub-images."""

    cohort: str = ""  # the table's path; empty: the synthetic cohort
    phantom: str = one_of("paper", "small")  # preset of the synthetic cohort
    num_folds: int = within(5, 2, 1000)
    sequences: tuple[str, ...] = ("t1w", "t2w", "fs")  # columns of the table
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
class Encoder:
    """The feature extractors, one for each sequence."""

    name: str = one_of("resnet50", "resnet18", "resnet34", "resnet101", "vgg16_bn")
    weights: str = "imagenet"  # imagenet (downloaded) | none (random) | a file
    shared: bool = False  # one encoder for all sequences
    normalize: str = one_of("none", "imagenet")  # the model's first operation


@dataclass(kw_only=True, slots=True)
class Head:
    """The classification head on the concatenated feature maps."""

    hidden: int = within(512, 1, 2**16)  # *choice*
    dropout: float = within(0.0, 0, 0.99)  # *choice*


@dataclass(kw_only=True, slots=True)
class Augmentation:
    """Common augmentation; the ranges are *choices*."""

    rotation_degrees: float = within(20.0, 0, 180)
    flip_probability: float = within(0.5, 0, 1)
    shift: float = within(0.1, 0, 1)  # share of height and width
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
    """Adam, and cosine annealing with warm restarts (SGDR)."""

    beta1: float = within(0.9, 0, 0.9999999)
    beta2: float = within(0.999, 0, 0.9999999)
    eps: float = positive(1e-8, 1)
    weight_decay: float = within(0.0, 0, 1)
    # added to the direction (AdamW) or to the gradient (torch's Adam)
    decay: str = one_of("decoupled", "l2")
    restart_epochs: int = within(30, 1, 10**6)  # T_0
    restart_factor: int = within(2, 1, 100)  # T_mult
    minimum_rate: float = within(0.0, 0, 1)  # eta_min, *choice*
    anneal_each: str = one_of("epoch", "step")


@dataclass(kw_only=True, slots=True)
class Stage:
    """One stage of transfer learning; it starts from the best of the one before."""

    epochs: int = within(100, 1, 10**6)
    learning_rate: float = positive(1e-4, 10)
    frozen: str = one_of("none", "encoders")  # parameters and batch statistics
    image_size: int = within(224, 32, 4096)
    batch_size: int = within(64, 1, 2**16)  # sub-image tuples, over all devices


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
    data: Data = field(default_factory=Data)
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
        problems = list(problems_of(self, "config"))
        if problems:
            raise ConfigError("; ".join(problems))
        self.data.sequences = tuple(name.strip() for name in self.data.sequences)
        if self.mixing.num_blocks is not None:
            self.mixing.num_blocks = tuple(self.mixing.num_blocks)
