"""Exact minimum of a mask energy on a narrow grid, by dynamic programming.

The blocks are visited row by row. Of all that was visited only the frontier, the last
label seen in each column, has an edge to what follows; a table holds the least energy
for each of its L^q states.
"""

import jax.numpy as jnp
import numpy as np

from negspa_jax.shapes import Array, Float, Int


def minimize_by_frontier(
    unary: Float[Array, "labels p q b"],
    vertical: Float[Array, "p-1 q b"],
    horizontal: Float[Array, "p q-1 b"],
) -> Int[Array, "p q b"]:
    """Return the labels k of least energy.

    E(k) = sum_i unary[k_i, i] + sum_edges w_ij (k_i - k_j)^2, for weights of any
    sign; time and memory grow with labels^q.

    Args:
        unary: cost of each label in each block.
        vertical: w between a block and the one below it.
        horizontal: w between a block and the one to its right.
    """
    num_labels, p, q, b = unary.shape
    # Column j's label in each state, and the state with that label replaced.
    frontier = np.indices((num_labels,) * q).reshape(q, -1)
    place = num_labels ** np.arange(q - 1, -1, -1)
    state = np.arange(num_labels**q)
    labels = np.arange(num_labels)
    table = jnp.zeros((len(state), b), unary.dtype)
    steps = []
    for i, j in np.ndindex(p, q):
        here = frontier[j]
        replaced = (state - here * place[j])[:, None] + labels[None, :] * place[j]
        energies = table[replaced]
        if i:
            differ = (labels[None, :] - here[:, None]) ** 2
            energies += differ[:, :, None] * vertical[i - 1, j][None, None, :]
        steps.append((jnp.asarray(replaced), energies.argmin(1)))
        table = energies.min(1) + unary[here, i, j]
        if j:
            differ = (here - frontier[j - 1]) ** 2
            table += differ[:, None] * horizontal[i, j - 1][None, :]
    return _trace_back(table.argmin(0), jnp.asarray(frontier), steps, (p, q))


def _trace_back(
    state: Int[Array, " b"],
    frontier: Int[Array, "q states"],
    steps: list[tuple[Array, Array]],
    shape: tuple[int, int],
) -> Int[Array, "p q b"]:
    pairs = jnp.arange(len(state))
    found = []
    for (i, j), (replaced, above) in reversed(
        list(zip(np.ndindex(*shape), steps, strict=True))
    ):
        found.append(frontier[j, state])
        if i:
            state = replaced[state, above[state, pairs]]
    return jnp.stack(found[::-1]).reshape(*shape, -1)
