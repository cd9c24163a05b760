"""Intensity to [0, 1]: three ways, each fixed on the original volume's voxels."""

from collections.abc import Callable

import numpy as np

from negspa_jax.data.errors import RefusedError
from negspa_jax.shapes import Float

Slice = Float[np.ndarray, "i j"]
INTENSITIES = ("zscore", "minmax_slice", "percentile")


def fit_intensity(
    data: Float[np.ndarray, "i j k"], *, intensity: str, z_clip: float
) -> Callable[[Slice], Slice]:
    """Fit the map from a slice's grey values to [0, 1].

    Args:
      data: the whole original volume, finite and not constant.
      intensity: "zscore", the supplement's: (z + z_clip) / (2 z_clip), z over the
        volume (population standard deviation), clipped; "minmax_slice": each slice
        by its own minimum and maximum, a constant slice gives zeros; "percentile":
        1st to 99th percentile of the volume, clipped.
      z_clip: the z-score that becomes 1 (and, negative, 0).

    Raises:
      RefusedError: the volume's 1st and 99th percentile are equal.
    """
    if intensity == "minmax_slice":
        return _scale_slice
    if intensity == "percentile":
        low, high = (float(value) for value in np.percentile(data, (1.0, 99.0)))
        if low == high:
            reason = f"must vary, but its 1st and 99th percentile are both {low:g}: use"
            raise RefusedError(f"{reason} intensity zscore")
    else:
        mean, deviation = _measure(data)
        low, high = mean - z_clip * deviation, mean + z_clip * deviation
    return lambda values: _scale(values, low, high)


def _measure(data: Float[np.ndarray, "i j k"]) -> tuple[float, float]:
    """Mean and standard deviation in float64, slab by slab: memory stays flat."""
    mean = float(np.mean(data, dtype=np.float64))
    slabs = (data[:, :, k].astype(np.float64) - mean for k in range(data.shape[2]))
    return mean, float(np.sqrt(sum(np.sum(slab**2) for slab in slabs) / data.size))


def _scale(values: Slice, low: float, high: float) -> Slice:
    scaled = (values.astype(np.float64) - low) / (high - low)
    return np.clip(scaled, 0.0, 1.0).astype(np.float32)


def _scale_slice(values: Slice) -> Slice:
    low, high = float(values.min()), float(values.max())
    return np.zeros_like(values) if low == high else _scale(values, low, high)
