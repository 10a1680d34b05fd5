"""Numbers the words, and the sets of words, that columns hold."""

from collections.abc import Iterable, Sequence
from typing import Protocol

EMPTY = 0
"""The number of what holds no value."""


class Dictionary(Protocol):
    """Numbers what a product holds of a field; only ever added to, so any thread may read it."""

    def code(self, values: tuple[str, ...]) -> int:
        """Returns the number of the values, a new one if they were not seen before."""

    def holding(self, value: str) -> Sequence[int]:
        """Returns the numbers under which a value is held."""

    def values(self, code: int) -> tuple[str, ...]:
        """Returns the values of a number."""

    def entries(self) -> list[tuple[str, ...]]:
        """Returns the values of every number, in order."""

    def __len__(self) -> int:
        """Returns how many numbers are in use."""


class Words:
    """Numbers single words; 0 is no word."""

    __slots__ = ("_codes", "_words")

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._words: list[str] = [""]

    def __len__(self) -> int:
        """Returns how many numbers are in use."""
        return len(self._words)

    def code(self, values: tuple[str, ...]) -> int:
        """Returns the number of a word, a new one if it was not seen before."""
        if not values:
            return EMPTY
        found = self._codes.get(values[0])
        if found is None:
            found = len(self._words)
            self._words.append(values[0])
            self._codes[values[0]] = found
        return found

    def holding(self, value: str) -> Sequence[int]:
        """Returns the one number of a word, or nothing."""
        found = self._codes.get(value)
        return () if found is None else (found,)

    def values(self, code: int) -> tuple[str, ...]:
        """Returns the word of a number; none for 0."""
        return (self._words[code],) if code else ()

    def entries(self) -> list[tuple[str, ...]]:
        """Returns the words of every number, in order."""
        return [self.values(code) for code in range(len(self._words))]


class WordSets:
    """Numbers tuples of words, such as category paths; 0 is the empty one.

    Catalogues repeat them, so a product costs four bytes however many words it holds.
    """

    __slots__ = ("_codes", "_holding", "_sets")

    def __init__(self) -> None:
        self._codes: dict[tuple[str, ...], int] = {(): EMPTY}
        self._sets: list[tuple[str, ...]] = [()]
        self._holding: dict[str, list[int]] = {}

    def __len__(self) -> int:
        """Returns how many numbers are in use."""
        return len(self._sets)

    def code(self, values: tuple[str, ...]) -> int:
        """Returns the number of the words, a new one if they were not seen before."""
        found = self._codes.get(values)
        if found is None:
            found = len(self._sets)
            self._sets.append(values)
            for value in values:
                self._holding.setdefault(value, []).append(found)
            self._codes[values] = found
        return found

    def holding(self, value: str) -> Sequence[int]:
        """Returns the numbers of all tuples that hold a word."""
        return tuple(self._holding.get(value, ()))

    def values(self, code: int) -> tuple[str, ...]:
        """Returns the words of a number."""
        return self._sets[code]

    def entries(self) -> list[tuple[str, ...]]:
        """Returns the words of every number, in order."""
        return self._sets[:]


def filled(empty: Dictionary, entries: Iterable[Sequence[str]]) -> None:
    """Fills an empty dictionary with the values of each number, in order, as ``entries`` gave them.

    Raises:
        ValueError: The first is not the empty one, or one is there twice.
    """
    for place, values in enumerate(entries):
        if empty.code(tuple(values)) != place:
            raise ValueError("a dictionary of the columns is out of order")
