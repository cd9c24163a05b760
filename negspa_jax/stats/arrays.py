"""What labels, scores and decisions must be before anything is counted."""

import numpy as np

from negspa_jax.shapes import Bool, Float, Shaped


def as_binary(values: Shaped[np.ndarray, " n"], *, name: str) -> Bool[np.ndarray, " n"]:
    """The values 0 and 1 of any dtype as booleans; anything else is refused."""
    array = _vector(values, name=name)
    positive = array == 1
    strange = array[~(positive | (array == 0))]
    if len(strange):
        raise ValueError(
            f"{name} must be 0 or 1, got {strange[0]!r} and {len(strange) - 1} more; "
            "leave out the patients for whom it is unknown"
        )
    return positive


def as_scores(values: Shaped[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The values as float64; NaN and infinity are refused."""
    scores = _vector(values, name="scores").astype(np.float64)
    strange = scores[~np.isfinite(scores)]
    if len(strange):
        raise ValueError(
            f"scores must be finite, got {strange[0]} and {len(strange) - 1} more"
        )
    return scores


def as_probabilities(values: Shaped[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The values as float64; NaN and what lies outside [0, 1] are refused."""
    probabilities = _vector(values, name="probabilities").astype(np.float64)
    strange = probabilities[~((probabilities >= 0) & (probabilities <= 1))]
    if len(strange):
        raise ValueError(
            f"probabilities must lie between 0 and 1, got {strange[0]} and "
            f"{len(strange) - 1} more; turn logits into probabilities first"
        )
    return probabilities


def check_same_length(**arrays: np.ndarray) -> None:
    """Refuse arrays that do not hold the same patients."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"arrays must be equally long, got {lengths}")


def check_level(level: float) -> None:
    """Refuse a confidence level outside (0, 1)."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, got {level}; 95 % is 0.95")


def _vector(values: np.ndarray, *, name: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one axis, got shape {array.shape}")
    return array
