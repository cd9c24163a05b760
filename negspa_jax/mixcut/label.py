"""What label a mixed sample has: by default, the share of each image's pixels.

Reference: supplement of doi 10.21037/qims-24-729, Appendix 2, Equations 6 and 8.
"""

import jax.numpy as jnp

from negspa_jax.mixcut.plan import Plan, is_kept, plan_weights
from negspa_jax.shapes import Array, Float


def apply_plan_to_labels(
    plan: Plan, labels: Float[Array, "b k"], *, rule: str = "keep"
) -> Float[Array, "b k"]:
    """Mix labels: y = s_i y_i + s_j y_j + s_k y_k, with the shares of `plan_shares`.

    Args:
        plan: of the batch.
        labels: one-hot or soft, or one column of probabilities.
        rule: `label` of `Options`. "scaled" multiplies by the visible share v
            (Equation 8); "background" adds 1 - v to class 0, which in one column of
            probabilities of class 1 is the same as "scaled".

    Returns:
        Labels of the same dtype, computed in float32 at least.
    """
    wide = labels.astype(jnp.promote_types(labels.dtype, jnp.float32))
    shares = plan_shares(plan, rule=rule).astype(wide.dtype)[:, :, None]
    parts = jnp.stack([wide, wide[plan.partner], wide[plan.fresh]], axis=1)
    mixed = jnp.where(is_kept(plan)[:, None], wide, (shares * parts).sum(1))
    if rule in ("scaled", "background"):
        hidden = plan.hidden.mean((1, 2), dtype=wide.dtype)[:, None]
        mixed = (1 - hidden) * mixed
        if rule == "background" and labels.shape[1] > 1:
            mixed = mixed.at[:, :1].add(hidden)
    return mixed.astype(labels.dtype)


def plan_shares(plan: Plan, *, rule: str = "keep") -> Float[Array, "b 3"]:
    """Return the label weights of the sample, its partner and the fresh partner.

    Args:
        plan: of the batch.
        rule: "visible" takes the mean of the weights over the visible pixels (over
            all, where none is); "asmixcut" is 1 - A lambda for a box of area share A
            that is blended by lambda, as printed in the authors' public code, where
            the true share is 1 - A (1 - lambda); any other rule takes the mean over
            all pixels.
    """
    weights = plan_weights(plan)
    if rule == "asmixcut":
        printed = _mean((weights.fresh > 0).astype(jnp.float32)) * plan.blend
        return jnp.stack([1 - printed, jnp.zeros_like(printed), printed], axis=1)
    counted = jnp.ones_like(weights.first)
    if rule == "visible":
        visible = ~plan.hidden
        counted = jnp.where(visible.any((1, 2), keepdims=True), visible, 1.0)
    means = [_mean(weight * counted) for weight in weights]
    return jnp.stack(means, axis=1) / _mean(counted)[:, None]


def _mean(pixels: Float[Array, "b h w"]) -> Float[Array, " b"]:
    # In two sums: a single one of 50,000 terms in float32 can be off by 1e-5.
    w = pixels.shape[2]
    rows = jnp.einsum("bhw,w->bh", pixels, jnp.full(w, 1 / w), precision="highest")
    return rows.mean(1)
