"""Shapes and sizes of a network's variables."""

import jax
import jax.numpy as jnp


def shapes(module, *shape):
    """Shapes of all variables, nothing computed."""
    images = jax.ShapeDtypeStruct(shape, jnp.float32)
    return jax.eval_shape(
        lambda key, images: module.init(key, images, train=False),
        jax.random.key(0),
        images,
    )


def count(tree):
    """The number of values in all leaves."""
    return sum(leaf.size for leaf in jax.tree.leaves(tree))
