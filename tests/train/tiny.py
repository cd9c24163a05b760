"""A network that compiles in seconds, and patients whose label is easy to see."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from negspa_jax import models
from negspa_jax.checkpoint import Checkpoints
from negspa_jax.config import Augmentation, Config, Data, Encoder, Head, Mixing, Stage
from negspa_jax.data.pipeline import Cache, all_sides
from negspa_jax.models import resnet
from negspa_jax.train.console import Reporter
from negspa_jax.train.fit import Fitting, Fold
from negspa_jax.train.history import History
from negspa_jax.train.interrupt import StopRequest
from negspa_jax.train.network import Network, build_network, first_variables

TINY = partial(resnet.ResNet, blocks=(1, 0, 0, 0), bottleneck=False)


def use_tiny_encoder(patch: pytest.MonkeyPatch) -> None:
    """Let the name resnet18 mean a network of one block."""
    patch.setitem(models.ENCODERS, "resnet18", TINY)


def tiny_config(**changes) -> Config:
    """A config of two short stages on images of 32 pixels, nothing random in a step."""
    small = {"image_size": 32, "batch_size": 8, "learning_rate": 1e-3}
    settings = {
        "data": Data(num_folds=2, sequences=("t1w", "fs")),
        "encoder": Encoder(name="resnet18", weights="none"),
        "head": Head(hidden=8),
        "augmentation": Augmentation(
            rotation_degrees=0.0, flip_probability=0.0, shift=0.0
        ),
        "mixing": Mixing(preset="none"),
        "stages": (
            Stage(epochs=2, frozen="encoders", **small),
            Stage(epochs=2, **small),
        ),
    }
    config = Config(**settings | changes)
    config.validate()
    return config


def write_cache(folder: Path, *, num_patients: int, dtype=np.float32) -> Cache:
    """Sub-images of patients, two sequences and sides; odd ones are brighter."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for patient in range(num_patients):
        noise = np.random.default_rng(patient).random((2, 2, 32, 32, 3))
        images = 0.5 * noise + 0.3 * (patient % 2)
        files.append(folder / f"{patient}.npy")
        np.save(files[-1], images.astype(dtype))
    return Cache(tuple(files), ())


class ListReporter(Reporter):
    """Keeps the lines instead of printing them."""

    def __init__(self) -> None:
        super().__init__(silent=True)
        self.lines: list[str] = []

    def tell(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(line)


def make_fitting(
    folder: Path,
    config: Config,
    *,
    cache: Cache | None = None,
    network: Network | None = None,
) -> tuple[Fitting, dict]:
    """A fold of twelve training and six validation patients, and first variables."""
    cache = cache or write_cache(folder / "cache", num_patients=18)
    model, compiled = build_network(config, num_inputs=2)
    fold = Fold(
        number=0,
        folder=folder,
        caches={32: cache},
        training=all_sides(np.arange(12), num_sides=2),
        validation=all_sides(np.arange(12, 18), num_sides=2),
        labels=np.arange(18) % 2,
        names=tuple(f"P{i:02d}" for i in range(18)),
    )
    fitting = Fitting(
        fold,
        config,
        network or compiled,
        Checkpoints(folder / "checkpoints"),
        History(folder, tensorboard=False),
        StopRequest(),
        ListReporter(),
    )
    return fitting, first_variables(model, config, None, fold=0)
