"""Reads one line of JSON, or of Python literals, with limits and without running anything."""

import ast
import re

import orjson

from offline.importing.records import BadRow, Fields

MAX_NESTING = 32
MAX_LITERAL_CHARS = 256 << 10
# Possessive: a hostile line must not make the matcher go back over what it has read.
_STRING = re.compile(
    r"""'(?:[^'\\]|\\.)*+(?P<single>'?)|"(?:[^"\\]|\\.)*+(?P<double>"?)""", re.DOTALL
)
# What may stand outside of strings: numbers, True, False, None, brackets; no operators.
_LITERAL = re.compile(r"(?:[\[\]{}(),:\s@]|[+-]?[\d.]++(?:[eE][+-]?\d++)?|True|False|None)*+")
_OPENING, _CLOSING = frozenset("[{("), frozenset("]})")


def json_line(line: str) -> Fields:
    """Returns the fields of a JSON object.

    Raises:
        BadRow: It is none, or nested too deep.
    """
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadRow("not JSON") from None
    return _object(found)


def literal_line(line: str) -> Fields:
    """Returns the fields of an object in JSON, or in the literals of Python.

    Literals hold strings, numbers, True, False, None, lists and dictionaries. Anything else, such
    as an operator or a call, is refused before it is looked at.

    Raises:
        BadRow: It is none, too long, or nested too deep.
    """
    try:
        return _object(orjson.loads(line))
    except orjson.JSONDecodeError:
        pass
    if len(line) > MAX_LITERAL_CHARS:
        raise BadRow("the line is too long")
    bare = _STRING.sub(_stand_in, line.strip())
    if not _LITERAL.fullmatch(bare):
        raise BadRow("not a Python literal")
    depth = 0
    for character in bare:
        depth += (character in _OPENING) - (character in _CLOSING)
        if depth > MAX_NESTING:
            raise BadRow("nested too deep")
    try:
        found = ast.literal_eval(line.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise BadRow("not a Python literal") from None
    return _object(found)


def _stand_in(string: re.Match[str]) -> str:
    # A string that nobody closed is no literal, whatever follows.
    return "@" if string["single"] or string["double"] else "!"


def _object(found: object) -> Fields:
    if not isinstance(found, dict):
        raise BadRow("not an object")
    if not _is_shallow(found, MAX_NESTING):
        raise BadRow("nested too deep")
    return {str(name): value for name, value in found.items()}


def _is_shallow(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        return depth > 0 and all(_is_shallow(each, depth - 1) for each in value.values())
    if isinstance(value, list | tuple):
        return depth > 0 and all(_is_shallow(each, depth - 1) for each in value)
    return True
