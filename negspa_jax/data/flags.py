"""Is a new patient's image like those that a model learned from? If not, why not.

What explains the rest is said first and alone: an image whose window is empty, or whose
slices lie across, is not also said to be of another sequence or body part.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from negspa_jax.data.fingerprint import Fingerprint
from negspa_jax.data.signature import (
    Signature,
    find_exchanged,
    find_likeliest,
    find_turn,
    find_unusual,
)
from negspa_jax.data.spans import MIN_COUNT
from negspa_jax.data.traits import SIZES, Traits

# What can be wrong: the voxels' grid, the plane of the slices, the place or content of
# the window, which sequence it is, what is in the image, how grey it is.
FLAG_KINDS = ("grid", "plane", "window", "sequence", "anatomy", "intensity")

# Below this standard deviation, of [0, 1], there is nothing to see in any protocol.
_EMPTY = 0.005
# Such a share of a window outside its image is unusual, unless it was seen.
_MAX_OUTSIDE = 0.25
_SAID = {
    "spacing_mm": ("a pixel spacing of {} mm", 3),
    "slice_mm": ("slices {} mm apart", 3),
    "matrix": ("{} voxels along a slice", 4),
    "num_slices": ("{} slices", 3),
    "field_mm": ("a field of {} mm", 4),
    "pixels": ("{} pixels along its longer side", 5),
    "aspect": ("a width of {} times its height", 3),
}


@dataclass(frozen=True)
class Flag:
    """Why an image (`sequence`) is not like those a model learned from.

    `kind`: of `FLAG_KINDS`; `reason`: what it is, what theirs were, what to do.
    """

    kind: str
    sequence: str
    reason: str


def judge(fingerprint: Fingerprint, traits: Mapping[str, Traits]) -> tuple[Flag, ...]:
    """Compare a patient's images with those of the training patients.

    Args:
      fingerprint: of the training patients.
      traits: the patient's, by sequence; some may be absent.

    Returns:
      What is unusual, at most a few flags an image; () if nothing is.

    Raises:
      ValueError: the training patients had no such sequence.
    """
    if unknown := [name for name in traits if name not in fingerprint.sequences]:
        known = ", ".join(fingerprint.sequences)
        raise ValueError(f"sequences must be among {known}, got {', '.join(unknown)}")
    flags, rest = [], {}
    for name, found in traits.items():
        explained = _flag_empty(name, found) or _flag_repeated(name, traits)
        if fingerprint.signature is not None:
            flags += _flag_grid(fingerprint, name, found)
            explained = (
                explained
                or _flag_window(fingerprint, name, found)
                or _flag_plane(fingerprint, name, found)
                or _flag_words(fingerprint, name, found)
            )
        flags += explained
        if not explained:
            rest[name] = found
    if fingerprint.signature is not None and rest:
        flags += _flag_looks(fingerprint.signature, rest)
    return tuple(flags)


def _flag_empty(name: str, traits: Traits) -> list[Flag]:
    if traits.numbers["contrast"] >= _EMPTY:
        return []
    reason = "shows nothing in its window: check the region and the image"
    return [Flag("window", name, reason)]


def _flag_repeated(name: str, traits: Mapping[str, Traits]) -> list[Flag]:
    twins = [n for n in traits if n != name and traits[n] == traits[name]]
    if not twins:
        return []
    reason = f"is the same image as {twins[0]}: give each sequence its own file"
    return [Flag("sequence", name, reason)]


def _flag_grid(fingerprint: Fingerprint, name: str, traits: Traits) -> list[Flag]:
    found = []
    for quantity in SIZES:
        span = fingerprint.quantities[name].get(quantity)
        value = traits.numbers.get(quantity)
        if span is None or value is None:
            continue
        low, high = span.limits
        if not low <= value <= high:
            phrase, digits = _SAID[quantity]
            ends = (f"{end:.{digits}g}" for end in (span.low, span.high))
            seen = " to ".join(dict.fromkeys(ends))
            found.append(f"{phrase.format(f'{value:.{digits}g}')} (theirs: {seen})")
    if not found:
        return []
    reason = f"is not of the training patients' protocol, with {', '.join(found)}: "
    return [Flag("grid", name, f"{reason}give a series of that protocol")]


def _flag_window(fingerprint: Fingerprint, name: str, traits: Traits) -> list[Flag]:
    spans = fingerprint.quantities[name]
    outside = traits.numbers.get("outside", 0.0)
    if span := spans.get("outside"):
        usual = max(span.high, min(span.limits[1], _MAX_OUTSIDE))
        if outside > usual:
            reason = f"has {outside:.0%} of a window outside the image, the training "
            reason += f"patients at most {span.high:.0%}: check that region and image "
            return [Flag("window", name, f"{reason}are of one visit")]
    contrast = traits.numbers["contrast"]
    if "contrast" in spans and contrast < spans["contrast"].limits[0]:
        reason = f"shows little in its window (contrast {contrast:.2g}, the training "
        reason += f"patients at least {spans['contrast'].low:.2g}): check the region "
        return [Flag("window", name, f"{reason}and the image")]
    return []


def _flag_plane(fingerprint: Fingerprint, name: str, traits: Traits) -> list[Flag]:
    tilt = fingerprint.tilts.get(name)
    if tilt is None or (angle := tilt.measure(traits)) <= tilt.limit:
        return []
    planes = fingerprint.words[name].get("plane", {})
    usual = max(planes, key=lambda word: planes[word], default="")
    reason = f"has {traits.words.get('plane', '')} slices, {angle:.0f} degrees from the"
    reason += f" mean plane of the training patients (mostly {usual}, at most "
    reason += f"{tilt.largest:.0f} degrees from it): give the series of that plane"
    return [Flag("plane", name, reason)]


def _flag_words(fingerprint: Fingerprint, name: str, traits: Traits) -> list[Flag]:
    flags = []
    for kind, word, phrase in (
        ("anatomy", "body_part", "says that it shows {}"),
        ("intensity", "display", "is shown by {}"),
    ):
        seen = fingerprint.words[name].get(word, {})
        got = traits.words.get(word)
        if got is None or got in seen or sum(seen.values()) < MIN_COUNT:
            continue
        reason = f"{phrase.format(got)}, the training patients' {', '.join(seen)}"
        flags.append(Flag(kind, name, f"{reason}: check that it is the right image"))
    return flags


def _flag_looks(signature: Signature, traits: Mapping[str, Traits]) -> list[Flag]:
    """Flags of what can only be seen: which sequence, what body part, how grey.

    Of several explanations the likeliest is given.
    """
    exchanged, exchange_gain = find_exchanged(signature, traits)
    turn, turn_gain = find_turn(signature, traits)
    if turn_gain > exchange_gain:
        exchanged = {name: name for name in traits}
    flags = []
    for name, found in traits.items():
        unusual = find_unusual(signature, found, sequence=name)
        alone, gain = find_likeliest(signature, found, sequence=name)
        # Of another body part, one sequence is as unlikely as the other.
        if (other := exchanged[name]) != name and not (
            unusual and find_unusual(signature, found, sequence=other)
        ):
            flags.append(_say_other(name, other))
        elif (
            unusual
            and gain > turn_gain
            and not find_unusual(signature, found, sequence=alone)
        ):
            flags.append(_say_other(name, alone))
        elif turn:
            flags.append(_say_turned(name, turn))
        elif "layout" in unusual:
            flags.append(Flag("anatomy", name, _ANATOMY))
        elif unusual:
            flags.append(Flag("intensity", name, _INTENSITY))
    return flags


_ANATOMY = (
    "shows something else in its window than the training patients did: check region, "
    "body part and orientation"
)
_INTENSITY = (
    "has grey values unlike the training patients': check the sequence, and whether "
    "the image was processed"
)


def _say_turned(name: str, turn: str) -> Flag:
    reason = f"is more like the training patients' {turn} than as it lies: check the "
    return Flag("anatomy", name, f"{reason}orientation in its header, and the region")


def _say_other(name: str, other: str) -> Flag:
    reason = f"looks like the training patients' {other}, not like their {name}: check "
    return Flag("sequence", name, f"{reason}whether files are exchanged")
