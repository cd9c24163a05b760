"""What MixCut costs in a train step, and what reduced saliency is worth."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import spearmanr

from benchmarks.mixcut_problems import round_all, time_candidates
from benchmarks.step_loop import loop_step
from negspa_jax import mixcut
from negspa_jax.config import Config, Encoder, Mixing
from negspa_jax.models.pretrained import load_encoder_weights
from negspa_jax.train.network import Network, build_network, first_variables
from negspa_jax.train.optim import Variables
from negspa_jax.train.saliency import make_saliency

NUM_PATIENTS = 8  # synthetic ones, of the ranks


def measure_training(
    encoder: str,
    *,
    batch: int,
    inputs: int,
    image_size: int,
    precision: str,
    saliency_sizes: Sequence[int],
    grids: Sequence[int],
    steps: int,
    rounds: int,
) -> Iterator[dict[str, Any]]:
    """Times of both stages' steps with and without MixCut; one row a stage.

    Args:
        encoder: a key of `ENCODERS`.
        batch: samples of a step.
        inputs: sequences.
        image_size: pixels.
        precision: "float32" or "bfloat16".
        saliency_sizes: pixels, beside the images' own.
        grids: of MixCut alone; the whole step draws its grid as a run does.
        steps: in a round, all candidates draw the same grids in them.
        rounds: measured.
    """
    shape = (batch, inputs, image_size, image_size, 3)
    images = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    given = images, np.eye(2, dtype=np.float32)[np.arange(batch) % 2]
    alone = _mix_alone(*given, grids)
    setting = {"encoder": encoder, "precision": precision, "image_size": image_size}
    setting |= {"batch": batch, "inputs": inputs, "steps": steps}
    start, networks = _build(encoder, inputs, precision, saliency_sizes)
    for stage, frozen in ((1, "encoders"), (2, "none")):
        # The network is the same in all; only what is drawn and mixed differs.
        network = networks["mixcut_full"]
        candidates = {name: net.train_steps for name, net in networks.items()}
        candidates["plain"] = network.plain_steps
        runs = {
            name: loop_step(
                of_stages[stage - 1],
                network,
                start,
                frozen=frozen,
                batch=given,
                steps=steps,
            )
            for name, of_stages in candidates.items()
        }
        times = time_candidates(runs | alone, rounds=rounds)
        plain = times["plain"]["ms"]
        ratios = {f"ratio_{name}": times[name]["ms"] / plain for name in networks}
        shares = {f"share_{name}": times[name]["ms"] * steps / plain for name in alone}
        yield {"stage": stage, **setting, **round_all(ratios | shares), **times}


def _build(
    encoder: str, inputs: int, precision: str, saliency_sizes: Sequence[int]
) -> tuple[Variables, dict[str, Network]]:
    networks = {}
    for size in (0, *saliency_sizes):
        config = Config(
            encoder=Encoder(name=encoder, weights="none"),
            mixing=Mixing(preset="supplement", saliency_size=size),
            precision=precision,
        )
        model, network = build_network(config, num_inputs=inputs)
        networks[f"mixcut_{size or 'full'}"] = network
    return first_variables(model, config, None, fold=0), networks


def _mix_alone(
    images: np.ndarray, labels: np.ndarray, grids: Sequence[int]
) -> dict[str, Callable[[], Any]]:
    # Saliency given: what the network itself costs is in the whole step.
    mix = jax.jit(mixcut.mixcut, static_argnames="options")
    saliency = np.random.default_rng(1).uniform(size=(len(images), *images.shape[2:4]))
    given = jax.device_put((images, labels, saliency.astype(np.float32)))
    key = jax.random.key(0)

    def run_on(n: int) -> Callable[[], Any]:
        options = mixcut.find_options("supplement", num_blocks=(n,))
        return lambda: mix(key, *given, options=options)

    return {f"mix_{n}": run_on(n) for n in grids}


def correlate_saliency(
    encoder: str,
    *,
    weights: str | None,
    cohort: str | None,
    sequences: Sequence[str],
    image_size: int,
    sizes: Sequence[int],
    grids: Sequence[int],
) -> Iterator[dict[str, Any]]:
    """Spearman's correlation of reduced with full block saliency; one row.

    Args:
        encoder: a key of `ENCODERS`.
        weights: file of ImageNet's; None for random ones. The head is random.
        cohort: table of patients; None for synthetic ones.
        sequences: the table's columns.
        image_size: pixels of the images.
        sizes: pixels, of the reduced saliency.
        grids: blocks along a side.
    """
    images = _read_images(cohort, sequences, image_size)
    labels = np.eye(2, dtype=np.float32)[np.arange(len(images)) % 2]
    config = Config(encoder=Encoder(name=encoder, weights="none"))
    model, _ = build_network(config, num_inputs=images.shape[1])
    loaded = load_encoder_weights(weights, encoder=encoder) if weights else None
    variables = first_variables(model, config, loaded, fold=0)
    full = _find_saliency(model, variables, images, labels, 0)
    spectral = np.asarray(jax.jit(mixcut.spectral_residual)(images))
    maps = {
        str(size): _find_saliency(model, variables, images, labels, size)
        for size in sizes
    }
    maps["spectral_residual"] = spectral
    yield {
        "encoder": encoder,
        "weights": Path(weights).name if weights else "random",
        "images": "phantom" if cohort is None else Path(cohort).name,
        "num_images": len(images),
        "image_size": image_size,
        **{
            f"spearman_{name}": {
                n: _correlate(full, found, n) for n in grids if found.shape[-1] % n == 0
            }
            for name, found in maps.items()
        },
    }


def _read_images(
    cohort: str | None, sequences: Sequence[str], image_size: int
) -> np.ndarray:
    # Here, because the train step is measured where these rooms' packages are absent.
    from negspa_jax.data.cohort import read_cohort
    from negspa_jax.data.crops import crop_patient
    from negspa_jax.data.phantom import write_phantom

    with tempfile.TemporaryDirectory() as folder:
        if cohort is None:
            where = Path(folder) / "cohort"
            table = write_phantom(where, preset="paper", num_patients=NUM_PATIENTS)
            sequences = ("t1w", "t2w", "fs")
        else:
            table = Path(cohort)
        patients = read_cohort(table, sequences=sequences).patients
        crops = [
            crop_patient(patient, sequences=sequences, image_size=image_size)
            for patient in patients
        ]
    return np.concatenate([crop.images for crop in crops])


def _find_saliency(
    model: Any, variables: Variables, images: np.ndarray, labels: np.ndarray, size: int
) -> np.ndarray:
    # One image at a time: the gradient of a mean over a batch is the same but for a
    # factor, because the network uses its running statistics.
    find = jax.jit(make_saliency(model, method="gradient", size=size))
    pairs = zip(images, labels, strict=True)
    return np.concatenate([find(variables, x[None], y[None]) for x, y in pairs])


def _correlate(full: np.ndarray, reduced: np.ndarray, n: int) -> dict[str, float]:
    pool = jax.jit(mixcut.block_saliency, static_argnames="num_blocks")
    pair = [np.asarray(pool(jnp.asarray(s), num_blocks=n)) for s in (full, reduced)]
    ranks = [
        spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(*pair, strict=True)
    ]
    return round_all({"mean": float(np.mean(ranks)), "least": float(np.min(ranks))})
