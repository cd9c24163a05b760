"""A fingerprint as JSON, and back; what is not exactly one is refused."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Never

import numpy as np

from negspa_jax.data.fingerprint import Fingerprint, Tilt
from negspa_jax.data.signature import NUM_FEATURES, PARTS, Signature
from negspa_jax.data.spans import MIN_COUNT, Span
from negspa_jax.whole_file import write_text

# Its name in a run's directory.
FINGERPRINT = "fingerprint.json"

# The version is raised when the same numbers come to mean something else.
_FORMAT = {"format": "negspa_jax fingerprint", "version": 1}


def write_fingerprint(path: Path, fingerprint: Fingerprint) -> None:
    """Write a fingerprint, whole or not at all; the same one gives the same bytes."""
    write_text(path, format_fingerprint(fingerprint))


def read_fingerprint(path: Path) -> Fingerprint:
    """Read what `write_fingerprint` wrote.

    Raises:
      ValueError: the file is absent or anything else, in one sentence.
    """
    try:
        return parse_fingerprint(path.read_text("utf-8"))
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error}): repeat the run's command"
        raise ValueError(f"{path} {reason}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def format_fingerprint(fingerprint: Fingerprint) -> str:
    """The text of a fingerprint, one line of JSON."""
    return _dump(_FORMAT | asdict(fingerprint))


def parse_fingerprint(text: str) -> Fingerprint:
    """Return what `format_fingerprint` was given.

    Raises:
      ValueError: the text is anything else, in one sentence.
    """
    try:
        content = json.loads(text, parse_constant=_refuse_constant)
        fingerprint = _unpack(content)
        _check(fingerprint)
        # What is left out, added, or of another type is written otherwise.
        _demand(_dump(content) == format_fingerprint(fingerprint), "its entries")
    # JSON of another shape fails in as many ways as there are shapes.
    except (
        *(ValueError, TypeError, KeyError, AttributeError),
        *(OverflowError, RecursionError),
    ) as error:
        what = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        reason = "must be a fingerprint as a run of this version writes it, got another"
        raise ValueError(f"{reason} text ({what}): repeat the run's command") from None
    return fingerprint


def _dump(content: Any) -> str:
    return json.dumps(content, sort_keys=True, allow_nan=False) + "\n"


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no number")


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"{what} cannot be right")


def _unpack(content: Mapping[str, Any]) -> Fingerprint:
    _demand(_FORMAT.items() <= content.items(), "its format or version")
    signature = content["signature"]
    return Fingerprint(
        num_patients=content["num_patients"],
        sequences=tuple(content["sequences"]),
        quantities=_unpack_spans(content["quantities"]),
        tilts={
            name: Tilt(**tilt | {"axis": tuple(tilt["axis"])})
            for name, tilt in content["tilts"].items()
        },
        words=content["words"],
        signature=None if signature is None else _unpack_signature(signature),
    )


def _unpack_signature(content: Mapping[str, Any]) -> Signature:
    return Signature(
        means={name: tuple(mean) for name, mean in content["means"].items()},
        covariance=tuple(tuple(row) for row in content["covariance"]),
        distances=_unpack_spans(content["distances"]),
    )


def _unpack_spans(content: Mapping[str, Any]) -> dict[str, dict[str, Span]]:
    return {
        name: {quantity: Span(**span) for quantity, span in spans.items()}
        for name, spans in content.items()
    }


def _check(fingerprint: Fingerprint) -> None:
    """Refuse what no cohort can have left."""
    count, names = fingerprint.num_patients, fingerprint.sequences
    _demand(_is_count(count, least=1), "its number of patients")
    words = all(isinstance(name, str) for name in names)
    _demand(words and len(names) == len(set(names)) > 0, "its sequences")
    signature = fingerprint.signature
    _demand((signature is None) == (count < MIN_COUNT), "its size")
    if signature is None:
        return
    for part in (fingerprint.quantities, fingerprint.words, signature.means):
        _demand(set(part) == set(names), "its sequences")
    _demand(set(fingerprint.tilts) <= set(names), "its sequences")
    for spans in (*fingerprint.quantities.values(), *signature.distances.values()):
        for span in spans.values():
            _check_span(span)
    for tilt in fingerprint.tilts.values():
        _demand(len(tilt.axis) == 3 and abs(math.hypot(*tilt.axis) - 1) < 1e-3, "axis")
        _demand(0 <= tilt.largest <= 90 and tilt.deviation > 0, "a tilt")
        _demand(_is_count(tilt.count, least=MIN_COUNT), "a tilt's count")
    for counts in fingerprint.words.values():
        for words_seen in counts.values():
            _demand(all(_is_count(n, least=1) for n in words_seen.values()), "a count")
    _check_signature(signature, names)


def _check_span(span: Span) -> None:
    _demand(_is_count(span.count, least=MIN_COUNT), "a count")
    _demand(span.low <= span.high and span.deviation > 0, "a range")
    _demand(math.isfinite(span.mean) and isinstance(span.by_ratio, bool), "a mean")


def _check_signature(signature: Signature, names: tuple[str, ...]) -> None:
    means = np.array(list(signature.means.values()), dtype=np.float64)
    _demand(means.shape == (len(names), NUM_FEATURES), "its means")
    covariance = np.array(signature.covariance, dtype=np.float64)
    _demand(covariance.shape == (NUM_FEATURES, NUM_FEATURES), "its covariance")
    _demand(bool(np.array_equal(covariance, covariance.T)), "its covariance")
    # Of what is no covariance, a distance could be negative.
    _demand(bool(np.linalg.eigvalsh(covariance)[0] > 0), "its covariance")
    parts = {name: set(PARTS) for name in names}
    found = {name: set(spans) for name, spans in signature.distances.items()}
    _demand(found == parts, "its distances")


def _is_count(value: Any, *, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
