"""Images/s of the tri-encoder train step, against the same network in PyTorch.

python -m benchmarks.train_step --encoder=resnet18 --encoder=resnet50 --batch=4

Both sides: torchvision's encoders, concatenation, average pooling, 512, ReLU, 2 logits,
cross-entropy, Adam. Stage 1 runs the encoders with running statistics and without
their gradients and trains the head; stage 2 trains all. An image is one input of one
sample. PyTorch is measured contiguous and channels_last, on a GPU also compiled; the
ratio is to its fastest. Rounds of all candidates alternate, because machines drift;
medians and interquartile ranges are over rounds. `cpu_ms` is the least processor time
of a step divided by the number of cores: what its wall time would be on an idle
machine with perfect threads; on a shared one it is the steadier of the two (run with
OMP_WAIT_POLICY=passive there, or PyTorch's waiting threads count as working). On a GPU
float32 means that both sides may use TF32; bfloat16 is autocast in PyTorch.

What bought what: least `cpu_ms` of 7 rounds taken in turns within one process, one
encoder, batch 4, 224 px, stage 2, two cores of a busy Xeon with AVX-512:

- 1x1 convolutions as matrix products: ResNet50 1,521 -> 1,072 (what XLA's convolution
  is slow at is their weight gradient).
- max-pooling by elementwise choices: ResNet18 378 -> 354 (the gradient of XLA's own
  windowed maximum is a scatter).
- all batch normalization together: ResNet18 386, without any 354. Variance without the
  reference that keeps it from cancelling 351, sums in two steps 355, as it is 354.

Not settled: XLA flags. Each was one process of its own at another load of the machine:
none 356, `--xla_cpu_prefer_vector_width=512` 362, fast math 399, oneDNN 407, YNNPACK
off 403. The drift between processes is as large, so no flag is recommended.

What is missing to PyTorch, as far as single convolutions show (GFLOP/s by processor
time for XLA, by least wall time for PyTorch): 3x3, 64 channels, forward and input
gradient 260 against 160 to 290, weight gradient 80 against 270. Nine matrix products,
im2col, row bands and exchanged axes gave no more than 85 for it.
"""

import os
import time
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # torch needs some too

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags, logging

from benchmarks.record import describe_machine, keep
from benchmarks.train_step_torch import RATE, Step, torch_steps
from negspa_jax.models import ENCODERS, MultiEncoder

_ENCODER = flags.DEFINE_multi_enum(
    "encoder", ["resnet18", "resnet50"], list(ENCODERS), "network, may be repeated"
)
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 224, "pixels", lower_bound=32)
_BATCH = flags.DEFINE_integer("batch", 4, "samples", lower_bound=2)
_INPUTS = flags.DEFINE_integer("inputs", 3, "encoders", lower_bound=1, upper_bound=3)
_PRECISION = flags.DEFINE_enum(
    "precision", "float32", ["float32", "bfloat16"], "computing type of the encoders"
)
_ROUNDS = flags.DEFINE_integer("rounds", 7, "rounds measured", lower_bound=3)
_STEPS = flags.DEFINE_integer("steps", 1, "steps in a round", lower_bound=1)
_OUT = flags.DEFINE_string("out", None, "file to which the JSON lines are added")


def main(_: list[str]) -> None:
    """Measure every encoder and both stages; one JSON line each."""
    logging.set_verbosity(logging.WARNING)
    machine = describe_machine(("jax", "flax", "torch", "torchvision"))
    for encoder in _ENCODER.value:
        load = round(os.getloadavg()[0], 2)
        rows = [measure_stage(encoder, stage) for stage in (1, 2)]
        for suffix, key in (("", "ms"), ("_cpu", "cpu_ms")):
            share = rows[0]["ours"][key] / rows[1]["ours"][key]
            rows[0][f"share_of_stage_2{suffix}"] = round(share, 3)
        for row in rows:
            keep({**row, "load_average": load, **machine}, _OUT.value)


def measure_stage(encoder: str, stage: int) -> dict[str, Any]:
    """Times of all candidates at one stage."""
    generator = np.random.default_rng(0)
    shape = (_BATCH.value, _INPUTS.value, _IMAGE_SIZE.value, _IMAGE_SIZE.value, 3)
    images = generator.uniform(size=shape).astype(np.float32)
    labels = generator.integers(0, 2, size=_BATCH.value)
    steps = {"ours": jax_step(encoder, stage, images, labels)}
    steps |= torch_steps(encoder, stage, images, labels, precision=_PRECISION.value)
    times = time_in_turns(steps)
    rivals = [times[name] for name in times if name != "ours"]
    ratios = {
        f"ratio{suffix}": round(min(r[key] for r in rivals) / times["ours"][key], 3)
        for suffix, key in (("", "ms"), ("_cpu", "cpu_ms"))
    }
    return {
        "encoder": encoder,
        "stage": stage,
        "batch": _BATCH.value,
        "inputs": _INPUTS.value,
        "image_size": _IMAGE_SIZE.value,
        "precision": _PRECISION.value,
        **ratios,
        **times,
    }


def time_in_turns(steps: dict[str, Step]) -> dict[str, dict[str, float]]:
    """Times of all candidates, which take turns."""
    for step in steps.values():  # compile and warm up
        for _ in range(3):
            step()
    spans: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for _ in range(_ROUNDS.value):
        for name, step in steps.items():
            wall, processor = time.perf_counter(), time.process_time()
            for _ in range(_STEPS.value):
                step()
            span = time.perf_counter() - wall, time.process_time() - processor
            spans[name].append(span)
    return {name: summarize(np.array(values)) for name, values in spans.items()}


def summarize(spans: np.ndarray) -> dict[str, float]:
    """Median, interquartile range, images/s at the median, least processor time."""
    seconds, processor = spans.T / _STEPS.value
    low, median, high = np.percentile(seconds, [25, 50, 75])
    cores = len(os.sched_getaffinity(0))
    return {
        "cpu_ms": round(processor.min() / cores * 1e3, 2),
        "ms": round(median * 1e3, 2),
        "iqr_ms": round((high - low) * 1e3, 2),
        "images_per_s": round(_BATCH.value * _INPUTS.value / median, 2),
    }


def jax_step(encoder: str, stage: int, images: np.ndarray, labels: np.ndarray) -> Step:
    """One step of ours; it returns when the device has finished."""
    dtype = jnp.bfloat16 if _PRECISION.value == "bfloat16" else None
    model = MultiEncoder(encoder=encoder, num_inputs=_INPUTS.value, dtype=dtype)
    batch = jax.device_put((images, labels))
    init = jax.jit(lambda key: model.init(key, batch[0], train=False))
    variables = init(jax.random.key(0))
    params, stats = variables["params"], variables["batch_stats"]
    encoders = {} if stage == 2 else {k: v for k, v in params.items() if k != "head"}
    trained = {name: params[name] for name in params if name not in encoders}
    optimizer = optax.adam(RATE)

    def loss_fn(trained, frozen, stats, images, labels):
        variables = {"params": frozen | trained, "batch_stats": stats}
        features, updates = model.apply(
            variables, images, train=stage == 2, method="encode", mutable="batch_stats"
        )
        logits = model.apply(variables, features, train=True, method="classify")
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return losses.mean(), updates.get("batch_stats", stats)

    def step(state, frozen, images, labels):
        trained, stats, moments = state
        gradient_fn = jax.value_and_grad(loss_fn, has_aux=True)
        (loss, stats), grads = gradient_fn(trained, frozen, stats, images, labels)
        updates, moments = optimizer.update(grads, moments)
        return (optax.apply_updates(trained, updates), stats, moments), loss

    compiled = jax.jit(step, donate_argnums=0)
    state = [(trained, stats, optimizer.init(trained))]

    def run() -> None:
        state[0], _ = compiled(state[0], encoders, *batch)
        jax.block_until_ready(state[0])

    return run


if __name__ == "__main__":
    app.run(main)
