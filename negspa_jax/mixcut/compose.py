"""One call that mixes a batch: draw a plan, mix pixels by it, mix labels by it.

With M the transported and masked mixture of step 1 and L the weight of step 1's result
(1 outside the box), a pixel is

    x = L [m T1(x_i) + (1 - m) T2(x_j)] + (1 - L) x_k,    0 inside the hole,

and the label follows the mean of its weights: it always states the true pixel share.

Reference: supplement of doi 10.21037/qims-24-729, Appendix 2, Equations 1 to 8.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from negspa_jax.mixcut.label import apply_plan_to_labels
from negspa_jax.mixcut.layout import check_floating, over_channels
from negspa_jax.mixcut.options import Options
from negspa_jax.mixcut.plan import Plan, draw_plan, is_kept, plan_weights
from negspa_jax.mixcut.transport import transport_blocks
from negspa_jax.shapes import Array, Float, Int, Key, Shaped


class Mixed(NamedTuple):
    """A mixed batch.

    Attributes:
        images: as given, mixed.
        labels: as given, mixed by the pixel share.
        weights: W, the weight of the sample itself at each pixel, before the hole.
        partner: index within the batch of the sample that it was mixed with.
        extra: as given, mixed by the same plan.
        plan: what was drawn; `apply_plan` does the same to other images.
    """

    images: Float[Array, "b *pixels c"]
    labels: Float[Array, "b k"]
    weights: Float[Array, "b h w"]
    partner: Int[Array, " b"]
    extra: Any
    plan: Plan


def mixcut(
    key: Key,
    images: Shaped[Array, "b *pixels c"],
    labels: Shaped[Array, "b k"],
    saliency: Float[Array, "b h w"] | None = None,
    *,
    options: Options | None = None,
    probability: float | Float[Array, ""] | Float[Array, " b"] = 1.0,
    extra: Any = None,
) -> Mixed:
    """Mix every sample of a batch with a random partner of the same batch.

    Args:
        key: a JAX key; the same key gives the same batch.
        images: `b h w c` or `b m h w c`, in [0, 1]; the m sequences of a sample
            share one plan.
        labels: one-hot or soft, or one column of probabilities.
        saliency: what the pixels matter to the loss, not negative, of any resolution
            that the grids divide; None where `options.puzzle` is False.
        options: default `Options()`, the supplement's.
        probability: in [0, 1], of a sample to be mixed, one for all or one for each.
            It may be traced: 0 late in training stops mixing without compiling anew.
        extra: any tree of floating-point arrays `b ... h w c` of the same height and
            width, such as segmentations, mixed by the plan that `images` defines.

    Returns:
        The mixed batch. A sample that is not mixed comes back bit-identical, with
        weight 1 and itself as the partner.

    Raises:
        ValueError: labels that are class indices, images that are not floating point,
            no saliency where it is needed, a grid or an `extra` that does not fit.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> images, labels = jnp.ones((4, 8, 8, 3)), jnp.eye(2)[jnp.array([0, 1, 0, 1])]
        >>> saliency = jnp.ones((4, 8, 8))
        >>> mixcut(jax.random.key(0), images, labels, saliency).images.shape
        (4, 8, 8, 3)
    """
    _check(images, labels, extra)
    options = options or Options()
    plan = draw_plan(
        key, images, labels, saliency, options=options, probability=probability
    )
    mix = partial(apply_plan, plan)
    return Mixed(
        mix(images),
        apply_plan_to_labels(plan, labels, rule=options.label),
        _own_weight(plan),
        plan.partner,
        jax.tree.map(mix, extra),
        plan,
    )


def apply_plan(
    plan: Plan, images: Float[Array, "b *pixels c"]
) -> Float[Array, "b *pixels c"]:
    """Mix images by a plan; differentiable in the images.

    Args:
        plan: from `draw_plan`, or `Mixed.plan`.
        images: `b ... h w c`, of the height and width of those that it was drawn for.

    Returns:
        The mixed images in their dtype, computed in float32.
    """
    puzzle, n = plan.puzzle, plan.puzzle.masks.shape[-1]

    def show(of: Array, sources: Array) -> Array:
        return transport_blocks(of, sources, num_blocks=n) if n > 1 else of

    first, second, fresh = (over_channels(x, images) for x in plan_weights(plan))
    mixed = (
        first * show(images, puzzle.sources_first)
        + second * show(images[plan.partner], puzzle.sources_second)
        + fresh * images[plan.fresh]
    )
    # 1 x + 0 y differs from x where y is not finite: keep the sample itself.
    kept = over_channels(is_kept(plan)[:, None, None], images)
    whole = jnp.where(kept, images, mixed.astype(images.dtype))
    nothing = jnp.zeros((), images.dtype)
    return jnp.where(over_channels(plan.hidden, images), nothing, whole)


def _own_weight(plan: Plan) -> Float[Array, "b h w"]:
    # Its partner, or the fresh one, may be the sample itself.
    weights, itself = plan_weights(plan), jnp.arange(len(plan.partner))
    second = (plan.partner == itself)[:, None, None] * weights.second
    fresh = (plan.fresh == itself)[:, None, None] * weights.fresh
    return jnp.where(is_kept(plan)[:, None, None], 1.0, weights.first + second + fresh)


def _check(images: Array, labels: Array, extra: Any) -> None:
    if not jnp.issubdtype(labels.dtype, jnp.floating):
        raise ValueError(
            "labels must be one-hot, soft or one column of probabilities, in floating "
            f"point, got {labels.dtype}: use jax.nn.one_hot on class indices"
        )
    check_floating(images)
    first, (h, w) = len(images), images.shape[-3:-1]
    for leaf in jax.tree.leaves(extra):
        fits = leaf.ndim >= 4 and len(leaf) == first and leaf.shape[-3:-1] == (h, w)
        if not fits or not jnp.issubdtype(leaf.dtype, jnp.floating):
            raise ValueError(
                f"extra must hold floating-point arrays ({first}, ..., {h}, {w}, c), "
                f"got {leaf.dtype} {leaf.shape}: add an axis of channels to masks, and "
                "give classes a channel each"
            )
