"""A batch computed in parts, which takes no more memory than one of them.

The parts follow each other in a loop of the compiled step. On a CPU convolutions in
such a loop are far slower; there it is for tests.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from negspa_jax.shapes import Array, Key


def map_parts(function: Callable[..., Any], *arrays: Array, size: int) -> Any:
    """Return `function(*arrays)`, computed for `size` samples at a time.

    Args:
        function: its results have a row for each sample, which depends on that alone.
        *arrays: with a row for each sample.
        size: of a part; divides the number of samples. 0, or no fewer than there are:
            all at once.
    """
    if not _has_parts(arrays, size):
        return function(*arrays)
    rows = lax.map(lambda part: function(*part), _split(arrays, size))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), rows)


def average_parts(
    key: Key, function: Callable[..., Any], *arrays: Array, size: int
) -> Any:
    """Return the mean of `function(key, *part)` over the parts of the arrays.

    Args:
        key: each part has another, made of it; the batch that is not split has itself.
        function: its results are arrays without a row for each sample.
        *arrays: with a row for each sample.
        size: as for `map_parts`.
    """
    if not _has_parts(arrays, size):
        return function(key, *arrays)
    parts = _split(arrays, size)
    count = len(parts[0])

    def add(total: Any, part: Any) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, total, function(*part)), None

    keys = jax.random.split(key, count)
    shapes = jax.eval_shape(function, keys[0], *(array[0] for array in parts))
    start = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    total, _ = lax.scan(add, start, (keys, *parts))
    return jax.tree.map(lambda leaf: leaf / count, total)


def _has_parts(arrays: tuple[Array, ...], size: int) -> bool:
    return 0 < size < len(arrays[0])


def _split(arrays: tuple[Array, ...], size: int) -> tuple[Array, ...]:
    return tuple(array.reshape(-1, size, *array.shape[1:]) for array in arrays)
