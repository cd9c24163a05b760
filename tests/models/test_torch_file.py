"""The reader of .pth files: files composed by hand, hostile and damaged ones."""

import io
import pickle
import random
import struct
import warnings
import zipfile
from collections import OrderedDict

import ml_dtypes
import numpy as np
import pytest

from negspa_jax.models.torch_file import read_torch_file

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
SYSTEM = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {}}


class Call:
    """Pickles as a call of a function that need not exist here."""

    def __init__(self, name, *arguments):
        self.name, self.arguments = name, arguments


class Name(str):
    """Pickles as a global."""


class Stored:
    """Pickles as a reference to a storage."""

    def __init__(self, kind, key, size, *view):
        self.reference = ("storage", Name(f"torch {kind}Storage"), key, "cpu", size)
        self.reference += view


class Composer(pickle._Pickler):
    """Writes `Call`, `Name` and `Stored` as torch writes what they stand for."""

    def persistent_id(self, thing):
        return thing.reference if isinstance(thing, Stored) else None

    def save(self, thing, save_persistent_id=True):
        if isinstance(thing, Name) and self.proto < 4:
            self.write(b"c" + thing.replace(" ", "\n").encode() + b"\n")
        elif isinstance(thing, Name):
            for word in thing.split(" "):
                super().save(word)
            self.write(b"\x93")
        elif isinstance(thing, Call):
            self.save(Name(thing.name))
            self.save(thing.arguments)
            self.write(b"R")
        else:
            super().save(thing, save_persistent_id)


def compose(thing, protocol=2):
    stream = io.BytesIO()
    Composer(stream, protocol).dump(thing)
    return stream.getvalue()


def tensor(storage, shape, *, offset=0, strides=None, function="_rebuild_tensor_v2"):
    if strides is None:
        strides = tuple(np.cumprod([1, *shape[:0:-1]], dtype=int)[::-1].tolist())
    arguments = (storage, offset, shape, strides, False, OrderedDict())
    return Call(f"torch._utils {function}", *arguments)


def write_zip(path, state, storages, *, protocol=2, **options):
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", **options) as archive:
        warnings.simplefilter("ignore", UserWarning)  # duplicate names
        archive.writestr("archive/data.pkl", compose(state, protocol))
        archive.writestr("archive/byteorder", "little")
        for key, values in storages:
            archive.writestr(f"archive/data/{key}", values.tobytes())
        archive.writestr("archive/version", "3\n")
    return path


def write_legacy(path, state, storages, *, count=None, system=SYSTEM):
    with open(path, "wb") as stream:
        for thing in (MAGIC, PROTOCOL, system, state, [key for key, _ in storages]):
            stream.write(compose(thing))
        for _, values in storages:
            stream.write(struct.pack("<q", values.size if count is None else count))
            stream.write(values.tobytes())
    return path


WRITERS = pytest.mark.parametrize("write", [write_zip, write_legacy])
VALUES = np.arange(12, dtype=np.float32)
PLAIN = {"weight": tensor(Stored("Float", "0", 12), (3, 4))}


@WRITERS
def test_a_state_dict_is_read(write, tmp_path):
    tensors = read_torch_file(write(tmp_path / "w.pth", PLAIN, [("0", VALUES)]))
    np.testing.assert_array_equal(tensors["weight"], VALUES.reshape(3, 4))
    assert not tensors["weight"].flags.writeable


@WRITERS
def test_tensors_share_a_storage_and_keep_their_strides(write, tmp_path):
    storage = Stored("Float", "0", 12)
    state = {
        "transposed": tensor(storage, (4, 3), strides=(1, 4)),
        "tail": tensor(storage, (2, 2), offset=8),
        "number": tensor(storage, (), offset=5, strides=()),
        "empty": tensor(storage, (0, 3)),
        "parameter": Call(
            "torch._utils _rebuild_parameter", tensor(storage, (12,)), True, None
        ),
        "old": tensor(storage, (12,), function="_rebuild_tensor"),
    }
    tensors = read_torch_file(write(tmp_path / "w.pth", state, [("0", VALUES)]))
    np.testing.assert_array_equal(tensors["transposed"], VALUES.reshape(3, 4).T)
    np.testing.assert_array_equal(tensors["tail"], [[8, 9], [10, 11]])
    assert tensors["number"] == 5
    assert tensors["empty"].shape == (0, 3)
    np.testing.assert_array_equal(tensors["parameter"], VALUES)
    np.testing.assert_array_equal(tensors["old"], VALUES)


@WRITERS
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("Double", np.float64),
        ("Half", np.float16),
        ("BFloat16", ml_dtypes.bfloat16),
        ("Long", np.int64),
        ("Byte", np.uint8),
        ("Bool", np.bool_),
    ],
)
def test_every_type_keeps_its_numbers(write, kind, dtype, tmp_path):
    values = np.array([0, 1, 3]).astype(dtype)
    state = {"x": tensor(Stored(kind, "0", 3), (3,))}
    (result,) = read_torch_file(
        write(tmp_path / "w.pth", state, [("0", values)])
    ).values()
    assert result.dtype == values.dtype
    np.testing.assert_array_equal(result, values)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_all_binary_pickle_protocols_are_read(protocol, tmp_path):
    state = OrderedDict(PLAIN)
    state.update({f"more.{number}": PLAIN["weight"] for number in range(300)})
    path = write_zip(tmp_path / "w.pth", state, [("0", VALUES)], protocol=protocol)
    assert len(read_torch_file(path)) == 301


def test_an_ordered_dict_of_python_2_is_read(tmp_path):
    state = Call("collections OrderedDict", [["weight", PLAIN["weight"]]])
    path = write_legacy(tmp_path / "w.pth", state, [("0", VALUES)])
    assert list(read_torch_file(path)) == ["weight"]


def test_a_view_of_an_old_storage_is_read(tmp_path):
    storage = Stored("Float", "0", 4, ("view", 2, 4))
    state = {"x": tensor(storage, (4,))}
    path = write_legacy(tmp_path / "w.pth", state, [("0", VALUES)])
    np.testing.assert_array_equal(read_torch_file(path)["x"], [2, 3, 4, 5])


@WRITERS
@pytest.mark.parametrize(
    "name", ["posix system", "builtins eval", "torch.jit load", "torch._utils _rebuild"]
)
def test_any_other_global_is_refused_by_name(write, name, tmp_path):
    state = {"weight": Call(name, "touch hacked")}
    path = write(tmp_path / "w.pth", state, [])
    with pytest.raises(ValueError, match=f"asks for '{name.replace(' ', '.')}'"):
        read_torch_file(path)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"epoch": 3}, "a state dict with a int under 'epoch'"),
        ({3: PLAIN["weight"]}, "a state dict with a Tensor under 3"),
        ([PLAIN["weight"]], "a list in place of a state dict"),
        ({"x": tensor(Stored("Float", "0", 12), (13,))}, "tensor x: shape"),
        ({"x": tensor(Stored("Float", "0", 12), (4,), offset=9)}, "tensor x: shape"),
        ({"x": tensor(Stored("Float", "0", 12), (9**9,), strides=(0,))}, "x: shape"),
        ({"x": tensor(Stored("Float", "0", 99), (3,))}, "a storage of 99 numbers"),
        ({"x": tensor(Stored("Float", "1", 12), (3,))}, "'1' for tensor x|belongs to"),
        ({"x": tensor(Stored("Float", "0", 12), (3,), strides=(-1,))}, "from 0"),
        ({"x": tensor(Stored("Float", "0", 12), (-3,), strides=(1,))}, "from 0"),
        ({"x": tensor(Stored("Float", "0", 12), (3,), strides=(1, 1))}, "one stride"),
        ({"x": tensor(VALUES.size, (3,))}, "plain view of a storage"),
    ],
)
@WRITERS
def test_what_is_no_state_dict_is_refused(write, state, sentence, tmp_path):
    path = write(tmp_path / "w.pth", state, [("0", VALUES)])
    with pytest.raises(ValueError, match=sentence):
        read_torch_file(path)


def test_a_storage_that_ends_past_the_file_is_refused(tmp_path):
    path = tmp_path / "w.pth"
    for count in (10**15, -1):
        write_legacy(path, PLAIN, [("0", VALUES)], count=count)
        with pytest.raises(ValueError, match="ends past the file"):
            read_torch_file(path)


def test_a_compressed_archive_that_grows_is_refused(tmp_path):
    zeros = [("0", np.zeros(10**6, np.float32))]
    path = tmp_path / "w.pth"
    write_zip(path, PLAIN, zeros, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="records exceed the file"):
        read_torch_file(path)


def test_big_endian_numbers_are_refused(tmp_path):
    system = SYSTEM | {"little_endian": False}
    path = write_legacy(tmp_path / "w.pth", PLAIN, [("0", VALUES)], system=system)
    with pytest.raises(ValueError, match="not little-endian"):
        read_torch_file(path)


def test_two_records_of_one_name_are_refused(tmp_path):
    path = write_zip(tmp_path / "w.pth", PLAIN, [("0", VALUES), ("0", VALUES + 1)])
    with pytest.raises(ValueError, match="exactly one"):
        read_torch_file(path)


@WRITERS
def test_every_truncation_is_refused(write, tmp_path):
    path = write(tmp_path / "w.pth", PLAIN, [("0", VALUES)])
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="undamaged state dict"):
            read_torch_file(path)


@WRITERS
def test_a_flipped_bit_raises_nothing_but_value_errors(write, tmp_path):
    path = write(tmp_path / "w.pth", PLAIN, [("0", VALUES)])
    content = path.read_bytes()
    generator = random.Random(0)
    refused = 0
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        try:
            read_torch_file(path)
        except ValueError:
            refused += 1
    assert refused > len(content) // 3


@pytest.mark.reference
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
def test_what_torch_saves_is_read(is_zip, tmp_path):
    import torch

    base = torch.arange(24.0).reshape(4, 6)
    state = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    tensors = OrderedDict(state.state_dict())
    tensors |= {
        "transposed": base.T,
        "slice": base[1:, ::2],
        "parameter": torch.nn.Parameter(base),
        "half": base.half(),
        "bfloat16": base.bfloat16(),
        "double": base.double(),
        "long": base.long(),
    }
    path = tmp_path / "w.pth"
    torch.save(tensors, path, _use_new_zipfile_serialization=is_zip)
    result = read_torch_file(path)
    assert result.keys() == tensors.keys()
    for name, value in tensors.items():
        wanted = value.detach().float().numpy()
        np.testing.assert_array_equal(result[name].astype(np.float32), wanted)


@pytest.mark.reference
def test_a_pickled_module_of_torch_is_refused_by_name(tmp_path):
    import torch

    torch.save(torch.nn.Linear(2, 3), tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"asks for 'torch.nn.modules.linear.Linear'"):
        read_torch_file(tmp_path / "w.pth")
