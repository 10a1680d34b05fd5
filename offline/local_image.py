"""Puts the image stage into one process, behind the protocol of the search pipeline."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from catalog.crop import WHOLE
from catalog.product import Product
from catalog.product_filter import ProductFilter, admits
from offline.local_text import GENERATION
from runtime.errors import InvalidArgument, NotFound, PreconditionFailed
from services.gateway.parts import Example, Part, Photo, Words
from services.gateway.stages import QueryKind, QueryVector, Ranking
from services.image_retriever.decode import PhotoDecoder
from services.image_retriever.encoder import Encoder
from services.image_retriever.exact import Mask, Rows
from services.image_retriever.framing import FINER, best_framed, frames
from services.image_retriever.index import VectorIndex
from services.image_retriever.mixture import Vectors, kind_of, mixed
from services.image_retriever.question import Kinds, Reorder
from services.image_retriever.small import in_small

_VECTOR = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class LocalImage:
    """The image stage, over an encoder and an index in this process.

    Without a ``decoder`` it takes no photos. Where ``own_words`` are set the
    encoder is given words as the shopper says them, not in English.
    """

    encoder: Encoder
    index: VectorIndex
    products: Mapping[str, Product] = field(default_factory=dict)
    decoder: PhotoDecoder | None = None
    own_words: bool = False

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
        kind_vector: bytes = b"",
        kind_products: Sequence[str] = (),
    ) -> Ranking:
        """The nearest products above the floor of the query's kind."""
        if vector.fingerprint != self.index.fingerprint:
            raise PreconditionFailed("the index is of another encoder")
        row = np.frombuffer(vector.data, _VECTOR)[None, :].copy()
        floor = self.index.floors.get(vector.kind.name.lower())
        order, kind = np.frombuffer(order_vector, _VECTOR), np.frombuffer(kind_vector, _VECTOR)
        kinds = self._kinds(kind, kind_products) if len(kind) or kind_products else None
        found = self.index.search(
            row,
            count,
            floor=[floor],
            excluded=[set(excluded)],
            unlike=[self.index.likeness_of(excluded) if look_alikes_excluded else None],
            reorder=[Reorder(order, max(count, candidates), kinds) if len(order) else None],
            allowed=[self._allowed(filter)],
        )[0]
        alike = frozenset(found.look_alikes)
        return Ranking(found.ids, found.scores.tolist(), GENERATION, look_alikes=alike)

    def _allowed(self, filter: ProductFilter | None) -> Mask | None:
        if filter is None:
            return None
        held = (self.products.get(each) for each in self.index.ids)
        return np.array([each is not None and admits(filter, each) for each in held], np.bool_)

    def _kinds(self, picture: Vectors, product_ids: Sequence[str]) -> Kinds:
        """What tells the kinds of a picture, none where it is empty, and of products."""
        held = {each: self.products[each].kind for each in product_ids if each in self.products}
        unknown = [each for each in product_ids if not held.get(each)]
        looks = [v for each in unknown if (v := self.index.vector_of(each)) is not None]
        rows = np.array([*([picture] if len(picture) else []), *looks], np.float32)
        known = [_number(kind) for kind in held.values() if kind]
        return Kinds(rows.reshape(-1, self.index.dim), self._kind_numbers, known)

    def _kind_numbers(self, rows: Rows) -> NDArray[np.int32]:
        ids = self.index.ids
        kinds = [p.kind if (p := self.products.get(ids[row])) else "" for row in rows.tolist()]
        return np.array([_number(each) for each in kinds], np.int32)

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
            own = part.source.own if self.own_words else ""
            rows, known = self.encoder.encode_texts([own or part.source.text])
            return rows[0] if known[0] else None
        if isinstance(part.source, Photo) and self.decoder is not None:
            size, crop = self.encoder.image_size, part.crop or WHOLE
            finer = None
            if part.remove_background:
                garment, alone = self.decoder.decode_garment(part.source.data, size=size, crop=crop)
                if not alone:
                    kept.append(part)
            else:
                garment = self.decoder.decode(part.source.data, size=size, crop=crop)
                finer = partial(self.decoder.decode, part.source.data, size=FINER * size, crop=crop)
            framed = frames(garment, finer)
            return best_framed(list(self.encoder.encode_photos(framed)), self.index)
        if not isinstance(part.source, Example):
            raise InvalidArgument("photos are decoded by the image stage alone", field=part.field)
        vector = self.index.vector_of(part.source.product_id)
        if vector is None:
            raise NotFound("no photo of this product is indexed", field=part.field)
        return vector


def _number(kind: str) -> int:
    """A checksum numbers a kind alike in every call; the empty word has none."""
    return zlib.crc32(kind.encode()) >> 1 if kind else 0
