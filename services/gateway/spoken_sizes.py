"""Reads sizes from the words of a query."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.scanning import Word, words_of
from services.gateway.vocabulary import Vocabulary

_LONGEST = 3
# What nobody writes but as a size, even without saying "size".
_PLAIN = re.compile(r"x{1,4}[sl]|[2-6]xl|w\d\d(l\d\d)?|\d\d/\d\d")
_OR = frozenset(("/", ",", "-"))


@dataclass(frozen=True, slots=True)
class SizeRange:
    """Sizes that are asked for; ``start`` and ``end`` say which pieces of the query said so."""

    start: int
    end: int
    values: tuple[str, ...]


class SpokenSizes:
    """The sizes of a catalogue, and how they are asked for.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        lexicon = vocabulary.lexicon
        self._sizes: dict[str, tuple[str, ...]] = {}
        for size in sorted(vocabulary.values.get("size", {})):
            key = _key(size)
            if key:
                self._sizes[key] = (*self._sizes.get(key, ()), size)
        for grammar in lexicon.grammars.values():
            for written, size in grammar.names["sizes"].items():
                if (values := self._sizes.get(_key(size))) is not None:
                    self._sizes.setdefault(_key(written), values)
        self._before = frozenset(map(_spaced, lexicon.markers("size_before")))
        self._after = frozenset(map(_spaced, lexicon.markers("size_after")))
        self._or = _OR | frozenset(map(_key, lexicon.markers("exclude_or")))

    def find(self, words: Sequence[Word]) -> list[SizeRange]:
        """Returns the sizes that are asked for, in order; no piece belongs to two."""
        found: list[SizeRange] = []
        place = 0 if self._sizes else len(words)
        while place < len(words):
            size = self._at(words, place)
            if size is not None:
                found.append(size)
            place = size.end if size else place + 1
        return found

    def _at(self, words: Sequence[Word], place: int) -> SizeRange | None:
        marked = self._marker(words, place, self._before)
        if marked and (listed := self._list(words, marked)) is not None:
            return SizeRange(place, listed[1], listed[0])
        read = self._size(words, place)
        if read is None:
            return None
        values, end, key = read
        if (after := self._marker(words, end, self._after)) is not None:
            return SizeRange(place, after, values)
        return SizeRange(place, end, values) if _PLAIN.fullmatch(key) else None

    def _list(self, words: Sequence[Word], place: int) -> tuple[tuple[str, ...], int] | None:
        """Reads one or more sizes: m, m/l, 38 or 40."""
        found: list[str] = []
        end = place
        while (read := self._size(words, place)) is not None:
            found += read[0]
            end = read[1]
            if end >= len(words) or (words[end].key or words[end].text) not in self._or:
                break
            place = end + 1
        return (tuple(dict.fromkeys(found)), end) if found else None

    def _size(self, words: Sequence[Word], place: int) -> tuple[tuple[str, ...], int, str] | None:
        key, best = "", None
        for end in range(place, min(place + _LONGEST, len(words))):
            key += words[end].text
            if (values := self._sizes.get(key)) is not None:
                best = (values, end + 1, key)
        return best

    def _marker(self, words: Sequence[Word], place: int, markers: frozenset[str]) -> int | None:
        best = None
        for end in range(place, min(place + _LONGEST, len(words))):
            if " ".join(word.text for word in words[place : end + 1]) in markers:
                best = end + 1
        if best is not None and best < len(words) and words[best].text == ":":
            return best + 1
        return best


def _spaced(text: str) -> str:
    return " ".join(word.text for word in words_of(text, {}))


def _key(text: str) -> str:
    return "".join(word.text for word in words_of(text, {}))
