"""Says in a catalogue's words what forms of other languages than English mean."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from catalog.lexicon import Concept
from catalog.normalize import Normalizer
from services.gateway.meanings import Meaning
from services.gateway.vocabulary import Vocabulary

_CACHED = 50_000


class Translations:
    """The English words of forms, as far as the products of one catalogue hold them.

    Args:
        vocabulary: The catalogue's words, and the dictionaries.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._normalizer = Normalizer(vocabulary.table)
        self._frequencies: Mapping[str, int] = vocabulary.frequencies
        self._count = lru_cache(_CACHED)(self._counted)
        self._native = vocabulary.table.language
        self._commonest: dict[tuple[str, str], tuple[int, str]] = {}

    def of(self, concept: Concept, form: str, meaning: Meaning) -> Meaning:
        """Returns a meaning as a form of another language says it.

        Its words are the English one, and the commonest of the concept where that is commoner: all
        synonyms together would drown what else was asked for. In a catalogue of its own language
        the form stands for itself, where any product holds it.
        """
        if form in concept.forms.get(self._native, ()) and self._count(form):
            return replace(meaning, words=() if meaning.exact else (form,))
        english = concept.said.get(form, meaning.english)
        words = [english] if (held := self._count(english)) else []
        count, best = self._best(concept)
        if count > held:
            words.append(best)
        return replace(meaning, english=english, words=() if meaning.exact else tuple(words))

    def _best(self, concept: Concept) -> tuple[int, str]:
        place = (concept.field, concept.name)
        if place not in self._commonest:
            known = [(self._count(form), form) for form in concept.written]
            self._commonest[place] = max(known, key=lambda entry: entry[0])
        return self._commonest[place]

    def _counted(self, text: str) -> int:
        """How many products hold the rarest token of a text, 0 where it has none."""
        tokens = self._normalizer.tokens(text)
        return min((self._frequencies.get(token, 0) for token in tokens), default=0)
