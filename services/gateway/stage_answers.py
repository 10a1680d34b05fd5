"""Says in which words the pipeline and the stages speak of what is asked and found."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from catalog.facet import Facet
from services.gateway.answer import Generation


class QueryKind(Enum):
    """What a query vector was made of; the number stands in the contract and in the cache."""

    TEXT = 1
    PHOTO = 2
    MIXED = 3


@dataclass(frozen=True, slots=True)
class Ranking:
    """Products in the order of one retriever, each at most once, with their scores.

    ``total`` is how many there are, where the retriever counts them; None where it stops at the
    depth that it was asked for. ``without_photo`` are those of the products that have no photo,
    where the retriever tells. ``look_alikes`` are products that came near and were left out for
    looking the same as one of the query. ``reasons`` say what of the query was not done.
    """

    ids: Sequence[str]
    scores: Sequence[float]
    generation: Generation | None = None
    total: int | None = None
    without_photo: frozenset[str] = frozenset()
    look_alikes: frozenset[str] = frozenset()
    reasons: tuple[str, ...] = ()

    def without(self, product_ids: Collection[str]) -> "Ranking":
        """The ranking less some products."""
        left_out = set(product_ids).intersection(self.ids)
        if not left_out:
            return self
        kept = [
            (name, score)
            for name, score in zip(self.ids, self.scores, strict=True)
            if name not in left_out
        ]
        return replace(self, ids=[name for name, _ in kept], scores=[score for _, score in kept])


@dataclass(frozen=True, slots=True)
class Rows:
    """What sorting and collapsing need of each product, in columns of the length of the ids.

    ``styles`` are numbers, equal for products of one style and only within these rows, -1 for an
    unknown product; ``prices`` count minor units, -1 where there is none; ``added`` is the number
    of the change that brought the product in, 0 for an unknown one. ``brands`` and ``colours``
    are numbers as those of styles are, -1 also where the product has none.
    """

    styles: Sequence[int]
    prices: Sequence[int]
    added: Sequence[int]
    brands: Sequence[int]
    colours: Sequence[int]


@dataclass(frozen=True, slots=True)
class Boost:
    """Values of a field that lift the products which have one of them, once.

    ``weight``, 0 to 100, is added to a product's score, in the unit of the score of the rarest
    word of the catalogue.
    """

    field: str
    values: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Completion:
    """What a shopper may be typing, and how many products it leads to.

    ``kind`` is ``query``, ``product``, ``category``, ``brand`` or ``spelling``.
    """

    text: str
    kind: str
    product_count: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The facets of a set of products, one a field asked for, and their rows if asked for."""

    facets: Sequence[Facet]
    rows: Rows | None = None
    generation: Generation | None = None


@dataclass(frozen=True, slots=True)
class QueryVector:
    """A unit vector, ``data`` in little-endian float32; empty where no word was known.

    ``background_kept``: the background of a photo was to be taken out and was not, for nothing
    told it apart from the garment.
    """

    fingerprint: str
    kind: QueryKind
    data: bytes
    background_kept: bool = False


@dataclass(frozen=True, slots=True)
class UserFactors:
    """The factors of one user, ``data`` in little-endian float32, of one generation."""

    generation: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Tastes:
    """The taste of one user for each candidate in its order.

    ``tastes`` are float32, 0 to 1; ``known`` are bool, whether the model knows the candidate (the
    taste of an unknown one is the mean of the known ones); ``dots`` are float32, 0 for unknown.
    """

    generation: Generation
    tastes: NDArray[np.float32]
    known: NDArray[np.bool_]
    dots: NDArray[np.float32]
