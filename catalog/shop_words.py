"""Reads the words that a shop adds to the table of the normaliser."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from catalog.folding import GAP, WORD, fold
from catalog.terms import TermBook

LANGUAGES = ("en", "de", "ko")
MAX_CHARS = 1_000_000
"""Of a file."""
_MOST_TERM_CHARS = 100
_MOST_TERM_WORDS = 8
_ARROW = "=>"
_LISTS = ("nouns", "stop_words", "protected", "synonyms")
_TABLES = ("forms", "brands")


@dataclass(frozen=True, slots=True)
class ShopWords:
    """What a shop's file says.

    Attributes:
        language: Of the catalogue's texts, one of :data:`LANGUAGES`.
        nouns: Nouns in the singular, folded; the regular plural of each means the same.
        stop_words: Words that are not indexed, folded.
        protected: What is one thing: phrases, and words that stay as they are.
        forms: The word that is meant, by the word that is written, both folded.
        same: What means the same, two and more in each.
        wider: What is asked for, and what is found as well.
        brands: Other spellings of a brand, by its name.
    """

    language: str = "en"
    nouns: tuple[str, ...] = ()
    stop_words: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    forms: Mapping[str, str] = field(default_factory=dict)
    same: tuple[tuple[str, ...], ...] = ()
    wider: tuple[tuple[str, str], ...] = ()
    brands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "ShopWords":
        """Reads a file in TOML; an empty one adds nothing.

        Raises:
            ValueError: It cannot be read; the error names the line or the entry.
        """
        if len(text) > MAX_CHARS:
            raise ValueError(f"more than {MAX_CHARS} characters")
        table = tomllib.loads(text)
        known = ("language", *_LISTS, *_TABLES)
        if unknown := [key for key in table if key not in known]:
            raise ValueError(f"unknown key {unknown[0]!r}; known are {', '.join(known)}")
        language = table.get("language", "en")
        if language not in LANGUAGES:
            raise ValueError(f"language must be one of {', '.join(LANGUAGES)}")
        nouns, stop_words, protected, synonyms = (_texts(table, key) for key in _LISTS)
        forms, brands = (_table(table, key) for key in _TABLES)
        same, wider = _synonyms(synonyms)
        return cls(
            language,
            tuple(_word(each, f"nouns[{place}]") for place, each in enumerate(nouns)),
            tuple(_word(each, f"stop_words[{place}]") for place, each in enumerate(stop_words)),
            tuple(_term(each, f"protected[{place}]") for place, each in enumerate(protected)),
            {_word(each, f"forms.{each}"): _word(forms[each], f"forms.{each}") for each in forms},
            same,
            wider,
            {_term(each, f"brands.{each}"): _spellings(brands[each], each) for each in brands},
        )

    @property
    def kept(self) -> frozenset[str]:
        """Folded words that stay as they are, and are indexed."""
        words = {tuple(WORD.findall(fold(each))) for each in self.protected}
        return frozenset(word[0] for word in words if len(word) == 1)

    @property
    def indexed(self) -> frozenset[str]:
        """Folded words that are indexed though they may be stop words: brands of one word."""
        named = (name for brand, others in self.brands.items() for name in (brand, *others))
        words = {tuple(WORD.findall(fold(each))) for each in named}
        return self.kept | {word[0] for word in words if len(word) == 1}

    def add_to(self, book: TermBook) -> None:
        """Adds phrases, brands and synonyms to the terms of a table."""
        for phrase in self.protected:
            book.settle(phrase)
        for name, others in self.brands.items():
            book.unite((name, *others))
        for group in self.same:
            book.unite(group)
        for asked, found in self.wider:
            book.widen(asked, found)


def _synonyms(
    lines: tuple[str, ...],
) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, str], ...]]:
    """Returns what means the same, and the pairs of which one finds the other."""
    same: list[tuple[str, ...]] = []
    wider: list[tuple[str, str]] = []
    for place, line in enumerate(lines):
        path = f"synonyms[{place}]"
        sides = [
            tuple(_term(each.strip(), path) for each in side.split(","))
            for side in line.split(_ARROW)
        ]
        if len(sides) == 1 and len(sides[0]) > 1:
            same.append(sides[0])
        elif len(sides) == 2:
            wider += [(asked, found) for asked in sides[0] for found in sides[1]]
        else:
            raise ValueError(f'{path} must be like "a, b" or "a {_ARROW} b"')
    return tuple(same), tuple(wider)


def _spellings(value: object, name: str) -> tuple[str, ...]:
    path = f"brands.{name}"
    if not isinstance(value, list):
        raise ValueError(f"{path} must be a list of other spellings")
    return tuple(_term(each, f"{path}[{place}]") for place, each in enumerate(value))


def _texts(table: Mapping[str, object], key: str) -> tuple[str, ...]:
    found = table.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError(f"{key} must be a list of texts")
    return tuple(found)


def _table(table: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = table.get(key, {})
    if not isinstance(found, dict):
        raise ValueError(f"[{key}] must be a table")
    return found


def _term(value: object, path: str) -> str:
    """Returns a text of one to eight words."""
    if not isinstance(value, str) or len(value) > _MOST_TERM_CHARS:
        raise ValueError(f"{path} must be a text of at most {_MOST_TERM_CHARS} characters")
    folded = fold(value)
    words = [*WORD.finditer(folded)]
    if not 1 <= len(words) <= _MOST_TERM_WORDS:
        raise ValueError(f"{path} must be 1 to {_MOST_TERM_WORDS} words")
    if not all(GAP.fullmatch(folded, a.end(), b.start()) for a, b in pairwise(words)):
        raise ValueError(f"{path} must be one phrase, its words apart by spaces or hyphens")
    return value


def _word(value: object, path: str) -> str:
    """Returns one word, folded."""
    words = WORD.findall(fold(_term(value, path)))
    if len(words) != 1:
        raise ValueError(f"{path} must be one word")
    return str(words[0])
