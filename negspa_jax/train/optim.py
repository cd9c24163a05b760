"""The course of the rate (SGDR, one cycle), Adam, and what is frozen.

Reference: Loshchilov and Hutter, SGDR, ICLR 2017, Equation 5; Smith and Topin,
Super-convergence, 2018; Kingma and Ba, Adam, ICLR 2015; supplement of doi
10.21037/qims-24-729, Appendix 2; fastai 2, `fit_one_cycle`.
"""

import math
from typing import Any

import jax
import optax
from flax.traverse_util import flatten_dict, unflatten_dict

from negspa_jax.models import DEPTHS, find_depth

Variables = dict[str, Any]


def annealed_rate(
    epoch: float,
    *,
    learning_rate: float,
    restart_epochs: int = 30,
    restart_factor: int = 2,
    minimum_rate: float = 0.0,
) -> float:
    """Return the learning rate at an epoch.

    eta = eta_min + (eta_max - eta_min) (1 + cos(pi T_cur / T_i)) / 2, where the i-th
    period lasts T_i = T_0 T_mult^i epochs and T_cur is the time since its start
    (SGDR, Equation 5; equal to torch's `CosineAnnealingWarmRestarts`).

    Args:
        epoch: from 0; with a fraction when the rate changes at every step.
        learning_rate: eta_max.
        restart_epochs: T_0.
        restart_factor: T_mult.
        minimum_rate: eta_min.
    """
    since, period = epoch, restart_epochs
    while since >= period:
        since -= period
        period *= restart_factor
    cosine = math.cos(math.pi * since / period)
    return minimum_rate + (learning_rate - minimum_rate) * (1 + cosine) / 2


def one_cycle_rate(
    epoch: float,
    *,
    epochs: int,
    learning_rate: float,
    rising_share: float = 0.25,
    start_division: float = 25.0,
    end_division: float = 1e5,
) -> float:
    """Return the learning rate at an epoch of a stage that is one cycle.

    With the position t = epoch / epochs, s = rising_share and the peak eta

        t < s:  from eta / start_division, at t = 0, up to eta, at t = s,
        else:   from eta down to eta / end_division, at t = 1,

    each along half a cosine. The stage's last step begins before t = 1, as in fastai's
    `fit_one_cycle`; torch's `OneCycleLR`, with the same two arcs, has its last step at
    the end and its peak one step earlier. fastai moves Adam's beta1 against the rate
    (.95, .85, .95); here it stays.

    Args:
        epoch: from 0; with a fraction when the rate changes at every step.
        epochs: of the stage.
        learning_rate: the peak.
        rising_share: of the stage, before the peak.
        start_division: of the peak, at the start.
        end_division: of the peak, at the end.
    """
    position = epoch / epochs
    if position < rising_share:
        start, end = learning_rate / start_division, learning_rate
        along = position / rising_share
    else:
        start, end = learning_rate, learning_rate / end_division
        along = (position - rising_share) / (1 - rising_share)
    return start + (end - start) * (1 - math.cos(math.pi * along)) / 2


def make_adam(
    *,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decay: str = "decoupled",
    decay_all: bool = True,
) -> optax.GradientTransformation:
    """Return Adam's direction; the step multiplies it by minus the rate.

    The rate is left out because it changes from epoch to epoch, and a compiled step
    takes it as an argument. Weight decay acts only on parameters that are given to
    the optimizer: a frozen one never is.

    Args:
        beta1: decay of the first moment.
        beta2: decay of the second moment.
        eps: added to the root of the second moment.
        weight_decay: share of a parameter that is added.
        decay: to what it is added. "decoupled": to the direction (AdamW); "l2": to the
            gradient, before the moments (the penalty of torch's Adam).
        decay_all: False spares biases and the parameters of batch normalization
            (fastai's `wd_bn_bias`).
    """
    adam = optax.scale_by_adam(b1=beta1, b2=beta2, eps=eps)
    decayed = optax.identity()
    if weight_decay:
        mask = None if decay_all else _is_kernel
        decayed = optax.add_decayed_weights(weight_decay, mask)
    return optax.chain(*((decayed, adam) if decay == "l2" else (adam, decayed)))


def _is_kernel(params: Any) -> Any:
    # Biases, scales and offsets are vectors, and nothing else is.
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def share_rate(params: Variables, *, stem_rate: float) -> Variables:
    """Return for each parameter the share of the rate that it moves at.

    From stem_rate, in the encoders' first part, to 1, in the head, in geometric steps
    (fastai's `even_mults`). A decoupled weight decay has the same share, as in torch.

    Args:
        params: of `MultiEncoder`, or a part of them.
        stem_rate: in (0, 1].
    """
    shares = {
        path: stem_rate ** (1 - find_depth(path) / (DEPTHS - 1))
        for path in flatten_dict(params)
    }
    return unflatten_dict(shares)


def split_frozen(variables: Variables, *, frozen: str) -> tuple[Variables, Variables]:
    """Split a model's variables into (trainable, frozen).

    What is frozen is in the hands of neither the optimizer nor BatchNorm.

    Args:
        variables: {"params": {module: ...}, "batch_stats": {module: ...}}, where the
            modules are "encoders_0", "encoders_1", ..., "head".
        frozen: "none"; "encoders": their parameters and batch statistics; or
            "convolutions": the encoders' parameters but those of batch normalization
            (fastai's `train_bn`).
    """

    def part(keep_frozen: bool) -> Variables:
        return {
            collection: unflatten_dict(
                {
                    path: leaf
                    for path, leaf in flatten_dict(tree).items()
                    if _is_frozen(path, frozen) == keep_frozen
                }
            )
            for collection, tree in variables.items()
        }

    return part(False), part(True)


def _is_frozen(path: tuple[str, ...], frozen: str) -> bool:
    if not path[0].startswith("encoders_"):
        return False
    return frozen == "encoders" or (frozen == "convolutions" and "conv" in path[-2])


def join_variables(trainable: Variables, frozen: Variables) -> Variables:
    """Undo `split_frozen`."""
    return {
        name: unflatten_dict(flatten_dict(trainable[name]) | flatten_dict(frozen[name]))
        for name in trainable
    }
