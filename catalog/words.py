"""Reads the table of words that the normaliser works by."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

_DEFAULT_TABLE = "words.toml"


@dataclass(frozen=True, slots=True)
class Term:
    """What a word or a phrase means.

    ``token`` is what is indexed and looked up; ``readable`` is how a person writes it; ``also``
    are tokens under which a document that holds it is found as well.
    """

    token: str
    readable: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WordTable:
    """The words of the normaliser, all in lower case.

    ``forms`` maps a written word to the one that is meant; ``phrases`` maps the first word of a
    phrase, in its meant form, to the words that may follow it, longest first; ``source`` is the
    TOML that it was read from.
    """

    source: str
    stop_words: frozenset[str]
    forms: Mapping[str, str]
    phrases: Mapping[str, tuple[tuple[tuple[str, ...], Term], ...]]

    @classmethod
    def default(cls) -> "WordTable":
        """Reads the table that comes with the package."""
        return cls.parse(files(__package__).joinpath(_DEFAULT_TABLE).read_text(encoding="utf-8"))

    @property
    def digest(self) -> str:
        """A digest of the source, in hex."""
        return hashlib.blake2b(self.source.encode(), digest_size=16).hexdigest()

    @classmethod
    def parse(cls, text: str) -> "WordTable":
        """Reads a table in TOML with ``stop_words``, ``nouns``, ``[forms]`` and ``[phrases.*]``.

        Raises:
            ValueError: The text is no TOML, or a part is missing.
        """
        table = tomllib.loads(text)
        try:
            forms = {_plural(noun): noun for noun in table["nouns"]} | table["forms"]
            found: dict[str, list[tuple[tuple[str, ...], Term]]] = {}
            for token, entry in table["phrases"].items():
                term = Term(token, entry.get("readable", token), tuple(entry.get("also", ())))
                for phrase in entry["forms"]:
                    first, *rest = (forms.get(word, word) for word in phrase.split())
                    found.setdefault(first, []).append((tuple(rest), term))
            stop_words = frozenset(table["stop_words"])
        except KeyError as error:
            raise ValueError(f"the table of words lacks {error}") from error
        longest_first = {
            first: tuple(sorted(entries, key=lambda entry: -len(entry[0])))
            for first, entries in found.items()
        }
        return cls(text, stop_words, forms, longest_first)


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return noun[:-1] + "ies"
    return noun + "s"
