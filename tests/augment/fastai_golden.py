"""What fastai makes of small images with given draws; writes `fastai_golden.json`.

No test runs it. In an environment of its own, which holds fastai 2.8.12 and torch, at
the root of the checkout:

python -m tests.augment.fastai_golden

Written on 2026-11-28 with fastai 2.8.12, torch 2.13.0, numpy 2.4.6 (Python 3.11). A
case names its image and the draws of `aug_transforms`' parts, which fastai composes in
its own order; what a case does not name is neutral. `view` is (row, column) in [0, 1],
`tilt` is fastai's (draw_y, draw_x) of the warp.
"""

import json
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).with_suffix(".json")
SHAPES = {"square": (9, 9), "rectangle": (12, 10)}
CASES = {
    "rotation": {"image": "square", "degrees": 10.0},
    "rotation back": {"image": "square", "degrees": -7.3},
    "rotation of a rectangle": {"image": "rectangle", "degrees": 10.0},
    "zoom": {"image": "rectangle", "zoom": 1.1, "view": [0.2, 0.9]},
    "large zoom": {"image": "square", "zoom": 2.7, "view": [1.0, 0.0]},
    "warp along the rows": {"image": "rectangle", "tilt": [0.2, 0.0]},
    "warp along the columns": {"image": "rectangle", "tilt": [0.0, -0.17]},
    "warp": {"image": "rectangle", "tilt": [-0.2, 0.13]},
    "strong warp": {"image": "square", "tilt": [0.3, 0.27]},
    "brightness": {"image": "rectangle", "brightness": 0.59},
    "contrast": {"image": "rectangle", "contrast": 0.8},
    "without rotation": {
        **{"image": "rectangle", "flip": True, "zoom": 1.07, "view": [0.7, 0.1]},
        **{"tilt": [0.11, -0.19], "brightness": 0.43, "contrast": 1.21},
    },
    "all": {
        **{"image": "square", "flip": True, "degrees": 8.1, "zoom": 1.09},
        **{"view": [0.35, 0.8], "tilt": [-0.14, 0.2]},
        **{"brightness": 0.57, "contrast": 1.17},
    },
}


def draw_images() -> dict[str, np.ndarray]:
    """Noise without any symmetry, with a black and a white pixel."""
    generator = np.random.default_rng(0)
    images = {name: generator.random(shape) for name, shape in SHAPES.items()}
    for image in images.values():
        image[3, 4], image[5, 2] = 0, 1
    return {name: image.round(4) for name, image in images.items()}


def augment_by_fastai(image: np.ndarray, case: dict) -> np.ndarray:
    """One image through fastai's composed transforms, every draw given."""
    import torch
    from fastai.vision import augment as fastai

    row, column = case.get("view", (0.5, 0.5))
    tilt_y, tilt_x = case.get("tilt", (0.0, 0.0))
    transforms = fastai.setup_aug_tfms(
        [
            fastai.Flip(p=1.0, draw=float(case.get("flip", False))),
            fastai.Warp(p=1.0, draw_x=tilt_x, draw_y=tilt_y),
            fastai.Rotate(p=1.0, draw=case.get("degrees", 0.0)),
            fastai.Zoom(p=1.0, draw=case.get("zoom", 1.0), draw_x=column, draw_y=row),
            fastai.Brightness(p=1.0, draw=case.get("brightness", 0.5)),
            fastai.Contrast(p=1.0, draw=case.get("contrast", 1.0)),
        ]
    )
    batch = fastai.TensorImage(torch.tensor(image, dtype=torch.float32)[None, None])
    for transform in transforms:
        batch = transform(batch, split_idx=0)
    return batch[0, 0].numpy()


def declare_operators() -> list:
    """Let fastai import torchvision beside a torch that it has no operators for."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    arguments = "Tensor dets, Tensor scores, float iou_threshold"
    for name in ("nms", "qnms"):
        library.define(f"{name}({arguments}) -> Tensor")
    return [library]


def main() -> None:
    """Write the images, the cases and what fastai makes of them."""
    declared = declare_operators()
    images = draw_images()
    cases = {
        name: case | {"expected": augment_by_fastai(images[case["image"]], case)}
        for name, case in CASES.items()
    }
    del declared
    text = json.dumps({"images": images, "cases": cases}, default=_to_lists)
    GOLDEN.write_text(text.replace("], [", "],\n[") + "\n")


def _to_lists(image: np.ndarray) -> list[list[float]]:
    return [[round(value, 7) for value in row] for row in image.tolist()]


if __name__ == "__main__":
    main()
