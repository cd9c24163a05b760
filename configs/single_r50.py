"""O-ResNet50 of NegSpA-AI: one sequence, T1W (the default), T2W or FS.

    python -m negspa_jax.train --config=configs/single_r50.py:t1w \
        --workdir=runs/single_r50_t1w --config.data.cohort=cohort.csv

Paper, AUC on 72 internal (Table S5) and 54 external patients (Table S6), with common
augmentation ("Com.") and no mixing:

    T1W  0.723 (0.602-0.843)  0.710 (0.572-0.848)
    T2W  0.719 (0.594-0.843)  0.699 (0.549-0.849)
    FS   0.710 (0.584-0.837)  0.691 (0.547-0.836)

Those patients are not public. Measured on our side: not yet.
"""

from negspa_jax.config import Config, ConfigError, Data, Mixing

SEQUENCES = ("t1w", "t2w", "fs")


def get_config(sequence: str = "t1w") -> Config:
    """Return the run's config for one of the paper's three sequences."""
    if sequence not in SEQUENCES:
        raise ConfigError(
            f"single_r50.py must be given :{', :'.join(SEQUENCES)}, got {sequence!r}; "
            "another name goes into --config.data.sequences=NAME"
        )
    return Config(data=Data(sequences=(sequence,)), mixing=Mixing(preset="none"))
