"""From numbers to colours: grey slices, a map laid over them, the scale's bar."""

import numpy as np

from negspa_jax.shapes import Float, Shaped

# Dark violet, red, orange, light yellow: lightness grows evenly, so that the order of
# the values is also seen in grey print and by colour-blind readers.
_ANCHORS = np.array(
    [[40, 11, 84], [137, 34, 106], [215, 72, 65], [249, 142, 9], [252, 255, 164]]
)
_OPAQUE = 0.65


def colour_values(values: Float[np.ndarray, "*b"]) -> Float[np.ndarray, "*b 3"]:
    """Return red, green and blue, 0 to 255, of values from 0 to 1."""
    places = np.linspace(0, 1, len(_ANCHORS))
    return np.stack(
        [np.interp(values, places, channel) for channel in _ANCHORS.T], axis=-1
    )


def grey_values(slices: Float[np.ndarray, "*b"]) -> Float[np.ndarray, "*b 3"]:
    """Return red, green and blue, 0 to 255, of a slice in [0, 1]."""
    return np.repeat(255.0 * np.clip(slices, 0, 1)[..., None], 3, axis=-1)


def lay_over(
    slices: Float[np.ndarray, "*b"], values: Float[np.ndarray, "*b"]
) -> Shaped[np.ndarray, "*b 3"]:
    """Return the bytes of slices with a map over them.

    The map's opacity grows with its value up to the half, so that where it says nothing
    the slice is seen as it is.

    Args:
        slices: in [0, 1].
        values: the map's, from 0 to 1.
    """
    opacity = _OPAQUE * np.clip(2 * values, 0, 1)[..., None]
    mixed = (1 - opacity) * grey_values(slices) + opacity * colour_values(values)
    return np.rint(mixed).astype(np.uint8)
