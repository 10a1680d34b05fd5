"""Holds the attributes of all products as columns of numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.product import Product

WORDS = ("brand", "kind", "gender", "colour", "season", "style_id")
NO_PRICE = -1


@dataclass(frozen=True, slots=True)
class WordColumn:
    """A column of words, dictionary-encoded.

    ``codes`` is int32 of shape [products]; ``words[code]`` is the word, and code 0 the empty one.
    """

    codes: npt.NDArray[np.int32]
    words: tuple[str, ...]

    def equals(self, word: str) -> npt.NDArray[np.bool_]:
        """Tells for each product whether it holds the word; bool of shape [products]."""
        if word not in self.words:
            return np.zeros(len(self.codes), np.bool_)
        return np.equal(self.codes, self.words.index(word))


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a catalogue, one row a product in the order of the scan.

    Attributes:
        ids: Product ids.
        places: Row of each id.
        words: Columns named in :data:`WORDS`.
        prices: Minor units as int64 of shape [products], -1 where there is none.
        in_stock: Bool of shape [products].
        has_photo: Bool of shape [products].
    """

    ids: tuple[str, ...]
    places: Mapping[str, int]
    words: Mapping[str, WordColumn]
    prices: npt.NDArray[np.int64]
    in_stock: npt.NDArray[np.bool_]
    has_photo: npt.NDArray[np.bool_]

    @classmethod
    def build(cls, products: Iterable[Product]) -> "Columns":
        """Builds the columns from a scan of the catalogue."""
        ids: list[str] = []
        prices: list[int] = []
        stock: list[bool] = []
        photos: list[bool] = []
        codes: dict[str, list[int]] = {name: [] for name in WORDS}
        known: dict[str, dict[str, int]] = {name: {"": 0} for name in WORDS}
        for product in products:
            ids.append(product.id)
            prices.append(NO_PRICE if product.price_minor is None else product.price_minor)
            stock.append(product.in_stock)
            photos.append(bool(product.images))
            for name in WORDS:
                word = getattr(product, name)
                codes[name].append(known[name].setdefault(word, len(known[name])))
        return cls(
            ids=tuple(ids),
            places={product_id: place for place, product_id in enumerate(ids)},
            words={
                name: WordColumn(np.array(codes[name], np.int32), tuple(known[name]))
                for name in WORDS
            },
            prices=np.array(prices, np.int64),
            in_stock=np.array(stock, np.bool_),
            has_photo=np.array(photos, np.bool_),
        )
