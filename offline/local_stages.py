"""Puts the rooms of all stages into one process, behind the protocols of the search pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from catalog.product import Product
from offline.local_image import LocalImage
from offline.local_text import GENERATION, LocalText
from services.gateway.fanout import Leg
from services.gateway.legs import ImageLeg, TextLeg
from services.gateway.pipeline import SearchPipeline
from services.gateway.stages import QueryVector, Tastes, UserFactors
from services.gateway.taste import ShopperFactors, TasteFinder
from services.gateway.tuned_fusion import TunedFusion
from services.gateway.understanding import Understanding
from services.image_retriever.mixture import Vectors
from services.reranker.factors import Factors
from services.text_retriever.index import TextIndex

__all__ = ["KeptVectors", "LocalImage", "LocalRanking", "TrainedShoppers", "local_pipeline"]

_VECTOR = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class LocalRanking:
    """The ranking stage, over factors in this process."""

    factors: Factors

    async def fold_in(
        self,
        product_ids: Sequence[str],
        *,
        timeout_s: float,
        confidences: Sequence[float] = (),
        generation: str = "",
    ) -> UserFactors | None:
        """The factors of a history or a session, or None."""
        return _packed(self.factors.fold_in(product_ids, confidences or None))

    async def tastes(
        self,
        factors: UserFactors,
        product_ids: Sequence[str],
        *,
        timeout_s: float,
    ) -> Tastes:
        """The taste for each product."""
        vector = np.frombuffer(factors.data, _VECTOR)
        return Tastes(GENERATION, *self.factors.tastes(vector, product_ids))


@dataclass(frozen=True, slots=True)
class KeptVectors:
    """A cache of query vectors that forgets nothing."""

    kept: dict[bytes, QueryVector] = field(default_factory=dict)

    async def get(self, key: bytes) -> QueryVector | None:
        """The vector of a query, or None."""
        return self.kept.get(key)

    def put(self, key: bytes, vector: QueryVector) -> None:
        """Keeps a vector."""
        self.kept[key] = vector

    def refuse(self, fingerprint: str) -> None:
        """Forgets the vectors of an encoder."""
        for key in [key for key, each in self.kept.items() if each.fingerprint == fingerprint]:
            del self.kept[key]


@dataclass(frozen=True, slots=True)
class TrainedShoppers:
    """Knows shoppers by what the training knew of them, so that what was held out stays so."""

    trained: Factors

    async def factors(
        self, user_id: str, *, generation: str = "", fresh: bool = False
    ) -> UserFactors | None:
        """The factors of a user, or None."""
        return _packed(self.trained.user(user_id))


class _NoPhotos:
    async def read(self, sha256: str) -> bytes | None:
        return None


@dataclass(frozen=True, slots=True)
class _Documents:
    products: Mapping[str, Product]

    async def read(self, product_ids: Sequence[str]) -> Mapping[str, Product]:
        return {each: self.products[each] for each in product_ids if each in self.products}


def local_pipeline(
    products: Mapping[str, Product],
    *,
    text: TextIndex,
    image: LocalImage,
    vectors: KeptVectors,
    factors: Factors | None = None,
    shoppers: ShopperFactors | None = None,
    understanding: Understanding | None = None,
    tuned: TunedFusion | None = None,
) -> SearchPipeline:
    """Returns the gateway's own pipeline over stages in this process.

    Its clock stands still: an answer never depends on how long a stage took. ``shoppers`` knows
    shoppers, by default as the training of the ``factors`` did. Without ``understanding`` words
    are looked up as they are; without ``tuned`` rankings are merged as by default.
    """
    legs: dict[str, Leg] = {
        "text": TextLeg(LocalText(text, products)),
        "image": ImageLeg(image, vectors, _NoPhotos()),
    }
    taste = None
    if factors is not None:
        taste = TasteFinder(LocalRanking(factors), shoppers or TrainedShoppers(factors))
    return SearchPipeline(
        legs,
        taste,
        _Documents(products),
        tuned=lambda: tuned or TunedFusion(),
        understanding=lambda: understanding,
        vectors=image,
        clock=lambda: 0.0,
    )


def _packed(vector: Vectors | None) -> UserFactors | None:
    if vector is None:
        return None
    return UserFactors(GENERATION.name, vector.astype(_VECTOR, copy=False).tobytes())
