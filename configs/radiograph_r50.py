"""Definite radiographic sacroiliitis: one ResNet50 on pelvic radiographs (Bressem).

Paper (doi 10.1186/s13075-021-02484-0): AUC 0.971 on 247 validation, 0.961 on 100 test
patients; fastai, 30 hours on 2 to 4 GPUs. Those patients are not public.

    python -m negspa_jax.train --config=configs/radiograph_r50.py \
        --workdir=runs/radiograph_r50 --config.data.cohort=cohort.csv

From the paper: sizes, epochs, batches (84 at 768 pixels as printed, perhaps a misprint
of 8), the kinds of augmentation. fastai's defaults where it says no more: head, ranges
of augmentation, Mixup, smoothing, padding by reflection, no decay of biases. *Choices*:
Adam's rates and weight decay, a beta1 that stays; frozen layers keep their statistics
(fastai trains them: frozen="convolutions"). device_batch bounds the memory: 10.2 GiB
for 7 images of 768 pixels, 118 for all 84; batch statistics are then of that many.
Measured on our side: not yet.
"""

from functools import partial

from negspa_jax import config as c


def get_config() -> c.Config:
    """Return the run's config."""
    stages = []
    for size, batch, share in ((224, 64, 0), (512, 32, 8), (768, 84, 7)):
        stage = partial(c.Stage, image_size=size, batch_size=batch, device_batch=share)
        stages.append(stage(learning_rate=1e-3, frozen="encoders"))
        stages.append(stage(learning_rate=5e-4, stem_rate=0.1))
    augmentation = c.Augmentation(rotation_degrees=10.0, shift=0.0, zoom=1.1, warp=0.2)
    augmentation.brightness = augmentation.contrast = 0.2
    augmentation.probability, augmentation.border = 0.75, "reflect"
    adam = c.Optimizer(beta2=0.99, eps=1e-5, weight_decay=0.01, decay_all=False)
    adam.schedule, adam.anneal_each = "one_cycle", "step"
    return c.Config(
        data=c.Data(kind="radiograph", sequences=("image",), num_folds=1),
        encoder=c.Encoder(normalize="imagenet"),
        head=c.Head(form="fastai", dropout=0.5),
        augmentation=augmentation,
        mixing=c.Mixing(preset="mixup", alpha=0.4, dominant=True),
        label_smoothing=0.1,
        optimizer=adam,
        stages=tuple(stages),
    )
