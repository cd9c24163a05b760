"""Exact minimum of a mask energy on any grid, by primal-dual hybrid gradient.

The labels of Puzzle Mix are ordered and its costs convex, so that the interpolation of
the energy between whole labels has a whole minimum: one number x in [0, K] for each
block and one dual y for each edge suffice, and the dual's value bounds every energy
from below.

    min_x max_y  sum_i u_i(x_i) + sum_e [y_e (x_j - x_i) - f_e*(y_e)]

with u_i and f_e the piecewise linear interpolations of the block's costs and of
w (x_j - x_i)^2 at whole numbers.

Reference: Chambolle and Pock, A First-Order Primal-Dual Algorithm, J Math Imaging Vis
2011, Algorithm 1; Ishikawa, Exact Optimization for Markov Random Fields with Convex
Priors, PAMI 2003.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from negspa_jax.shapes import Array, Bool, Float, Int

# A problem is solved when energy and bound agree to this share of the energy.
TOLERANCE = 1e-5
MAX_ITERATIONS = 1000
# Most problems are solved in 100 iterations, a few in a hundred take 200 to 400, and
# these gain from longer steps of the primal. Tuned on random images and saliencies,
# from flat to a single peak, n = 8 and 16, L = 2, 3 and 5.
# Relaxation by 1.8 would save a third of the iterations, but not of the time on a CPU.
PATIENCE, LONGER = 160, 4.0
# Batches from this size on are split when few problems are left.
MIN_SPLIT = 16


class Problem(NamedTuple):
    """A batch of energies; the batch is the last axis, where XLA works along it.

    Attributes:
        slopes: cost of label k + 1 above that of label k, not falling with k.
        lowest: cost of label 0.
        vertical: w between rows i - 1 and i, zero above the first row and below the
            last.
        horizontal: the same between columns.
    """

    slopes: Float[Array, "top p q b"]
    lowest: Float[Array, "p q b"]
    vertical: Float[Array, "p+1 q b"]
    horizontal: Float[Array, "p q+1 b"]


class _Point(NamedTuple):
    x: Float[Array, "p q b"]
    ahead: Float[Array, "p+2 q+2 b"]  # 2 x - x before, with a border nobody reads
    vertical: Float[Array, "p+1 q b"]
    horizontal: Float[Array, "p q+1 b"]


class _Best(NamedTuple):
    labels: Int[Array, "p q b"]
    energy: Float[Array, " b"]
    bound: Float[Array, " b"]


class _State(NamedTuple):
    iteration: Int[Array, ""]
    point: _Point
    best: _Best


def minimize_primal_dual(
    unary: Float[Array, "labels p q b"],
    vertical: Float[Array, "p-1 q b"],
    horizontal: Float[Array, "p q-1 b"],
) -> tuple[Int[Array, "p q b"], Float[Array, " b"]]:
    """Return the labels k of least energy, and a lower bound of every energy.

    E(k) = sum_i unary[k_i, i] + sum_edges w_ij (k_i - k_j)^2.

    Args:
        unary: cost of each label in each block, convex in the label.
        vertical: w between a block and the one below it, not negative.
        horizontal: w between a block and the one to its right, not negative.
    """
    _, p, q, _ = unary.shape
    # The mean weight becomes 1, so that one step length fits all problems.
    mean = (vertical.sum((0, 1)) + horizontal.sum((0, 1))) / (2 * p * q - p - q)
    scale = 1 / jnp.maximum(mean, 1e-12)[None, None, :]
    problem = Problem(
        scale[None] * jnp.diff(unary, axis=0),
        scale * unary[0],
        jnp.pad(scale * vertical, ((1, 1), (0, 0), (0, 0))),
        jnp.pad(scale * horizontal, ((0, 0), (1, 1), (0, 0))),
    )
    start = _start(problem)
    state = _State(jnp.array(0), start, _judge(problem, start))
    best = _solve(problem, state, omega=max(p, q) / 4)
    return best.labels, best.bound / scale[0, 0]


def _solve(problem: Problem, state: _State, *, omega: float) -> _Best:
    # The last quarter of the problems takes most of the iterations: it goes on alone.
    b = len(state.best.bound)
    few = b // 4 if b >= MIN_SPLIT else 0
    state = _iterate_until_open(problem, state, few, omega=omega)
    if not few:
        return state.best
    _, worst = lax.top_k(_relative_gap(state.best), few)
    part = jax.tree.map(lambda a: a[..., worst], (problem, state.point, state.best))
    rest = _solve(part[0], _State(state.iteration, *part[1:]), omega=omega)
    return jax.tree.map(
        lambda all_, new: all_.at[..., worst].set(new), state.best, rest
    )


def _iterate_until_open(
    problem: Problem, state: _State, few: int, *, omega: float
) -> _State:
    # One check costs about as much as two iterations; on a GPU it also waits for the
    # host, which decides whether to go on.
    every = 40 if jax.default_backend() == "gpu" else 20

    def go_on(state: _State) -> Bool[Array, ""]:
        unsolved = _relative_gap(state.best) > TOLERANCE
        return (unsolved.sum() > few) & (state.iteration < MAX_ITERATIONS)

    def advance(state: _State) -> _State:
        length = omega * jnp.where(state.iteration < PATIENCE, 1.0, LONGER)
        point = lax.fori_loop(
            0, every, lambda _, at: _iterate(problem, at, length), state.point
        )
        best = _keep_better(state.best, _judge(problem, point))
        return _State(state.iteration + every, point, best)

    return lax.while_loop(go_on, advance, state)


def _relative_gap(best: _Best) -> Float[Array, " b"]:
    return (best.energy - best.bound) / jnp.maximum(jnp.abs(best.energy), 1e-30)


def _start(problem: Problem) -> _Point:
    x = jnp.full_like(problem.lowest, len(problem.slopes) / 2)
    return _Point(
        x,
        jnp.pad(x, ((1, 1), (1, 1), (0, 0))),
        jnp.zeros_like(problem.vertical),
        jnp.zeros_like(problem.horizontal),
    )


def _iterate(problem: Problem, at: _Point, omega: Array) -> _Point:
    tau, sigma = 0.35 * omega, 0.35 / omega
    top, z = len(problem.slopes), at.ahead
    vertical = _prox_edge(
        at.vertical + sigma * (z[1:, 1:-1] - z[:-1, 1:-1]), problem.vertical, sigma, top
    )
    horizontal = _prox_edge(
        at.horizontal + sigma * (z[1:-1, 1:] - z[1:-1, :-1]),
        problem.horizontal,
        sigma,
        top,
    )
    v = at.x - tau * _divergence(vertical, horizontal)
    steps = jnp.arange(top, dtype=v.dtype)[:, None, None, None]
    x = jnp.clip(v[None] - tau * problem.slopes - steps, 0, 1).sum(0)
    ahead = jnp.pad(2 * x - at.x, ((1, 1), (1, 1), (0, 0)))
    return _Point(x, ahead, vertical, horizontal)


def _divergence(vertical: Array, horizontal: Array) -> Array:
    # The transpose of "next block minus this one".
    return vertical[:-1] - vertical[1:] + horizontal[:, :-1] - horizontal[:, 1:]


def _prox_edge(v: Array, w: Array, sigma: Array, top: int) -> Array:
    # Of sigma f*, f the interpolation of w d^2 for |d| <= top: the slope of f is
    # (2 k - 1) w between k - 1 and k.
    inner = jnp.clip(v, -w, w)
    outer = [
        jnp.clip(jnp.abs(v) - (2 * k - 1) * w - k * sigma, 0, 2 * w)
        for k in range(1, top)
    ]
    return inner + jnp.sign(v) * sum(outer) if outer else inner


def _judge(problem: Problem, point: _Point) -> _Best:
    labels = jnp.ceil(point.x - 0.5)
    energy, bound = _energy(problem, labels), _bound(problem, point)
    return _Best(labels.astype(jnp.int32), energy, bound)


def _keep_better(old: _Best, new: _Best) -> _Best:
    better = new.energy < old.energy
    return _Best(
        jnp.where(better, new.labels, old.labels),
        jnp.where(better, new.energy, old.energy),
        jnp.maximum(new.bound, old.bound),
    )


def _energy(problem: Problem, x: Array) -> Float[Array, " b"]:
    blocks = problem.lowest + sum(
        slope * jnp.clip(x - k, 0, 1) for k, slope in enumerate(problem.slopes)
    )
    vertical = problem.vertical[1:-1] * jnp.diff(x, axis=0) ** 2
    horizontal = problem.horizontal[:, 1:-1] * jnp.diff(x, axis=1) ** 2
    return blocks.sum((0, 1)) + vertical.sum((0, 1)) + horizontal.sum((0, 1))


def _bound(problem: Problem, point: _Point) -> Float[Array, " b"]:
    # Both extrema stand at whole numbers; a convex cost takes every step that falls.
    top = len(problem.slopes)
    pull = _divergence(point.vertical, point.horizontal)
    blocks = problem.lowest + jnp.minimum(problem.slopes + pull[None], 0).sum(0)

    def conjugates(y: Array, w: Array) -> Float[Array, " b"]:
        reached = [k * jnp.abs(y) - k**2 * w for k in range(top + 1)]
        return jnp.stack(reached).max(0).sum((0, 1))

    vertical = conjugates(point.vertical, problem.vertical)
    horizontal = conjugates(point.horizontal, problem.horizontal)
    return blocks.sum((0, 1)) - vertical - horizontal
