"""Draw what MixCut does to two images, step by step, as the paper's Figure S6 does.

python -m negspa_jax.mixcut --images a.png b.png --out=steps.png

The saliency is the spectral residual: no network is needed. Exit code 0: the picture is
there; 2: something must be mended first, and was said.
"""

import math
import os
import sys
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from negspa_jax import mixcut
from negspa_jax.mixcut.layout import over_pixels

# Colours of lines.
GRID, MOVED, BOX, HOLE = "#6c7ae070", "#ff6b6b", "#ffd43b", "#4dd0e1"


class Steps(NamedTuple):
    """What is drawn; the first axis is the image where there are two."""

    saliency: Any  # 2 h w, largest 1
    transported: Any  # 2 h w c
    weights: Any  # 2 h w, after step 1
    puzzle: Any  # h w c, the result of step 1
    local: Any  # h w c, the result of step 2
    mixed: mixcut.Mixed


def main(arguments: list[str]) -> int:
    """Write the picture; 0, or 2 and a sentence on stderr."""
    values = _define()
    if {"-h", "--help", "--helpfull"} & set(arguments):
        print(__doc__, *_explain(values), sep="\n")
        return 0
    try:
        words = values(["mixcut", *arguments])[1:]
        paths, out = _find_paths(values, words)
        import_module("matplotlib.figure")  # a sentence before the work, not after it
        images = np.stack([read_image(path, values.size) for path in paths])
        options = mixcut.Options(
            partner="derangement",
            num_blocks=(_check_grid(values.num_blocks, values.size),),
            t_eps=values.t_eps,
            hole_size=values.hole_size,
        )
        key = jax.random.key(values.seed)
        steps = jax.device_get(find_steps(key, images, options=options))
        draw_steps(images, steps, out)
    except flags.Error as error:
        print(f"mixcut: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        remedy = 'pip install "negspa_jax[picture]" (or: pip install matplotlib)'
        print(f"mixcut: {error.name} must be installed: {remedy}", file=sys.stderr)
        return 2
    except (ValueError, OSError) as error:
        print(f"mixcut: {error}", file=sys.stderr)
        return 2
    first, second = steps.mixed.labels[0]
    print(f"{out}: first {first:.2f}, second {second:.2f}")
    return 0


def _define() -> flags.FlagValues:
    values = flags.FlagValues()
    values.set_gnu_getopt(True)  # flags may follow the second image
    flags.DEFINE_string(
        "images", None, "two files: a.png b.png, or a.png,b.png", values
    )
    flags.DEFINE_string("out", None, "the picture to write", values)
    meaning = "not negative, cost of moving a block over the whole image"
    flags.DEFINE_float("t_eps", 0.8, meaning, lower_bound=0, flag_values=values)
    for name, default, least, meaning in (
        ("seed", 0, 0, "of all that is drawn at random"),
        ("num_blocks", 8, 2, "blocks along each side of Puzzle Mix's grid"),
        ("size", 224, 32, "pixels; images of another size are resized to its square"),
        ("hole_size", 32, 1, "pixels, side of the hole"),
    ):
        flags.DEFINE_integer(
            name, default, meaning, lower_bound=least, flag_values=values
        )
    return values


def _explain(values: flags.FlagValues) -> list[str]:
    found = [values[name] for name in values if name not in ("flagfile", "undefok")]
    return [f"  --{flag.name}={flag.default}: {flag.help}" for flag in found]


def _find_paths(values: Any, words: list[str]) -> tuple[list[Path], Path]:
    missing = [f"--{name}" for name in ("images", "out") if not values[name].value]
    if missing:
        raise ValueError(f"{' and '.join(missing)} must be given, see --help")
    names = [values.images, *words] if words else values.images.split(",")
    if len(names) != 2:
        raise ValueError(f"--images must be two files, got {len(names)}: {names}")
    # A shell leaves the ~ of --flag=~/file to the program.
    *paths, out = (Path(os.path.expanduser(name)) for name in (*names, values.out))
    if paths[0].resolve() == paths[1].resolve():
        raise ValueError(f"--images must be two different files, got {paths[0]} twice")
    if not out.parent.is_dir():
        raise ValueError(f"--out must be in a folder that exists, got {out}")
    if out.suffix.lower() != ".png":
        raise ValueError(f"--out must end in .png, got {out}")
    return paths, out


def _check_grid(num_blocks: int, size: int) -> int:
    if size % num_blocks:
        raise ValueError(
            f"--num_blocks must divide --size={size}, got {num_blocks}: choose another"
        )
    return num_blocks


def read_image(path: Path, size: int) -> np.ndarray:
    """Return an image as size x size x 3 in [0, 1].

    Grey of more than 8 bits is stretched to its own range, because medical images
    rarely use all of it. A note says when an image had to be resized.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            is_deep = image.mode.startswith(("I", "F"))
            pixels: Any = np.asarray(image.convert("F" if is_deep else "RGB"), "f4")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} must be a readable image, got: {error}") from None
    low, high = (pixels.min(), pixels.max()) if is_deep else (0, 255)
    pixels = (pixels - low) / max(high - low, 1e-6)
    pixels = np.repeat(pixels[..., None], 3, 2) if pixels.ndim == 2 else pixels
    height, width = pixels.shape[:2]
    if (height, width) == (size, size):
        return pixels
    print(f"{path}: resized from {width} x {height} to {size} x {size} pixels")
    resized = (
        Image.fromarray(pixels[..., c]).resize((size, size), Image.Resampling.BILINEAR)
        for c in range(3)
    )
    return np.stack([np.asarray(channel) for channel in resized], axis=2)


@partial(jax.jit, static_argnames="options")
def find_steps(key: jax.Array, images: jax.Array, *, options: mixcut.Options) -> Steps:
    """Mix the first of two images with the second, on one grid; keep every step."""
    (n,) = options.num_blocks
    saliency = mixcut.spectral_residual(images)
    mixed = mixcut.mixcut(key, images, jnp.eye(2), saliency, options=options)
    plan = mixed.plan
    sources = plan.puzzle.sources_first[0], plan.puzzle.sources_second[0]
    transported = mixcut.transport_blocks(images, jnp.stack(sources), num_blocks=n)
    height, width = (side // n for side in images.shape[1:3])
    mask = over_pixels(plan.puzzle.masks[:1], height=height, width=width)
    puzzle = mixcut.mix_pixels(transported[:1], transported[1:], mask)
    box, blend = plan.boxes[:1], plan.blend[:1]
    return Steps(
        saliency / saliency.max((1, 2), keepdims=True),
        transported,
        jnp.concatenate([mask, 1 - mask]),
        puzzle[0],
        mixcut.local_mixup(puzzle, images[1:], box, blend)[0],
        mixed,
    )


def draw_steps(images: np.ndarray, steps: Steps, out: Path) -> None:
    """Write the picture: the two images' ways above each other, then what they give."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 5.6))
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
    FigureCanvasAgg(figure)
    axes, plan = figure.subplots(2, 6), steps.mixed.plan
    all_sources = plan.puzzle.sources_first[0], plan.puzzle.sources_second[0]
    for row, (name, sources) in enumerate(
        zip(("First", "Second"), all_sources, strict=True)
    ):
        moved = np.flatnonzero(sources != np.arange(len(sources)))
        _show(axes[row, 0], images[row], f"{name} image")
        _show(axes[row, 1], steps.saliency[row], "Saliency", cmap="magma")
        title = f"Mask: weight of the {name.lower()}"
        _show(axes[row, 2], steps.weights[row], title, cmap="gray")
        title = f"Transport: {len(moved)} of {len(sources)} moved"
        _show(axes[row, 3], steps.transported[row], title)
        _draw_blocks(axes[row, 2], range(len(sources)), len(sources), GRID, 0.8)
        _draw_blocks(axes[row, 3], moved, len(sources), MOVED, 1.6)
    first, second = steps.mixed.labels[0]
    _show(axes[0, 4], steps.puzzle, f"1  Puzzle Mix, λ = {plan.puzzle.lam[0]:.2f}")
    _show(axes[0, 5], steps.local, f"2  Local Mixup, λ = {plan.blend[0]:.2f}")
    _draw_box(axes[0, 5], plan.boxes[0], BOX, 2)
    _show(axes[1, 4], steps.local, "3  Rotated Cutout")
    if plan.hidden[0].any():
        axes[1, 4].contour(plan.hidden[0], levels=[0.5], colors=HOLE, linewidths=2)
    title = f"Label: first {first:.2f}, second {second:.2f}"
    _show(axes[1, 5], steps.mixed.images[0], title)
    figure.savefig(out, dpi=120)


def _show(axis: Any, panel: Any, title: str, cmap: str | None = None) -> None:
    axis.imshow(panel, cmap=cmap, vmin=0, vmax=1, interpolation="nearest")
    axis.set_title(title, fontsize=11)
    axis.set_xticks([])
    axis.set_yticks([])


def _draw_blocks(
    axis: Any, places: Iterable[int], count: int, colour: str, linewidth: float
) -> None:
    n = math.isqrt(count)
    height, width = (side // n for side in axis.images[0].get_array().shape[:2])
    for row, column in (divmod(place, n) for place in places):
        top, left = row * height, column * width
        _draw_box(axis, (top, top + height, left, left + width), colour, linewidth)


def _draw_box(axis: Any, box: Any, colour: str, linewidth: float) -> None:
    from matplotlib.patches import Rectangle

    top, bottom, left, right = box
    shape = (left - 0.5, top - 0.5), right - left, bottom - top
    axis.add_patch(Rectangle(*shape, fill=False, color=colour, linewidth=linewidth))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
