"""Tri-ResNet50 of NegSpA-AI: T1W, T2W and FS, trained in two stages.

Paper (Tables S5 and S6, MixCut): AUC 0.870 (0.784-0.956) on 72 internal and 0.840
(0.730-0.950) on 54 external patients. Those patients are not public.

    python -m negspa_jax.train --config=configs/tri_r50.py --workdir=runs/tri_r50 \
        --config.data.cohort=cohort.csv

Every field has the paper's value, or a choice where the paper is silent, by default;
the mixing is the supplement's MixCut. Measured on our side: not yet.
"""

from negspa_jax.config import Config


def get_config() -> Config:
    """Return the run's config."""
    return Config()
