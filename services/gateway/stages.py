"""What the pipeline asks of the stages, the caches and the catalogue."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from catalog.facet import Facet
from catalog.product import Product
from catalog.product_filter import ProductFilter
from services.gateway.answer import Generation
from services.gateway.parts import Part


class QueryKind(Enum):
    """What a query vector was made of; the number stands in the contract and in the cache."""

    TEXT = 1
    PHOTO = 2
    MIXED = 3


@dataclass(frozen=True, slots=True)
class Ranking:
    """Products in the order of one retriever, each at most once, with their scores.

    ``total`` is how many there are, where the retriever counts them; None where it stops at the
    depth that it was asked for.
    """

    ids: Sequence[str]
    scores: Sequence[float]
    generation: Generation | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """What sorting and collapsing need of each product, in columns of the length of the ids.

    ``styles`` are numbers, equal for products of one style and only within these rows, -1 for an
    unknown product; ``prices`` count minor units, -1 where there is none; ``added`` is the number
    of the change that brought the product in, 0 for an unknown one.
    """

    styles: Sequence[int]
    prices: Sequence[int]
    added: Sequence[int]


@dataclass(frozen=True, slots=True)
class Counts:
    """The facets of a set of products, one a field asked for, and their rows if asked for."""

    facets: Sequence[Facet]
    rows: Rows | None = None
    generation: Generation | None = None


@dataclass(frozen=True, slots=True)
class QueryVector:
    """A unit vector, ``data`` in little-endian float32; empty where no word was known."""

    fingerprint: str
    kind: QueryKind
    data: bytes


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
    ) -> Ranking:
        """The best ``count`` products that hold one of the words."""
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


class ImageStage(Protocol):
    """Finds products by how they look. A stored photo reaches it as a photo."""

    async def encode(self, parts: Sequence[Part], *, timeout_s: float) -> QueryVector:
        """The unit vector of a weighted mixture."""
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
    ) -> Ranking:
        """The nearest products; PreconditionFailed if the index is of another encoder."""
        ...


class RankingStage(Protocol):
    """Says how well products fit a shopper."""

    async def user_factors(self, user_id: str, *, timeout_s: float) -> UserFactors | None:
        """The factors of a user, or None if the model does not know them."""
        ...

    async def fold_in(self, product_ids: Sequence[str], *, timeout_s: float) -> UserFactors | None:
        """The factors of a session, or None if the model knows none of its products."""
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


Compute = Callable[[], Awaitable[UserFactors | None]]


class FactorCache(Protocol):
    """Keeps the factors of users."""

    async def get(
        self, user_id: str, compute: Compute, *, fresh: bool = False
    ) -> UserFactors | None:
        """The factors of a user, computed if they are not kept, or if ``fresh`` ones are wanted."""
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
