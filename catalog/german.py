"""Reads German words as an index needs them: without declension, and compounds with their parts."""

import tomllib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files

import snowballstemmer

from catalog.compounds import Compounds

_DICTIONARY = "languages/de.toml"
_CACHED = 50_000
# Fields of which a value that is a compound is also what its parts say: "blumenmuster".
_OPEN = frozenset(("colour", "pattern", "fit", "length", "neckline", "sleeve"))
_UNREAL = frozenset(("faux", "imitation"))


def german_dictionary() -> str:
    """Returns the German dictionary that comes with the package, in TOML."""
    return files(__package__).joinpath(_DICTIONARY).read_text(encoding="utf-8")


class German:
    """What a German word is indexed and looked up as.

    A word that the dictionary knows counts as its plain form, so that "röcke" meets "rock"; a
    compound counts as itself and as each of its parts, so that "leinenkleid" meets "kleid aus
    leinen". Every word is then stemmed by the German stemmer of Snowball (Porter, 2001), which
    leaves out the dots of umlauts.

    A garment or material that the dictionary knows by a compound name is only found under the
    parts where its English name holds that of the last one: a leather jacket is a jacket, and a
    "handschuh", which is a glove, no "schuh"; nor is "kunstleder" leather.

    Args:
        dictionary: The dictionary, in TOML: its ``[concepts.*]`` count, and ``[fillers]`` says
            which words are not indexed.
    """

    def __init__(self, dictionary: str) -> None:
        table = tomllib.loads(dictionary)
        self._names: dict[str, tuple[str, str]] = {}
        for field, entries in table.get("concepts", {}).items():
            for name, forms in entries.items():
                for form in forms:
                    self._names.setdefault(form, (field, name))
        self._compounds = Compounds(self._names)
        fillers = table.get("fillers", {}).get("words", ())
        self._fillers = frozenset(word for word in fillers if " " not in word)
        self._stemmer = snowballstemmer.stemmer("german")
        self._kept = lru_cache(_CACHED)(self._analysed)

    def tokens(self, words: Iterable[str]) -> Iterator[str]:
        """Yields the tokens of words, in order.

        Args:
            words: Words in lower case, "ß" as "ss".
        """
        for word in words:
            yield from self._kept(word)

    def _analysed(self, word: str) -> tuple[str, ...]:
        if word in self._fillers:
            return ()
        parts = self._compounds.parts(word)
        if len(parts) > 1 and parts[-1] not in self._names:
            parts = ()
        whole = parts if len(parts) == 1 else (word,)
        inner = (each for part in parts for each in (part, *self._inner(part)))
        return tuple(dict.fromkeys(map(self._stem, (*whole, *inner))))

    def _inner(self, form: str) -> tuple[str, ...]:
        """The parts of a form under which it is found as well."""
        parts = self._compounds.split(form)
        if not parts or form not in self._names:
            return ()
        field, name = self._names[form]
        names = [set(self._names[part][1].split()) for part in parts if part in self._names]
        if any(_UNREAL & each for each in names):
            return ()
        return parts if field in _OPEN or names[-1] & set(name.split()) else ()

    def _stem(self, word: str) -> str:
        return str(self._stemmer.stemWord(word.casefold()))
