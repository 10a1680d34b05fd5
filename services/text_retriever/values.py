"""Finds the brands, kinds and categories of a catalogue by how their names begin."""

import threading
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.folding import WORD, fold

BRAND, CATEGORY = "brand", "category"
KINDS: Mapping[str, str] = {"category": CATEGORY, "kind": CATEGORY, "brand": BRAND}
"""What the values of a field are called."""
_PAST_ALL = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a field, its number in the columns, and its name folded."""

    field: str
    text: str
    folded: str


class ValueNames:
    """The names of all values that a catalogue ever had, by each word that they begin with.

    It only grows, and any thread may use it.

    Args:
        spellings: Other spellings of brands by their names.
    """

    def __init__(self, spellings: Mapping[str, Sequence[str]]) -> None:
        self._spellings = {_folded(name): others for name, others in spellings.items()}
        self._seen: set[tuple[str, str]] = set()
        self._starts: list[tuple[str, str, str, str]] = []
        self._learning = threading.Lock()

    def learn(self, values: Mapping[str, Iterable[str]]) -> None:
        """Adds the values, by field, that are new."""
        with self._learning:
            for field, texts in values.items():
                for text in texts:
                    if (field, text) not in self._seen:
                        self._seen.add((field, text))
                        self._add(Value(field, text, _folded(text)))

    def starting(self, folded: str) -> Iterator[Value]:
        """Yields the values of which the name, or the rest of it from a word on, starts so."""
        place = bisect_left(self._starts, (folded,))
        end = bisect_left(self._starts, (folded + _PAST_ALL,))
        for start, field, text, name in self._starts[place:end]:
            if start.startswith(folded):  # Another thread may have moved them.
                yield Value(field, text, name)

    def _add(self, value: Value) -> None:
        names = [value.folded]
        if value.field == BRAND:
            names += map(_folded, self._spellings.get(value.folded, ()))
        for name in names:
            words = name.split()
            for place in range(len(words)):
                start = " ".join(words[place:])
                insort(self._starts, (start, value.field, value.text, value.folded))


def _folded(text: str) -> str:
    return " ".join(WORD.findall(fold(text)))
