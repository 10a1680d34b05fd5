"""Mends words that a catalogue does not know, by the words that it does."""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from catalog.hangul import has_hangul, letters
from services.gateway.slips import is_slip

_SHORTEST, _SHORTEST_MEANT = 4, 3
_TWO_EDITS = 8
# Of Korean words it is the syllables that are counted, of two or three letters each.
_SHORTEST_KOREAN, _TWO_EDITS_KOREAN = 3, 6
_LONG = 6
_SHORTEST_STRANGE = 5
_LONGEST = 32
_CACHED = 10_000
_COMMONER = 50
_RARE = 1e-4
_BITS = 64
_VOWELS = frozenset("aeiouyäöü")
# What a way to err counts against how many products hold a word, which counts by its logarithm:
# vowels and doubled letters are missed twenty times as often as another letter is written.
_SLIP, _MISSED, _GARMENT = 3.0, 1.0, 1.5
# What it costs to look at a word, and how many masks cost as much as to compare two words.
_LOOK, _MASKS = 60, 100


@dataclass(frozen=True, slots=True)
class Context:
    """What the rest of a query says: of which language it is, and the name of a garment."""

    is_foreign: bool = False
    is_english: bool = False
    names_garment: bool = False


class Spelling:
    """The words that a misspelt one may have been meant as.

    One edit is allowed in words of 4 to 7 letters, two in longer ones: a letter more, less, other
    or two swapped (optimal string alignment). Korean words of 3 syllables or more are compared
    letter by letter as well; two edits need 6. A bit a letter tells without looking which words
    cannot be that near: one edit changes at most two bits.

    Of words as near the likeliest is meant: by how many products hold it, whether all consonants
    stand as they were written, and whether it names a garment where nothing else does.

    Args:
        frequencies: How many products hold each word.
        others: Words of the dictionaries, which are right even where no product holds them, each
            with the token that it is looked up by; none is mended.
        foreign: Words that are no English ones, with how many products are what they say: what
            is meant where the rest is English is not one of these, and where nothing tells the
            language an English one as near is meant rather.
        garments: Words that name a kind of garment.
        products: How many products there are.
        ordinary: Words that are no mistakes though neither catalogue nor dictionaries know them.
    """

    def __init__(
        self,
        frequencies: Mapping[str, int],
        others: Mapping[str, str],
        foreign: Mapping[str, int],
        garments: Collection[str],
        products: int,
        ordinary: Collection[str] = (),
    ) -> None:
        self._frequencies, self._others = frequencies, others
        self._foreign = {word: n for word, n in foreign.items() if word not in frequencies}
        self._ordinary = frozenset(ordinary)
        self._garments = frozenset(garments)
        self._rare = _RARE * products
        words = {word for word in frequencies if _is_word(word, _SHORTEST_MEANT)}
        words |= {word for word in (*others, *self._foreign) if _is_word(word)}
        self._words = sorted(words, key=lambda word: (len(letters(word)), word))
        self._spelt = spelt = [letters(word) for word in self._words]
        lengths = np.fromiter(map(len, spelt), np.int64, len(spelt))
        self._starts = np.searchsorted(lengths, np.arange(_LONGEST + 4))
        self._masks = np.fromiter(map(_mask, spelt), np.uint64, len(spelt))
        self._mended = lru_cache(_CACHED)(self._nearest)

    def is_known(self, word: str) -> bool:
        """Whether a product holds the word, or a dictionary knows it, or it is an ordinary one."""
        known = (self._frequencies, self._others, self._ordinary)
        return any(word in words for words in known)

    def mended(self, word: str, context: Context) -> tuple[str, int]:
        """Returns what an unknown word was meant as, "" where nothing is near, and the cost.

        Args:
            word: The word.
            context: What words beside it say.

        Returns:
            The word, and what it cost, in comparisons of two words letter by letter. A word
            that was asked for before costs the same, so that a query is always read alike.
        """
        return ("", 0) if self.is_known(word) else self._mended(word, 0, context)

    def meant(self, word: str) -> tuple[str, int]:
        """Returns a far commoner word that a rare one may be meant as, or "", and the cost."""
        held = self._frequencies.get(word, 0)
        if word in self._others or word in self._ordinary or not 0 < held <= self._rare:
            return "", 0
        return self._mended(word, _COMMONER * held, Context())

    def _held(self, word: str) -> int:
        """How many products hold a word, or that which it is looked up by."""
        held = self._frequencies.get(word, 0)
        held = held or self._foreign.get(word, 0)
        return held or self._frequencies.get(self._others.get(word, ""), 0)

    def _nearest(self, word: str, least: int, context: Context) -> tuple[str, int]:
        if not _is_word(word):
            return "", 0
        spelt, is_korean = letters(word), has_hangul(word)
        is_foreign = context.is_foreign or is_korean
        edits = 2 if len(word) >= (_TWO_EDITS_KOREAN if is_korean else _TWO_EDITS) else 1
        near, cost = self._alike(spelt, edits)
        best: tuple[tuple[int, bool, bool, float, str], str] | None = None
        for place, distance in self._within(spelt, near, edits):
            candidate, written = self._words[place], self._spelt[place]
            held = self._held(candidate)
            if candidate == word or held < least:
                continue
            is_strange = candidate in self._foreign and not is_foreign
            if is_strange and (context.is_english or not _is_telling(word, candidate)):
                continue
            is_other = written[0] != spelt[0]
            # A short word that no product holds is too easily another one than was meant.
            if not held and (len(spelt) < _LONG or is_other):
                continue
            if len(candidate) < _SHORTEST and not is_korean and is_other:
                continue
            is_named = context.names_garment or candidate not in self._garments
            likely = math.log1p(held) + _slip(spelt, written) + (0.0 if is_named else _GARMENT)
            rank = (distance, is_other, is_strange, -likely, candidate)
            if best is None or rank < best[0]:
                best = (rank, candidate)
        return (best[1] if best else ""), cost

    def _alike(self, spelt: str, edits: int) -> tuple[npt.NDArray[np.int64], int]:
        """The places of words of about the same length and letters, int64 of shape [words].

        Also what it costs to look at them, in comparisons of two words letter by letter.
        """
        first, last = max(len(spelt) - edits, 1), min(len(spelt) + edits, _LONGEST)
        start, end = int(self._starts[first]), int(self._starts[last + 1])
        apart = np.bitwise_xor(self._masks[start:end], np.uint64(_mask(spelt)))
        near = np.flatnonzero(_bits(apart) <= 2 * edits) + start
        return near, _LOOK + (end - start) // _MASKS + len(near)

    def _within(
        self, spelt: str, near: npt.NDArray[np.int64], edits: int
    ) -> Iterator[tuple[int, int]]:
        """Yields the places that are at most so many edits off, with how many."""
        places = near.tolist()
        written = [self._spelt[place] for place in places]
        off = cdist([spelt], written, scorer=OSA.distance, score_cutoff=edits)[0]
        for each in np.flatnonzero(off <= edits).tolist():
            yield places[each], int(off[each])


def _slip(written: str, meant: str) -> float:
    """How likely a mistake is: letters swapped, vowels and doubled letters are soon mistyped."""
    if sorted(written) == sorted(meant) or _skeleton(written) == _skeleton(meant):
        return _SLIP
    return _MISSED if len(written) != len(meant) else 0.0


def _skeleton(word: str) -> str:
    """The consonants of a word in order, doubled ones once."""
    found: list[str] = []
    for letter in word:
        if letter not in _VOWELS and found[-1:] != [letter]:
            found.append(letter)
    return "".join(found)


def _is_telling(written: str, meant: str) -> bool:
    """Whether a word is surely one of another language, where nothing else says so."""
    return len(written) >= _SHORTEST_STRANGE and is_slip(written, meant)


def _is_word(word: str, shortest: int = _SHORTEST) -> bool:
    if not word.isalpha():
        return False
    if has_hangul(word):
        return len(word) >= _SHORTEST_KOREAN and len(letters(word)) <= _LONGEST
    return shortest <= len(word) <= _LONGEST


def _mask(word: str) -> int:
    mask = 0
    for letter in word:
        mask |= 1 << (ord(letter) % _BITS)
    return mask


def _bits(masks: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    """Counts the bits of each; numpy 2 has the instruction."""
    return np.bitwise_count(masks)
