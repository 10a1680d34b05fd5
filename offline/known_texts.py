"""Looks for texts by what was said of them, and tells at which rank each was found."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.words import WordTable
from services.gateway.understanding import Reading
from services.text_retriever.index import TextIndex

DEPTH = 200
"""Hits that are looked through; a text below them counts as not found."""
_WRITER_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class Rank:
    """Where a text was found, from 1, behind all that score as high; infinite where it was not.

    ``own`` is the rank of the very one that was looked for; ``equal`` counts those of the same
    wording as right.
    """

    own: float
    equal: float


class KnownTexts:
    """Texts, each the title of a product, in a text index.

    Args:
        index: The index.
        texts: The texts, by the ids of its products.
    """

    def __init__(self, index: TextIndex, texts: Mapping[str, str]) -> None:
        self._index, self._texts = index, texts

    def rank(self, wanted: str, words: str, reading: Reading | None = None) -> Rank:
        """Returns the rank of a text among those that hold one of the words.

        Args:
            wanted: Its id.
            words: What is looked for, where there is no reading.
            reading: What a query was read as.
        """
        tokens_of = self._index.normalizer.tokens
        if reading is None:
            ids, scores = self._index.search(tokens_of(words), DEPTH)
        else:
            excluded = tokens_of(reading.excluded_words)
            ids, scores = self._index.search(
                tokens_of(reading.words), DEPTH, found=reading.filter, excluded=excluded
            )
        equal = np.array([self._texts[each] == self._texts[wanted] for each in ids], np.bool_)
        if wanted not in ids:
            own = float("inf")
        else:
            own = float(np.count_nonzero(scores >= scores[ids.index(wanted)]))
        if not equal.any():
            return Rank(own, own)
        best = scores[np.flatnonzero(equal)[0]]
        return Rank(own, 1.0 + np.count_nonzero((scores >= best) & ~equal))


def products_of(texts: Mapping[str, str]) -> list[Product]:
    """Returns a product for each text, in the order of the ids."""
    return [Product(id=name, style_id=name, title=texts[name]) for name in sorted(texts)]


@contextmanager
def known_texts(texts: Mapping[str, str], table: WordTable) -> Iterator[KnownTexts]:
    """Indexes texts by their ids for as long as the context lasts."""
    with tempfile.TemporaryDirectory() as folder:
        TextIndex.write(
            products_of(texts),
            Path(folder),
            normalizer=Normalizer(table),
            writer_bytes=_WRITER_BYTES,
        )
        yield KnownTexts(TextIndex.open(Path(folder)), texts)
