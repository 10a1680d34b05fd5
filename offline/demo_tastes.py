"""Gives drawn shoppers their tastes, and says how much each likes what they see."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.product import Product

Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]

UNISEX = "unisex"
SEASONS = ("winter", "spring", "summer", "fall")
_ATTRIBUTES = ("colour", "pattern", "brand")
_WEIGHTS = {"colour": 1.4, "pattern": 0.9, "brand": 0.9}
_PERSONAS = 8
_TRAITS = 3
_PRICE_WEIGHT = 0.5
_SEASON_WEIGHT = 0.6


@dataclass(frozen=True, slots=True)
class Shelf:
    """The catalogue in columns, as far as shoppers look at it; codes point into word lists."""

    ids: tuple[str, ...]
    words: dict[str, tuple[str, ...]]
    codes: dict[str, Ints]
    price: Floats
    """Price within the kind, standardised."""

    @classmethod
    def of(cls, products: Sequence[Product]) -> "Shelf":
        """Reads the columns of a catalogue; the order of the products is kept."""
        columns = {
            "kind": [product.kind for product in products],
            "gender": [product.gender for product in products],
            "season": [product.season for product in products],
            "colour": [product.colour for product in products],
            "brand": [product.brand for product in products],
            "pattern": [product.attributes.get("pattern", "") for product in products],
            "style": [product.style_id for product in products],
        }
        words = {name: tuple(sorted(set(column))) for name, column in columns.items()}
        codes = {name: _codes(column, words[name]) for name, column in columns.items()}
        logs = np.log([max(product.price_minor or 1, 1) for product in products])
        ids = tuple(product.id for product in products)
        return cls(ids, words, codes, _within(logs, codes["kind"]))


@dataclass(frozen=True, slots=True)
class Shoppers:
    """Who the shoppers are. ``loves`` [n, words] a column, ``trait`` [n, t], the rest [n].

    ``style_trait`` [styles, t] and ``style_charm`` [styles] are the hidden side of the styles: no
    model is given them.
    """

    gender: Ints
    kinds: Floats
    loves: dict[str, Floats]
    trait: Floats
    price: Floats
    style_trait: Floats
    style_charm: Floats

    @classmethod
    def draw(cls, count: int, shelf: Shelf, draw: np.random.Generator) -> "Shoppers":
        """Draws shoppers as mixtures of a few personas with a touch of their own."""
        mixture = draw.dirichlet(np.full(_PERSONAS, 0.12), count)

        def loves(width: int) -> Floats:
            shared = mixture @ draw.normal(size=(_PERSONAS, width))
            return 1.3 * shared + 0.4 * draw.normal(size=(count, width))

        genders = [code for code, word in enumerate(shelf.words["gender"]) if word != UNISEX]
        shares = np.array([np.count_nonzero(shelf.codes["gender"] == code) for code in genders])
        home = genders or [0]
        chances = shares / shares.sum() if genders else None
        styles = len(shelf.words["style"])
        return cls(
            gender=draw.choice(np.array(home), count, p=chances),
            kinds=loves(len(shelf.words["kind"])),
            loves={name: loves(len(shelf.words[name])) for name in _ATTRIBUTES},
            trait=loves(_TRAITS),
            price=draw.normal(size=count),
            style_trait=draw.normal(size=(styles, _TRAITS)) / np.sqrt(_TRAITS),
            style_charm=0.5 * draw.normal(size=styles),
        )

    def likes(self, shelf: Shelf, shopper: Ints, product: Ints, season: Ints) -> Floats:
        """Returns how much shoppers like products, [n, c], about 0 +- 2.

        Args:
            shelf: The catalogue.
            shopper: [n] rows of shoppers.
            product: [n, c] rows of products.
            season: [n] places in :data:`SEASONS`, the time of the year.
        """
        who = shopper[:, None]
        total = self.style_charm[shelf.codes["style"][product]]
        for name in _ATTRIBUTES:
            total = total + _WEIGHTS[name] * self.loves[name][who, shelf.codes[name][product]]
        traits = self.style_trait[shelf.codes["style"][product]]
        total += np.einsum("nt,nct->nc", self.trait[shopper], traits)
        total -= _PRICE_WEIGHT * np.abs(shelf.price[product] - self.price[who])
        words = np.array([*map(_season_place, shelf.words["season"])])
        total += _SEASON_WEIGHT * (words[shelf.codes["season"][product]] == season[:, None])
        return np.asarray(total, np.float64)


def kind_seasons(shelf: Shelf) -> Floats:
    """Returns [kinds, 4]: how much more of a kind is made for a season than of all kinds."""
    places = np.array([*map(_season_place, shelf.words["season"])])[shelf.codes["season"]]
    counts = np.ones((len(shelf.words["kind"]), len(SEASONS)))
    known = places >= 0
    np.add.at(counts, (shelf.codes["kind"][known], places[known]), 1.0)
    shares = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(np.log(shares / (counts.sum(axis=0) / counts.sum())), np.float64)


def _season_place(word: str) -> int:
    season = "fall" if word == "autumn" else word
    return SEASONS.index(season) if season in SEASONS else -1


def _codes(column: Sequence[str], words: Sequence[str]) -> Ints:
    places = {word: place for place, word in enumerate(words)}
    return np.fromiter((places[word] for word in column), np.intp, len(column))


def _within(values: npt.NDArray[np.float64], groups: Ints) -> Floats:
    """Standardises values within each group."""
    counts = np.maximum(np.bincount(groups), 1)
    centred = values - (np.bincount(groups, values) / counts)[groups]
    spread = np.sqrt(np.bincount(groups, centred**2) / counts)[groups]
    return np.asarray(centred / np.where(spread > 0, spread, 1.0), np.float64)
