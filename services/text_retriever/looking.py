"""Looks up in an index how its words go on, and where they stand together."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import tantivy
from tantivy import Occur

from catalog.columns import ColumnsView
from catalog.folding import WORD, fold
from catalog.hangul import is_part
from catalog.normalize import Normalizer
from catalog.product_filter import ATTRIBUTES
from services.text_retriever.documents import KEPT, ROW, TITLE, WORDS, kept_term
from services.text_retriever.files import contained
from services.text_retriever.query import all_of, any_of
from services.text_retriever.typed import looked_up

_SAMPLE = 200
_STARTS = 8
_COUNTS_KEPT = 5_000
# Fields of which the values say what a product is, and most values of each.
_TELLING = ("kind", "colour", "gender", "season", "category")
_MOST_VALUES = 2_000
_UNDOTTED = str.maketrans("äöü", "aou")


@dataclass(frozen=True, slots=True)
class Looking:
    """One view of an index, asked about single words.

    Attributes:
        searcher: The engine's view.
        schema: Its schema.
        columns: The columns at the same moment.
        normalizer: What the documents were written with.
        written: How a token is written, where it is written otherwise.
        forms: Other forms of words, in order.
        counted: How many products hold all of some tokens: the frequent ones are asked for again.
        told: The tokens of values, once they were asked for.
    """

    searcher: tantivy.Searcher
    schema: tantivy.Schema
    columns: ColumnsView
    normalizer: Normalizer
    written: Mapping[str, str]
    forms: Sequence[str]
    counted: dict[tuple[str, ...], int] = field(default_factory=dict)
    told: list[frozenset[str]] = field(default_factory=list)

    def beginning(self, start: str, tokens: Sequence[str], *, limit: int) -> list[tuple[str, int]]:
        """Returns the tokens that begin so, with how many products hold them and the others.

        Args:
            start: The beginning.
            tokens: What the products hold besides.
            limit: Most tokens wanted; the most frequent are taken.
        """
        beside = all_of(self.schema, tokens) if tokens else None
        starts = dict.fromkeys((start, start.translate(_UNDOTTED)))
        with contained():
            found = [
                each
                for begun in starts
                for each in self.searcher.terms_with_prefix(
                    WORDS, begun, filter_query=beside, limit=limit
                )
            ]
        return [(token, count) for token, count in found if not is_part(token)]

    def other_forms(self, start: str) -> Iterator[tuple[str, str]]:
        """Yields forms that begin so, such as a plural, with the token of each."""
        forms, meant = self.forms, self.normalizer.table.forms
        for form in islice(forms, bisect_left(forms, start), None):
            if not form.startswith(start):
                return
            if not meant[form].startswith(start):
                yield form, meant[form]

    def count(self, tokens: Sequence[str]) -> int:
        """Returns how many products hold all of the tokens; none hold no token."""
        key = tuple(sorted({*tokens}))
        if not key:
            return 0
        count = self.counted.get(key)
        if count is None:
            with contained():
                found = self.searcher.search(all_of(self.schema, key), 1, count=True)
            count = int(found.count or 0)  # type: ignore[attr-defined]  # missing in the stubs
            if len(self.counted) < _COUNTS_KEPT:
                self.counted[key] = count
        return count

    def is_telling(self, token: str) -> bool:
        """Whether a token is of a value such as a colour, and not just a word of a description."""
        if not self.told:
            self.told.append(frozenset(self._value_tokens()))
        return token in self.told[0]

    def _value_tokens(self) -> Iterator[str]:
        for begun in (*(kept_term(name, "") for name in _TELLING), ATTRIBUTES):
            with contained():
                terms = self.searcher.terms_with_prefix(KEPT, begun, limit=_MOST_VALUES)
            for term, _ in terms:
                yield from looked_up(term.partition("=")[2], self.normalizer)

    def frequency(self, word: str) -> int:
        """Returns how many documents hold a word, superseded ones included."""
        tokens = looked_up(word, self.normalizer)
        with contained():
            return min((int(self.searcher.doc_freq(WORDS, each)) for each in tokens), default=0)

    def shown(self, token: str) -> str:
        """Returns a token as a person writes it."""
        return self.written.get(token, token)

    def spelt(self, token: str) -> str:
        """Returns a token as one word that a person writes."""
        written = self.shown(token)
        return written if WORD.fullmatch(written) else token

    def kinds(self, tokens: Sequence[str], *, most: int) -> Iterator[tuple[str, Sequence[str]]]:
        """Yields the kinds that products with all of the tokens have most often, and the tokens
        of each.
        """
        if not tokens:
            return
        with contained():
            hits = self.searcher.search(all_of(self.schema, tokens), _SAMPLE, count=False).hits
            found = self.searcher.fast_field_values(ROW, [address for _, address in hits])
        facet = self.columns.facet(np.array(found, np.int32), "kind")
        for value in facet.values[:most]:
            yield value.value.lower(), looked_up(value.value, self.normalizer)

    def titles(
        self, tokens: Sequence[str], start: str, last: Sequence[str], count: int
    ) -> Iterator[tuple[str, Sequence[str]]]:
        """Yields titles of products that hold the tokens and a word that begins as ``start`` does,
        the best first, with the tokens of each.
        """
        begun = [token for token, _ in self.beginning(start, tokens, limit=_STARTS)]
        if self.count([*tokens, *last]):
            begun = []  # It is a word by itself.
        else:
            last = ()
        if not (begun or last) or (len(start) < 2 and not tokens):
            return
        query = tantivy.Query.boolean_query(
            [
                (Occur.Must, all_of(self.schema, tokens)),
                (Occur.Must, any_of(self.schema, (*begun, *last))),
            ]
        )
        with contained():
            hits = self.searcher.search(query, 2 * count, count=False).hits
            found = self.searcher.fast_field_values(ROW, [address for _, address in hits])
            rows = np.array(found, np.int32)
            scores = np.array([score for score, _ in hits], np.float32)
            order = np.lexsort((self.columns.id_ranks(rows), -scores))
            texts = [self.searcher.doc(hits[place][1]).get_first(TITLE) for place in order]
        for text in texts:
            title = str(bytes(text or b""), "utf-8")
            held = looked_up(title, self.normalizer)
            # The word may stand in the description alone.
            if title and (start in fold(title) or {*held} & {*begun, *last}):
                yield title, held
