"""Tri-ResNet50 as in the authors' public code (ASMixCut, 2023), not as in their paper.

    python -m negspa_jax.train --config=configs/asmixcut_r50.py \
        --workdir=runs/asmixcut_r50 --config.data.cohort=cohort.csv

It departs from the supplement, which tri_r50.py follows, in this:

- mixing: one box for a batch, whose lambda also blends inside it; no Puzzle Mix, no
  hole; the label's weight is 1 - A lambda for a box of area share A, as printed there
  (the true pixel share is 1 - A (1 - lambda)).
- one encoder, shared by the sequences; all parameters trained in one stage.
- each slice is scaled by its own minimum and maximum.
- each sequence is flipped, turned by quarters and rotated by up to 20 degrees on its
  own; no shift.
- Adam at a constant 1e-5 (the code's scheduler call freezes the rate), with a weight
  decay of 1e-4 in the gradient.

The number of epochs (*choice*) and what is not listed are tri_r50's. The paper gives no
result for this variant. Measured on our side: not yet.
"""

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
    return Config(
        data=Data(intensity="minmax_slice"),
        encoder=Encoder(shared=True),
        augmentation=Augmentation(shift=0.0, quarter_turns=True, independent=True),
        mixing=Mixing(preset="asmixcut"),
        optimizer=Optimizer(weight_decay=1e-4, decay="l2", minimum_rate=1e-5),
        stages=(Stage(learning_rate=1e-5),),
    )
