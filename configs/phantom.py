"""The quick start: a small tri-ResNet18 on synthetic patients, from random weights.

    python -m negspa_jax.train --config=configs/phantom.py --workdir=runs/phantom

Measured: AUC 0.991 (0.975-1.000) on its 48 internal test patients; 3 minutes and 26
seconds on two cores of a Xeon, installation included.
"""

from functools import partial

from negspa_jax.config import (
    Augmentation,
    Config,
    Data,
    Encoder,
    Mixing,
    Optimizer,
    Stage,
)


def get_config() -> Config:
    """Return the run's config."""
    stage = partial(Stage, image_size=64, batch_size=16)
    return Config(
        data=Data(phantom="small", num_folds=2),
        encoder=Encoder(name="resnet18", weights="none"),
        augmentation=Augmentation(rotation_degrees=10.0, shift=0.05),
        mixing=Mixing(preset="none"),
        # The rate falls to zero at the last epoch.
        optimizer=Optimizer(restart_epochs=12),
        stages=(
            stage(epochs=2, learning_rate=1e-3, frozen="encoders"),
            stage(epochs=12, learning_rate=1e-3),
        ),
    )
