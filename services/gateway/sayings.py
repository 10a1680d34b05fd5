"""Completes what is typed from the dictionaries, by what can be said of a catalogue."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from decimal import Decimal

from rapidfuzz.distance import OSA

from catalog.concepts import Concept
from catalog.hangul import has_hangul, letters
from catalog.money import minor_digits
from services.gateway.foreign_words import held
from services.gateway.phrases import Phrases
from services.gateway.pieces import Phrase
from services.gateway.scanning import words_of
from services.gateway.suggestable import folded
from services.gateway.vocabulary import Vocabulary

_KIND = "kind"
_SHORTEST = 2
_MOST_WORDS = 3
_LOOKED_AT = 200
# What a shopper names as a limit: 1, 2, 3, 5 and 8 times a power of ten.
_ROUND = (1, 2, 3, 5, 8, 10)
_PAST_ALL = "\U0010ffff"


class Sayings:
    """The forms of the concepts that a catalogue has, and limits of prices.

    Any thread may use it.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
        phrases: What they mean here.
    """

    def __init__(self, vocabulary: Vocabulary, phrases: Phrases) -> None:
        self._vocabulary, self._phrases, self._key = vocabulary, phrases, phrases.key
        self._markers = frozenset(vocabulary.lexicon.markers("under"))
        forms = {form for concept in vocabulary.lexicon.concepts for form in _suggested(concept)}
        counted = ((form, self._count(form), self._is_kind(form)) for form in forms)
        self._forms = sorted(each for each in counted if each[1])
        self._limits = _limits(vocabulary.prices, vocabulary.currency)

    def complete(self, text: str, limit: int) -> list[str]:
        """Returns at most ``limit`` texts that begin so, what most products are first.

        What stands before the words that are completed must mean something too. A limit that is
        begun ("dress under") is completed by prices that part the catalogue.
        """
        typed = folded(text)
        words = typed.split(" ")
        found: dict[str, int] = {}
        for first in range(max(len(words) - _MOST_WORDS, 0), len(words)):
            before, start = words[:first], " ".join(words[first:])
            if all(map(self._is_said, before)):
                has_kind = any(map(self._is_kind, before))
                is_english = any(map(self._is_english, before))
                for form, count, is_kind in self._beginning(start):
                    if is_english and self._is_foreign(form):
                        continue  # behind "dress" nobody writes "blume"
                    if not (has_kind and is_kind):  # no dress is a skirt
                        found.setdefault(" ".join([*before, form]), count)
        ranked = sorted(found, key=lambda told: (-found[told], len(told), told))
        return [*dict.fromkeys((*self._priced(words), *self._called(typed), *ranked))][:limit]

    def _beginning(self, start: str) -> Iterator[tuple[str, int, bool]]:
        if len(start) < _SHORTEST and not has_hangul(start):
            return
        place = bisect_left(self._forms, (start,))
        end = bisect_left(self._forms, (start + _PAST_ALL,))
        for form, count, is_kind in self._forms[place : min(end, place + _LOOKED_AT)]:
            if form != start:
                yield form, count, is_kind

    def _called(self, typed: str) -> Iterator[str]:
        """What the catalogue calls what another language has a word for: dress, for Kleid."""
        phrase = self._phrases.by_key(self._key(typed))
        if phrase is not None and not phrase.is_english:
            yield from (folded(meaning.value) for meaning in phrase.meanings if meaning.is_value)

    def _priced(self, words: Sequence[str]) -> Iterator[str]:
        """The limits that a marker at the end, or behind it the beginning of a number, asks for."""
        begun = words[-1] if words[-1].isdecimal() else ""
        said = words[:-1] if begun else words
        for first in range(max(len(said) - _MOST_WORDS, 0), len(said)):
            if " ".join(said[first:]) in self._markers and all(map(self._is_said, said[:first])):
                for limit in self._limits:
                    if limit.startswith(begun) and limit != begun:
                        yield " ".join([*said, limit])
                return

    def _is_foreign(self, form: str) -> bool:
        phrase = self._phrases.by_key(self._key(form))
        return phrase is not None and not phrase.is_english

    def _is_said(self, word: str) -> bool:
        return self._key(word) in self._vocabulary.frequencies or self._phrase(word) is not None

    def _is_kind(self, text: str) -> bool:
        phrase = self._phrase(text)
        return phrase is not None and any(m.field == _KIND for m in phrase.meanings)

    def _phrase(self, text: str) -> Phrase | None:
        """What a whole text means, declined or not."""
        words = words_of(text, self._vocabulary.table.forms)
        if not words or words[0].is_sign:
            return None
        found = self._phrases.longest(words, 0, len(words))
        if found is not None and found.end == len(words):
            return found.phrase
        parts = self._phrases.apart(words[0], 0) if len(words) == 1 else []
        return parts[-1].phrase if parts else None

    def _count(self, form: str) -> int:
        phrase = self._phrases.by_key(self._key(form))
        if phrase is None:
            return 0
        return max((held(each, self._vocabulary, self._key) for each in phrase.meanings), default=0)

    def _is_english(self, text: str) -> bool:
        """Whether English says it, and means something by it."""
        phrase = self._phrase(text)
        return phrase is not None and phrase.is_mention and phrase.is_english


def _suggested(concept: Concept) -> Iterator[str]:
    """Its forms but for likely misspelt ones: Korean ones a letter from an earlier one."""
    kept: list[str] = []
    for form in concept.written:
        is_slip = has_hangul(form) and any(_is_alike(form, other) for other in kept)
        if not is_slip:
            kept.append(form)
            yield form


def _is_alike(form: str, other: str) -> bool:
    one, two = letters(form), letters(other)
    return len(form) == len(other) and OSA.distance(one, two, score_cutoff=1) <= 1


def _limits(prices: Sequence[int], currency: str) -> list[str]:
    """Round limits near some prices, given in minor units, in whole units of the currency."""
    unit = Decimal(10) ** minor_digits(currency)
    found = []
    for price in prices:
        whole = max(int(price / unit), 1)
        power = 10 ** (len(str(whole)) - 1)
        found.append(next(step * power for step in _ROUND if step * power >= whole))
    return [str(limit) for limit in sorted({*found})]
