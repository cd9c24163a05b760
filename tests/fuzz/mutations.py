"""Damage to bytes of any format; the same generator makes the same damage."""

import gzip
import zlib
from collections.abc import Callable, Sequence

import numpy as np

Damage = Callable[[bytes, np.random.Generator], bytes]

# Behind a checksum or a compression, damage would end at the door.
_GZIP, _PNG = b"\x1f\x8b", b"\x89PNG\r\n\x1a\n"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_BORDERS = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)


def flip_bits(content: bytes, key: np.random.Generator) -> bytes:
    """Flip 1 to 16 bits, more often near the start, where headers are."""
    changed = bytearray(content)
    for _ in range(int(key.choice((1, 1, 2, 4, 16)))):
        changed[_place(content, key)] ^= 1 << int(key.integers(8))
    return bytes(changed)


def overwrite_bytes(content: bytes, key: np.random.Generator) -> bytes:
    """Overwrite 1 to 32 bytes, each anywhere, or all in a row."""
    changed = bytearray(content)
    count, place = int(key.choice((1, 2, 4, 8, 32))), _place(content, key)
    in_a_row = key.random() < 0.5
    for step in range(count):
        at = (place + step) % len(changed) if in_a_row else _place(content, key)
        border = key.random() < 0.5
        changed[at] = int(key.choice(_BORDERS) if border else key.integers(256))
    return bytes(changed)


def truncate(content: bytes, key: np.random.Generator) -> bytes:
    """Cut the end off, anywhere, once in ten almost everything."""
    return content[
        : int(key.integers(9)) if key.random() < 0.1 else _place(content, key)
    ]


def insert_range(content: bytes, key: np.random.Generator) -> bytes:
    """Insert bytes that are zero, random, or stand elsewhere in the file."""
    place, length = _place(content, key), _length(key)
    kind = int(key.integers(3))
    if kind == 0:
        piece = bytes(length)
    elif kind == 1:
        piece = key.bytes(length)
    else:
        start = _place(content, key)
        piece = content[start : start + length] * int(key.choice((1, 1, 2, 50)))
    return content[:place] + piece + content[place:]


def delete_range(content: bytes, key: np.random.Generator) -> bytes:
    """Leave bytes out of the midst."""
    place = _place(content, key)
    return content[:place] + content[place + _length(key) :]


def splice(content: bytes, other: bytes, key: np.random.Generator) -> bytes:
    """Start as one file, end as another; or hold a piece of it."""
    place = _place(content, key)
    if key.random() < 0.5:
        return content[:place] + other[_place(other, key) :]
    start, length = _place(other, key), _length(key)
    return content[:place] + other[start : start + length] + content[place + length :]


BYTES: tuple[Damage, ...] = (
    flip_bits,
    overwrite_bytes,
    truncate,
    insert_range,
    delete_range,
)


def peel(content: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
    """What a compression or checksums protect, and how to protect it again."""
    if content.startswith(_GZIP):
        return gzip.decompress(content), lambda inner: gzip.compress(inner, 1, mtime=0)
    if content.startswith(_PNG):
        return content, repair_png
    if _DEFLATED in content[:600]:
        end = 144 + int.from_bytes(content[140:144], "little")
        meta, inner = content[:end], zlib.decompress(content[end:], -15)
        return inner, lambda changed: meta + _deflate(changed)
    return content, lambda inner: inner


def repair_png(content: bytes) -> bytes:
    """Give every chunk that can be found its right checksum."""
    changed, offset = bytearray(content), 8
    while offset + 12 <= len(changed):
        end = offset + 8 + int.from_bytes(changed[offset : offset + 4], "big")
        if end + 4 > len(changed):
            break
        changed[end : end + 4] = zlib.crc32(changed[offset + 4 : end]).to_bytes(
            4, "big"
        )
        offset = end + 4
    return bytes(changed)


def mutate(
    seeds: Sequence[bytes], damage_fields: Sequence[Damage], key: np.random.Generator
) -> tuple[bytes, str]:
    """Damage one of the valid files once to three times.

    Args:
      seeds: valid files of one kind.
      damage_fields: that know the kind's fields.
      key: draws everything.

    Returns:
      The damaged file, and what was done to it.
    """
    number = int(key.integers(len(seeds)))
    content, wrap, words = seeds[number], None, [f"seed {number}"]
    if key.random() < 0.7:
        content, wrap = peel(content)
        words.append("peeled")
    for _ in range(int(key.choice((1, 1, 1, 2, 3)))):
        if not content:
            break
        if key.random() < 0.1:
            other = seeds[int(key.integers(len(seeds)))]
            content = splice(content, other if wrap is None else peel(other)[0], key)
            words.append("splice")
            continue
        kinds = damage_fields if damage_fields and key.random() < 0.6 else BYTES
        damage = kinds[int(key.integers(len(kinds)))]
        content = damage(content, key)
        words.append(damage.__name__)
    return (wrap(content) if wrap else content), ", ".join(words)


def _deflate(content: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(content) + squeeze.flush()


def _place(content: bytes, key: np.random.Generator) -> int:
    """Anywhere; half of the time within the first 600 bytes."""
    end = min(600, len(content)) if key.random() < 0.5 else len(content)
    return int(key.integers(max(end, 1)))


def _length(key: np.random.Generator) -> int:
    return int(key.choice((1, 2, 4, 8, 100, 1000)))
