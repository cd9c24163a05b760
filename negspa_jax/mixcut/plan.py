"""Everything random about the mixing of a batch, drawn before any pixel is touched.

A plan needs no options any more: whatever was drawn, blocks are moved and masked, a box
is blended and a hole is hidden. So it can be applied to other images of the same
samples, and shown.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from negspa_jax.mixcut.cutout import draw_holes, hole_mask
from negspa_jax.mixcut.layout import over_pixels
from negspa_jax.mixcut.mixup import box_mask, draw_boxes
from negspa_jax.mixcut.options import Options
from negspa_jax.mixcut.partner import draw_partners
from negspa_jax.mixcut.puzzle import Puzzle, draw_puzzle, no_puzzle
from negspa_jax.shapes import Array, Bool, Float, Int, Key, Shaped


class Plan(NamedTuple):
    """What is done to the samples of a batch.

    Attributes:
        mixed: False where the sample stays as it is.
        partner: index within the batch of step 1's second image.
        puzzle: step 1.
        fresh: index of step 2's second image; `partner` unless a fresh one was asked.
        blend: weight of the result of step 1 inside the box.
        boxes: top, bottom, left, right, in pixels, half open.
        hidden: True inside the hole.
    """

    mixed: Bool[Array, " b"]
    partner: Int[Array, " b"]
    puzzle: Puzzle
    fresh: Int[Array, " b"]
    blend: Float[Array, " b"]
    boxes: Int[Array, "b 4"]
    hidden: Bool[Array, "b h w"]


class Weights(NamedTuple):
    """Whose each pixel is; the three sum to 1.

    Attributes:
        first: of the sample's own image, m L.
        second: of its partner's, (1 - m) L.
        fresh: of the image that is blended into the box, 1 - L.
    """

    first: Float[Array, "b h w"]
    second: Float[Array, "b h w"]
    fresh: Float[Array, "b h w"]


def draw_plan(
    key: Key,
    images: Float[Array, "b *pixels c"],
    labels: Shaped[Array, "b k"],
    saliency: Float[Array, "b h w"] | None = None,
    *,
    options: Options | None = None,
    probability: float | Float[Array, ""] | Float[Array, " b"] = 1.0,
) -> Plan:
    """Draw how a batch is mixed; no derivative passes through it.

    Args:
        key: a JAX key; the same key gives the same plan.
        images: `b h w c` or `b m h w c`, in [0, 1].
        labels: one-hot or soft, or one column of probabilities; read only where
            partners are of another class.
        saliency: what the pixels matter, not negative, of any resolution that the
            grids divide; needed if `options.puzzle`.
        options: default `Options()`, the supplement's.
        probability: in [0, 1], of a sample to be mixed, one for all or one for each.

    Raises:
        ValueError: saliency is needed and absent, or no grid divides the images.
    """
    options = options or Options()
    if isinstance(probability, int | float) and not 0 <= probability <= 1:
        raise ValueError(f"probability must be in [0, 1], got {probability}")
    images, saliency = lax.stop_gradient((images, saliency))
    b, shape = len(images), (images.shape[-3], images.shape[-2])
    keys = jax.random.split(key, 7)
    mixed = jax.random.bernoulli(keys[0], probability, (b,))
    # A hole needs no partner, and the label none of another's.
    paired = mixed & options.pairs_samples
    partner, other = (
        jnp.where(paired, draw_partners(k, labels, rule=options.partner), jnp.arange(b))
        for k in keys[1:3]
    )
    fresh = other if options.local_partner == "fresh" else partner
    lam, blend, own = _draw_lambdas(keys[3], b, options)
    puzzle = no_puzzle(lam)
    if options.puzzle:
        if saliency is None:
            raise ValueError(
                "saliency must be given for Puzzle Mix, got None: compute it by "
                "input_saliency or spectral_residual, or take options without puzzle"
            )
        puzzle = draw_puzzle(keys[4], images, partner, saliency, lam, options=options)
    if options.local == "soft":
        puzzle = puzzle._replace(masks=_soften(puzzle.masks, blend))
    area = blend if options.box == "tied" else own
    boxes = _draw_boxes(keys[5], area, shape, options)
    blend = jnp.zeros_like(blend) if options.local == "paste" else blend
    hidden = _draw_hidden(keys[6], b, shape, options) & mixed[:, None, None]
    return lax.stop_gradient(Plan(mixed, partner, puzzle, fresh, blend, boxes, hidden))


def plan_weights(plan: Plan) -> Weights:
    """Return whose each pixel is, before the hole."""
    masks, shape = plan.puzzle.masks, plan.hidden.shape[1:]
    n = masks.shape[-1]
    mask = over_pixels(masks, height=shape[0] // n, width=shape[1] // n)
    inside = box_mask(plan.boxes, shape=(shape[0], shape[1]))
    step_1 = jnp.where(inside, plan.blend[:, None, None], 1.0)
    return Weights(mask * step_1, (1 - mask) * step_1, 1 - step_1)


def is_kept(plan: Plan) -> Bool[Array, " b"]:
    """Return True where a sample is mixed with nothing but itself."""
    itself = jnp.arange(len(plan.partner))
    return (plan.partner == itself) & (plan.fresh == itself)


def _count(b: int, options: Options) -> int:
    return 1 if options.draw == "batch" else b


def _draw_lambdas(key: Key, b: int, options: Options) -> Float[Array, "3 b"]:
    # In one call, because a Beta distribution takes a second and more to compile.
    alpha, count = options.alpha, _count(b, options)
    drawn = jax.random.beta(key, alpha, alpha, (3, count), jnp.float32)
    if options.dominant:
        drawn = jnp.maximum(drawn, 1 - drawn)
    return jnp.broadcast_to(drawn, (3, b))


def _soften(masks: Array, lam: Array) -> Float[Array, "b p q"]:
    # z~ = l z + (1 - l)(1 - z), stated for the mask 1 - z.
    share = lam[:, None, None]
    return share * masks + (1 - share) * (1 - masks)


def _draw_boxes(
    key: Key, area: Array, shape: tuple[int, int], options: Options
) -> Int[Array, "b 4"]:
    # Where the partner is blended in: nowhere, everywhere, or inside a random box.
    b = len(area)
    if options.local in ("off", "soft"):
        return jnp.zeros((b, 4), jnp.int32)
    if options.local == "global":
        whole = jnp.array([[0, shape[0], 0, shape[1]]], jnp.int32)
        return jnp.broadcast_to(whole, (b, 4))
    boxes = draw_boxes(key, area[: _count(b, options)], shape=shape)
    return jnp.broadcast_to(boxes, (b, 4))


def _draw_hidden(
    key: Key, b: int, shape: tuple[int, int], options: Options
) -> Bool[Array, "b h w"]:
    if not options.cutout:
        return jnp.zeros((b, *shape), bool)
    count = _count(b, options)
    holes = draw_holes(key, count, shape=shape, degrees=options.hole_degrees)
    hidden = hole_mask(holes, shape=shape, size=options.hole_size)
    return jnp.broadcast_to(hidden, (b, *shape))
