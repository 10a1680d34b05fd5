"""Puts the rooms of all stages into one process, behind the protocols of the search pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from catalog.crop import WHOLE
from catalog.product import Product
from catalog.product_filter import ProductFilter
from offline.local_text import GENERATION, LocalText, admitted
from runtime.errors import InvalidArgument, NotFound, PreconditionFailed
from services.gateway.fanout import Leg
from services.gateway.legs import ImageLeg, TextLeg
from services.gateway.parts import Example, Part, Photo, Words
from services.gateway.pipeline import SearchPipeline
from services.gateway.stages import (
    Compute,
    QueryKind,
    QueryVector,
    Ranking,
    Tastes,
    UserFactors,
)
from services.gateway.taste import TasteFinder
from services.gateway.tuned_fusion import TunedFusion
from services.gateway.understanding import Understanding
from services.image_retriever.decode import PhotoDecoder
from services.image_retriever.encoder import Encoder
from services.image_retriever.index import VectorIndex
from services.image_retriever.mixture import Vectors, kind_of, mixed
from services.image_retriever.question import Reorder
from services.image_retriever.small import in_small
from services.reranker.factors import Factors
from services.text_retriever.index import TextIndex

_VECTOR = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class LocalImage:
    """The image stage, over an encoder and an index in this process.

    Without a ``decoder`` it takes no photos.
    """

    encoder: Encoder
    index: VectorIndex
    products: Mapping[str, Product] = field(default_factory=dict)
    decoder: PhotoDecoder | None = None

    async def encode(
        self, mixtures: Sequence[Sequence[Part]], *, timeout_s: float
    ) -> Sequence[QueryVector]:
        """The unit vectors of words, photos and products; empty where no word is known.

        Raises:
            InvalidArgument: A part is a photo and there is no decoder, or it cannot be decoded.
            NotFound: A product has no vector.
        """
        return [self._encoded(parts) for parts in mixtures]

    def _encoded(self, parts: Sequence[Part]) -> QueryVector:
        kept: list[Part] = []
        said = [
            (vector, part.weight, isinstance(part.source, Words))
            for part in parts
            if (vector := self._vector(part, kept)) is not None
        ]
        words = sum(is_words for _, _, is_words in said)
        kind = QueryKind[kind_of(words, len(said) - words).name]
        if not said:
            return QueryVector(self.encoder.fingerprint, kind, b"")
        vector = mixed([vector for vector, _, _ in said], [weight for _, weight, _ in said])
        packed = vector.astype(_VECTOR, copy=False).tobytes()
        return QueryVector(self.encoder.fingerprint, kind, packed, bool(kept))

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
    ) -> Ranking:
        """The nearest products above the floor of the query's kind."""
        if vector.fingerprint != self.index.fingerprint:
            raise PreconditionFailed("the index is of another encoder")
        row = np.frombuffer(vector.data, _VECTOR)[None, :].copy()
        floor = self.index.floors.get(vector.kind.name.lower())
        depth = count if filter is None else max(count, len(self.products))
        order = np.frombuffer(order_vector, _VECTOR)
        found = self.index.search(
            row,
            depth,
            floor=[floor],
            excluded=[set(excluded)],
            unlike=[self.index.likeness_of(excluded) if look_alikes_excluded else None],
            reorder=[Reorder(order, max(depth, candidates)) if len(order) else None],
        )[0]
        ranking = Ranking(
            found.ids,
            found.scores.tolist(),
            GENERATION,
            look_alikes=frozenset(found.look_alikes),
        )
        return admitted(ranking, filter, self.products, count)

    async def fetch(self, product_ids: Sequence[str], *, timeout_s: float) -> NDArray[np.int8]:
        """The vectors of products in small, int8 of shape [products, dimension]."""
        vectors = np.zeros((len(product_ids), self.index.dim), np.float32)
        for row, product_id in zip(vectors, product_ids, strict=True):
            vector = self.index.vector_of(product_id)
            if vector is not None:
                row[:] = vector
        return in_small(vectors)

    def _vector(self, part: Part, kept: list[Part]) -> Vectors | None:
        """The vector of a part; one whose background stays against its wish joins ``kept``."""
        if isinstance(part.source, Words):
            rows, known = self.encoder.encode_texts([part.source.text])
            return rows[0] if known[0] else None
        if isinstance(part.source, Photo) and self.decoder is not None:
            size, crop = self.encoder.image_size, part.crop or WHOLE
            if part.remove_background:
                garment, alone = self.decoder.decode_garment(part.source.data, size=size, crop=crop)
                if not alone:
                    kept.append(part)
            else:
                garment = self.decoder.decode(part.source.data, size=size, crop=crop)
            (seen,) = self.encoder.encode_photos([garment])
            return np.asarray(seen)
        if not isinstance(part.source, Example):
            raise InvalidArgument("photos are decoded by the image stage alone", field=part.field)
        vector = self.index.vector_of(part.source.product_id)
        if vector is None:
            raise NotFound("no photo of this product is indexed", field=part.field)
        return vector


@dataclass(frozen=True, slots=True)
class LocalRanking:
    """The ranking stage, over factors in this process."""

    factors: Factors

    async def user_factors(self, user_id: str, *, timeout_s: float) -> UserFactors | None:
        """The factors of a user, or None."""
        return _packed(self.factors.user(user_id))

    async def fold_in(self, product_ids: Sequence[str], *, timeout_s: float) -> UserFactors | None:
        """The factors of a session, or None."""
        return _packed(self.factors.fold_in(product_ids))

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


class _NoFactorCache:
    async def get(
        self, user_id: str, compute: Compute, *, fresh: bool = False
    ) -> UserFactors | None:
        return await compute()


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
    understanding: Understanding | None = None,
    tuned: TunedFusion | None = None,
) -> SearchPipeline:
    """Returns the gateway's own pipeline over stages in this process.

    Its clock stands still: an answer never depends on how long a stage took. Without
    ``understanding`` words are looked up as they are; without ``tuned`` rankings are merged as by
    default.
    """
    legs: dict[str, Leg] = {
        "text": TextLeg(LocalText(text, products)),
        "image": ImageLeg(image, vectors, _NoPhotos()),
    }
    taste = TasteFinder(LocalRanking(factors), _NoFactorCache()) if factors else None
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
