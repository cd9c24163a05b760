"""State dicts of torch (.pth), in its zip and in its legacy format, without torch.

Zip (torch >= 1.6): NAME/data.pkl refers by key to the raw numbers in NAME/data/KEY.
Legacy: five pickles (magic number, protocol, system, state dict, keys), then for each
key the number of elements (int64) and the raw numbers.

Nothing in the file is executed, see `torch_pickle`. Sizes are compared with the file's
before anything is allocated, and tensors are views of what was read.
"""

import io
import math
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from negspa_jax.models.torch_pickle import Tensor, read_pickle

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


def read_torch_file(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors of a state dict by name.

    Args:
        path: a file that `torch.save(model.state_dict(), path)` wrote.

    Returns:
        Read-only views; bfloat16 as `ml_dtypes.bfloat16`.

    Raises:
        ValueError: if the file is damaged, holds anything else than tensors by name,
            or asks for code.
    """
    try:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            is_zip = stream.read(4) == b"PK\x03\x04"
            stream.seek(0)
            return (_read_zip if is_zip else _read_legacy)(stream, size)
    # What zipfile raises on damaged archives, beside ValueError.
    except (
        EOFError,
        NotImplementedError,
        OSError,
        OverflowError,
        RuntimeError,
        ValueError,
        struct.error,
        zipfile.BadZipFile,
    ) as error:
        raise ValueError(
            f"{path} must be an undamaged state dict of torch, got: {error}; fetch it "
            "again, or write it anew with torch.save(model.state_dict(), path)"
        ) from error


def _read_zip(stream: io.BufferedReader, file_size: int) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(stream) as archive:
        names = archive.namelist()
        pickles = [name for name in names if name.endswith("/data.pkl")]
        if len(pickles) != 1 or len(set(names)) != len(names):
            raise ValueError("an archive without exactly one data.pkl")
        # torch never compresses: together the records cannot exceed the file.
        if sum(record.file_size for record in archive.infolist()) > file_size:
            raise ValueError("an archive whose records exceed the file")
        folder = pickles[0].removesuffix("data.pkl")
        if f"{folder}byteorder" in names:
            _check_order(archive.read(f"{folder}byteorder") == b"little")
        state = read_pickle(io.BytesIO(archive.read(pickles[0])))
        return _view_tensors(state, lambda key: archive.read(f"{folder}data/{key}"))


def _read_legacy(stream: io.BufferedReader, file_size: int) -> dict[str, np.ndarray]:
    magic, protocol = read_pickle(stream), read_pickle(stream)
    if (magic, protocol) != (_MAGIC, _PROTOCOL):
        raise ValueError("another magic number than torch's")
    system, state, keys = (read_pickle(stream) for _ in range(3))
    _check_order(isinstance(system, dict) and system.get("little_endian") is True)
    item_sizes = {
        tensor.storage.key: tensor.storage.dtype.itemsize
        for tensor in _check_state(state).values()
    }
    spans: dict[str, tuple[int, int]] = {}
    for key in map(str, keys if isinstance(keys, list) else ()):
        if key not in item_sizes or key in spans:
            raise ValueError(f"storage {key!r} belongs to no tensor")
        (count,) = struct.unpack("<q", stream.read(8))
        length = count * item_sizes[key]
        if not 0 <= length <= file_size - stream.tell():
            raise ValueError(f"storage {key!r} of {count} numbers ends past the file")
        spans[key] = stream.tell(), length
        stream.seek(length, io.SEEK_CUR)

    def read(key: str) -> bytes:
        start, length = spans[key]
        stream.seek(start)
        return stream.read(length)

    return _view_tensors(state, read)


def _check_order(is_little: bool) -> None:
    if not is_little:
        raise ValueError("numbers that are not little-endian")


def _check_state(state: Any) -> dict[str, Tensor]:
    if not isinstance(state, dict):
        raise ValueError(f"a {type(state).__name__} in place of a state dict")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            kind = type(tensor).__name__
            raise ValueError(f"a state dict with a {kind} under {name!r}")
    return state


def _view_tensors(state: Any, read: Callable[[str], bytes]) -> dict[str, np.ndarray]:
    """Read every storage once, and see the tensors in them."""
    storages: dict[str, bytes] = {}
    arrays = {}
    for name, tensor in _check_state(state).items():
        key = tensor.storage.key
        if key not in storages:
            try:
                storages[key] = read(key)
            except KeyError:
                raise ValueError(f"no storage {key!r} for tensor {name}") from None
        try:
            arrays[name] = _view(tensor, storages[key])
        except ValueError as error:
            raise ValueError(f"tensor {name}: {error}") from error
    return arrays


def _view(tensor: Tensor, raw: bytes) -> np.ndarray:
    storage = tensor.storage
    values = np.frombuffer(raw, storage.dtype)
    if storage.start + storage.size > values.size:
        raise ValueError(f"a storage of {storage.size} numbers, {values.size} there")
    values = values[storage.start :][: storage.size][tensor.offset :]
    steps = zip(tensor.shape, tensor.strides, strict=True)
    last = sum((size - 1) * stride for size, stride in steps)
    count = math.prod(tensor.shape)
    if count == 0:
        return np.empty(tensor.shape, storage.dtype)
    if max(last + 1, count) > values.size:
        raise ValueError(f"shape {tensor.shape} leaves its {values.size} numbers")
    strides = tuple(stride * storage.dtype.itemsize for stride in tensor.strides)
    return as_strided(values, tensor.shape, strides, writeable=False)
