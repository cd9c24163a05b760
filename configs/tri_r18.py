"""Tri-ResNet18 of NegSpA-AI: T1W, T2W and FS, trained in two stages.

    python -m negspa_jax.train --config=configs/tri_r18.py --workdir=runs/tri_r18 \
        --config.data.cohort=cohort.csv

The supplement's tables print ResNet50 only (see tri_r50.py); every field but the
encoder is tri_r50's. Measured on our side: not yet.
"""

from negspa_jax.config import Config, Encoder


def get_config() -> Config:
    """Return the run's config."""
    return Config(encoder=Encoder(name="resnet18"))
