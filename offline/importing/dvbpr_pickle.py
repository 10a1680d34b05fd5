"""Reads the pickled arrays of DVBPR as data, and never calls what a pickle names."""

import pickletools
import re
import struct
from collections.abc import Callable
from typing import BinaryIO

from offline.importing.dvbpr_stand_ins import (
    KNOWN,
    Array,
    Name,
    NumpyType,
    Photo,
    Refused,
    checked_key,
    exactly,
    made,
)

_MAGIC = b"\x93NUMPY"
_MAX_HEADER_BYTES = 64 << 10
_OBJECTS = re.compile(rb"'descr': *'\|?O8?'")
MAX_STACK = 4_000_000
MAX_MEMO = 50_000_000
PHOTO_BYTES = 512
_JPEG = b"\xff\xd8\xff"


class _Mark:
    """The mark on the stack below a collection."""


class PickleReader:
    """A machine for the opcodes of data: numbers, texts, bytes, lists, dictionaries and arrays.

    Args:
        file: The pickle, at its beginning.
        put_aside: Given each JPEG as soon as it was read, so that none stays in memory; returns
            its number.
    """

    def __init__(self, file: BinaryIO, put_aside: Callable[[bytes], int]) -> None:
        self._file = file
        self._put_aside = put_aside
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}

    def read(self) -> object:
        """Returns what the pickle holds.

        Raises:
            Refused: It is damaged, over a limit, or holds anything but data.
        """
        try:
            for opcode, argument, _ in pickletools.genops(self._file):
                if opcode.name == "STOP":
                    return self._stack.pop()
                self._step(opcode.name, argument)
                if len(self._stack) > MAX_STACK or len(self._memo) > MAX_MEMO:
                    raise Refused("over a limit")
        except (ValueError, IndexError, KeyError, TypeError, struct.error, MemoryError) as error:
            raise Refused(f"damaged: {type(error).__name__}") from error
        raise Refused("damaged: it has no end")

    def _step(self, name: str, argument: object) -> None:
        act = _ACTS.get(name)
        if act is not None:
            act(self, argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _VALUES:
            self._stack.append(self._value(name, argument))
        elif name not in ("PROTO", "FRAME"):
            raise Refused(f"it holds {name}, which is not data")

    def _value(self, name: str, argument: object) -> object:
        # Python 2 wrote its strings, which are bytes, under these names.
        if name in ("STRING", "BINSTRING", "SHORT_BINSTRING") and isinstance(argument, str):
            argument = argument.encode("latin-1")
        return self._kept(argument)

    def _kept(self, value: object) -> object:
        if isinstance(value, bytes) and len(value) > PHOTO_BYTES and value.startswith(_JPEG):
            return Photo(self._put_aside(value))
        return value

    def _since_mark(self) -> list[object]:
        place = len(self._stack) - 1
        while not isinstance(self._stack[place], _Mark):
            place -= 1
            if place < 0:
                raise Refused("damaged: no mark")
        items = self._stack[place + 1 :]
        del self._stack[place:]
        return items

    def name(self, argument: object) -> None:
        module, _, name = str(argument).partition(" ")
        self._push_name(module, name)

    def stack_name(self, _: object) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._push_name(str(module), str(name))

    def _push_name(self, module: str, name: str) -> None:
        if (module, name) not in KNOWN:
            raise Refused(f"it names {module[:60]}.{name[:60]}, which is not data")
        self._stack.append(Name(module, name))

    def reduce(self, _: object) -> None:
        arguments, called = self._stack.pop(), self._stack.pop()
        if not isinstance(called, Name) or not isinstance(arguments, tuple):
            raise Refused("it calls something that is not data")
        self._stack.append(self._kept(made(called.name, arguments)))

    def build(self, _: object) -> None:
        state, built = self._stack.pop(), self._stack[-1]
        if isinstance(built, NumpyType):
            return
        if not isinstance(built, Array) or not isinstance(state, tuple):
            raise Refused("it builds something that is not data")
        items = state[-1]
        built.items = list(items) if isinstance(items, list) else [items]

    def append(self, _: object) -> None:
        item = self._stack.pop()
        self._list_on_top().append(item)

    def appends(self, _: object) -> None:
        items = self._since_mark()
        self._list_on_top().extend(items)

    def set_item(self, _: object) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._dict_on_top()[checked_key(key)] = value

    def set_items(self, _: object) -> None:
        items = self._since_mark()
        found = self._dict_on_top()
        for key, value in zip(items[::2], items[1::2], strict=True):
            found[checked_key(key)] = value

    def _list_on_top(self) -> list[object]:
        if not isinstance(self._stack[-1], list):
            raise Refused("damaged: no list")
        return self._stack[-1]

    def _dict_on_top(self) -> dict[object, object]:
        if not isinstance(self._stack[-1], dict):
            raise Refused("damaged: no dictionary")
        return self._stack[-1]

    def new_dict(self, _: object) -> None:
        items = self._since_mark()
        keys = map(checked_key, items[::2])
        self._stack.append(dict(zip(keys, items[1::2], strict=True)))

    def new_list(self, _: object) -> None:
        self._stack.append(self._since_mark())

    def new_tuple(self, _: object) -> None:
        self._stack.append(tuple(self._since_mark()))

    def push(self, value: object) -> None:
        self._stack.append(value)

    def pop(self, _: object) -> None:
        self._stack.pop()

    def take(self, count: int) -> tuple[object, ...]:
        taken = tuple(self._stack[len(self._stack) - count :])
        del self._stack[len(self._stack) - count :]
        return taken

    def put(self, argument: object) -> None:
        self._memo[len(self._memo) if argument is None else int(str(argument))] = self._stack[-1]

    def get(self, argument: object) -> None:
        self._stack.append(self._memo[int(str(argument))])


def read_npy(file: BinaryIO, put_aside: Callable[[bytes], int]) -> list[object]:
    """Returns the items of an array of objects in a ``.npy`` file.

    Raises:
        Refused: It is none, or holds anything but data.
    """
    if file.read(len(_MAGIC)) != _MAGIC:
        raise Refused("it is no .npy file")
    major, _ = struct.unpack("<BB", exactly(file, 2))
    form = "<H" if major == 1 else "<I"
    (length,) = struct.unpack(form, exactly(file, struct.calcsize(form)))
    # numpy reads the header as Python; that it tells of objects is all there is to know.
    header = exactly(file, min(length, _MAX_HEADER_BYTES))
    if length > _MAX_HEADER_BYTES or _OBJECTS.search(header) is None:
        raise Refused("it is an array of numbers, not of objects")
    found = PickleReader(file, put_aside).read()
    if not isinstance(found, Array):
        raise Refused("it holds no array")
    return found.items


_VALUES = frozenset({
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
    "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
})  # fmt: skip
_CONSTANTS: dict[str, object] = {
    "NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": (),
}  # fmt: skip


def _push(make: Callable[[], object]) -> "_Act":
    return lambda machine, _: machine.push(make())


_Act = Callable[[PickleReader, object], None]
_ACTS: dict[str, _Act] = {
    "MARK": _push(_Mark),
    "EMPTY_LIST": _push(list),
    "EMPTY_DICT": _push(dict),
    "POP": PickleReader.pop,
    "LIST": PickleReader.new_list,
    "TUPLE": PickleReader.new_tuple,
    "TUPLE1": lambda machine, _: machine.push(machine.take(1)),
    "TUPLE2": lambda machine, _: machine.push(machine.take(2)),
    "TUPLE3": lambda machine, _: machine.push(machine.take(3)),
    "DICT": PickleReader.new_dict,
    "APPEND": PickleReader.append,
    "APPENDS": PickleReader.appends,
    "SETITEM": PickleReader.set_item,
    "SETITEMS": PickleReader.set_items,
    "GLOBAL": PickleReader.name,
    "STACK_GLOBAL": PickleReader.stack_name,
    "REDUCE": PickleReader.reduce,
    "BUILD": PickleReader.build,
    "PUT": PickleReader.put,
    "BINPUT": PickleReader.put,
    "LONG_BINPUT": PickleReader.put,
    "MEMOIZE": PickleReader.put,
    "GET": PickleReader.get,
    "BINGET": PickleReader.get,
    "LONG_BINGET": PickleReader.get,
}
