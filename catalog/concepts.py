"""Reads the concepts and the grammar that one file of a dictionary tells."""

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as member
from types import MappingProxyType
from typing import TypeVar

FIELDS = (
    "colour",
    "kind",
    "material",
    "pattern",
    "fit",
    "length",
    "neckline",
    "sleeve",
    "gender",
    "season",
    "occasion",
    "detail",
    "category",
)
"""The fields that a concept may belong to."""

MARKERS = (
    "exclude_before",
    "exclude_after",
    "exclude_or",
    "exclude_and",
    "exclude_end",
    "exclude_never",
    "exclude_quality",
    "exclude_thing",
    "exclude_telling",
    "exclude_rather",
    "exclude_than",
    "exclude_mended",
    "under",
    "over",
    "under_after",
    "over_after",
    "span_after",
    "strict",
    "unreal",
    "units",
    "homographs",
    "size_before",
    "size_after",
)
NAMES = ("currencies", "sizes")
NUMBERS = ("numbers", "multipliers", "cents")
_LISTS = {"fields", "none", "narrower", "beside", "instead"}
_PARTS = {"language", "fillers", "grammar", "concepts", "ordinary", *_LISTS}


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that a product can be, such as the colour navy.

    ``name`` is the plain English word, ``forms`` says how it is written, by language. ``said``
    leads from forms to the English words that say the same more exactly than the name: a
    dictionary may list "half sleeve" apart, which is written of short sleeves in English.
    """

    field: str
    name: str
    forms: Mapping[str, tuple[str, ...]]
    said: Mapping[str, str] = member(default_factory=lambda: MappingProxyType({}))

    @property
    def written(self) -> tuple[str, ...]:
        """All its forms, those in English first, its name before them."""
        others = (form for language in sorted(self.forms) for form in self.forms[language])
        return tuple(dict.fromkeys((self.name, *self.forms.get("en", ()), *others)))


@dataclass(frozen=True, slots=True)
class Grammar:
    """The words of a language that say what is not wanted, what it may cost, and of which size.

    Attributes:
        markers: Words by what they do, each of :data:`MARKERS`. They stand before or after what
            they govern; ``exclude_or`` binds a second thing to the same marker, ``exclude_and``
            one of the same field, ``exclude_end`` ends its reach; ``exclude_never`` are words that
            look like an exclusion and are none ("no show"), or take back the marker behind them.
            ``exclude_quality`` are markers that deny a quality and no noun ("not", as against
            "no"); ``exclude_thing`` nouns of which the adjectives before them tell ("no red
            stripes"), ``exclude_telling`` words that tell of a material ("no chunky wool"); behind
            a word of ``exclude_rather`` one of ``exclude_than`` is a marker ("rather red than
            black"); ``exclude_mended`` are markers that are mended where they
            are misspelt.
            ``strict`` are the markers of prices that leave out the number itself; ``span_after``
            stands behind the first of the prices that are meant ("3만원대": 30,000 to 39,999);
            ``unreal`` words that make another thing of the one behind them; ``units`` what a
            number counts that is no price; ``homographs`` forms that are English words too, of
            another meaning.
        between: The word before the first number, which may be empty, and the one between the two.
        names: ``currencies`` leads from a written name to the ISO code, ``sizes`` to a size.
        numbers: ``numbers`` ("fifty") and ``multipliers`` ("thousand", "만") lead to their value,
            ``cents`` to how many of a part of a currency's unit make one.
    """

    markers: Mapping[str, tuple[str, ...]]
    between: tuple[tuple[str, str], ...]
    names: Mapping[str, Mapping[str, str]]
    numbers: Mapping[str, Mapping[str, int]]


Table = Mapping[str, object]
_T = TypeVar("_T")
_Forms = dict[tuple[str, str], dict[str, tuple[str, ...]]]


def table_of(language: str, text: str) -> Table:
    """Reads the TOML of one language, whose parts are all known.

    Raises:
        ValueError: It is malformed.
    """
    try:
        table = tomllib.loads(unicodedata.normalize("NFC", text))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"the dictionary of {language} is no TOML: {error}") from error
    if unknown := sorted(set(table) - _PARTS):
        raise ValueError(f"the dictionary of {language} has an unknown part {unknown[0]}")
    if table.get("language") != language:
        raise ValueError(f'the dictionary of {language} must say language = "{language}"')
    return table


def part_of(table: Table, name: str) -> Mapping[str, object]:
    """Returns a part that is a table; an empty one where it is missing.

    Raises:
        ValueError: It is malformed.
    """
    found = table.get(name, {})
    if not isinstance(found, dict):
        raise ValueError(f"{name} must be a table")
    return found


def words_of(language: str, path: str, found: object) -> tuple[str, ...]:
    """Returns a list of words; the path is named in the error.

    Raises:
        ValueError: It is malformed.
    """
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise ValueError(f"{path} of {language} must be a list of words")
    return tuple(found)


def concepts_of(tables: Mapping[str, Table]) -> tuple[Concept, ...]:
    """Reads the concepts of all languages and joins those that are one.

    Raises:
        ValueError: It is malformed.
    """
    forms: _Forms = {}
    for language, table in tables.items():
        for name, entries in part_of(table, "concepts").items():
            if name not in FIELDS:
                raise ValueError(f"concepts.{name} of {language} is none of {', '.join(FIELDS)}")
            if not isinstance(entries, dict):
                raise ValueError(f"concepts.{name} of {language} must be a table")
            for key, written in entries.items():
                path = f"concepts.{name}.{key}"
                forms.setdefault((name, key), {})[language] = words_of(language, path, written)
    return _joined(forms)


def _joined(forms: _Forms) -> tuple[Concept, ...]:
    """Joins a concept whose name is an English form of another one of its field to that one."""
    english = {
        (home, form): name for (home, name), held in forms.items() for form in held.get("en", ())
    }
    found: _Forms = {}
    said: dict[tuple[str, str], dict[str, str]] = {}
    for (home, name), held in forms.items():
        meant = name if "en" in held else english.get((home, name), name)
        joined = found.setdefault((home, meant), {})
        for language, written in held.items():
            joined[language] = (*joined.get(language, ()), *written)
            if meant != name:
                said.setdefault((home, meant), {}).update(dict.fromkeys(written, name))
    return tuple(
        Concept(home, name, held, said.get((home, name), {}))
        for (home, name), held in found.items()
    )


def grammar_of(language: str, table: Table) -> Grammar:
    """Reads the grammar of one language.

    Raises:
        ValueError: It is malformed.
    """
    found = part_of(table, "grammar")
    known = {*MARKERS, *NAMES, *NUMBERS, "between"}
    if unknown := sorted(set(found) - known):
        raise ValueError(f"grammar of {language} has an unknown part {unknown[0]}")
    return Grammar(
        {name: words_of(language, f"grammar.{name}", found.get(name, [])) for name in MARKERS},
        _pairs(language, found.get("between", [])),
        {name: _mapping(language, name, found.get(name, {}), str) for name in NAMES},
        {name: _mapping(language, name, found.get(name, {}), int) for name in NUMBERS},
    )


def _pairs(language: str, found: object) -> tuple[tuple[str, str], ...]:
    path = f"grammar.between of {language}"
    if not isinstance(found, list):
        raise ValueError(f"{path} must be a list of pairs")
    pairs = [words_of(language, "grammar.between", pair) for pair in found]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"{path} must be a list of pairs")
    return tuple((first, second) for first, second in pairs)


def _mapping(language: str, name: str, found: object, kind: type[_T]) -> Mapping[str, _T]:
    if not isinstance(found, dict) or not all(isinstance(value, kind) for value in found.values()):
        raise ValueError(f"grammar.{name} of {language} must lead from words to {kind.__name__}")
    return found


def merged(tables: Mapping[str, Table], part: str) -> Mapping[str, tuple[str, ...]]:
    """Joins the lists of all languages under one key, those in English first."""
    found: dict[str, tuple[str, ...]] = {}
    for language, table in sorted(tables.items(), key=lambda entry: (entry[0] != "en", entry[0])):
        for key, words in part_of(table, part).items():
            found[key] = (*found.get(key, ()), *words_of(language, f"{part}.{key}", words))
    return found
