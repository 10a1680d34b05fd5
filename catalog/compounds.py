"""Takes German words apart, inflected ones and compounds, by the forms that a dictionary knows."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

MAX_CHARS = 48
"""Longer words stay whole."""
_LONGEST_FORM = 24
_SHORTEST_PART = 3
_SHORTEST_HEAD = 4
_SHORTEST_STRANGER = 4
_CACHED = 20_000

# Declension of adjectives and nouns, comparatives among them, the shortest first.
_ENDINGS = (
    "e",
    "n",
    "s",
    "r",
    "m",
    "en",
    "er",
    "es",
    "em",
    "ern",
    "ere",
    "erer",
    "eren",
    "eres",
    "erem",
)
# What these stand behind alone: "jacken", "kleidern", "beiger".
_BEFORE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"n": ("e", "l", "r"), "r": ("e",), "m": ("e",)}
)
# What joins the parts of a compound.
_LINKS = ("s", "n", "en", "e", "es", "er")
_UMLAUTS = str.maketrans("äöü", "aou")
_DIGRAPHS = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"))


class _Way(NamedTuple):
    """A way to a place in a word: what it costs, and its parts."""

    unknown: int
    pieces: int
    links: int
    parts: tuple[str, ...]


class Compounds:
    """The words of a dictionary, in any inflection, alone and in compounds.

    German writes a garment and what is special about it as one word: a dress of linen is a
    "leinenkleid". Letters are compared without case, "ß" as "ss", and umlauts may be written "ae"
    or without their dots, as on other keyboards.

    Args:
        forms: Words in NFC and lower case. A form of several words is no part of a compound; those
            of its words that inflect no other form are forms as well.
    """

    def __init__(self, forms: Iterable[str]) -> None:
        forms = list(forms)
        whole = [form for form in forms if form and " " not in form]
        self._known: dict[str, str] = {}
        for spell in (_plain, _with_digraphs):
            for form in whole:
                self._known.setdefault(spell(form), form)
        # "lange" is a form of "lang" before it is "länge" without its dots.
        self._undotted = {known.translate(_UMLAUTS): form for known, form in self._known.items()}
        # "wolle" stands as "woll" before another word.
        self._stems = {
            form[:-1]: known
            for form, known in self._known.items()
            if form.endswith("e") and len(form) > _SHORTEST_PART + 1
        }
        # Those of a phrase are inflected, "hohe taille": they follow once all others are known.
        for word in (word for form in forms if " " in form for word in form.split()):
            if not self._form(_plain(word)):
                self._known.setdefault(_plain(word), word)
        self._kept = lru_cache(_CACHED)(self._parts)
        self._forms_kept = lru_cache(_CACHED)(self._form)

    def phrase(self, form: str) -> tuple[str, ...]:
        """Returns the words of a form, each as the dictionary writes it alone.

        Words of a text that went through :meth:`parts` meet the forms of several words so.
        """
        return tuple(self.form(word) or word for word in form.split())

    def parts(self, word: str) -> tuple[str, ...]:
        """Returns the forms that a word is made of, in order, as the dictionary writes them.

        One form is the word itself, or the one that it inflects. Of all ways to take a compound
        apart the one is taken that leaves the fewest letters unknown, then has the fewest parts.
        One part may be unknown and is returned as it is written, such as a name before a garment;
        it has at least four letters, as has the form beside it.

        Args:
            word: One word, without spaces.

        Returns:
            No parts where nothing of it is known, or it is longer than 48 characters.
        """
        return self._kept(_plain(word)) if 0 < len(word) <= MAX_CHARS else ()

    def split(self, form: str) -> tuple[str, ...]:
        """Returns the forms that a form of the dictionary is a compound of, () if of none."""
        return self._cheapest(_plain(form), strangers=False, whole=False)

    def form(self, word: str) -> str:
        """Returns the form that a word is or inflects, "" where there is none."""
        return self._forms_kept(_plain(word))

    def _form(self, word: str) -> str:
        found = next((self._known[each] for each in _bases(word) if each in self._known), "")
        if found:
            return found
        # Before a hyphen stands what stands before the next part of a compound.
        rest = (self._undotted[each] for each in _bases(word) if each in self._undotted)
        return self._stems.get(word) or next(rest, "")

    def _parts(self, word: str) -> tuple[str, ...]:
        if form := self._form(word):
            return (form,)
        return self._cheapest(word, strangers=False) or self._cheapest(word, strangers=True)

    def _cheapest(self, word: str, *, strangers: bool, whole: bool = True) -> tuple[str, ...]:
        ways: dict[int, _Way] = {0: _Way(0, 0, 0, ())}
        for start in range(len(word)):
            way = ways.get(start)
            if way is None:
                continue
            steps = [*self._forms(word, start, way), *self._last(word, start, way)]
            if strangers and not way.unknown:
                steps += self._unknown(word, start, way)
            for end, following in steps:
                if end - start == len(word) and not whole:
                    continue
                if end not in ways or following[:3] < ways[end][:3]:
                    ways[end] = following
        last = ways.get(len(word))
        return last.parts if last and last.unknown < len(word) else ()

    def _forms(self, word: str, start: int, way: _Way) -> Iterator[tuple[int, _Way]]:
        """Yields the forms that stand at a place, with what may join them to a next one."""
        least = _SHORTEST_HEAD if way.unknown and len(way.parts) == 1 else _SHORTEST_PART
        for end in range(start + least, min(len(word), start + _LONGEST_FORM) + 1):
            written = word[start:end]
            form = self._known.get(written) or self._undotted.get(written)
            links = _LINKS if form else ()
            if not form and end < len(word):
                form = self._stems.get(written)
            if not form:
                continue
            parts = (*way.parts, form)
            yield end, _Way(way.unknown, way.pieces + 1, way.links, parts)
            for link in links:
                if word.startswith(link, end) and end + len(link) < len(word):
                    joined = _Way(way.unknown, way.pieces + 1, way.links + 1, parts)
                    yield end + len(link), joined

    def _last(self, word: str, start: int, way: _Way) -> Iterator[tuple[int, _Way]]:
        """Yields the form that the rest of a word inflects."""
        least = _SHORTEST_HEAD if way.unknown else _SHORTEST_PART
        rest = word[start:]
        if start and len(rest) > least and (form := self._form(rest)):
            parts = (*way.parts, form)
            yield len(word), _Way(way.unknown, way.pieces + 1, way.links + 1, parts)

    def _unknown(self, word: str, start: int, way: _Way) -> Iterator[tuple[int, _Way]]:
        """Yields what may be a word that the dictionary lacks, before or after others."""
        if way.parts and len(way.parts[-1]) < _SHORTEST_HEAD:
            return
        for end in range(start + _SHORTEST_STRANGER, len(word) + 1):
            parts = (*way.parts, word[start:end])
            yield end, _Way(end - start, way.pieces + 1, way.links, parts)


def _plain(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold()


def _with_digraphs(word: str) -> str:
    word = _plain(word)
    for letter, digraph in _DIGRAPHS:
        word = word.replace(letter, digraph)
    return word


def _bases(word: str) -> Iterator[str]:
    """Yields what an inflected word may be a form of, the likeliest first."""
    yield word
    for ending in _ENDINGS:
        base = word[: -len(ending)]
        if len(base) < _SHORTEST_PART or not word.endswith(ending):
            continue
        if not base.endswith(_BEFORE.get(ending, "")):
            continue  # "cardigann" is no form of "cardigan" but a mistake.
        if ending.startswith("e") and base.endswith("e"):
            continue
        yield base
        if base.endswith(("l", "r")):
            yield f"{base[:-1]}e{base[-1]}"  # "dunkles" is a form of "dunkel".
        if ending in ("e", "en", "er", "ern", "n"):
            yield base.translate(_UMLAUTS)  # "röcke" is a form of "rock".
    yield word.translate(_UMLAUTS)
