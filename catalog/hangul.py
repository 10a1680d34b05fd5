"""Takes Korean words apart, which are written with and without the spaces between them."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

MAX_CHARS = 64
_MARK = "~"
_LONGEST_FORM = 16
_LONGEST_PARTICLE = 4
_SAFE_FORM = 3
_SYLLABLE = re.compile(r"[\uac00-\ud7a3]")

# What is said after a noun, and says nothing in a search.
_PARTICLE = re.compile(
    "[은는이가을를의에로용도만와과랑께나든인한된란라야요들색빛톤류풍형식제]|(으로|로|용으로|색으로)[는만도]?"
    "|에[는도만다게서]|용[도은의]|색의|풍의|식의|이[랑나란요]|하고|까지|부터|처럼|보다|한테"
    "|예요|이에요|입니다|인[데거것]|색상|컬러|계열|스러운|같은|느낌의?"
)
# A form of one syllable is too easily the beginning of another word to take any of them.
_PARTICLE_OF_ONE = re.compile("[은는을를의로이인색톤]|으로|색의|색으로|색상|컬러")


def has_hangul(word: str) -> bool:
    """Says whether a syllable of the Korean script stands in the word."""
    return _SYLLABLE.search(word) is not None


def letters(word: str) -> str:
    """Returns a word with its Korean syllables taken apart into their letters; others as it is."""
    return unicodedata.normalize("NFD", word) if has_hangul(word) else word


def with_parts(tokens: Iterable[str]) -> Iterator[str]:
    """Yields the words of a text, and after each Korean one its parts of two syllables.

    Two Korean words that follow each other share a part as well, so that a text has the same
    parts wherever its spaces stand: 롱패딩 and 롱 패딩 meet. Parts bear a mark that no word has.
    That bigrams serve Korean retrieval about as well as morphemes: Lee and Ahn, "Using n-grams
    for Korean text retrieval" (SIGIR 1996).

    Args:
        tokens: Words of the normaliser, in order.
    """
    before = ""
    for token in tokens:
        yield token
        if token.isascii() or not has_hangul(token):
            before = ""
            continue
        chars = before + token
        for first, second in pairwise(chars):
            yield _MARK + first + second
        before = token[-1]


def is_part(token: str) -> bool:
    """Says whether a token of the normaliser is a part of words, no word itself."""
    return token.startswith(_MARK)


def segments(word: str, known: Collection[str]) -> list[str]:
    """Takes a word apart into forms that are known and what lies between them.

    Of all ways the one is taken that leaves the fewest characters unknown, then has the fewest
    parts, then the longest last one, for the head of a Korean compound stands last. Particles
    after a known form fall away. So that words that happen to hold a form, such as names, stay
    whole: a form of one character counts only where nothing of the word stays unknown, nothing
    unknown follows a form of two, and one unknown syllable stands only before a form of three.

    Args:
        word: One word without spaces, in NFC and lower case; may hold letters and digits.
        known: The forms, without spaces, of at most 16 characters; asked by ``in``, so a set or
            a mapping.

    Returns:
        The parts in order; the known ones are told by ``in known``. A word in which nothing is
        known comes back whole, as does one without a Korean syllable or above 64 characters.
    """
    if word in known or len(word) > MAX_CHARS or not has_hangul(word):
        return [word]
    found = [
        [
            end
            for end in range(start + 1, min(len(word), start + _LONGEST_FORM) + 1)
            if word[start:end] in known
        ]
        for start in range(len(word))
    ]
    if not any(found):
        return [word]
    whole = _cheapest(word, found)
    if whole is None:
        long = [[end for end in ends if end > start + 1] for start, ends in enumerate(found)]
        whole = _cheapest(word, long, unknown=True) if any(long) else None
    return [word] if whole is None else whole


class _Way(NamedTuple):
    """A way to a place in a word: what it costs, its parts, and with what it ends."""

    missing: int
    pieces: int
    last: int
    parts: tuple[str, ...]
    unknown: int
    ends_in_particle: bool = False


def _cheapest(word: str, found: list[list[int]], *, unknown: bool = False) -> list[str] | None:
    ways: dict[int, _Way] = {0: _Way(0, 0, 0, (), 0)}
    for start in range(len(word)):
        if start not in ways:
            continue
        way = ways[start]
        steps = [*_forms(word, start, way, found[start]), *_particles(word, start, way)]
        if unknown:
            steps += _gaps(word, start, way, found)
        for end, following in steps:
            if end not in ways or following[:3] < ways[end][:3]:
                ways[end] = following
    last = ways.get(len(word))
    return None if last is None or last.missing == len(word) else list(last.parts)


def _forms(word: str, start: int, way: _Way, ends: list[int]) -> Iterator[tuple[int, _Way]]:
    for end in ends:
        if way.unknown == 1 and end - start < _SAFE_FORM:
            continue
        if end > start + 1 or _may_stand_alone(word[start], way):
            parts = (*way.parts, word[start:end])
            yield end, _Way(way.missing, way.pieces + 1, start - end, parts, 0)


def _may_stand_alone(char: str, way: _Way) -> bool:
    """Whether a known character may be a part: those that are particles only as particles may."""
    if not _PARTICLE.fullmatch(char):
        return True
    is_after_one = bool(way.parts) and len(way.parts[-1]) == 1
    return bool(way.parts) and (not is_after_one or bool(_PARTICLE_OF_ONE.fullmatch(char)))


def _particles(word: str, start: int, way: _Way) -> Iterator[tuple[int, _Way]]:
    if not way.parts or way.unknown:
        return
    particle = _PARTICLE if len(way.parts[-1]) > 1 else _PARTICLE_OF_ONE
    for end in range(start + 1, min(len(word), start + _LONGEST_PARTICLE) + 1):
        if particle.fullmatch(word, start, end):
            yield end, _Way(way.missing, way.pieces + 1, 0, way.parts, 0, True)


def _gaps(word: str, start: int, way: _Way, found: list[list[int]]) -> Iterator[tuple[int, _Way]]:
    if way.unknown or way.ends_in_particle:
        return
    if way.parts and len(way.parts[-1]) < _SAFE_FORM:
        return
    for end in range(start + 1, len(word) + 1):
        if (end == len(word) and end > start + 1) or (end < len(word) and found[end]):
            parts = (*way.parts, word[start:end])
            yield end, _Way(way.missing + end - start, way.pieces + 1, 0, parts, end - start)
