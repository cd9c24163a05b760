"""Draws that happen with a probability, and are neutral otherwise."""

import jax
import jax.numpy as jnp

from negspa_jax.shapes import Array, Float, Key


def draw_between(
    key: Key,
    low: float,
    high: float,
    *,
    shape: tuple[int, ...] = (),
    neutral: float,
    probability: float,
) -> Float[Array, "..."]:
    """Draw uniform numbers in [low, high), each neutral with 1 - probability."""
    key_value, key_chance = jax.random.split(key)
    drawn = jax.random.uniform(key_value, shape, minval=low, maxval=high)
    return happen(
        key_chance, drawn, chances=shape, neutral=neutral, probability=probability
    )


def happen(
    key: Key,
    drawn: Float[Array, "..."],
    *,
    chances: tuple[int, ...] = (),
    neutral: float,
    probability: float,
) -> Float[Array, "..."]:
    """Keep what was drawn with a probability, or else take the neutral number.

    Args:
        key: a JAX key.
        drawn: what may happen.
        chances: shape of the lots, `()` where all of it happens or nothing.
        neutral: stands for nothing.
        probability: in [0, 1], a Python number: 1 costs nothing.
    """
    if probability == 1:
        return drawn
    return jnp.where(jax.random.bernoulli(key, probability, chances), drawn, neutral)
