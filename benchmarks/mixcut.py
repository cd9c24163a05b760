"""How fast and how good Puzzle Mix and MixCut are, against the published algorithm.

python -m benchmarks.mixcut --out=benchmarks/results/mixcut_cpu.jsonl

The rival is `puzzlemix_published`: alpha-beta swap by gco-wrapper, a call for each
pair, transport by rounds on dense costs, dense products with the pixels.

check    The rival against inputs and outputs of the original code (`--vectors=FILE`).
steps    Pairs of samples, each grid: costs, mask, plan, the last two together, pixels
         and the sum. `ratio` is the rival's time to ours; pixels are also compared with
         plain Mixup in the same layout (`times_mixup`) and with a dense product that is
         not expanded (`product`). The sum holds all that the published code does from
         saliency map to mixed images.
quality  Energies of both masks above the proved bound, relative to it; share of the
         exact assignment's gain that both plans reach, by scipy's assignment.
compile  Seconds to trace and compile, and the memory of the compiled code (MB): what it
         holds for itself, and its results.
train    The whole train step with MixCut to the plain one: both stages, saliency at all
         pixels and at `--saliency_size`; MixCut alone as a share of the plain step.
ranks    Spearman's correlation of the block saliency at reduced resolution with the
         full one; of synthetic patients, or of those in `--cohort`, with random
         weights or with `--weights`.

Images are smooth fields with fine noise, saliency is noise under a smooth field, from
flat to peaked (the largest of 256 blocks 2 to 90 times the mean), lambda is uniform. On
a shared machine set OMP_WAIT_POLICY=passive, or torch's waiting threads take the
processor from ours. On a GPU; `--norival` where gco-wrapper is absent:

python -m benchmarks.mixcut --norival --part=steps --part=compile --part=train \\
    --encoder=resnet50 --batch=64 --steps=10 --precision=float32 --precision=bfloat16 \\
    --out=benchmarks/results/mixcut_gpu.jsonl
"""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # torch needs some too

import jax
import jax.numpy as jnp
from absl import app, flags, logging

from benchmarks.mixcut_problems import Problems, draw_problems, price, round_all
from benchmarks.mixcut_quality import check_published, measure_masks, measure_plans
from benchmarks.mixcut_steps import puzzle_options, time_steps
from benchmarks.mixcut_train import correlate_saliency, measure_training
from benchmarks.record import describe_machine, keep
from negspa_jax import mixcut
from negspa_jax.models import ENCODERS

Row = dict[str, Any]
PARTS = ["steps", "quality", "compile", "train", "ranks"]
_PART = flags.DEFINE_multi_enum("part", PARTS, ["check", *PARTS], "which")
_GRID = flags.DEFINE_multi_integer("grid", [2, 4, 8, 16], "blocks along a side")
_PAIRS = flags.DEFINE_integer("pairs", 64, "samples mixed at a time", lower_bound=2)
_SIZE = flags.DEFINE_integer("image_size", 224, "pixels", lower_bound=32)
_INPUTS = flags.DEFINE_integer("inputs", 3, "sequences", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 7, "rounds measured", lower_bound=1)
_SLOW_ROUNDS = flags.DEFINE_integer("slow_rounds", 3, "of pixels and sum")
_RIVAL = flags.DEFINE_boolean("rival", True, "whether steps measure the rival too")
_VECTORS = flags.DEFINE_string("vectors", None, "puzzlemix_reference.npz, for check")
_ENCODER = flags.DEFINE_enum("encoder", "resnet18", list(ENCODERS), "train, ranks")
_BATCH = flags.DEFINE_integer("batch", 4, "samples of a train step", lower_bound=2)
_STEPS = flags.DEFINE_integer("steps", 4, "train steps in a round", lower_bound=1)
_PRECISION = flags.DEFINE_multi_enum(
    "precision", ["float32"], ["float32", "bfloat16"], "of the train step"
)
_SALIENCY = flags.DEFINE_multi_integer(
    "saliency_size", [112], "pixels, of the reduced saliency; may be repeated"
)
_WEIGHTS = flags.DEFINE_string("weights", None, "file of ImageNet weights, for ranks")
_COHORT = flags.DEFINE_string("cohort", None, "table of patients, for ranks")
_SEQUENCES = flags.DEFINE_list("sequences", ["t1w", "t2w", "fs"], "of that table")
_OUT = flags.DEFINE_string("out", None, "file to which the JSON lines are added")
PACKAGES = ("jax", "flax", "numpy", "scipy", "torch")


def main(_: list[str]) -> None:
    """Measure all parts; one JSON line for each and for each grid."""
    logging.set_verbosity(logging.WARNING)
    machine = describe_machine(PACKAGES)
    for part in _PART.value:
        load = round(os.getloadavg()[0], 2)
        for row in _MEASURES[part]():
            keep(
                {"benchmark": part, **row, "load_average": load, **machine}, _OUT.value
            )


def measure_steps() -> Iterator[Row]:
    """Times of every step and of the sum, ours and the published way's."""
    problems = _draw()
    for n in _GRID.value:
        slow_rounds = _SLOW_ROUNDS.value if _RIVAL.value else 0
        found = time_steps(problems, n, rounds=_ROUNDS.value, slow_rounds=slow_rounds)
        yield {**_setting(n), **found}


def measure_quality() -> Iterator[Row]:
    """How far the masks and plans are from the best ones."""
    problems = _draw()
    for n in _GRID.value:
        costs, blocks = price(problems, n)
        masks = measure_masks(costs, problems.lam)
        plans = measure_plans(costs, blocks, problems)
        yield {**_setting(n), "mask": masks, "plan": plans}


def measure_compilation() -> Iterator[Row]:
    """Seconds and memory of every variant: one grid each, and all in one function."""
    images, saliency, *_ = map(jnp.asarray, _draw())
    labels = jax.nn.one_hot(jnp.arange(len(images)) % 2, 2)
    variants = {f"puzzlemix_{n}": puzzle_options(n) for n in _GRID.value}
    variants |= {name: mixcut.PRESETS[name] for name in ("supplement", "mixup")}
    found = {}
    for name, options in variants.items():
        mix = jax.jit(mixcut.mixcut, static_argnames="options")
        start = time.perf_counter()
        given = (jax.random.key(0), images, labels, saliency)
        compiled = mix.lower(*given, options=options).compile()
        seconds = time.perf_counter() - start
        memory: Any = compiled.memory_analysis()
        sizes = {"own_mb": memory.temp_size_in_bytes}
        sizes |= {"results_mb": memory.output_size_in_bytes}
        in_mb = {key: size / 2**20 for key, size in sizes.items()}
        found[name] = round_all({"seconds": seconds, **in_mb})
    yield {**_setting(), "images_mb": round(images.nbytes / 2**20, 1), **found}


def _draw() -> Problems:
    return draw_problems(_PAIRS.value, inputs=_INPUTS.value, size=_SIZE.value)


def _setting(n: int | None = None) -> Row:
    sizes = {"pairs": _PAIRS.value, "inputs": _INPUTS.value, "image_size": _SIZE.value}
    return sizes if n is None else {"num_blocks": n, **sizes}


def _measure_training() -> Iterator[Row]:
    for precision in _PRECISION.value:
        yield from measure_training(
            _ENCODER.value,
            batch=_BATCH.value,
            inputs=_INPUTS.value,
            image_size=_SIZE.value,
            precision=precision,
            saliency_sizes=_SALIENCY.value,
            grids=_GRID.value,
            steps=_STEPS.value,
            rounds=_ROUNDS.value,
        )


_MEASURES: dict[str, Callable[[], Iterator[Row]]] = {
    "check": lambda: check_published(_VECTORS.value),
    "steps": measure_steps,
    "quality": measure_quality,
    "compile": measure_compilation,
    "train": _measure_training,
    "ranks": lambda: correlate_saliency(
        _ENCODER.value,
        weights=_WEIGHTS.value,
        cohort=_COHORT.value,
        sequences=_SEQUENCES.value,
        image_size=_SIZE.value,
        sizes=_SALIENCY.value,
        grids=_GRID.value,
    ),
}


if __name__ == "__main__":
    app.run(main)
