"""Dual-ResNet50 of NegSpA-AI: FS with T1W (the default) or with T2W.

    python -m negspa_jax.train --config=configs/dual_r50.py:t1w,fs \
        --workdir=runs/dual_r50_t1w --config.data.cohort=cohort.csv

Paper, AUC on 72 internal (Table S5) and 54 external patients (Table S6):

    Com.    T1W+FS  0.756 (0.627-0.886)  0.734 (0.588-0.880)
            T2W+FS  0.748 (0.634-0.863)  0.713 (0.571-0.855)
    Mixup   T1W+FS  0.820 (0.709-0.930)  0.772 (0.645-0.900)
            T1W+FS  0.793 (0.673-0.912)  0.774 (0.642-0.906)  as printed; T2W+FS?
    MixCut  T1W+FS  0.856 (0.767-0.945)  0.807 (0.685-0.929)
            T2W+FS  0.827 (0.725-0.930)  0.817 (0.701-0.932)

Those patients are not public. The mixing is MixCut; --config.mixing.preset=mixup and
=none are the other rows. Measured on our side: not yet.
"""

from negspa_jax.config import Config, ConfigError, Data

PAIRS = ("t1w,fs", "t2w,fs")


def get_config(pair: str = "t1w,fs") -> Config:
    """Return the run's config for one of the paper's two pairs of sequences."""
    if pair not in PAIRS:
        raise ConfigError(
            f"dual_r50.py must be given :{' or :'.join(PAIRS)}, got {pair!r}; "
            "other names go into --config.data.sequences=NAME,NAME"
        )
    return Config(data=Data(sequences=tuple(pair.split(","))))
