"""Milliseconds an image of the radiographs' augmentation, against torchvision's.

OMP_WAIT_POLICY=passive python -m benchmarks.augmentation --out=FILE

Ours: flip, rotation, zoom, perspective warp, brightness and contrast of fastai's
defaults, jitted over a batch, a draw for each image. The rival: the nearest parts of
torchvision.transforms.v2 on float tensors, image by image, because one call of it draws
once for all that it is given. Both have all cores. Where the rival differs:

- it interpolates twice, affine map and perspective, as it does not compose the two;
- beyond the image it sees zeros, as it has no reflection;
- it zooms about the image's centre and draws the warp's corners in whole pixels;
- rotation and zoom happen together with one probability, and so do both directions of
  the warp and both parts of the lighting: a quarter of its images is spared the work of
  each, where ours computes all for every image;
- brightness and contrast multiply pixels and blend with the mean, without logits.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from absl import app, flags, logging

from benchmarks.record import describe_machine, keep, summarize, time_alternately
from negspa_jax.augment import augment
from tests.models.torchvision_import import import_torchvision

RADIOGRAPH: dict[str, Any] = {
    "rotation_degrees": 10.0,
    "flip_probability": 0.5,
    "shift": 0.0,
    "zoom": 1.1,
    "warp": 0.2,
    "brightness": 0.2,
    "contrast": 0.2,
    "probability": 0.75,
    "border": "reflect",
}
PACKAGES = ("jax", "numpy", "torch", "torchvision")


def main(_: list[str]) -> None:
    """Measure every size; one JSON line each."""
    logging.set_verbosity(logging.WARNING)
    machine = describe_machine(PACKAGES)
    given = flags.FLAGS
    for size in given.image_size:
        load = round(os.getloadavg()[0], 2)
        row = measure_augmentation(size, batch=given.batch, rounds=given.rounds)
        keep({**row, "load_average": load, **machine}, given.out)


def measure_augmentation(
    image_size: int, *, batch: int = 16, rounds: int = 7
) -> dict[str, Any]:
    """Times of a batch by both, and the rival's time to ours.

    Args:
        image_size: pixels.
        batch: images of three channels.
        rounds: measured, both taking turns.
    """
    shape = (batch, image_size, image_size, 3)
    images = np.random.default_rng(0).random(shape, np.float32)
    candidates = {
        "ours": augment_by_ours(images),
        "torchvision": augment_by_torchvision(images),
    }
    seconds = time_alternately(candidates, rounds=rounds)
    times = {name: summarize(found, images=batch) for name, found in seconds.items()}
    ratio = times["torchvision"]["ms"] / times["ours"]["ms"]
    per_image = {
        f"{name}_ms_per_image": float(f"{found['ms'] / batch:.4g}")
        for name, found in times.items()
    }
    setting = {"image_size": image_size, "batch": batch, "rounds": rounds}
    return {
        "benchmark": "augmentation",
        **setting,
        "ratio": float(f"{ratio:.3g}"),
        **per_image,
        **times,
    }


def augment_by_ours(images: np.ndarray) -> Callable[[], Any]:
    """Ours over a batch; it returns when the device has finished."""
    change = jax.jit(jax.vmap(partial(augment, **RADIOGRAPH)))
    processor = jax.devices("cpu")[0]  # as torchvision's, also where there is a GPU
    given = jax.device_put(images[:, None], processor)
    keys = jax.random.split(jax.random.key(0), len(images))
    keys = jax.device_put(keys, processor)
    return lambda: jax.block_until_ready(change(keys, given))


def augment_by_torchvision(images: np.ndarray) -> Callable[[], Any]:
    """torchvision's nearest equivalent over a batch, image by image."""
    import torch

    import_torchvision()
    from torchvision.transforms import v2

    bilinear, often = v2.InterpolationMode.BILINEAR, RADIOGRAPH["probability"]
    affine = v2.RandomAffine(
        RADIOGRAPH["rotation_degrees"],
        scale=(1, RADIOGRAPH["zoom"]),
        interpolation=bilinear,
    )
    light = v2.ColorJitter(RADIOGRAPH["brightness"], RADIOGRAPH["contrast"])
    change = v2.Compose(
        [
            v2.RandomHorizontalFlip(RADIOGRAPH["flip_probability"]),
            v2.RandomApply([affine], p=often),
            v2.RandomPerspective(RADIOGRAPH["warp"], p=often, interpolation=bilinear),
            v2.RandomApply([light], p=often),
        ]
    )
    torch.manual_seed(0)
    given = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    return lambda: [change(image) for image in given]


if __name__ == "__main__":
    flags.DEFINE_multi_integer("image_size", [224, 512], "pixels, may be repeated")
    flags.DEFINE_integer("batch", 16, "images", lower_bound=1)
    flags.DEFINE_integer("rounds", 7, "rounds measured", lower_bound=3)
    flags.DEFINE_string("out", None, "file to which the JSON lines are added")
    app.run(main)
