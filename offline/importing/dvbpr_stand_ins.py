"""Stands in for what the arrays of numpy are pickled with; nothing of it is imported or called."""

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

_SCALARS = {"i1": "<b", "u1": "<B", "i2": "<h", "i4": "<i", "i8": "<q", "u4": "<I", "u8": "<Q",
            "f4": "<f", "f8": "<d", "b1": "<?"}  # fmt: skip
# What the arrays of numpy are pickled with. None of these is imported: each has a stand-in here.
KNOWN = {
    *((f"numpy.{core}.multiarray", name) for core in ("core", "_core")
      for name in ("_reconstruct", "scalar")),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("collections", "defaultdict"),
    ("__builtin__", "list"),
    ("__builtin__", "dict"),
    ("builtins", "list"),
    ("builtins", "dict"),
}  # fmt: skip


class Refused(Exception):
    """The file holds something else than data; the message says what."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that was put aside while it was read."""

    number: int


@dataclass(slots=True)
class Array:
    """A numpy array of objects."""

    items: list[object] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Name:
    """Something that a pickle names, such as a class."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class NumpyType:
    """A numpy type."""

    code: str


def made(name: str, arguments: tuple[object, ...]) -> object:
    """Returns what a pickle means by a call of something that is named in :data:`KNOWN`.

    Raises:
        Refused: It means anything but data.
    """
    if name == "_reconstruct":
        return Array()
    if name == "dtype":
        return NumpyType(str(_text(arguments[0])))
    if name == "scalar" and isinstance(arguments[0], NumpyType) and isinstance(arguments[1], bytes):
        form = _SCALARS.get(arguments[0].code)
        if form is not None:
            return struct.unpack(form, arguments[1])[0]
    if name == "encode" and isinstance(arguments[0], str):
        return arguments[0].encode("latin-1")
    if name in ("defaultdict", "dict") and all(isinstance(each, Name) for each in arguments):
        return {}
    if name == "list" and not arguments:
        return []
    raise Refused(f"it calls {name}, which is not data")


def _text(value: object) -> object:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def checked_key(key: object) -> object:
    """Returns the key of a dictionary.

    Raises:
        Refused: It cannot be one.
    """
    if not isinstance(key, str | bytes | int | float | tuple | None):
        raise Refused("damaged: no key")
    return key


def exactly(file: BinaryIO, count: int) -> bytes:
    """Returns so many bytes of a file.

    Raises:
        Refused: There are fewer.
    """
    found = file.read(count)
    if len(found) < count:
        raise Refused("it is no .npy file")
    return found
