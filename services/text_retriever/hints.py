"""Keeps what completing needs besides an index: its words, and the names and forms of others."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import tantivy

from catalog.columns import ColumnsView
from catalog.folding import WORD, fold
from catalog.hangul import is_part
from catalog.normalize import Normalizer
from catalog.product import Product
from services.text_retriever.documents import WORDS
from services.text_retriever.files import contained
from services.text_retriever.looking import Looking
from services.text_retriever.spelling import WordList
from services.text_retriever.suggest import Completer
from services.text_retriever.values import KINDS, ValueNames

_STEMMED = "de"


@dataclass(frozen=True, slots=True)
class Hints:
    """What is the same for all views of an index, or only grows.

    Attributes:
        words: The words of the index, and those that it had.
        names: The names of values.
        written: How tokens are written, where they are written otherwise.
        forms: Other forms of words, in order.
    """

    words: WordList
    names: ValueNames
    written: Mapping[str, str]
    forms: Sequence[str]

    @classmethod
    def of(
        cls, searcher: tantivy.Searcher, normalizer: Normalizer, written: Mapping[str, str]
    ) -> "Hints":
        """Reads the words of an index; that takes half a millisecond a thousand words.

        Args:
            searcher: A view of it.
            normalizer: What its documents were written with.
            written: What :class:`WrittenWords` found when they were.
        """
        with contained():
            terms = searcher.terms_with_prefix(WORDS, "")
        table = normalizer.table
        phrases = (term for entries in table.phrases.values() for _, term in entries)
        readable = {term.token: term.readable for term in phrases}
        words = {token for token, _ in terms if _is_word(token)}
        return cls(
            WordList(sorted(words | table.forms.keys())),
            ValueNames(table.brands),
            {**readable, **written},
            sorted(table.forms),
        )

    def with_words(self, words: Iterable[str]) -> "Hints":
        """Returns the same for an index with more words."""
        return replace(self, words=self.words.with_words(filter(_is_word, words)))

    def completer(
        self,
        searcher: tantivy.Searcher,
        schema: tantivy.Schema,
        columns: ColumnsView,
        normalizer: Normalizer,
    ) -> Completer:
        """Returns what completes from one view of the index."""
        counts = {field: columns.counts(field) for field in KINDS}
        self.names.learn(counts)
        looking = Looking(searcher, schema, columns, normalizer, self.written, self.forms)
        return Completer(looking, counts, self.names, self.words)


class WrittenWords:
    """Notes how words are written whose tokens are stems, to show them so.

    Args:
        normalizer: Whose tokens; those of other languages than German can be shown as they are.
    """

    def __init__(self, normalizer: Normalizer) -> None:
        self._normalizer = normalizer
        self._counts: Counter[str] = Counter()

    def noted(self, products: Iterable[Product]) -> Iterable[Product]:
        """Returns the products, and notes the words of their titles as they pass."""
        is_stemmed = self._normalizer.table.language == _STEMMED
        return self._noting(products) if is_stemmed else products

    def by_token(self) -> dict[str, str]:
        """Returns the way in which each token is written most often, first by the alphabet."""
        found: dict[str, str] = {}
        for word, _ in sorted(self._counts.items(), key=lambda each: (-each[1], each[0])):
            tokens = self._normalizer.tokens(word)
            if len(tokens) == 1 and tokens[0] != fold(word):
                found.setdefault(tokens[0], word)
        return found

    def _noting(self, products: Iterable[Product]) -> Iterator[Product]:
        for product in products:
            self._counts.update(WORD.findall(product.title.lower()))
            yield product


def _is_word(token: str) -> bool:
    """Whether a token is a word that may be misspelt."""
    return not is_part(token) and not any(char.isdigit() for char in token)
