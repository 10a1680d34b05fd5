"""Reads the dictionaries by which the words of a query are understood, a file a language."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from catalog.concepts import (
    MARKERS,
    Concept,
    Grammar,
    concepts_of,
    grammar_of,
    merged,
    part_of,
    table_of,
    words_of,
)

__all__ = ["MARKERS", "Concept", "Grammar", "Lexicon"]

_HOME = "languages"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The concepts of all languages, and the grammar of each.

    ``sources`` holds the TOML by language; ``field_words`` the words that name a field itself;
    ``none`` the names of the concepts that say that a field has nothing; ``narrower`` leads from
    the name of a wide concept to those of the narrower ones that it takes in; ``beside`` from a
    word that names a garment to the concepts that it says beside another one; ``instead`` from a
    concept to those that are most like it. ``ordinary`` are words that are no mistakes, whatever
    the catalogue holds.
    """

    sources: Mapping[str, str]
    concepts: tuple[Concept, ...]
    grammars: Mapping[str, Grammar]
    filler_words: Mapping[str, tuple[str, ...]]
    field_words: Mapping[str, tuple[str, ...]]
    none: Mapping[str, tuple[str, ...]]
    narrower: Mapping[str, tuple[str, ...]]
    beside: Mapping[str, tuple[str, ...]]
    instead: Mapping[str, tuple[str, ...]]
    ordinary: tuple[str, ...]

    @classmethod
    def default(cls) -> "Lexicon":
        """Reads the dictionaries that come with the package."""
        home = files(__package__).joinpath(_HOME)
        found = sorted(
            (item.name.removesuffix(".toml"), item.read_text(encoding="utf-8"))
            for item in home.iterdir()
            if item.name.endswith(".toml")
        )
        return cls.parse(dict(found))

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> "Lexicon":
        """Reads dictionaries in TOML, by language.

        Raises:
            ValueError: One is no TOML, or a part is unknown or no list of words; the message names
                the language and the part.
        """
        tables = {language: table_of(language, text) for language, text in sorted(texts.items())}
        return cls(
            dict(sorted(texts.items())),
            concepts_of(tables),
            {language: grammar_of(language, table) for language, table in tables.items()},
            {
                language: words_of(
                    language, "fillers.words", part_of(table, "fillers").get("words", [])
                )
                for language, table in tables.items()
            },
            merged(tables, "fields"),
            merged(tables, "none"),
            merged(tables, "narrower"),
            merged(tables, "beside"),
            merged(tables, "instead"),
            tuple(
                word
                for language, table in tables.items()
                for word in words_of(
                    language, "ordinary.words", part_of(table, "ordinary").get("words", [])
                )
            ),
        )

    @property
    def digest(self) -> str:
        """A digest of all sources, in hex."""
        digest = hashlib.blake2b(digest_size=16)
        for language, source in self.sources.items():
            digest.update(f"{language}\0{source}\0".encode())
        return digest.hexdigest()

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages, in alphabetical order."""
        return tuple(self.sources)

    def fillers(self, language: str) -> tuple[str, ...]:
        """The words of a language that say nothing about what is wanted."""
        return self.filler_words.get(language, ())

    def grammar(self, language: str) -> Grammar:
        """The grammar of a language.

        Raises:
            KeyError: There is no dictionary of it.
        """
        return self.grammars[language]

    def markers(self, name: str) -> frozenset[str]:
        """The words that do one thing, of all languages."""
        return frozenset(
            word for grammar in self.grammars.values() for word in grammar.markers[name]
        )
