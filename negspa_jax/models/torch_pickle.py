"""A pickle interpreter that knows torch's state dicts and executes nothing.

A pickle is a program; Python's own unpickler calls whatever it names. Here the
operations are walked one by one (`pickletools.genops` only decodes them), every name
outside `_GLOBALS` is refused, and the names within become the few lines below.
"""

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np


class Refused(ValueError):
    """The pickle asks for something that a state dict does not need."""


@dataclass(frozen=True)
class Storage:
    """A run of numbers in the file, perhaps shared by several tensors."""

    key: str
    dtype: np.dtype
    size: int
    start: int = 0


@dataclass(frozen=True)
class Tensor:
    """A strided view of a storage, in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


_DTYPES = {
    "Float": np.float32,
    "Double": np.float64,
    "Half": np.float16,
    "BFloat16": ml_dtypes.bfloat16,
    "Long": np.int64,
    "Int": np.int32,
    "Short": np.int16,
    "Char": np.int8,
    "Byte": np.uint8,
    "Bool": np.bool_,
}


def _make_dict(items: Any = ()) -> dict:
    # Python 2 wrote OrderedDict([[key, value], ...]), Python 3 fills an empty one.
    return {key: value for key, value in items}


def _make_tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, *options: Any
) -> Tensor:
    # Options: requires_grad and hooks, which mean nothing here, then flags such as
    # "the numbers stand negated", which would.
    if not isinstance(storage, Storage) or any(options[2:]):
        raise Refused("a tensor must be a plain view of a storage")
    numbers = (offset, *shape, *strides)
    if any(type(number) is not int or number < 0 for number in numbers):
        raise Refused("offset, sizes and strides must be integers from 0")
    if len(shape) != len(strides):
        raise Refused("a tensor must have one stride a size")
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _make_parameter(data: Any, *_: Any) -> Tensor:
    if not isinstance(data, Tensor):
        raise Refused("a parameter must hold a tensor")
    return data


_GLOBALS: dict[str, Any] = {
    "collections OrderedDict": _make_dict,
    "torch._utils _rebuild_tensor": _make_tensor,
    "torch._utils _rebuild_tensor_v2": _make_tensor,
    "torch._utils _rebuild_parameter": _make_parameter,
    **{f"torch {name}Storage": np.dtype(dtype) for name, dtype in _DTYPES.items()},
}


def read_pickle(stream: io.BytesIO | io.BufferedReader) -> Any:
    """The object of one pickle, with `Tensor`s for tensors; stops behind its end.

    Raises:
        ValueError: if the pickle is damaged, or (`Refused`) asks for anything else.
    """
    machine = _Machine()
    try:
        for operation, argument, _ in pickletools.genops(stream):
            if operation.name == "STOP":
                return machine.stack.pop()
            machine.step(operation.name, argument)
    except Refused:
        raise
    # MemoryError: a string whose length is a lie.
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise ValueError(f"its pickle is damaged ({error})") from error
    raise ValueError("its pickle is truncated")


class _Machine:
    """The stack, the marks into it, and the memo of a pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _LITERALS:
            self.stack.append(argument)
        elif name in _OPERATIONS:
            _OPERATIONS[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            raise Refused(f"operation {name} has no place in a state dict")

    def pop_to_mark(self) -> list[Any]:
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def pop(self, number: int) -> list[Any]:
        # Nothing below the newest mark may be taken.
        if len(self.stack) - (self.marks[-1] if self.marks else 0) < number:
            raise IndexError("stack underflow")
        items = self.stack[-number:]
        del self.stack[-number:]
        return items

    def push_tuple(self, items: list[Any]) -> None:
        self.stack.append(tuple(items))

    def mark(self, _: Any) -> None:
        self.marks.append(len(self.stack))

    def put(self, argument: Any) -> None:
        self.memo[len(self.memo) if argument is None else argument] = self.stack[-1]

    def get(self, argument: int) -> None:
        self.stack.append(self.memo[argument])

    def find(self, name: str) -> None:
        if name not in _GLOBALS:
            raise Refused(f"it asks for {'.'.join(name.split(' '))!r}")
        self.stack.append(_GLOBALS[name])

    def reduce(self, _: Any) -> None:
        function, arguments = self.pop(2)
        if not isinstance(function, Callable):  # type: ignore[arg-type]
            raise Refused(f"it calls {type(function).__name__}")
        self.stack.append(function(*arguments))

    def build(self, _: Any) -> None:
        # Attributes of the dictionary: torch's `_metadata`, versions of modules.
        _, target = self.pop(1), self.stack[-1]
        if type(target) is not dict:
            raise Refused(f"it sets attributes of {type(target).__name__}")

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise TypeError("items must go in pairs into a dictionary")
        target.update(zip(items[::2], items[1::2], strict=True))

    def append_items(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise TypeError("items must be appended to a list")
        self.stack[-1].extend(items)

    def load_storage(self, _: Any) -> None:
        """("storage", type, key, device, size[, view]), view = (key, start, size)."""
        kind, dtype, key, _, size, *view = self.pop(1)[0]
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise Refused("it refers to something else than a storage")
        start = 0
        if view and view[0] is not None:
            _, start, size = view[0]
        if any(type(number) is not int or number < 0 for number in (start, size)):
            raise Refused("a storage's start and size must be integers from 0")
        self.stack.append(Storage(str(key), dtype, size, start))


_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_LITERALS = {"BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"} | {
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "BINUNICODE8",
    "BINSTRING",
    "SHORT_BINSTRING",
}
_OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "TUPLE": lambda machine, _: machine.push_tuple(machine.pop_to_mark()),
    "TUPLE1": lambda machine, _: machine.push_tuple(machine.pop(1)),
    "TUPLE2": lambda machine, _: machine.push_tuple(machine.pop(2)),
    "TUPLE3": lambda machine, _: machine.push_tuple(machine.pop(3)),
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.put,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "GLOBAL": _Machine.find,
    "STACK_GLOBAL": lambda machine, _: machine.find(" ".join(machine.pop(2))),
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
    "SETITEM": lambda machine, _: machine.set_items(machine.pop(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    "APPEND": lambda machine, _: machine.append_items(machine.pop(1)),
    "APPENDS": lambda machine, _: machine.append_items(machine.pop_to_mark()),
    "BINPERSID": _Machine.load_storage,
}
