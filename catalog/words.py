"""Reads the table of words that the normaliser works by."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from catalog.german import german_dictionary
from catalog.shop_words import ShopWords
from catalog.terms import Phrases, Term, TermBook

__all__ = ["Term", "WordTable"]

_DEFAULT_TABLE = "words.toml"
_SHOP, _GERMAN = "shop", "german"


@dataclass(frozen=True, slots=True)
class WordTable:
    """The words of the normaliser, all in lower case.

    ``forms`` maps a written word to the one that is meant; ``phrases`` maps the first word of a
    phrase, in its meant form, to the words that may follow it, longest first; ``source`` is the
    TOML that it was read from. ``language`` is that of the catalogue's texts, ``en``, ``de`` or
    ``ko``; ``brands`` maps the names of brands to their other spellings, as a shop wrote them.
    ``german`` is the dictionary, in TOML, by which German texts are read; empty in other languages.
    """

    source: str
    stop_words: frozenset[str]
    forms: Mapping[str, str]
    phrases: Phrases
    language: str = "en"
    brands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    german: str = ""

    @classmethod
    def default(cls) -> "WordTable":
        """Reads the table that comes with the package."""
        return cls.parse(files(__package__).joinpath(_DEFAULT_TABLE).read_text(encoding="utf-8"))

    @property
    def digest(self) -> str:
        """A digest of the source, in hex."""
        return hashlib.blake2b(self.source.encode(), digest_size=16).hexdigest()

    def with_shop(self, text: str) -> "WordTable":
        """Returns the table with what a shop's file adds; its source holds both.

        It holds the German dictionary too where the texts are German: an index is searched with
        the one that it was written with.

        Raises:
            ValueError: The file cannot be read; the error names the line or the entry.
        """
        parts = {_SHOP: text}
        if ShopWords.parse(text).language == "de":
            parts[_GERMAN] = german_dictionary()
        # A JSON text is a TOML text, where TOML allowed its characters in the first place.
        lines = (f"{key} = {json.dumps(part, ensure_ascii=False)}\n" for key, part in parts.items())
        return WordTable.parse("".join((*lines, self.source)))

    @classmethod
    def parse(cls, text: str) -> "WordTable":
        """Reads a table in TOML with ``stop_words``, ``nouns``, ``[forms]`` and ``[phrases.*]``.

        A shop's file may stand in it as a text named ``shop``, and the German dictionary as one
        named ``german``, as :meth:`with_shop` puts them there.

        Raises:
            ValueError: The text is no TOML, or a part is missing.
        """
        table = tomllib.loads(text)
        shop = ShopWords.parse(table.get(_SHOP, ""))
        try:
            nouns = {_plural(noun): noun for noun in (*table["nouns"], *shop.nouns)}
            forms = _resolved(nouns | table["forms"] | shop.forms, shop.kept)
            stop_words = {*table["stop_words"], *shop.stop_words} - shop.indexed
            book = TermBook(stop_words, forms)
            for token, entry in table["phrases"].items():
                term = Term(token, entry.get("readable", token), tuple(entry.get("also", ())))
                for phrase in entry["forms"]:
                    book.put(phrase.split(), term)
        except KeyError as error:
            raise ValueError(f"the table of words lacks {error}") from error
        shop.add_to(book)
        phrases, german = book.phrases(), str(table.get(_GERMAN, ""))
        return cls(text, frozenset(stop_words), forms, phrases, shop.language, shop.brands, german)


def _resolved(forms: Mapping[str, str], kept: frozenset[str]) -> dict[str, str]:
    """Returns for each word the last that is meant, where one leads to the next."""
    found: dict[str, str] = {}
    for written in forms:
        meant, seen = forms[written], {written}
        while meant in forms and meant not in seen | kept:
            seen.add(meant)
            meant = forms[meant]
        if written not in kept:
            found[written] = meant
    return found


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return noun[:-1] + "ies"
    return noun + "s"
