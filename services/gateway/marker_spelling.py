"""Mends misspelt markers of exclusions: to overlook one turns a query round."""

from functools import lru_cache

from rapidfuzz.distance import OSA

from catalog.lexicon import Lexicon

_CACHED = 10_000
_ENGLISH = "en"
_SHORTEST = 4
_LONG, _TWO_EDITS = 6, 8


class MarkerSpelling:
    """The markers that a misspelt word may have been meant as.

    They are short, and common words that are no mistakes lie near to them. So two letters may be
    swapped ("nto", "wihtout") or one be missing or doubled ("nich"); any other letter may be wrong
    in markers of six letters and more, and two in such of eight.

    Args:
        lexicon: The dictionaries.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        markers = {
            name: lexicon.grammar(name).markers["exclude_mended"] for name in lexicon.languages
        }
        self._english = tuple(markers.get(_ENGLISH, ()))
        self._foreign = tuple(
            m for name in lexicon.languages if name != _ENGLISH for m in markers[name]
        )
        self._mended = lru_cache(_CACHED)(self._nearest)

    def mended(self, word: str, *, is_foreign: bool) -> str:
        """Returns the marker that an unknown word was meant as, or "" where none is near.

        Args:
            word: The word.
            is_foreign: Whether the rest of the query is of another language than English.
        """
        return self._mended(word, is_foreign)

    def _nearest(self, word: str, is_foreign: bool) -> str:
        markers = (*self._foreign, *self._english) if is_foreign else self._english
        near = ((OSA.distance(word, m), m) for m in markers if _is_slip(word, m))
        return min(near, default=(0, ""))[1]


def _is_slip(word: str, marker: str) -> bool:
    most = 2 if min(len(word), len(marker)) >= _TWO_EDITS else 1
    off = OSA.distance(word, marker, score_cutoff=most)
    if not 0 < off <= most:
        return False
    is_swapped = sorted(word) == sorted(marker)
    if is_swapped or len(word) < _SHORTEST or word[0] != marker[0]:
        return is_swapped
    is_missed = len(word) < len(marker)
    return is_missed or len(marker) >= _LONG or _single(word) == _single(marker)


def _single(word: str) -> str:
    """A word with its doubled letters once."""
    return "".join(a for place, a in enumerate(word) if word[place - 1 : place] != a)
