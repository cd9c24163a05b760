"""Who is mixed with whom.

Reference: supplement of doi 10.21037/qims-24-729, Appendix 2; "another class" is the
wording of doi 10.1186/s13075-021-02484-0.
"""

import jax
import jax.numpy as jnp

from negspa_jax.shapes import Array, Int, Key, Shaped


def draw_partners(
    key: Key, labels: Shaped[Array, "b k"], *, rule: str = "any"
) -> Int[Array, " b"]:
    """Draw a partner for each sample of a batch.

    Args:
        key: a JAX key.
        labels: one-hot or soft, or one column of probabilities; only "other_class"
            reads them: a sample's class is its largest entry, or of one column
            whether it is at least one half.
        rule: "any", a random permutation; "derangement", a random cycle through the
            batch; "other_class", any sample of another class, or the sample itself
            where the batch holds none.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> labels = jnp.array([[1.0], [0.0]])
        >>> draw_partners(jax.random.key(0), labels, rule="derangement").tolist()
        [1, 0]
    """
    b = len(labels)
    if rule == "other_class":
        return _of_another_class(key, labels)
    order = jax.random.permutation(key, b)
    if rule == "any":
        return order
    return jnp.zeros(b, order.dtype).at[order].set(jnp.roll(order, -1))


def _of_another_class(key: Key, labels: Array) -> Int[Array, " b"]:
    one = labels.shape[1] == 1
    classes = (labels[:, 0] >= 0.5).astype(int) if one else labels.argmax(1)
    other = classes[:, None] != classes[None, :]
    lottery = jnp.where(other, jax.random.uniform(key, other.shape), -1)
    return jnp.where(other.any(1), lottery.argmax(1), jnp.arange(len(labels)))
