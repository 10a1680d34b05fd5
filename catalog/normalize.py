"""Turns what is written into the words that are indexed and looked up."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from catalog.folding import APOSTROPHE, CONTROL, GAP, LONE_LETTER, WORD, fold
from catalog.german import German
from catalog.hangul import with_parts
from catalog.words import Term, WordTable

MAX_CHARS = 512
MAX_TOKENS = 64

_SPACES = re.compile(r"\s+")


class _Word(NamedTuple):
    """A word as meant, and where it stands in the text."""

    meant: str
    start: int
    end: int


class Normalizer:
    """The one normaliser, for documents and queries alike.

    Args:
        table: The words it knows; None means the table of the package.
    """

    def __init__(self, table: WordTable | None = None) -> None:
        self._table = table or WordTable.default()
        self._german = German(self._table.german) if self._table.german else None

    @property
    def table(self) -> WordTable:
        """The words it knows."""
        return self._table

    def tokens(
        self, text: str, *, max_chars: int = MAX_CHARS, max_tokens: int = MAX_TOKENS
    ) -> list[str]:
        """Returns the words to look up, in order, repetitions included.

        Compatibility forms are unified (NFKC), case is folded, garment phrases become one token,
        plurals of garments the singular; stop words and lone Latin letters fall away. Letters of
        every script are words; Korean ones are followed by their parts (:mod:`catalog.hangul`), and
        those of a German catalogue count in every declension (:mod:`catalog.german`).

        Args:
            text: Any text; characters past ``max_chars`` are ignored.
            max_chars: Most characters that are read.
            max_tokens: Most tokens that are returned.
        """
        tokens = self._analysed(self._tokens(text[:max_chars]), text)
        return list(_first(tokens, max_tokens))

    def term_tokens(self, text: str) -> list[list[str]]:
        """Returns the words to look up, those of each word or phrase by themselves.

        A word that stands for several, such as a German compound, is a list of all of them.
        """
        terms = [term.token for term in self._terms(fold(text[:MAX_CHARS]))]
        kept = [token for token in terms if self._is_indexed(token)][:MAX_TOKENS]
        return [found for token in kept if (found := list(self._analysed([token], text)))]

    def document_tokens(self, text: str) -> list[str]:
        """Returns the words to index: :meth:`tokens` of a text of any length, without caps.

        The words under which a phrase is found as well follow it, such as "top" a tank top.
        """
        found: list[str] = []
        for term in self._terms(fold(text)):
            if self._is_indexed(term.token):
                found += (term.token, *term.also)
        return list(self._analysed(found, text))

    def readable(self, text: str) -> str:
        """Returns the text for a model that reads words, such as a text encoder.

        It is cleaned, in NFKC and cut to 512 characters; each garment phrase and spelling has one
        form ("Tees" and "T SHIRTS" become "t-shirt"), all else stays as it was.
        """
        text = unicodedata.normalize("NFKC", clean(text.translate(APOSTROPHE)[:MAX_CHARS]))
        parts: list[str] = []
        place = 0
        for first, last, term in self._spans(text):
            parts += (text[place : first.start], term.readable)
            place = last.end
        return "".join([*parts, text[place:]]).strip()

    def _tokens(self, text: str) -> Iterator[str]:
        tokens = (term.token for term in self._terms(fold(text)))
        return (token for token in tokens if self._is_indexed(token))

    def _analysed(self, tokens: Iterable[str], text: str) -> Iterable[str]:
        """What the rooms of single languages make of the tokens of a text."""
        if self._german is not None:
            tokens = self._german.tokens(tokens)
        return tokens if text.isascii() else with_parts(tokens)

    def _is_indexed(self, token: str) -> bool:
        return token not in self._table.stop_words and token not in LONE_LETTER

    def _terms(self, folded: str) -> Iterator[Term]:
        place = 0
        words = self._words(folded)
        while place < len(words):
            length, term = self._match(words, place, folded)
            yield term or Term(words[place].meant, words[place].meant)
            place += length

    def _spans(self, text: str) -> Iterator[tuple[_Word, _Word, Term]]:
        folded = text.casefold()
        if len(folded) != len(text):
            # Folding "ß" changes the length; such text keeps its places by plain lower case.
            folded = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        place = 0
        words = self._words(folded)
        while place < len(words):
            length, term = self._match(words, place, folded)
            first, last = words[place], words[place + length - 1]
            written = folded[first.start : first.end]
            if term is not None:
                yield first, last, term
            elif first.meant != written:
                yield first, last, Term(first.meant, first.meant)
            place += length

    def _words(self, folded: str) -> list[_Word]:
        forms = self._table.forms
        return [
            _Word(forms.get(match[0], match[0]), match.start(), match.end())
            for match in WORD.finditer(folded)
        ]

    def _match(self, words: list[_Word], place: int, folded: str) -> tuple[int, Term | None]:
        for rest, term in self._table.phrases.get(words[place].meant, ()):
            following = words[place + 1 : place + 1 + len(rest)]
            if tuple(word.meant for word in following) == rest and all(
                GAP.fullmatch(folded, before.end, after.start)
                for before, after in zip(words[place:], following, strict=False)
            ):
                return 1 + len(rest), term
        return 1, None


@cache
def _default() -> Normalizer:
    return Normalizer()


def tokens(text: str) -> list[str]:
    """Returns the words to look up, by the table of the package; see :meth:`Normalizer.tokens`."""
    return _default().tokens(text)


def readable(text: str) -> str:
    """Returns the text in a readable canonical form; see :meth:`Normalizer.readable`."""
    return _default().readable(text)


def clean(text: str) -> str:
    """Returns the text in NFC, without control characters and lone surrogates, in single spaces."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", CONTROL.sub(" ", text))).strip()


def _first(stream: Iterable[str], count: int) -> Iterator[str]:
    return (token for token, _ in zip(stream, range(count), strict=False))
