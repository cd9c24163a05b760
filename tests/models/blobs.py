"""Images whose label is a bright blob at a place that varies, and a network for them.

A positive sample has its blob in the first sequence, a negative one in the second.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from negspa_jax.models import MultiEncoder
from negspa_jax.models.resnet import ResNet

# One block: a map of a quarter of the image's side.
TINY = partial(ResNet, blocks=(1, 0, 0, 0), bottleneck=False)
SIZE, RADIUS = 32, 3


def draw_blobs(seed: int, number: int):
    """Images `b m h w c`, labels, and masks `b h w` of the blobs."""
    generator = np.random.default_rng(seed)
    labels = np.arange(number) % 2
    centres = generator.integers(RADIUS, SIZE - RADIUS, (number, 2))
    rows, columns = np.indices((SIZE, SIZE))
    distance = np.hypot(
        rows - centres[:, 0, None, None], columns - centres[:, 1, None, None]
    )
    masks = distance <= RADIUS
    images = 0.5 * generator.random((number, 2, SIZE, SIZE, 3), np.float32)
    images[np.arange(number), 1 - labels] += 0.4 * masks[..., None]
    return jnp.asarray(images), jnp.asarray(labels), masks


def train_on_blobs(*, steps: int = 60, batch: int = 16):
    """A network that tells them apart; `ENCODERS["resnet18"]` must be `TINY`."""
    model = MultiEncoder("resnet18", num_inputs=2, hidden=16)
    images, labels, _ = draw_blobs(0, steps * batch)
    variables = model.init(jax.random.key(0), images[:2], train=False)
    optimizer = optax.adam(3e-3)

    @jax.jit
    def step(variables, state, images, labels):
        def loss_of(params):
            logits, updated = model.apply(
                variables | {"params": params}, images, train=True, mutable=True
            )
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
            return losses.mean(), updated["batch_stats"]

        gradient, statistics = jax.grad(loss_of, has_aux=True)(variables["params"])
        update, state = optimizer.update(gradient, state)
        params = optax.apply_updates(variables["params"], update)
        return {"params": params, "batch_stats": statistics}, state

    state = optimizer.init(variables["params"])
    for start in range(0, len(images), batch):
        part = slice(start, start + batch)
        variables, state = step(variables, state, images[part], labels[part])
    return model, variables
