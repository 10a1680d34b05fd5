"""Finds keys that a JSON object gives twice, of which a parser would keep the last unsaid."""

import json
from collections.abc import Iterator

from services.gateway.rest_problems import path_of

_Pairs = list[tuple[str, object]]
_Step = int | str


class _Object(list[tuple[str, object]]):
    """The pairs of an object, told from an array."""


class _Repeated(Exception):
    """An object gives a key twice."""


def repeated_key(raw: bytes) -> str | None:
    """The path of the first key that is given twice, such as ``parts[1].text``; None if none is.

    Args:
        raw: JSON that was validated already, so that it is in UTF-8 and not deep.
    """
    try:
        # Whole numbers as float: an int of very many digits is an error of Python's.
        json.loads(raw, object_pairs_hook=_require_unique, parse_int=float)
    except _Repeated:
        parsed = json.loads(raw, object_pairs_hook=_Object, parse_int=float)
        return path_of(next(_repeated(parsed, ()))) or "body"
    return None


def _require_unique(pairs: _Pairs) -> None:
    """Keeps nothing: all that counts is whether a key is there twice."""
    if len(pairs) > 1 and len({name for name, _ in pairs}) != len(pairs):
        raise _Repeated


def _repeated(found: object, path: tuple[_Step, ...]) -> Iterator[tuple[_Step, ...]]:
    if isinstance(found, _Object):
        seen = set[str]()
        for name, value in found:
            if name in seen:
                yield (*path, name)
            seen.add(name)
            yield from _repeated(value, (*path, name))
    elif isinstance(found, list):
        for place, value in enumerate(found):
            yield from _repeated(value, (*path, place))
