"""Exact minimum of a mask energy on a narrow grid, by dynamic programming.

The blocks are visited row by row. Of all that was visited only the frontier, the last
label seen in each column, has an edge to what follows; a table holds the least energy
for each of its L^q states.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from negspa_jax.shapes import Array, Float, Int


class _Moves(NamedTuple):
    """The states of the frontier, one for each choice of a label in each column.

    Attributes:
        labels: of each column in each state, (q, states).
        replaced: the state with one column's label replaced, (q, states, labels).
    """

    labels: np.ndarray
    replaced: np.ndarray


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
    num_labels, _, q, b = unary.shape
    moves = _list_moves(num_labels, q)
    # Above the first row nothing pulls: any label may stand there.
    above = jnp.pad(vertical, ((1, 0), (0, 0), (0, 0)))
    start = jnp.zeros((num_labels**q, b), unary.dtype)
    rows = (jnp.moveaxis(unary, 1, 0), above, horizontal)
    table, origins = lax.scan(lambda t, row: _visit(moves, t, *row), start, rows)
    _, labels = lax.scan(
        lambda state, origin: _trace_back(moves, state, origin),
        table.argmin(0),
        origins,
        reverse=True,
    )
    return labels


def _list_moves(num_labels: int, q: int) -> _Moves:
    labels = np.indices((num_labels,) * q).reshape(q, -1)
    place = num_labels ** np.arange(q - 1, -1, -1)[:, None]
    others = np.arange(num_labels**q)[None, :] - labels * place
    choices = np.arange(num_labels)[None, None, :] * place[:, :, None]
    return _Moves(labels, others[:, :, None] + choices)


def _visit(
    moves: _Moves, table: Array, unary: Array, above: Array, left: Array
) -> tuple[Array, Array]:
    # One row: for each column the label above that led to each state.
    choices = np.arange(unary.shape[0])[None, :]
    origins = []
    for j, (here, replaced) in enumerate(zip(*moves, strict=True)):
        differ = (choices - here[:, None]) ** 2
        energies = table[replaced] + differ[:, :, None] * above[j][None, None, :]
        origins.append(energies.argmin(1))
        table = energies.min(1) + unary[here, j]
        if j:
            differ = (here - moves.labels[j - 1]) ** 2
            table += differ[:, None] * left[j - 1][None, :]
    return table, jnp.stack(origins)


def _trace_back(moves: _Moves, state: Array, origins: Array) -> tuple[Array, Array]:
    labels, replaced = map(jnp.asarray, moves)
    pairs, found = jnp.arange(len(state)), []
    for j in reversed(range(len(labels))):
        found.append(labels[j, state])
        state = replaced[j, state, origins[j, state, pairs]]
    return state, jnp.stack(found[::-1])
