"""Mends words that a catalogue does not know, by the words that it does."""

from collections.abc import Collection, Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA

from catalog.hangul import has_hangul, letters

_SHORTEST = 4
_TWO_EDITS = 8
# Of Korean words it is the syllables that are counted, of two or three letters each.
_SHORTEST_KOREAN, _TWO_EDITS_KOREAN = 3, 6
_LONG = 6
_LONGEST = 32
_CACHED = 10_000
_COMMONER = 50
_RARE = 1e-4
_BITS = 64


class Spelling:
    """The words that a misspelt one may have been meant as.

    One edit is allowed in words of 4 to 7 letters, two in longer ones: a letter more, less, other
    or two swapped (optimal string alignment). Korean words of 3 syllables or more are compared
    letter by letter as well; two edits need 6. A bit a letter tells without looking which words
    cannot be that near: one edit changes at most two bits.

    Args:
        frequencies: How many products hold each word.
        others: Words of the dictionaries, which are right even where no product holds them, each
            with the token that it is looked up by; none is mended.
        foreign: Those of them that are no English ones: what is meant where the rest is English
            is not one of these.
        products: How many products there are.
    """

    def __init__(
        self,
        frequencies: Mapping[str, int],
        others: Mapping[str, str],
        foreign: Collection[str],
        products: int,
    ) -> None:
        self._frequencies, self._others = frequencies, others
        self._foreign = frozenset(word for word in foreign if word not in frequencies)
        self._rare = _RARE * products
        words = {word for word in frequencies if _is_word(word)}
        words |= {word for word in others if _is_word(word)}
        self._words = sorted(words, key=lambda word: (len(letters(word)), word))
        self._spelt = spelt = [letters(word) for word in self._words]
        lengths = np.fromiter(map(len, spelt), np.int64, len(spelt))
        self._starts = np.searchsorted(lengths, np.arange(_LONGEST + 4))
        self._masks = np.fromiter(map(_mask, spelt), np.uint64, len(spelt))
        self._mended = lru_cache(_CACHED)(self._nearest)

    def is_known(self, word: str) -> bool:
        """Whether a product holds the word, or a dictionary knows it."""
        return word in self._frequencies or word in self._others

    def mended(self, word: str, is_foreign: bool = False) -> str:
        """Returns what an unknown word was meant as, or "" where nothing is near.

        Args:
            word: The word.
            is_foreign: Whether words beside it are of another language than English.
        """
        return "" if self.is_known(word) else self._mended(word, 0, is_foreign)

    def meant(self, word: str) -> str:
        """Returns a far commoner word that a rare one may have been meant as, or ""."""
        held = self._frequencies.get(word, 0)
        if word in self._others or not 0 < held <= self._rare:
            return ""
        return self._mended(word, _COMMONER * held, False)

    def _held(self, word: str) -> int:
        """How many products hold a word, or that which it is looked up by."""
        held = self._frequencies.get(word, 0)
        return held or self._frequencies.get(self._others.get(word, ""), 0)

    def _nearest(self, word: str, least: int, is_foreign: bool) -> str:
        if not _is_word(word):
            return ""
        spelt, is_korean = letters(word), has_hangul(word)
        is_foreign = is_foreign or is_korean
        edits = 2 if len(word) >= (_TWO_EDITS_KOREAN if is_korean else _TWO_EDITS) else 1
        first, last = max(len(spelt) - edits, 1), min(len(spelt) + edits, _LONGEST)
        start, end = int(self._starts[first]), int(self._starts[last + 1])
        apart = np.bitwise_xor(self._masks[start:end], np.uint64(_mask(spelt)))
        near = np.flatnonzero(_bits(apart) <= 2 * edits) + start
        best: tuple[tuple[int, bool, int, str], str] | None = None
        for place in near.tolist():
            candidate = self._words[place]
            held = self._held(candidate)
            if candidate == word or held < least:
                continue
            if candidate in self._foreign and not is_foreign:
                continue
            # A short word that no product holds is too easily another one than was meant.
            written = self._spelt[place]
            if not held and (len(spelt) < _LONG or written[0] != spelt[0]):
                continue
            distance = OSA.distance(spelt, written, score_cutoff=edits)
            if distance > edits:
                continue
            rank = (distance, written[0] != spelt[0], -held, candidate)
            if best is None or rank < best[0]:
                best = (rank, candidate)
        return best[1] if best else ""


def _is_word(word: str) -> bool:
    if not word.isalpha():
        return False
    if has_hangul(word):
        return len(word) >= _SHORTEST_KOREAN and len(letters(word)) <= _LONGEST
    return _SHORTEST <= len(word) <= _LONGEST


def _mask(word: str) -> int:
    mask = 0
    for letter in word:
        mask |= 1 << (ord(letter) % _BITS)
    return mask


def _bits(masks: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    """Counts the bits of each; numpy 2 has the instruction."""
    return np.bitwise_count(masks)
