"""The energy whose minimum is the mask of Puzzle Mix.

    E(m) = sum_i [m_i A_i + (1 - m_i) B_i] + sum_edges w_ij (m_i - m_j)^2
           + eta / (p q) sum_i P(m_i)

over the blocks of a grid p x q, where the mask weight m_i of the first image takes the
values k/(L-1), A and B price the two images, w makes neighbours agree, and P is the
negative logarithm of a binomial whose mean is the share lambda asked for.

Reference: Kim, Choo, Song, Puzzle Mix, ICML 2020, Equations 3 to 5; supplement of doi
10.21037/qims-24-729, Equation 1.
"""

import math

import jax.numpy as jnp

from negspa_jax.mixcut.costs import Costs
from negspa_jax.shapes import Array, Float

# The prior alone reads lambda inside these bounds, where its logarithm is finite.
SMALLEST_LAM = 1e-4


def mask_energy(
    masks: Float[Array, "b p q"],
    costs: Costs,
    lam: float | Float[Array, ""] | Float[Array, " b"],
    *,
    num_labels: int = 3,
    eta: float = 0.2,
) -> Float[Array, " b"]:
    """Return E(m), the energy of the module's docstring, for each pair.

    Args:
        masks: weight of the first image in each block, k / (num_labels - 1).
        costs: of the blocks.
        lam: in [0, 1], the share of the first image that is asked for; a scalar or
            one for each pair.
        num_labels: L.
        eta: weight of the prior.

    Example:
        >>> import jax.numpy as jnp
        >>> costs = Costs(*(jnp.ones(s) for s in [(1, 2, 2)] * 2 + [(1, 1, 2)] * 2))
        >>> float(mask_energy(jnp.ones((1, 2, 2)), costs, 1.0)[0].round(3))
        4.0
    """
    count = masks.shape[1] * masks.shape[2]
    shares = jnp.broadcast_to(jnp.asarray(lam, jnp.float32), masks.shape[:1])
    labels = jnp.round(masks * (num_labels - 1)).astype(jnp.int32)
    prior = prior_costs(shares, num_labels=num_labels)
    chosen = jnp.take_along_axis(prior, labels.reshape(len(masks), -1), axis=1)
    shown = masks * costs.first + (1 - masks) * costs.second
    vertical = costs.vertical * jnp.diff(masks, axis=1) ** 2
    horizontal = costs.horizontal * jnp.diff(masks, axis=2) ** 2
    return (
        shown.sum((1, 2))
        + vertical.sum((1, 2))
        + horizontal.sum((1, 2))
        + eta / count * chosen.sum(1)
    )


def prior_costs(
    lam: Float[Array, " b"], *, num_labels: int = 3
) -> Float[Array, "b labels"]:
    """Return P(k / (L-1)) = -log(C(L-1, k) lam^k (1-lam)^(L-1-k)) for k = 0 .. L-1.

    Args:
        lam: in [0, 1], clipped to [1e-4, 1 - 1e-4].
        num_labels: L.

    Example:
        >>> import jax.numpy as jnp
        >>> [f"{price:.4f}" for price in prior_costs(jnp.array([0.25]))[0]]
        ['0.5754', '0.9808', '2.7726']
    """
    top = num_labels - 1
    k = jnp.arange(num_labels, dtype=jnp.float32)[None, :]
    choices = jnp.array(
        [[math.log(math.comb(top, i)) for i in range(num_labels)]], jnp.float32
    )
    share = lam.astype(jnp.float32)[:, None]
    first, second = (
        jnp.log(jnp.clip(x, SMALLEST_LAM, 1 - SMALLEST_LAM)) for x in (share, 1 - share)
    )
    return -(choices + k * first + (top - k) * second)
