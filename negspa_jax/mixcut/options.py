"""How a batch is mixed: one frozen record, and the presets by name.

Every combination is allowed that states a mixing; what contradicts itself is refused
when the record is made. The defaults are the paper's supplement.

Reference: supplement of doi 10.21037/qims-24-729, Appendix 2; Kim, Choo, Song,
Puzzle Mix, ICML 2020; Yun et al., CutMix, ICCV 2019; DeVries and Taylor, Cutout, 2017;
fastai 2.8, callback.mixup, for `dominant`.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

_WORDS = {
    "partner": ("any", "derangement", "other_class"),
    "draw": ("sample", "batch"),
    "local": ("box", "paste", "global", "soft", "off"),
    "box": ("own", "tied"),
    "local_partner": ("same", "fresh"),
    "label": ("keep", "visible", "scaled", "background", "asmixcut"),
}
_SWITCHES = ("dominant", "puzzle", "transport", "cutout")


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a batch is mixed; hashable, so that it can be a static argument of a jit.

    Attributes:
        partner: "any" is a random permutation, whose fixed points are allowed;
            "derangement" a random cycle, which has none; "other_class" a random
            sample of another class (one without any is its own partner).
        draw: of lambdas, box, hole and angle: for each "sample", or once a "batch".
        alpha: above 0, of every lambda ~ Beta(alpha, alpha).
        dominant: every lambda becomes max(lambda, 1 - lambda): the weight in a blend,
            the share around a box, and the share that a mask is asked for. So the
            sample itself is the larger part; for certain without Puzzle Mix, whose
            masks follow their share only as far as eta asks. With "mixup" and alpha
            0.4 this is fastai's MixUp.
        puzzle: step 1, Puzzle Mix; needs a saliency map.
        num_blocks: the grid sizes n, one of which is drawn for a batch; those that
            do not divide height and width are left out.
        num_labels: L, number of values of the mask, 0, 1/(L-1), ..., 1.
        beta: not negative, weight of neighbours with different labels.
        gamma: in [0, 1], weight of the pixels along the blocks' borders.
        eta: not negative, weight of the prior that asks for the share lambda.
        neigh_size: pixels, largest side of the cells that stand for a border.
        transport: move the salient blocks to where the mask shows them.
        t_eps: not negative, cost of moving a block over the whole image.
        local: step 2. "box" blends with the partner inside a random box (local
            Mixup), "paste" puts the partner there (CutMix), "global" blends the
            whole image, "soft" blends the mask with its complement, "off".
        box: the box's area is 1 - lambda with a lambda of its "own", or with the
            blend's ("tied").
        local_partner: the "same" as in step 1, or a "fresh" one.
        cutout: step 3, a rotated square hole.
        hole_size: pixels, side of the hole.
        hole_degrees: in [0, 360], the angle is uniform in [0, hole_degrees).
        label: what the hole does to the label. "keep" nothing; "visible" counts the
            visible pixels only; "scaled" multiplies the label by their share;
            "background" gives the hidden share to class 0. "asmixcut" is 1 - A lambda
            of the authors' public code, for a box of area share A.
    """

    partner: str = "any"
    draw: str = "sample"
    alpha: float = 1.0
    dominant: bool = False
    puzzle: bool = True
    num_blocks: tuple[int, ...] = (2, 4, 8, 16)
    num_labels: int = 3
    beta: float = 1.2
    gamma: float = 0.5
    eta: float = 0.2
    neigh_size: int = 4
    transport: bool = True
    t_eps: float = 0.8
    local: str = "box"
    box: str = "own"
    local_partner: str = "same"
    cutout: bool = True
    hole_size: int = 32
    hole_degrees: float = 180.0
    label: str = "keep"

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise ValueError(problem)

    @property
    def pairs_samples(self) -> bool:
        """Whether pixels of another sample are mixed in: step 1 or step 2 is on."""
        return self.puzzle or self.local != "off"

    def _problems(self) -> Iterator[str]:
        for name, words in _WORDS.items():
            if getattr(self, name) not in words:
                yield _sentence(name, " | ".join(words), getattr(self, name))
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool):
                yield _sentence(name, "True | False", getattr(self, name))
        for name, (low, high) in _RANGES.items():
            value, whole = getattr(self, name), isinstance(getattr(Options, name), int)
            kind = int if whole else (int, float)
            if not isinstance(value, kind) or not low <= value <= high:
                must = f"{'a whole number ' if whole else ''}in [{low:g}, {high:g}]"
                yield _sentence(name, must, value)
        sizes = self.num_blocks
        numbers = isinstance(sizes, tuple) and all(isinstance(n, int) for n in sizes)
        if not numbers or min(sizes, default=0) < 2:
            must = "a tuple of whole numbers, each at least 2"
            yield _sentence("num_blocks", must, sizes)
        alone = self.local == "box" and not (self.puzzle or self.cutout)
        if self.label == "asmixcut" and not alone:
            must = "another rule where puzzle or cutout is on or local is not 'box'"
            yield _sentence("label", must, self.label)


_RANGES: dict[str, tuple[float, float]] = {
    "alpha": (1e-3, 1e3),
    "num_labels": (2, 64),
    "beta": (0, 1e3),
    "gamma": (0, 1),
    "eta": (0, 1e3),
    "neigh_size": (1, 1024),
    "t_eps": (0, 1e3),
    "hole_size": (1, 65536),
    "hole_degrees": (0, 360),
}


def _sentence(name: str, must: str, got: Any) -> str:
    return f"{name} must be {must}, got {got!r}"


_ALONE: dict[str, Any] = {"puzzle": False, "local": "off", "cutout": False}

PRESETS: Mapping[str, Options] = MappingProxyType(
    {
        "supplement": Options(),
        # MedImgPro/ASMixCut, 2023: one box, whose lambda blends too, for a batch.
        "asmixcut": Options(
            **{**_ALONE, "local": "box", "box": "tied", "draw": "batch"},
            label="asmixcut",
        ),
        "puzzlemix": Options(**{**_ALONE, "puzzle": True}),
        "mixup": Options(**{**_ALONE, "local": "global"}),
        "cutmix": Options(**{**_ALONE, "local": "paste"}),
        "cutout": Options(**{**_ALONE, "cutout": True}),
        "none": Options(**_ALONE),
    }
)


def find_options(preset: str, **changes: Any) -> Options:
    """Return a preset's options, some of them changed.

    Args:
        preset: a key of `PRESETS`.
        **changes: attributes of `Options`.

    Raises:
        ValueError: no such preset, or a value out of its range.

    Example:
        >>> find_options("cutmix", alpha=0.5).local
        'paste'
    """
    if preset not in PRESETS:
        raise ValueError(_sentence("preset", " | ".join(PRESETS), preset))
    return dataclasses.replace(PRESETS[preset], **changes)
