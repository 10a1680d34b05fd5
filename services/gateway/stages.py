"""What the pipeline asks of the stages, the caches and the catalogue."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from catalog.product import Product
from catalog.product_filter import ProductFilter
from services.gateway.parts import Part
from services.gateway.stage_answers import (
    Boost,
    Completion,
    Counts,
    QueryKind,
    QueryVector,
    Ranking,
    Rows,
    Tastes,
    UserFactors,
)

__all__ = [
    "Boost",
    "Completion",
    "Counts",
    "Documents",
    "ImageStage",
    "Photos",
    "QueryKind",
    "QueryVector",
    "Ranking",
    "RankingStage",
    "Rows",
    "Tastes",
    "TextStage",
    "UserFactors",
    "VectorCache",
]


class TextStage(Protocol):
    """Finds products by words, lists them without, and counts what they hold.

    ``filter`` None admits all. The answer takes the catalogue's change ``min_seq`` into account
    if that is possible in time; its generation says which change it does.
    """

    async def retrieve(
        self,
        text: str,
        count: int,
        *,
        filter: ProductFilter | None,
        min_seq: int,
        timeout_s: float,
        boosts: Sequence[Boost] = (),
        excluded_text: str = "",
    ) -> Ranking:
        """The best ``count`` products that hold one of the words.

        Boosts lift those that were found; none is found that holds an excluded word.
        """
        ...

    async def browse(
        self,
        order: str,
        count: int,
        *,
        filter: ProductFilter | None,
        min_seq: int,
        timeout_s: float,
    ) -> Ranking:
        """The first ``count`` products by ``newest``, ``price_asc`` or ``price_desc``."""
        ...

    async def count_facets(
        self,
        product_ids: Sequence[str],
        fields: Sequence[str],
        *,
        collapse: bool,
        rows: bool,
        min_seq: int,
        timeout_s: float,
    ) -> Counts:
        """The facets of at most 1000 products; of their styles if they are to collapse."""
        ...

    async def complete(self, text: str, count: int, *, timeout_s: float) -> Sequence[Completion]:
        """At most ``count`` texts, 1 to 20, that a shopper may be typing, the best first."""
        ...


class ImageStage(Protocol):
    """Finds products by how they look. A stored photo reaches it as a photo."""

    async def encode(
        self, mixtures: Sequence[Sequence[Part]], *, timeout_s: float
    ) -> Sequence[QueryVector]:
        """The unit vectors of weighted mixtures, all of one encoder, in one call."""
        ...

    async def search(
        self,
        vector: QueryVector,
        count: int,
        *,
        filter: ProductFilter | None,
        excluded: Sequence[str],
        min_seq: int,
        timeout_s: float,
        look_alikes_excluded: bool = False,
        order_vector: bytes = b"",
        candidates: int = 0,
        kind_vector: bytes = b"",
        kind_products: Sequence[str] = (),
    ) -> Ranking:
        """The nearest products; PreconditionFailed if the index is of another encoder.

        Args:
            vector: What they are near to.
            count: Most products wanted.
            filter: Which products may be found; None admits all.
            excluded: Products that are not wanted.
            min_seq: Number of the change of the catalogue that the answer should know.
            timeout_s: How long it may take.
            look_alikes_excluded: Whether products that look the same as an excluded one are not
                wanted either.
            order_vector: A unit vector like that of ``vector``, by which the nearest
                ``candidates`` are ordered anew; empty leaves them as they are.
            candidates: How many are ordered anew, ``count`` to 5000; 0 means ``count``.
            kind_vector: A unit vector of the pictures alone: products of the kind that its
                nearest have are lifted where they are ordered anew; empty lifts none.
            kind_products: Products of the query whose kinds are lifted too.
        """
        ...

    async def fetch(self, product_ids: Sequence[str], *, timeout_s: float) -> NDArray[np.int8]:
        """The vectors of at most 200 products, int8 of shape [products, dimension].

        The largest component of each is 127 or -127; a product without a vector has zeros.
        """
        ...


class RankingStage(Protocol):
    """Says how well products fit a shopper."""

    async def fold_in(
        self,
        product_ids: Sequence[str],
        *,
        timeout_s: float,
        confidences: Sequence[float] = (),
        generation: str = "",
    ) -> UserFactors | None:
        """The factors of who had to do with products; None if the model knows none of them.

        Args:
            product_ids: The products, at most 1000.
            timeout_s: How long it may take.
            confidences: How sure we are that each is liked, negative for dislike; empty means 1
                for each.
            generation: Of which the factors shall be; empty means the current one.

        Raises:
            PreconditionFailed: The generation is not open.
        """
        ...

    async def tastes(
        self, factors: UserFactors, product_ids: Sequence[str], *, timeout_s: float
    ) -> Tastes:
        """The taste for each product; PreconditionFailed if the generation is not open."""
        ...


class VectorCache(Protocol):
    """Keeps query vectors of the encoder in use."""

    async def get(self, key: bytes) -> QueryVector | None:
        """The vector of a query, or None. Never raises and never takes long."""
        ...

    def put(self, key: bytes, vector: QueryVector) -> None:
        """Keeps a vector; its encoder is the one in use from now on."""
        ...

    def refuse(self, fingerprint: str) -> None:
        """Gives up the vectors of an encoder that the index does not match."""
        ...


class Photos(Protocol):
    """Holds photos by content hash."""

    async def read(self, sha256: str) -> bytes | None:
        """The bytes of a photo, or None."""
        ...


class Documents(Protocol):
    """Holds the products."""

    async def read(self, product_ids: Sequence[str]) -> Mapping[str, Product]:
        """The products that exist."""
        ...
