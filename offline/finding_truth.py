"""Knows what a search must find: every product compared with it, one by one, and no index."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from catalog.normalize import Normalizer
from catalog.product import Product
from catalog.product_filter import ProductFilter, admits
from catalog.searched import searched_texts
from services.image_retriever.encoder import Encoder
from services.image_retriever.mixture import kind_of, mixed
from services.text_retriever.documents import WEIGHTS

Scores = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

K1, B = 1.2, 0.75
RRF_K = 60
NEAR_FLOOR = 2e-3
"""A cosine so near to the floor may stand on either side of it: a batch of another size rounds
otherwise."""
_TEXTS_KEPT = 100_000
_FREE_LENGTHS = 24


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one search asks for: words, or a photo, or both; neither is a list by the filter.

    Attributes:
        words: Text; may be empty.
        photo: SHA-256 of a stored photo; may be empty.
        example: Product that the photo is asked by, which then is no answer; may be empty.
        filter: What a hit satisfies; None: anything.
    """

    words: str = ""
    photo: str = ""
    example: str = ""
    filter: ProductFilter | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a search must find, by retriever.

    Attributes:
        scores: Score of each product that is found by the letter, ``-inf`` for all others, float64
            of shape [products].
        sure: Products that must be found, bool of shape [products].
        possible: Those, and the few so near to the floor that they may be.
    """

    scores: Mapping[str, Scores]
    sure: Mapping[str, Mask]
    possible: Mapping[str, Mask]

    def of(self, retriever: str) -> "Expected":
        """Returns what one retriever alone must find."""
        return Expected(
            {retriever: self.scores[retriever]},
            {retriever: self.sure[retriever]},
            {retriever: self.possible[retriever]},
        )

    @property
    def all_sure(self) -> Mask:
        """Products that some retriever must find."""
        return _any_of(self.sure)

    @property
    def all_possible(self) -> Mask:
        """Products that some retriever may find."""
        return _any_of(self.possible)

    @property
    def is_settled(self) -> bool:
        """Whether no product stands so near to the floor that either would do."""
        return all(bool((self.sure[name] == self.possible[name]).all()) for name in self.sure)


class Bm25:
    """Scores every product by the words that it holds, as Robertson and others defined it.

    Lengths are rounded down to a byte as Lucene does (``SmallFloat.intToByte4``), as is usual.

    Args:
        products: The catalogue.
        normalizer: Makes words of texts.
    """

    def __init__(self, products: Sequence[Product], normalizer: Normalizer) -> None:
        self._normalizer = normalizer
        words_of = lru_cache(_TEXTS_KEPT)(normalizer.document_tokens)
        held: dict[str, tuple[list[int], list[int]]] = {}
        lengths = np.zeros(len(products))
        for row, product in enumerate(products):
            counts: Counter[str] = Counter()
            for name, texts in searched_texts(product).items():
                for text in filter(None, texts):
                    for word in words_of(text):
                        counts[word] += WEIGHTS[name]
            lengths[row] = counts.total()
            for word, count in counts.items():
                rows, times = held.setdefault(word, ([], []))
                rows.append(row)
                times.append(count)
        self._held = {
            word: (np.array(rows), np.array(times, np.float64))
            for word, (rows, times) in held.items()
        }
        known = rounded_lengths()
        rounded = known[np.searchsorted(known, lengths, side="right") - 1]
        self._norm = K1 * (1 - B + B * rounded / max(float(lengths.mean()), 1e-9))

    def scores(self, text: str) -> Scores:
        """Returns the score of each product, ``-inf`` where it holds no word of the text."""
        scores = np.zeros(len(self._norm))
        for word in dict.fromkeys(self._normalizer.tokens(text)):
            if word not in self._held:
                continue
            rows, times = self._held[word]
            rare = np.log1p((len(scores) - len(rows) + 0.5) / (len(rows) + 0.5))
            scores[rows] += rare * (K1 + 1) * times / (times + self._norm[rows])
        # Scores that are equal in the 32 bits of an index are ties, which ids decide.
        return np.where(scores > 0, scores.astype(np.float32), -np.inf).astype(np.float64)


class Truth:
    """The catalogue, its photos' vectors and its words, searched by brute force.

    Args:
        products: The catalogue, ascending by id.
        vectors: Unit vector of each product's photo, float32 ``[products, dim]``; zeros where it
            has none.
        floors: Least cosine of a hit by the kind of query: text, photo, mixed.
        encoder: Makes vectors of words.
        normalizer: Makes words of texts.
    """

    def __init__(
        self,
        products: Sequence[Product],
        vectors: npt.NDArray[np.float32],
        floors: Mapping[str, float | None],
        encoder: Encoder,
        normalizer: Normalizer,
    ) -> None:
        self.products = products
        self.row_of = {product.id: row for row, product in enumerate(products)}
        self._vectors = vectors.astype(np.float64)
        self.pictured: Mask = np.abs(vectors).sum(axis=1) > 0
        self._by_photo = {
            product.images[0]: row
            for row, product in enumerate(products)
            if product.images and self.pictured[row]
        }
        self._floors, self._encoder = floors, encoder
        self._words = Bm25(products, normalizer)
        self._filtered: tuple[ProductFilter, Mask] | None = None

    def admitted(self, found: ProductFilter) -> Mask:
        """Returns which products a filter admits, asked one by one; the last is remembered."""
        if self._filtered is None or self._filtered[0] != found:
            each = (admits(found, product) for product in self.products)
            self._filtered = found, np.fromiter(each, np.bool_, len(self.products))
        return self._filtered[1].copy()

    def expected(self, wanted: Wanted) -> Expected:
        """Returns what a search must find."""
        count = len(self.products)
        may = np.ones(count, np.bool_) if wanted.filter is None else self.admitted(wanted.filter)
        if not (wanted.words or wanted.photo):
            added = np.array([float(product.added_seq) for product in self.products])
            return Expected({"text": np.where(may, added, -np.inf)}, {"text": may}, {"text": may})
        if wanted.example:
            may[self.row_of[wanted.example]] = False
        scores: dict[str, Scores] = {}
        sure: dict[str, Mask] = {}
        possible: dict[str, Mask] = {}
        if wanted.words:
            scores["text"] = np.where(may, self._words.scores(wanted.words), -np.inf)
            sure["text"] = possible["text"] = scores["text"] > -np.inf
        cosines, floor = self._cosines(wanted)
        may = may & self.pictured
        sure["image"] = may & (cosines >= floor + NEAR_FLOOR)
        possible["image"] = may & (cosines >= floor - NEAR_FLOOR)
        scores["image"] = np.where(may & (cosines >= floor), cosines, -np.inf)
        return Expected(scores, sure, possible)

    def _cosines(self, wanted: Wanted) -> tuple[Scores, float]:
        """Returns the cosine of each product with the query, and the floor of its kind."""
        parts: list[npt.NDArray[np.float32]] = []
        if wanted.words:
            rows, known = self._encoder.encode_texts([wanted.words])
            parts += [rows[0]] if known[0] else []
        words = len(parts)
        row = self._by_photo.get(wanted.photo)
        if row is not None:
            parts.append(self._vectors[row].astype(np.float32))
        if not parts:
            return np.full(len(self.products), -np.inf), np.inf
        query = mixed(parts, [1.0] * len(parts)).astype(np.float64)
        floor = self._floors.get(kind_of(words, len(parts) - words).value)
        return self._vectors @ query, -np.inf if floor is None else floor


def _any_of(masks: Mapping[str, Mask]) -> Mask:
    first, *others = masks.values()
    found = first.copy()
    for other in others:
        found |= other
    return found


def best(scores: Scores, depth: int) -> npt.NDArray[np.int64]:
    """Returns the rows of the best that match: by score, then by id."""
    order = np.lexsort((np.arange(len(scores)), -scores))[:depth]
    found: npt.NDArray[np.int64] = order[scores[order] > -np.inf]
    return found


def fused(scores: Mapping[str, Scores], depth: int) -> Scores:
    """Returns the reciprocal rank fusion of rankings of a depth, ``-inf`` for what is in none."""
    total = np.zeros(len(next(iter(scores.values()))))
    for each in scores.values():
        order = best(each, depth)
        total[order] += (RRF_K + 1) / (RRF_K + 1 + np.arange(len(order))) / len(scores)
    return np.where(total > 0, total, -np.inf)


def rounded_lengths() -> npt.NDArray[np.float64]:
    """Returns the 256 lengths that a byte can tell, ascending."""
    found = []
    for code in range(256 - _FREE_LENGTHS):
        bits, shift = code & 7, (code >> 3) - 1
        found.append(bits if shift < 0 else (bits | 8) << shift)
    return np.array([*range(_FREE_LENGTHS), *(_FREE_LENGTHS + each for each in found)], np.float64)
