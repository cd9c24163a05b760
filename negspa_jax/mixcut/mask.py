"""The mask of Puzzle Mix: labels of least energy, found on the device.

Reference: Kim, Choo, Song, Puzzle Mix, ICML 2020, Section 3.1; supplement of doi
10.21037/qims-24-729, Equation 1.
"""

from typing import NamedTuple

import jax.numpy as jnp

from negspa_jax.mixcut.costs import Costs
from negspa_jax.mixcut.energy import mask_energy, prior_costs
from negspa_jax.mixcut.frontier import minimize_by_frontier
from negspa_jax.mixcut.primal_dual import minimize_primal_dual
from negspa_jax.shapes import Array, Float

# Up to so many states of the frontier the dynamic programme is the faster one.
MOST_STATES = 729


class Solution(NamedTuple):
    """A batch of masks with their certificate.

    Attributes:
        masks: weight of the first image in each block.
        energy: of the masks.
        bound: no mask has a lower energy; equal to `energy` where the solver is exact
            by construction.
    """

    masks: Float[Array, "b p q"]
    energy: Float[Array, " b"]
    bound: Float[Array, " b"]


def optimize_masks(
    costs: Costs,
    lam: float | Float[Array, ""] | Float[Array, " b"],
    *,
    num_labels: int = 3,
    eta: float = 0.2,
) -> Float[Array, "b p q"]:
    """Return the masks of least energy.

    Args:
        costs: of the blocks, from `block_costs`; edge weights not negative.
        lam: in [0, 1], the share of the first image that is asked for; a scalar or
            one for each pair.
        num_labels: L; a mask takes the values 0, 1/(L-1), ..., 1.
        eta: weight of the prior that asks for lam.

    Example:
        >>> import jax.numpy as jnp
        >>> dear, cheap = jnp.ones((1, 2, 2)), jnp.zeros((1, 2, 2))
        >>> costs = Costs(dear, cheap, jnp.ones((1, 1, 2)), jnp.ones((1, 2, 1)))
        >>> optimize_masks(costs, 0.5).tolist()
        [[[0.0, 0.0], [0.0, 0.0]]]
    """
    return solve_masks(costs, lam, num_labels=num_labels, eta=eta).masks


def solve_masks(
    costs: Costs,
    lam: float | Float[Array, ""] | Float[Array, " b"],
    *,
    num_labels: int = 3,
    eta: float = 0.2,
) -> Solution:
    """Return the masks of least energy, with a bound that certifies them.

    Arguments as of `optimize_masks`.
    """
    b, p, q = costs.first.shape
    top = num_labels - 1
    shares = jnp.broadcast_to(jnp.asarray(lam, jnp.float32), (b,))
    first, second, vertical, horizontal = (
        jnp.moveaxis(c.astype(jnp.float32), 0, -1) for c in costs
    )
    k = jnp.arange(num_labels, dtype=jnp.float32)[:, None, None, None] / top
    prior = eta / (p * q) * prior_costs(shares, num_labels=num_labels).T
    unary = k * first[None] + (1 - k) * second[None] + prior[:, None, None]
    edges = vertical / top**2, horizontal / top**2
    bound = None
    if num_labels**q <= MOST_STATES:
        labels = minimize_by_frontier(unary, *edges)
    else:
        labels, bound = minimize_primal_dual(unary, *edges)
    masks = jnp.moveaxis(labels, -1, 0).astype(jnp.float32) / top
    energy = mask_energy(masks, costs, shares, num_labels=num_labels, eta=eta)
    return Solution(masks, energy, energy if bound is None else bound)
