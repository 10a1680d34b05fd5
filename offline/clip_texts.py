"""Writes several texts for each product and draws one of them at each step of training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.product import Product
from services.image_retriever.tokenizer import FIRST_WORD, UNKNOWN, WordTokenizer

_MOST_ATTRIBUTES = 8


@dataclass(frozen=True, slots=True)
class Drawn:
    """The texts of one batch of ``b`` products.

    Args:
        ids: Token ids int64 ``[b, positions]``.
        fits: bool ``[b, b]``: whether text i also holds for product j.
    """

    ids: NDArray[np.int64]
    fits: NDArray[np.bool_]


def texts_of(product: Product) -> list[tuple[str, float]]:
    """Returns what may be said of a product, and how often, always in the same order.

    The title is drawn most; then the words of its attributes, together and alone, since that is
    how people ask. A text that the product cannot give is empty.
    """
    kind, colour = product.kind, product.colour
    told = [value for key, value in sorted(product.attributes.items()) if _is_word(key, value)]
    told = told[:_MOST_ATTRIBUTES]
    share = 1 / max(1, len(told))
    told += [""] * (_MOST_ATTRIBUTES - len(told))
    return [
        (product.title, 2.0),
        (_join(product.gender, colour, kind), 1.0),
        (_join(colour, kind), 1.0),
        (_join(product.gender, kind), 0.5),
        (_join(product.attributes.get("usage", ""), kind), 0.5),
        (_join(product.season, kind), 0.25),
        (_join(kind), 0.5),
        (_join(colour), 0.5),
        *((_join(value, kind), share) for value in told),
        *((_join(value, colour, kind), share) for value in told),
    ]


class TextDraw:
    """Token ids of all texts of the training products.

    Texts are equal when their token ids are: "Tee" and "T-shirt" are one text.

    Args:
        products: The ``n`` products to learn from.
        tokenizer: Made from the same products.
    """

    def __init__(self, products: Sequence[Product], tokenizer: WordTokenizer) -> None:
        texts = [texts_of(product) for product in products]
        flat = tokenizer.encode([text for row in texts for text, _ in row])
        self._table, places = np.unique(flat, axis=0, return_inverse=True)
        shape = (len(products), len(texts[0]))
        self._texts = places.reshape(shape).astype(np.int32)
        weights = np.array([[weight for _, weight in row] for row in texts], np.float64)
        weights *= tokenizer.known(self._table)[self._texts]
        # A text that says nothing is nobody's: it must not count as said of two products.
        self._texts[weights == 0] = -1
        self._until = np.cumsum(weights, axis=1)

    def speaks(self) -> NDArray[np.bool_]:
        """Tells of each product whether any of its texts says anything, bool ``[n]``."""
        return np.asarray(self._until[:, -1] > 0)

    def draw(
        self, rows: NDArray[np.int64], generator: np.random.Generator, *, word_dropout: float
    ) -> Drawn:
        """Draws one text for each of the products ``rows``, which all speak.

        Each word is made the unknown word with probability ``word_dropout``: the model learns
        what unknown means, and not to lean on one word.
        """
        until = self._until[rows]
        spin = generator.random((len(rows), 1)) * until[:, -1:]
        columns = (until <= spin).sum(axis=1)
        texts = self._texts[rows, columns]
        fits = np.zeros((len(rows), len(rows)), np.bool_)
        for column in range(self._texts.shape[1]):
            fits |= texts[:, None] == self._texts[rows, column][None, :]
        ids = self._table[texts]
        dropped = (generator.random(ids.shape) < word_dropout) & (ids >= FIRST_WORD)
        return Drawn(np.where(dropped, UNKNOWN, ids), fits)


def _join(*words: str) -> str:
    """Joins words, or gives nothing if one is missing: a shorter text says so itself."""
    return " ".join(words) if all(words) else ""


def _is_word(key: str, value: str) -> bool:
    return key != "usage" and any(letter.isalpha() for letter in value)
