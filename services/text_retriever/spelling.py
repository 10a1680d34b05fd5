"""Finds the words of an index that are written almost like another."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

_SHORTEST, _LONG = 4, 8
_LETTERS = 64
_MOST_COMPARED = 2_000


def edits_allowed(word: str) -> int:
    """Returns how many edits a word may be off: one from 4 letters on, two from 8."""
    return 0 if len(word) < _SHORTEST else 1 if len(word) < _LONG else 2


class WordList:
    """The words of an index; grows by making a new one, so any thread may read it.

    A word may only be near another if few letters stand in one of them alone; what is left is
    compared letter by letter.

    Args:
        words: Words, each once.
        masks: The letters of each, uint64 of shape [words]; made where None.
    """

    def __init__(self, words: Sequence[str], masks: npt.NDArray[np.uint64] | None = None) -> None:
        self._words = words
        self._known = frozenset(words)
        self._masks = _masks(words) if masks is None else masks
        self._lengths = np.fromiter(map(len, words), np.int64, len(words))

    def __len__(self) -> int:
        """Returns the number of words."""
        return len(self._words)

    def with_words(self, words: Iterable[str]) -> "WordList":
        """Returns the list with more words; those that it has change nothing."""
        fresh = sorted({*words} - self._known)
        if not fresh:
            return self
        masks = np.concatenate([self._masks, _masks(fresh)])
        return WordList([*self._words, *fresh], masks)

    def near(self, word: str) -> list[tuple[int, str]]:
        """Returns words that are a few edits off, each with how many; none that is equal.

        Edits are those of optimal string alignment: a letter more, less or other, or two
        neighbours in each other's place; see :func:`edits_allowed`.
        """
        edits = edits_allowed(word)
        apart = np.bitwise_count(self._masks ^ _mask(word))
        close = (apart <= 2 * edits) & (np.abs(self._lengths - len(word)) <= edits)
        return self._compared(word, close, edits) if edits else []

    def near_start(self, start: str) -> list[tuple[int, str]]:
        """Returns words that start with what is a few edits off, each with how many."""
        edits = edits_allowed(start)
        missing = np.bitwise_count(_mask(start) & ~self._masks)
        close = (missing <= edits) & (self._lengths >= len(start) - edits)
        return self._compared(start, close, edits, is_start=True) if edits else []

    def _compared(
        self, written: str, close: npt.NDArray[np.bool_], edits: int, *, is_start: bool = False
    ) -> list[tuple[int, str]]:
        words = [self._words[place] for place in _first_alike(close, self._words, written)]
        if not words:
            return []
        lengths = range(len(written) - edits, len(written) + edits + 1) if is_start else (None,)
        starts = [word[:length] for word in words for length in lengths]
        off = cdist([written], starts, scorer=OSA.distance, score_cutoff=edits)[0]
        least = off.reshape(len(words), -1).min(axis=1)
        return [
            (int(least[place]), words[place])
            for place in np.flatnonzero(least <= edits)
            if words[place] != written
        ]


def _first_alike(close: npt.NDArray[np.bool_], words: Sequence[str], written: str) -> list[int]:
    """Returns at most 2,000 places, those of words with the same first letter before others."""
    places = [*map(int, np.flatnonzero(close))]
    if len(places) > _MOST_COMPARED:
        places.sort(key=lambda place: words[place][:1] != written[:1])
    return places[:_MOST_COMPARED]


def _masks(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    return np.fromiter(map(_mask, words), np.uint64, len(words))


def _mask(word: str) -> np.uint64:
    """Returns one bit for each letter of a word; letters far apart may share one."""
    mask = 0
    for letter in word:
        mask |= 1 << ord(letter) % _LETTERS
    return np.uint64(mask)
